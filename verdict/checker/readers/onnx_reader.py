"""The checker's own reading of ONNX files, with NumPy and ONNX's parser only.

A tensor that depends on the input is a node and an array of positions in that node's flat vector, so every operator
that only moves entries is the NumPy function of the same name applied to the positions. The rest lowers to Affine and
Relu; neurons are numbered as their operators come in the file, entries row-major.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from ..errors import UnreadableError
from ..network import Affine, Linear, Network, Relu

LARGEST = float(np.finfo(np.float32).max)
# Entries of one tensor or of one map's weights.
MOST_ENTRIES = 2**26


@dataclass(frozen=True, eq=False)
class Tensor:
    """Entries of node `node` at `positions`, an integer array of the tensor's shape; -1 is the number 0."""

    node: int
    positions: Any
    head: str | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.positions.shape)


def read_network(data: bytes) -> Network:
    """The network in an ONNX file. Raises UnreadableError for what the checker does not accept."""
    try:
        model = onnx.load_model_from_string(data)
        return Reader(model).network()
    except UnreadableError:
        raise
    except Exception as error:  # a malformed model may break any step
        raise UnreadableError(f"the network cannot be read: {type(error).__name__}: {error}") from error


class Reader:
    """Reads one model."""

    def __init__(self, model: Any) -> None:
        self.model, self.graph = model, model.graph
        self.opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)
        if self.opset < 7:
            # Before it, broadcasting had other rules.
            raise UnreadableError(f"operator set {self.opset}, expected 7 or later")
        self.nodes: list[Any] = [None]
        self.sizes = [0]
        self.values: dict[str, Any] = {"": None}

    def network(self) -> Network:
        for tensor in self.graph.initializer:
            if tensor.data_location:
                raise UnreadableError("weights in external files are not read")
            self.values[tensor.name] = numpy_helper.to_array(tensor)
        shapes = []
        for info in self.graph.input:
            if info.name in self.values:
                continue
            # A batch axis of unknown size is read as 1.
            dims = [int(d.dim_value) for d in info.type.tensor_type.shape.dim]
            shape = tuple(1 if k == 0 and d == 0 else d for k, d in enumerate(dims))
            if not all(d > 0 for d in shape) or math.prod(shape) > MOST_ENTRIES:
                raise UnreadableError(f"input {info.name!r} has shape {shape}")
            start = self.sizes[0]
            self.sizes[0] += math.prod(shape)
            self.values[info.name] = Tensor(0, np.arange(start, self.sizes[0]).reshape(shape))
            shapes.append(shape)
        for node in self.graph.node:
            self._node(node)
        outputs = [self.values[info.name] for info in self.graph.output]
        if not all(isinstance(o, Tensor) for o in outputs):
            raise UnreadableError("an output does not depend on the input")
        heads = {o.head for o in outputs}
        if heads != {None} and len(outputs) > 1:
            raise UnreadableError("a Softmax on one of several outputs")
        flat = [self.flat(o) for o in outputs]
        output = flat[0] if len(flat) == 1 else self.concatenated(outputs, 0, flatten=True).node
        return Network(self.sizes[0], tuple(self.nodes), output, heads.pop(), tuple(shapes),
                       tuple(o.shape for o in outputs))

    def _node(self, node: Any) -> None:
        name = f"{node.name or node.output[0]} ({node.op_type})"
        function = OPERATORS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        if function is None:
            raise UnreadableError(f"{name}: the checker does not know this operator")
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        inputs = [self.values[i] for i in node.input]
        for value in inputs:
            if isinstance(value, Tensor) and value.head and node.op_type not in ("Identity", "Flatten", "Reshape"):
                raise UnreadableError(f"{name}: {value.head} is read only at the output")
        try:
            result = function(self, attributes, *inputs)
        except UnreadableError as error:
            raise UnreadableError(f"{name}: {error}") from None
        for output, value in zip(node.output, result if isinstance(result, list) else [result], strict=False):
            if np.prod(value.shape, dtype=float) > MOST_ENTRIES:
                raise UnreadableError(f"{name}: a tensor of shape {value.shape}")
            if output in self.values and output:
                raise UnreadableError(f"{name}: {output!r} is computed twice")
            self.values[output] = value

    def append(self, node: Any) -> int:
        self.nodes.append(node)
        self.sizes.append(node.size)
        return len(self.nodes) - 1

    def affine(self, terms: list[tuple[Linear, int]], bias: Any, shape: Any, roundings: int = 0,
               sizes: Any = None) -> Tensor:
        """A new affine node, read with `shape`; `bias` has any shape that fits, or is None."""
        count = math.prod(shape)
        vector = np.full(count, Fraction(0), dtype=object) if bias is None else _fractions(bias).ravel()
        return Tensor(self.append(Affine(tuple(terms), vector, roundings, sizes)), np.arange(count).reshape(shape))

    def flat(self, x: Tensor) -> int:
        """The node whose vector is the tensor, row-major."""
        if np.array_equal(x.positions.ravel(), np.arange(self.sizes[x.node])):
            return x.node
        return self.affine([(self.scaled(x, np.ones(x.shape)), x.node)], None, x.shape, -1).node

    def scaled(self, x: Tensor, factors: Any) -> Linear:
        """The map from the tensor's node to factor * entry, for each entry; factors floats or Fractions."""
        weight, exact = _weights(np.broadcast_to(factors, x.shape).reshape(-1, 1, 1))
        return Linear(x.positions.reshape(-1, 1, 1), weight, self.sizes[x.node], exact=exact)

    def relu(self, x: Tensor) -> Tensor:
        source = self.flat(x)
        return Tensor(self.append(Relu(source, self.sizes[source])), np.arange(self.sizes[source]).reshape(x.shape))

    def plus(self, x: Tensor, constant: Any, roundings: int = 1) -> Tensor:
        """x + constant, into the bias of the node where it is nobody else's order."""
        shape = np.broadcast_shapes(x.shape, np.shape(constant))
        x = Tensor(x.node, np.broadcast_to(x.positions, shape))
        added = _fractions(np.broadcast_to(constant, shape)).ravel()
        node = self.nodes[x.node]
        identity = np.array_equal(x.positions.ravel(), np.arange(self.sizes[x.node]))
        if isinstance(node, Affine) and identity and min(node.roundings, roundings) >= 0:
            before = np.abs(node.floats) if node.size_of_bias is None else node.size_of_bias
            sizes = before + np.abs(added.astype(np.float64))
            return self.affine(list(node.terms), node.bias + added, shape, node.roundings + roundings, sizes)
        return self.affine([(self.scaled(x, np.ones(shape)), x.node)], added, shape, roundings)

    def total(self, tensors: list[Tensor], signs: list[float], roundings: int = 1) -> Tensor:
        """The sum of tensors with signs, broadcast."""
        shape = np.broadcast_shapes(*(t.shape for t in tensors))
        spread = [Tensor(t.node, np.broadcast_to(t.positions, shape)) for t in tensors]
        terms = [(self.scaled(t, np.full(shape, s)), t.node) for t, s in zip(spread, signs, strict=True)]
        return self.affine(terms, None, shape, roundings)

    def concatenated(self, values: list[Any], axis: int, flatten: bool = False) -> Any:
        if not any(isinstance(v, Tensor) for v in values):
            return np.concatenate(values, axis)
        arrays = [v.positions if isinstance(v, Tensor) else np.full(v.shape, -1) for v in values]
        arrays = [a.ravel() for a in arrays] if flatten else arrays
        if len({v.node for v in values if isinstance(v, Tensor)}) == 1 and all(isinstance(v, Tensor) for v in values):
            return Tensor(values[0].node, np.concatenate(arrays, axis))
        terms, bias = [], []
        for k, value in enumerate(values):
            parts = [a if k == j else np.full(a.shape, -1) for j, a in enumerate(arrays)]
            x = np.concatenate(parts, axis)
            if isinstance(value, Tensor):
                terms.append((self.scaled(Tensor(value.node, x), np.ones(x.shape)), value.node))
            own = np.zeros(arrays[k].shape) if isinstance(value, Tensor) else value
            bias.append(_fractions(own))
        return self.affine(terms, np.concatenate(bias, axis), x.shape, -1)


