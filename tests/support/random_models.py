"""Random ONNX models from every operator that Verdict reads, small enough that every engine ends at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, shape_inference

from support.networks import Draft

# Numbers in the input and in one tensor at most.
MOST = 24


class Random:
    """A model that grows operator by operator; `x` is the last tensor, `shapes` are those that depend on the input."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, ...], opset: int) -> None:
        self.rng, self.shape, self.opset = rng, shape, opset
        self.draft = Draft(rng)
        self.shapes = {"x": (1, *shape)}
        self.x, self.used = "x", []

    def grow(self, steps: int) -> None:
        for _ in range(steps):
            names = [n for n, (fits, _) in OPERATORS.items() if fits(self.shapes[self.x], self.opset)]
            name = str(self.rng.choice(names))
            nodes, weights = len(self.draft.nodes), len(self.draft.weights)
            found = OPERATORS[name][1](self, self.x, self.shapes[self.x])
            shape = self._inferred(found)
            if shape is None or not 0 < np.prod(shape) <= MOST or not 2 <= len(shape) <= 5:
                # Too large, or a combination that ONNX itself refuses.
                del self.draft.nodes[nodes:], self.draft.weights[weights:]
                continue
            self.used.append(name)
            self.shapes[found], self.x = shape, found

    def _inferred(self, name: str) -> tuple[int, ...] | None:
        try:
            inferred = shape_inference.infer_shapes(self._model(name, None), data_prop=True, strict_mode=True)
        except shape_inference.InferenceError:
            return None
        dims = inferred.graph.output[0].type.tensor_type.shape.dim
        return tuple(d.dim_value for d in dims)

    def _model(self, last: str, shape: Any) -> onnx.ModelProto:
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.draft.nodes,
            "random",
            [info("x", TensorProto.FLOAT, [1, *self.shape])],
            [info(last, TensorProto.FLOAT, shape)],
            self.draft.weights,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)

    def finish(self, path: Path, outputs: int) -> Path:
        """Flatten, a dense layer, at times a head."""
        flat = self.draft.add("Flatten", self.x, axis=0)
        size = int(np.prod(self.shapes[self.x]))
        last = self.draft.gemm(flat, size, outputs)
        if self.rng.random() < 0.1:
            last = self.draft.add(str(self.rng.choice(["Softmax", "LogSoftmax"])), last, axis=1)
            self.used.append("head")
        path.write_bytes(self._model(last, [1, outputs]).SerializeToString())
        return path

    # What the operators below share.

    def ints(self, *values: int) -> str:
        return self.draft.constant(np.array(values, np.int64))

    def like(self, shape: tuple[int, ...], positive: bool = False) -> str:
        """A constant that broadcasts to the shape."""
        kept = tuple(n if self.rng.random() < 0.5 else 1 for n in shape)[int(self.rng.integers(len(shape))) :]
        values = self.rng.integers(1 if positive else -8, 9, kept) / 4
        return self.draft.constant(values.astype(np.float32))

    def other(self, shape: tuple[int, ...]) -> str:
        """An earlier tensor of the same shape."""
        return str(self.rng.choice([n for n, s in self.shapes.items() if s == shape]))

    def window(self, shape: tuple[int, ...], padded: bool = True) -> dict[str, Any]:
        kernel = [int(self.rng.integers(1, min(3, n) + 1)) for n in shape[2:]]
        options: dict[str, Any] = {"strides": [int(s) for s in self.rng.integers(1, 3, len(kernel))]}
        if padded and self.rng.random() < 0.5:
            options["pads"] = [int(self.rng.integers(0, k)) for k in kernel + kernel]
        elif padded and self.rng.random() < 0.3:
            options["auto_pad"] = str(self.rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
        return {"kernel_shape": kernel, **options}


Build = Callable[[Random, str, tuple[int, ...]], str]
OPERATORS: dict[str, tuple[Callable[[tuple[int, ...], int], bool], Build]] = {}


def _operator(name: str, fits: Callable[..., bool] = lambda shape, opset: True) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        OPERATORS[name] = fits, build
        return build

    return register


def _image(shape: tuple[int, ...], opset: int) -> bool:
    return len(shape) == 4


for _name in ("Relu", "Identity", "Neg", "Abs", "Dropout"):
    _operator(_name)(lambda m, x, shape, op=_name: m.draft.add(op, x))
for _name in ("Add", "Sub", "Mul"):
    _operator(_name)(lambda m, x, shape, op=_name: m.draft.add(op, x, m.like(shape)))
    _operator(f"constant {_name}")(lambda m, x, shape, op=_name: m.draft.add(op, m.like(shape), x))
for _name in ("Add", "Sub", "Max", "Min", "Sum", "Mean"):
    _operator(f"{_name} of two")(lambda m, x, shape, op=_name: m.draft.add(op, x, m.other(shape)))
for _name in ("Max", "Min"):
    _operator(f"{_name} with a constant")(lambda m, x, shape, op=_name: m.draft.add(op, x, m.like(shape)))
for _name in ("ReduceMean", "ReduceMax", "ReduceMin"):
    _operator(_name, lambda shape, opset: opset < 18)(
        lambda m, x, shape, op=_name: m.draft.add(
            op, x, axes=[int(m.rng.integers(1, len(shape)))], keepdims=int(m.rng.integers(2))
        )
    )
for _name in ("GlobalAveragePool", "GlobalMaxPool"):
    _operator(_name, _image)(lambda m, x, shape, op=_name: m.draft.add(op, x))
_operator("MaxPool", _image)(lambda m, x, shape: m.draft.add("MaxPool", x, **m.window(shape)))
_operator("AveragePool", _image)(
    lambda m, x, shape: m.draft.add("AveragePool", x, count_include_pad=int(m.rng.integers(2)), **m.window(shape))
)
_operator("Div")(lambda m, x, shape: m.draft.add("Div", x, m.like(shape, True)))
_operator("LeakyRelu")(lambda m, x, shape: m.draft.add("LeakyRelu", x, alpha=float(m.rng.integers(-2, 6)) / 4))
_operator("PRelu")(lambda m, x, shape: m.draft.add("PRelu", x, m.like(shape)))
_operator("HardSigmoid")(lambda m, x, shape: m.draft.add("HardSigmoid", x, alpha=0.5, beta=0.25))


@_operator("Clip", lambda shape, opset: opset >= 11)
def _clip(m: Random, x: str, shape: tuple[int, ...]) -> str:
    low, high = (m.draft.constant(np.float32(v)) for v in np.sort(m.rng.integers(-6, 7, 2) / 4))
    return m.draft.add("Clip", x, *[[low, high], [low], ["", high]][int(m.rng.integers(3))])


@_operator("ReduceSum", lambda shape, opset: opset >= 13)
def _reduce_sum(m: Random, x: str, shape: tuple[int, ...]) -> str:
    return m.draft.add("ReduceSum", x, m.ints(int(m.rng.integers(1, len(shape)))), keepdims=int(m.rng.integers(2)))


@_operator("Gemm", lambda shape, opset: len(shape) == 2)
def _gemm(m: Random, x: str, shape: tuple[int, ...]) -> str:
    out = int(m.rng.integers(1, 5))
    return m.draft.add("Gemm", x, m.draft.weight(shape[1], out), m.draft.weight(out),
                       alpha=float(m.rng.choice([1, 0.5])), beta=float(m.rng.choice([1, 2])))


@_operator("MatMul")
def _matmul(m: Random, x: str, shape: tuple[int, ...]) -> str:
    return m.draft.add("MatMul", x, m.draft.weight(shape[-1], int(m.rng.integers(1, 5))))


@_operator("Conv", _image)
def _conv(m: Random, x: str, shape: tuple[int, ...]) -> str:
    window, group = m.window(shape), int(m.rng.choice([g for g in (1, shape[1]) if shape[1] % g == 0]))
    out = group * int(m.rng.integers(1, 3))
    kernel = m.draft.weight(out, shape[1] // group, *window["kernel_shape"])
    return m.draft.add("Conv", x, kernel, *[m.draft.weight(out)][: int(m.rng.integers(2))], group=group, **window)


@_operator("ConvTranspose", _image)
def _conv_transpose(m: Random, x: str, shape: tuple[int, ...]) -> str:
    window = m.window(shape, padded=False)
    return m.draft.add("ConvTranspose", x, m.draft.weight(shape[1], 2, *window["kernel_shape"]), **window)


@_operator("BatchNormalization", _image)
def _normalised(m: Random, x: str, shape: tuple[int, ...]) -> str:
    values = [m.draft.weight(shape[1]) for _ in range(3)]
    spread = m.draft.constant(m.rng.uniform(0.1, 2, shape[1]).astype(np.float32))
    return m.draft.add("BatchNormalization", x, *values, spread)


@_operator("Transpose", lambda shape, opset: len(shape) > 2)
def _transpose(m: Random, x: str, shape: tuple[int, ...]) -> str:
    return m.draft.add("Transpose", x, perm=[0, *(1 + int(i) for i in m.rng.permutation(len(shape) - 1))])


@_operator("Reshape")
def _reshape(m: Random, x: str, shape: tuple[int, ...]) -> str:
    size = int(np.prod(shape))
    first = int(m.rng.choice([k for k in range(1, size + 1) if size % k == 0]))
    wanted = [(1, first, -1), (1, -1), (1, 1, first, size // first)]
    return m.draft.add("Reshape", x, m.ints(*wanted[int(m.rng.integers(3))]))


@_operator("Unsqueeze and Squeeze", lambda shape, opset: opset >= 13)
def _unsqueezed(m: Random, x: str, shape: tuple[int, ...]) -> str:
    axis = int(m.rng.integers(1, len(shape) + 1))
    return m.draft.add("Squeeze", m.draft.add("Unsqueeze", x, m.ints(axis)), m.ints(axis))


@_operator("Pad", lambda shape, opset: opset >= 11)
def _pad(m: Random, x: str, shape: tuple[int, ...]) -> str:
    before, after = ([0, *m.rng.integers(0, 2, len(shape) - 1)] for _ in range(2))
    return m.draft.add("Pad", x, m.ints(*before, *after))


@_operator("Slice", lambda shape, opset: opset >= 10)
def _slice(m: Random, x: str, shape: tuple[int, ...]) -> str:
    axis = int(m.rng.integers(1, len(shape)))
    start, end, step = int(m.rng.integers(shape[axis])), 100, int(m.rng.integers(1, 3))
    if m.rng.random() < 0.3:
        start, end, step = -1, -100, -1
    return m.draft.add("Slice", x, *(m.ints(v) for v in (start, end, axis, step)))


@_operator("Gather")
def _gather(m: Random, x: str, shape: tuple[int, ...]) -> str:
    axis = int(m.rng.integers(1, len(shape)))
    return m.draft.add("Gather", x, m.ints(*m.rng.integers(-shape[axis], shape[axis], 2)), axis=axis)


@_operator("Concat")
def _concat(m: Random, x: str, shape: tuple[int, ...]) -> str:
    return m.draft.add("Concat", x, m.other(shape), axis=int(m.rng.integers(1, len(shape))))


@_operator("Split", lambda shape, opset: max(shape[1:]) > 1 and opset >= 13)
def _split(m: Random, x: str, shape: tuple[int, ...]) -> str:
    axis = 1 + int(np.argmax(shape[1:]))
    names = [f"s{len(m.draft.nodes)}a", f"s{len(m.draft.nodes)}b"]
    node = helper.make_node("Split", [x, m.ints(1, shape[axis] - 1)], names, axis=axis)
    m.draft.nodes.append(node)
    return names[1]


@_operator("Expand")
def _expand(m: Random, x: str, shape: tuple[int, ...]) -> str:
    return m.draft.add("Expand", x, m.ints(*(2 if n == 1 and k else n for k, n in enumerate(shape))))


@_operator("Tile")
def _tile(m: Random, x: str, shape: tuple[int, ...]) -> str:
    return m.draft.add("Tile", x, m.ints(1, *m.rng.integers(1, 3, len(shape) - 1)))


@_operator("Where")
def _where(m: Random, x: str, shape: tuple[int, ...]) -> str:
    return m.draft.add("Where", m.draft.constant(m.rng.random(shape) < 0.5), x, m.other(shape))


def random_model(seed: int, steps: int, path: Path) -> tuple[Path, list[str]]:
    """(the file, its operators): a model with 2 to 8 inputs and 2 or 3 outputs; the same for the same arguments."""
    rng = np.random.default_rng(seed)
    shapes = [(int(rng.integers(2, 7)),), (int(rng.integers(1, 3)), 2, 2), (1, 2, 3), (2, 3)]
    model = Random(rng, shapes[int(rng.integers(len(shapes)))], int(rng.choice([13, 15, 17])))
    model.grow(steps)
    return model.finish(path, int(rng.integers(2, 4))), model.used
