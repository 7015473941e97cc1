"""A second look at the network that was read: does it compute what somebody else's evaluator computes?

At points in and around the claim's set ONNX Runtime (where it is not installed, the standard's reference evaluator)
evaluates the file and shows every tensor on the way. Each node that was read is evaluated on these tensors as an
interval, with the rounding of any evaluation charged, so that errors do not add up from layer to layer; every tensor
must lie within its bound, and every constant must be equal. A misreading at these points is refused, whatever the
tables say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
import onnx

from .arithmetic.float32 import FLOAT32, FLOAT64, float32_error
from .arithmetic.floats import Floats
from .clock import Ask, nobody
from .errors import OutOfRangeError, UnreadableError
from .functions.planes import interval
from .kernel.region import Region
from .network import Affine, Pointwise, Product, no_rule
from .readers.onnx.lifted import COMPUTED
from .readers.onnx.reader import Reading
from .readers.onnx.tensors import COMPARED, SIGN, Chosen, Folded, Tensor
from .readers.vnnlib import Disjunct

# Corners and inner points of the box; how many times a box is stretched for the point outside of it.
CORNERS, INNER, STRETCHED = 2, 2, 8.0
# Boxes that the points are chosen by, and how far out an input can be.
MOST_BOXES, FARTHEST = 64, 2**120
# A probability and its logarithm are compared within this, relative and absolute: nothing bounds how exp is computed.
LOOSE = 1e-3
# A function inside a network within this.
CLOSE = 1e-5


def look(reading: Reading, disjuncts: Iterable[Disjunct], ask: Ask = nobody) -> None:
    """Raise UnreadableError where the network that was read and another evaluator of its file differ."""
    names = [n for n, v in reading.tensors.items() if isinstance(v, Tensor | Chosen)]
    constants = [n for n, v in reading.tensors.items() if not isinstance(v, Tensor | Chosen)]
    run = _evaluator(reading)
    compared = 0
    for number, point in enumerate(_points(reading, disjuncts)):
        ask()
        wanted = names + constants if number == 0 else names
        feeds = _feeds(reading, point)
        found = dict(zip(wanted, _run(run, wanted, feeds), strict=True))
        for name in constants if number == 0 else ():
            _same(name, reading.tensors[name], found[name])
        try:
            _compare(reading, np.concatenate([v.ravel() for v in feeds.values()]), found, ask)
            compared += 1
        except OutOfRangeError:
            continue
    if not compared:
        raise UnreadableError("the network's numbers are too large to compare it with another evaluator")


def _evaluator(reading: Reading) -> Callable[[list[str], dict[str, Any]], list[Any]]:
    """A function from names of tensors and the inputs to the tensors."""
    model = onnx.ModelProto()
    model.CopyFrom(reading.model)
    shown = {info.name for info in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in reading.tensors if name not in shown)
    try:
        import onnxruntime
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        evaluator = ReferenceEvaluator(model)
        return lambda names, feeds: list(evaluator.run(names, feeds))
    options = onnxruntime.SessionOptions()
    # As the file says, node by node, and silent.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own exceptions
        raise _refusal(error) from error
    return lambda names, feeds: list(session.run(names, feeds))


def _run(run: Callable[..., list[Any]], names: list[str], feeds: dict[str, Any]) -> list[Any]:
    try:
        # Of no names ONNX Runtime would give all outputs.
        return run(names, feeds) if names else []
    except Exception as error:  # the runtime's own exceptions
        raise _refusal(error) from error


def _refusal(error: Exception) -> UnreadableError:
    return UnreadableError(f"another evaluator refuses the network: {' '.join(str(error).split())[:300]}")


def _points(reading: Reading, disjuncts: Iterable[Disjunct]) -> Iterator[Any]:
    """The centre of the smallest box around the disjuncts, some corners, inner points, and points outside."""
    size, rng = reading.network.input_size, np.random.default_rng(0)
    boxes = islice({id(d.lower): d for d in disjuncts}.values(), MOST_BOXES)
    ends = [[_floats(d.lower), _floats(d.upper)] for d in boxes] or [[np.zeros(size), np.ones(size)]]
    low, high = np.min([e[0] for e in ends], axis=0), np.max([e[1] for e in ends], axis=0)
    centre, reach = low / 2 + high / 2, high / 2 - low / 2
    yield centre
    for _ in range(CORNERS):
        yield np.where(rng.random(size) < 0.5, low, high)
    for _ in range(INNER):
        yield centre + reach * rng.uniform(-1, 1, size)
    yield centre + STRETCHED * reach * rng.uniform(-1, 1, size)
    yield (1 + np.abs(centre)) * rng.standard_normal(size)


def _floats(values: tuple[Fraction, ...]) -> Any:
    return np.array([float(v) if abs(v) < FARTHEST else float(FARTHEST) * (1 if v > 0 else -1) for v in values])


def _feeds(reading: Reading, point: Any) -> dict[str, Any]:
    feeds, start = {}, 0
    for name, (kind, shape) in reading.inputs.items():
        count = int(np.prod(shape, dtype=int))
        with np.errstate(over="ignore"):
            value = point[start : start + count].astype(kind)
        most = np.finfo(kind).max
        feeds[name], start = np.clip(value, -most, most).reshape(shape), start + count
    return feeds


def _same(name: str, value: Any, found: Any) -> None:
    if isinstance(value, Folded):
        # Rounded once there, unless it is computed.
        numbers = value.array.astype(np.float64)
        room = FLOAT32.unit * np.abs(numbers) + FLOAT32.least + value.room
        same = found.dtype == value.type and found.shape == value.shape and (np.abs(found - numbers) <= room).all()
    else:
        same = found.dtype == value.dtype and np.array_equal(found, value, equal_nan=value.dtype.kind == "f")
    if not same:
        raise UnreadableError(f"{name!r} was read as other constants than another evaluator computes")


def _compare(reading: Reading, point: Any, found: dict[str, Any], ask: Ask) -> None:
    """Compare all tensors at one point, given as what the inputs hold; `found` are the evaluator's tensors."""
    network = reading.network
    numbers = Floats(network, np.float64)
    form = FLOAT32 if any(v.type == np.float32 for v in reading.tensors.values() if isinstance(v, Tensor)) else FLOAT64
    of_node: dict[int, list[str]] = {}
    for name, value in reading.tensors.items():
        if isinstance(value, Tensor | Chosen):
            of_node.setdefault(_scores(value).node, []).append(name)
    exact = point[None].astype(np.float64)
    region = Region({0: exact}, {0: exact}, np.zeros(1, bool))
    for i in range(len(network.nodes)):
        ask()
        node = network.nodes[i]
        if isinstance(node, Pointwise):
            low, high = node.function.interval(region.low[node.source], region.high[node.source])
            room = 0.0 if node.function.is_rational else CLOSE * (1 + np.maximum(np.abs(low), np.abs(high)))
            region.set(i, low - room, high + room)
        elif isinstance(node, Product):
            low, high = interval(*region.factors(node))
            room = 2 * form.unit * np.maximum(np.abs(low), np.abs(high)) + form.least
            region.set(i, np.nextafter(low - room, -np.inf), np.nextafter(high + room, np.inf))
        elif isinstance(node, Affine):
            low, high = numbers.interval(node, region)
            wrong = float32_error(node, region, form)
            if network.rounded == COMPUTED:
                wrong = wrong + CLOSE * numbers.magnitude(node, region)
            region.set(i, np.nextafter(low - wrong, -np.inf), np.nextafter(high + wrong, np.inf))
        elif node is not None:
            raise no_rule(node)
        for name in of_node.get(i, ()):
            tensor = reading.tensors[name]
            _inside(name, tensor, region, found[name])
            whole = _scores(tensor).positions.ravel()
            headless = isinstance(tensor, Tensor) and tensor.head is None
            if i and headless and np.array_equal(whole, np.arange(network.size(i))):
                # What the evaluator goes on with.
                exact = found[name].reshape(1, -1).astype(np.float64)
                region.set(i, exact, exact)