def _fractions(values: Any) -> Any:
    """Numbers of any kind as an object array of Fractions of the same shape."""
    array = np.asarray(values)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise UnreadableError("a constant that is no finite number")
    result = np.empty(array.size, dtype=object)
    result[:] = [Fraction(v) for v in array.ravel().tolist()]
    return result.reshape(array.shape)


def _weights(values: Any) -> tuple[Any, Any]:
    """(nearest floats, the exact values where some is no float)."""
    array = np.asarray(values)
    if array.dtype.kind in "fiub":
        weight = array.astype(np.float64)
        if not np.isfinite(weight).all() or (array.dtype.kind in "iu" and (np.abs(weight) >= 2.0**53).any()):
            raise UnreadableError("a weight that is no finite number")
        return weight, None
    weight = array.astype(np.float64)
    exact = all(Fraction(f) == v for f, v in zip(weight.ravel(), array.ravel(), strict=True))
    return weight, None if exact else array


def _constant(value: Any) -> Any:
    if value is None or isinstance(value, Tensor):
        raise UnreadableError("an argument that must be constant is not")
    return value


def _move(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operator that only moves entries; `function(reader, attributes, array, *others)` is plain NumPy."""

    def lower(reader: Reader, attributes: dict[str, Any], x: Any, *others: Any) -> Any:
        if isinstance(x, Tensor):
            moved = function(reader, attributes, x.positions, *others)
            if isinstance(moved, list):
                return [Tensor(x.node, m, x.head) for m in moved]
            return Tensor(x.node, moved, x.head)
        return function(reader, attributes, x, *others)

    return lower


def _dropout(reader: Reader, attributes: dict[str, Any], x: Any, ratio: Any = None, training: Any = None) -> Any:
    if training is not None and np.any(_constant(training)):
        raise UnreadableError("training mode")
    return x


def _reshape(reader: Reader, attributes: dict[str, Any], x: Any, shape: Any = None) -> Any:
    wanted = [int(v) for v in (_constant(shape) if shape is not None else attributes["shape"])]
    if not attributes.get("allowzero"):
        wanted = [x.shape[k] if v == 0 else v for k, v in enumerate(wanted)]
    return x.reshape(wanted)


def _flatten(reader: Reader, attributes: dict[str, Any], x: Any) -> Any:
    axis = int(attributes.get("axis", 1))
    return x.reshape(math.prod(x.shape[: axis if axis >= 0 else axis + x.ndim]), -1)


def _axes(attributes: dict[str, Any], given: Any) -> list[int] | None:
    axes = _constant(given) if given is not None else attributes.get("axes")
    return None if axes is None else [int(a) for a in np.atleast_1d(axes)]


def _squeeze(reader: Reader, attributes: dict[str, Any], x: Any, axes: Any = None) -> Any:
    found = _axes(attributes, axes)
    return np.squeeze(x, None if found is None else tuple(found))


def _unsqueeze(reader: Reader, attributes: dict[str, Any], x: Any, axes: Any = None) -> Any:
    return np.expand_dims(x, tuple(_axes(attributes, axes) or ()))


def _transpose(reader: Reader, attributes: dict[str, Any], x: Any) -> Any:
    return np.transpose(x, attributes.get("perm"))


def _gather(reader: Reader, attributes: dict[str, Any], x: Any, indices: Any) -> Any:
    return np.take(x, _constant(indices).astype(np.int64), axis=int(attributes.get("axis", 0)))


def _slice(reader: Reader, attributes: dict[str, Any], x: Any, starts: Any = None, ends: Any = None,
           axes: Any = None, steps: Any = None) -> Any:
    begin = attributes["starts"] if starts is None else _constant(starts)
    end = attributes["ends"] if ends is None else _constant(ends)
    which = attributes.get("axes", range(len(begin))) if axes is None else _constant(axes)
    by = np.ones(len(begin), int) if steps is None else _constant(steps)
    cut = [slice(None)] * x.ndim
    for a, b, axis, step in zip(begin, end, which, by, strict=True):
        # A negative step runs to the first entry where the end lies in front of it.
        stop = None if step < 0 and b < -x.shape[int(axis)] else int(b)
        cut[int(axis)] = slice(int(a), stop, int(step))
    return x[tuple(cut)]


def _split(reader: Reader, attributes: dict[str, Any], x: Any, sizes: Any = None) -> Any:
    axis = int(attributes.get("axis", 0))
    given = _constant(sizes) if sizes is not None else attributes.get("split")
    if given is None:
        raise UnreadableError("a Split without sizes")
    return np.split(x, np.cumsum(given)[:-1], axis)


def _pad(reader: Reader, attributes: dict[str, Any], x: Any, pads: Any = None, value: Any = None,
         axes: Any = None) -> Any:
    amounts = [int(v) for v in (attributes["pads"] if pads is None else _constant(pads))]
    mode = attributes.get("mode", b"constant")
    plain = value is None or not np.any(_constant(value))
    if mode != b"constant" or axes is not None or not plain or attributes.get("value", 0.0) or min(amounts) < 0:
        raise UnreadableError("only padding with zeros on all axes is read")
    widths = list(zip(amounts[: x.ndim], amounts[x.ndim :], strict=True))
    return np.pad(x, widths, constant_values=-1)


def _concat(reader: Reader, attributes: dict[str, Any], *values: Any) -> Any:
    return reader.concatenated(list(values), int(attributes["axis"]))


def _gemm(reader: Reader, attributes: dict[str, Any], a: Any, b: Any, c: Any = None) -> Tensor:
    weight = _constant(b).T if attributes.get("transB") else _constant(b)
    x = a.positions.T if attributes.get("transA") else a.positions
    alpha, beta = (Fraction(attributes.get(n, 1.0)) for n in ("alpha", "beta"))
    floats, exact = _weights(weight if alpha == 1 else _fractions(weight) * alpha)
    linear = Linear(x[None], floats[None], reader.sizes[a.node], exact=None if exact is None else exact[None])
    shape = (len(x), weight.shape[1])
    bias = None if c is None else np.broadcast_to(_fractions(_constant(c)) * beta, shape)
    return reader.affine([(linear, a.node)], bias, shape, 1 + 2 * (alpha != 1 or beta != 1))


def _matmul(reader: Reader, attributes: dict[str, Any], a: Any, b: Any) -> Tensor:
    if isinstance(a, Tensor) and not isinstance(b, Tensor) and b.ndim == 2:
        weight, _ = _weights(b)
        linear = Linear(a.positions.reshape(1, -1, len(b)), weight[None], reader.sizes[a.node])
        return reader.affine([(linear, a.node)], None, (*a.shape[:-1], b.shape[1]))
    if isinstance(b, Tensor) and not isinstance(a, Tensor) and a.ndim == 2 and len(b.shape) == 2:
        weight, _ = _weights(a.T)
        linear = Linear(b.positions.T[None], weight[None], reader.sizes[b.node], channels_first=True)
        return reader.affine([(linear, b.node)], None, (len(a), b.shape[1]))
    raise UnreadableError("a product that is not of a tensor and a constant matrix")


def _sum(sign: float) -> Callable[..., Any]:
    def lower(reader: Reader, attributes: dict[str, Any], a: Any, b: Any) -> Any:
        if isinstance(a, Tensor) and isinstance(b, Tensor):
            return reader.total([a, b], [1.0, sign])
        if isinstance(a, Tensor):
            return reader.plus(a, sign * b)
        if not isinstance(b, Tensor):
            return _constants_folded(a + int(sign) * b, a)
        return reader.plus(b if sign > 0 else reader.total([b], [-1.0], -1), a)

    return lower


def _times(reader: Reader, attributes: dict[str, Any], a: Any, b: Any) -> Any:
    x, factors = (a, b) if isinstance(a, Tensor) else (b, a)
    shape = np.broadcast_shapes(a.shape, b.shape)
    if not isinstance(x, Tensor):
        return _constants_folded(a.astype(np.float64) * b, a)
    x = Tensor(x.node, np.broadcast_to(x.positions, shape))
    return reader.affine([(reader.scaled(x, _constant(factors)), x.node)], None, shape)


def _divided(reader: Reader, attributes: dict[str, Any], a: Any, b: Any) -> Any:
    inverse = np.asarray(1 / _fractions(_constant(b)), dtype=object)
    if not isinstance(a, Tensor):
        return _constants_folded(a.astype(np.float64) / b, a)
    return _times(reader, attributes, a, inverse)


def _constants_folded(value: Any, like: Any) -> Any:
    """Integers computed from integers; floats computed from constants would round."""
    if like.dtype.kind == "f":
        raise UnreadableError("arithmetic on constants")
    return np.trunc(value).astype(like.dtype)


def _spatial_pads(attributes: dict[str, Any], sizes: Any, kernel: Any, strides: Any, dilations: Any) -> list[Any]:
    auto = attributes.get("auto_pad", b"NOTSET")
    if attributes.get("ceil_mode"):
        raise UnreadableError("ceil_mode is not read")
    if auto in (b"SAME_UPPER", b"SAME_LOWER"):
        pads = []
        for size, k, s, d in zip(sizes, kernel, strides, dilations, strict=True):
            whole = max(0, (-(-size // s) - 1) * s + (k - 1) * d + 1 - size)
            pads.append((whole // 2, whole - whole // 2) if auto == b"SAME_UPPER" else (whole - whole // 2, whole // 2))
        return pads
    given = attributes.get("pads", [0] * (2 * len(kernel))) if auto == b"NOTSET" else [0] * (2 * len(kernel))
    return list(zip(given[: len(kernel)], given[len(kernel) :], strict=True))


def _windows(attributes: dict[str, Any], x: Any, kernel: Any) -> Any:
    """Positions (1, channels, *spatial) -> (channels, patches, taps), and the spatial shape of the patches."""
    strides, dilations = (list(attributes.get(n, [1] * len(kernel))) for n in ("strides", "dilations"))
    pads = _spatial_pads(attributes, x.shape[2:], kernel, strides, dilations)
    padded = np.pad(x[0], [(0, 0), *pads], constant_values=-1)
    spread = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True))
    axes = tuple(range(1, 1 + len(kernel)))
    view = np.lib.stride_tricks.sliding_window_view(padded, spread, axes)
    cut = [slice(None), *(slice(None, None, s) for s in strides), *(slice(None, None, d) for d in dilations)]
    view = view[tuple(cut)]
    if view.size > MOST_ENTRIES:
        raise UnreadableError("a convolution with too many entries")
    shape = view.shape[1 : 1 + len(kernel)]
    return view.reshape(len(x[0]), math.prod(shape), math.prod(kernel)), shape


def _conv(reader: Reader, attributes: dict[str, Any], x: Tensor, kernel: Any, bias: Any = None) -> Tensor:
    weight, _ = _weights(_constant(kernel))
    groups, out = int(attributes.get("group", 1)), len(weight)
    view, shape = _windows(attributes, x.positions, weight.shape[2:])
    channels, patches, taps = view.shape
    index = view.reshape(groups, channels // groups, patches, taps).swapaxes(1, 2).reshape(groups, patches, -1)
    matrix = weight.reshape(groups, out // groups, -1).swapaxes(1, 2)
    linear = Linear(index, matrix, reader.sizes[x.node], channels_first=True)
    spread = None if bias is None else np.repeat(_fractions(_constant(bias)), patches)
    return reader.affine([(linear, x.node)], spread, (1, out, *shape), int(bias is not None))


def _average(reader: Reader, x: Tensor, groups: Any, counts: Any, shape: Any) -> Tensor:
    """Means of groups of entries (patches, taps) of which `counts` are counted."""
    linear = Linear(groups[None], np.ones((1, groups.shape[1], 1)), reader.sizes[x.node])
    summed = reader.affine([(linear, x.node)], None, shape)
    inverse = np.empty(counts.size, dtype=object)
    inverse[:] = [Fraction(1, int(c)) for c in counts.ravel()]
    mean: Tensor = _times(reader, {}, summed, inverse.reshape(shape))
    return mean


def _average_pool(reader: Reader, attributes: dict[str, Any], x: Tensor) -> Tensor:
    view, shape = _windows(attributes, x.positions, attributes["kernel_shape"])
    groups = view.reshape(-1, view.shape[2])
    real = (groups >= 0).sum(axis=1)
    if not attributes.get("count_include_pad"):
        # What is a zero before the padding cannot be told from padding.
        if (x.positions < 0).any():
            raise UnreadableError("an average over padded entries")
        counts = real
    else:
        counts = np.full(len(groups), groups.shape[1])
    return _average(reader, x, groups, counts, (1, x.shape[1], *shape))


def _mean(reader: Reader, attributes: dict[str, Any], x: Tensor, axes: Any = None) -> Tensor:
    found = _axes(attributes, axes)
    over = sorted(a % len(x.shape) for a in (range(len(x.shape)) if found is None else found))
    kept = [a for a in range(len(x.shape)) if a not in over]
    groups = x.positions.transpose(kept + over).reshape(math.prod(x.shape[a] for a in kept), -1)
    shape = [1 if a in over else n for a, n in enumerate(x.shape)]
    if not attributes.get("keepdims", 1):
        shape = [x.shape[a] for a in kept]
    return _average(reader, x, groups, np.full(len(groups), groups.shape[1]), tuple(shape))


def _global_average(reader: Reader, attributes: dict[str, Any], x: Tensor) -> Tensor:
    return _mean(reader, {"axes": list(range(2, len(x.shape)))}, x)


def _batch_normalization(reader: Reader, attributes: dict[str, Any], x: Tensor, scale: Any, bias: Any, mean: Any,
                         var: Any) -> Tensor:
    if attributes.get("training_mode"):
        raise UnreadableError("training_mode")
    # The irrational factor is, by definition, the float64 that three rounded operations give.
    epsilon = float(attributes.get("epsilon", np.float32(1e-5)))
    factor = scale.astype(np.float64) / np.sqrt(var.astype(np.float64) + epsilon)
    shape = (-1, *(1,) * (len(x.shape) - 2))
    # A float32 run may compute x f + (bias - mean f) as well: its roundings meet |x| + |mean|, not their difference.
    centred = reader.plus(x, -mean.astype(np.float64).reshape(shape), 6)
    # Three more roundings for the factor that a float32 run computes.
    scaled = _times(reader, {}, centred, factor.reshape(shape))
    node = reader.nodes[scaled.node]
    reader.nodes[scaled.node] = Affine(node.terms, node.bias, 4)
    return reader.plus(scaled, bias.reshape(shape))


def _two_slopes(reader: Reader, x: Tensor, slope: Any) -> Tensor:
    """slope * x below zero: slope * x + (1 - slope) * relu(x)."""
    below = np.broadcast_to(_fractions(slope), x.shape)
    positive = reader.relu(x)
    terms = [(reader.scaled(x, below), x.node), (reader.scaled(positive, 1 - below), positive.node)]
    return reader.affine(terms, None, x.shape, 0)


def _clip(reader: Reader, attributes: dict[str, Any], x: Tensor, low: Any = None, high: Any = None) -> Tensor:
    ends = [_constant(g).reshape(()).item() if g is not None else attributes.get(n)
            for n, g in (("min", low), ("max", high))]
    if any(e is not None and math.isnan(e) for e in ends):
        raise UnreadableError("a limit that is no number")
    if (ends[0] or 0) >= LARGEST or (ends[1] or 0) <= -LARGEST:
        raise UnreadableError("a limit that leaves nothing")
    floor, ceiling = (None if e is None or abs(e) >= LARGEST else Fraction(e) for e in ends)
    if floor is not None and ceiling is not None and floor >= ceiling:
        raise UnreadableError("min is not below max")
    result, bias = ([(x, 1.0)], None) if floor is None else ([(_excess(reader, x, floor), 1.0)], floor)
    if ceiling is not None:
        result.append((_excess(reader, x, ceiling), -1.0))
    terms = [(reader.scaled(t, np.full(t.shape, s)), t.node) for t, s in result]
    return reader.affine(terms, None if bias is None else np.full(x.shape, bias, dtype=object), x.shape, -1)


def _excess(reader: Reader, x: Tensor, limit: Fraction) -> Tensor:
    # A clip does not round; as a node of its own the shift stays out of the float32 accounting.
    return reader.relu(reader.plus(x, np.full(x.shape, -limit, dtype=object), -1))


def _max_pool(reader: Reader, attributes: dict[str, Any], x: Tensor) -> Tensor:
    kernel = attributes["kernel_shape"]
    sizes, rank = x.shape[2:], len(kernel)
    strides, dilations = (list(attributes.get(n, [1] * rank)) for n in ("strides", "dilations"))
    pads = _spatial_pads(attributes, sizes, kernel, strides, dilations)
    for axis in reversed(range(rank)):
        before, after = pads[axis]
        reach = (kernel[axis] - 1) * dilations[axis] + 1
        count = (sizes[axis] + before + after - reach) // strides[axis] + 1
        windows = np.arange(count)[:, None] * strides[axis] - before + np.arange(kernel[axis]) * dilations[axis]
        x = _maximum_along(reader, x, axis + 2, windows)
    return x


def _maximum_along(reader: Reader, x: Tensor, axis: int, windows: Any) -> Tensor:
    """Maxima over windows (count, members) of one axis; members outside the axis do not compete."""
    size = x.shape[axis]
    if windows.shape[1] == 1 and np.array_equal(windows[:, 0], np.arange(size)):
        return x
    node = reader.flat(x)
    inside = (windows >= 0) & (windows < size)
    if not inside.any(axis=1).all():
        raise UnreadableError("a window that lies in the padding alone")
    places = np.moveaxis(np.arange(math.prod(x.shape)).reshape(x.shape), axis, -1)
    shape = (*places.shape[:-1], len(windows))
    # One list of members for each entry of the result, row-major with `axis` in its own place.
    lists = [[places[where][windows[w][inside[w]]] for w in range(len(windows))] for where in np.ndindex(shape[:-1])]
    order = np.moveaxis(np.arange(math.prod(shape)).reshape(shape), -1, axis).ravel()
    flat = [members for row in lists for members in row]
    node, members = _tournament(reader, node, [flat[i].tolist() for i in order])
    result = (*x.shape[:axis], len(windows), *x.shape[axis + 1 :])
    return Tensor(node, np.array(members).reshape(result))


def _tournament(reader: Reader, node: int, groups: list[list[int]]) -> tuple[int, list[int]]:
    """Pairwise maxima until every group has one member: max(a, b) = b + relu(a - b), equal pairs computed once.

    Each round's neurons are numbered by their pairs (first, second) in ascending order.
    """
    while max(map(len, groups)) > 1:
        pairs = sorted({(g[i], g[i + 1]) for g in groups for i in range(0, len(g) - 1, 2)})
        alone = sorted({g[-1] for g in groups if len(g) % 2})
        first, second = (Tensor(node, np.array(side)) for side in zip(*pairs, strict=True))
        won = reader.relu(reader.total([first, second], [1.0, -1.0], -1))
        padded = [np.r_[second.positions, alone], np.r_[won.positions, np.full(len(alone), -1)]]
        terms = [(reader.scaled(Tensor(n, p.astype(np.intp)), np.ones(len(p))), n)
                 for n, p in zip((node, won.node), padded, strict=True)]
        node = reader.affine(terms, None, (len(padded[0]),), -1).node
        place = {pair: k for k, pair in enumerate(pairs)}
        rest = {member: len(pairs) + k for k, member in enumerate(alone)}
        groups = [[place[g[i], g[i + 1]] if i + 1 < len(g) else rest[g[i]] for i in range(0, len(g), 2)]
                  for g in groups]
    return node, [g[0] for g in groups]


def _head(name: str) -> Callable[..., Any]:
    def lower(reader: Reader, attributes: dict[str, Any], x: Tensor) -> Tensor:
        axis = int(attributes.get("axis", -1 if reader.opset >= 13 else 1))
        covered = x.shape[axis] if reader.opset >= 13 else math.prod(x.shape[axis:])
        if covered != math.prod(x.shape):
            raise UnreadableError("an axis that does not cover all outputs")
        return Tensor(x.node, x.positions, name)

    return lower


def _constant_node(reader: Reader, attributes: dict[str, Any]) -> Any:
    if "value" in attributes:
        return numpy_helper.to_array(attributes["value"])
    for name, kind in (("value_float", np.float32), ("value_floats", np.float32),
                       ("value_int", np.int64), ("value_ints", np.int64)):
        if name in attributes:
            return np.array(attributes[name], kind)
    raise UnreadableError("a constant of an unknown kind")


def _cast(reader: Reader, attributes: dict[str, Any], x: Any) -> Any:
    if isinstance(x, Tensor):
        raise UnreadableError("a cast of a tensor that depends on the input")
    return x.astype(onnx.helper.tensor_dtype_to_np_dtype(int(attributes["to"])))


OPERATORS: dict[str, Callable[..., Any]] = {
    "Identity": _move(lambda reader, attributes, x: x),
    "Dropout": _move(_dropout),
    "Reshape": _move(_reshape),
    "Flatten": _move(_flatten),
    "Squeeze": _move(_squeeze),
    "Unsqueeze": _move(_unsqueeze),
    "Transpose": _move(_transpose),
    "Gather": _move(_gather),
    "Slice": _move(_slice),
    "Split": _move(_split),
    "Pad": _move(_pad),
    "Concat": _concat,
    "Constant": _constant_node,
    "Shape": lambda reader, attributes, x: np.array(x.shape, np.int64),
    "Cast": _cast,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Conv": _conv,
    "Add": _sum(1.0),
    "Sub": _sum(-1.0),
    "Mul": _times,
    "Div": _divided,
    "Relu": lambda reader, attributes, x: reader.relu(x),
    "LeakyRelu": lambda reader, attributes, x: _two_slopes(reader, x, attributes.get("alpha", np.float32(0.01))),
    "PRelu": lambda reader, attributes, x, slope: _two_slopes(reader, x, _constant(slope)),
    "Abs": lambda reader, attributes, x: _two_slopes(reader, x, -1.0),
    "Neg": lambda reader, attributes, x: reader.total([x], [-1.0], -1),
    "Clip": _clip,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_average,
    "ReduceMean": _mean,
    "BatchNormalization": _batch_normalization,
    "Softmax": _head("Softmax"),
    "LogSoftmax": _head("LogSoftmax"),
}