def _scores(value: Tensor | Chosen) -> Tensor:
    return value if isinstance(value, Tensor) else value.scores


def _inside(name: str, tensor: Tensor | Chosen, region: Region, found: Any) -> None:
    scores = _scores(tensor)
    low, high = (np.append(ends[scores.node][0], 0.0)[scores.positions] for ends in (region.low, region.high))
    if scores.head is not None and scores.head.keys:
        found = _unzipped(name, scores, found)
    if found.shape != tensor.shape or found.dtype != tensor.type:
        raise UnreadableError(f"{name!r} was read with the shape {tensor.shape}, another evaluator has {found.shape}")
    if scores.head is not None:
        low, high = through(scores.head.steps, low, high)
    if isinstance(tensor, Chosen) and tensor.labels is not None:
        _is_largest(name, tensor.labels, low.ravel(), high.ravel(), found.item())
        return
    value = found.astype(np.float64)
    if isinstance(tensor, Chosen):
        low, high = (ends.sum().reshape(tensor.shape) for ends in (low, high))
    # Behind a head a number may have gone to zero, and its logarithm to minus infinity.
    if np.isnan(value).any() or (scores.head is None and not np.isfinite(value).all()):
        raise OutOfRangeError
    if ((value < low) | (value > high)).any():
        at = np.unravel_index(int(np.argmax((value < low) | (value > high))), value.shape) if value.ndim else ()
        raise UnreadableError(f"{name!r} was read as another function than another evaluator computes: its entry "
                              f"{[*map(int, at)]} lies between {low[at]:.9g} and {high[at]:.9g}, found {value[at]:.9g}")


def _unzipped(name: str, tensor: Tensor, found: Any) -> Any:
    """The numbers in the only map of a ZipMap's result, in the order of the keys that were read."""
    keys = tensor.head.keys if tensor.head is not None else ()
    if len(found) != 1 or [*found[0]] != sorted(keys) or any(type(v) is not float for v in found[0].values()):
        raise UnreadableError(f"{name!r} was read as a map with other keys than another evaluator computes")
    return np.array([found[0][key] for key in keys], tensor.type).reshape(tensor.shape)


def _is_largest(name: str, labels: tuple[Any, ...], low: Any, high: Any, found: Any) -> None:
    """The label that was found may belong to the largest entry."""
    if found not in labels or high[labels.index(found)] < low.max():
        raise UnreadableError(f"{name!r} was read as another choice than another evaluator makes: {found!r}")


@np.errstate(all="ignore")
def through(steps: tuple[str, ...], low: Any, high: Any) -> tuple[Any, Any]:
    """Intervals behind the steps of a head for entries in these, as wide as any evaluation of each may need."""
    for step in steps:
        low, high = _STEPS[step](low, high)
        low, high = low - LOOSE * (1 + np.abs(low)), high + LOOSE * (1 + np.abs(high))
    return low, high


def _sigmoid(low: Any, high: Any) -> tuple[Any, Any]:
    return 1 / (1 + np.exp(-low)), 1 / (1 + np.exp(-high))


def _log(low: Any, high: Any) -> tuple[Any, Any]:
    return np.log(np.maximum(low, 0)), np.log(np.maximum(high, 0))


def _log_softmax(low: Any, high: Any) -> tuple[Any, Any]:
    """x - log(sum(exp(x))), which falls with the other entries."""
    return low - np.logaddexp.reduce(high.ravel()), high - np.logaddexp.reduce(low.ravel())


def _softmax(low: Any, high: Any) -> tuple[Any, Any]:
    least, most = _log_softmax(low, high)
    return np.exp(least), np.minimum(np.exp(most), 1)


def _divided(norm: Callable[[Any], Any]) -> Callable[[Any, Any], tuple[Any, Any]]:
    """x / norm(x) of entries above zero, which falls with the other entries."""
    return lambda low, high: (np.maximum(low, 0) / norm(high), np.nan_to_num(high / norm(np.maximum(low, 0)), nan=1.0))


def _above(low: Any, high: Any) -> tuple[Any, Any]:
    """1 above 0, else 0; either at 0."""
    return (low > 0).astype(np.float64), (high >= 0).astype(np.float64)


_STEPS = {COMPARED: _above, SIGN: lambda low, high: (np.sign(low), np.sign(high)), "Sigmoid": _sigmoid,
          "Softmax": _softmax, "LogSoftmax": _log_softmax, "Log": _log, "L1": _divided(np.sum),
          "L2": _divided(lambda x: np.sqrt(np.square(x).sum())), "MAX": _divided(np.max)}
