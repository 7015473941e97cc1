"""What an ONNX operator sees while it is lowered to the primitives.

A tensor of the ONNX graph is either a `Constant` or a `Symbol`, a node of the graph under construction with
its tensor shape. An operator is a function from a `Context` to its output tensors, registered under its ONNX
name by `@operator` in a file of its own, with the closed table of the nodes that it reads (`signature`); nothing
else needs to know that the file exists.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from ..network.builder import Builder
from ..network.exact import Coefficients, ObjectArray
from ..network.head import Head
from ..network.maps import Index
from .signature import REAL, Reading, Version

Shape: TypeAlias = tuple[int, ...]

# Larger tensors are refused: a few bytes of ONNX can ask for a tensor that fills any memory.
MAX_ENTRIES = 2**26
# A reason is cut behind so many characters: numbers from a file may make it long.
MOST_WORDS = 400


class LoweringError(Exception):
    """This node cannot be lowered; the importer collects these into one UnsupportedError."""


@dataclass(frozen=True, eq=False)
class Symbol:
    """A tensor that depends on the input: node number `node` of the builder, read with shape `shape`.

    `shape` includes the batch axis, which is 1. `head` is what was dropped behind the node (Sigmoid, Softmax, ArgMax):
    the node holds the scores, and only what `ops.head` knows may follow. `kind` is the element type: the importer gives
    it to what a lowering returns, by the operator's table.
    """

    node: int
    shape: Shape
    head: Head | None = None
    kind: str = ""

    def of_kind(self, kind: str) -> Symbol:
        """The same tensor with that element type."""
        return replace(self, kind=kind)


@dataclass(frozen=True, eq=False)
class Constant:
    """A tensor known at import. `exact` is set where arithmetic has left numbers that no float equals.

    `kind` is the element type that it has in the ONNX graph, the array's where none is given: the numbers of a folded
    float32 tensor are exact, and no float32 numbers any more.
    """

    array: npt.NDArray[Any]
    exact: Coefficients | None = None
    kind: str = ""
    # How many roundings its numbers may have behind them in a run that rounds, beyond the first.
    roundings: int = 0

    def __post_init__(self) -> None:
        if not self.kind:
            object.__setattr__(self, "kind", self.array.dtype.name)

    def of_kind(self, kind: str) -> Constant:
        """The same numbers with that element type. Raises LoweringError for floats beyond the type's largest."""
        if kind == self.kind == self.array.dtype.name:
            return self
        if kind in REAL and self.array.size and np.abs(self.array).max() > np.finfo(kind).max:
            raise LoweringError(f"a constant beyond the largest {kind}")
        return replace(self, kind=kind)

    @classmethod
    def of(cls, exact: Coefficients) -> Constant:
        """From numbers that may have no exact float."""
        return cls(exact.values, None if exact.is_dyadic else exact)

    @classmethod
    def of_fractions(cls, fractions: list[Fraction], shape: Shape = ()) -> Constant:
        """From exact rationals in row-major order."""
        array: ObjectArray = np.empty(len(fractions), dtype=object)
        array[:] = fractions
        return cls.of(Coefficients.from_fractions(array.reshape(shape)))

    def map(self, move: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Constant:
        """Apply `move`, which only rearranges entries."""
        if self.exact is not None:
            return replace(Constant.of(self.exact.map(move)), kind=self.kind, roundings=self.roundings)
        return Constant(move(self.array), kind=self.kind, roundings=self.roundings)

    def fractions(self) -> list[Fraction]:
        """The exact values, flattened."""
        return list(self.coefficients.fractions().ravel())

    @property
    def shape(self) -> Shape:
        return tuple(self.array.shape)

    @property
    def is_float(self) -> bool:
        return self.exact is not None or self.array.dtype.kind == "f"

    @cached_property
    def coefficients(self) -> Coefficients:
        """The values with this tensor's shape, exactly. Raises LoweringError for NaN and infinities."""
        if self.exact is not None:
            return self.exact
        if self.array.dtype.kind not in "fiub" and self.kind != "bfloat16":
            raise LoweringError(f"a constant of type {self.array.dtype} where numbers are expected")
        with np.errstate(invalid="ignore"):
            values = self.array.astype(np.float64)
        if self.array.dtype.kind in "iu" and np.any(values.astype(object) != self.array.astype(object)):
            return Coefficients.from_fractions(self.array.astype(object))
        if not np.isfinite(values).all():
            raise LoweringError("a constant that contains NaN or infinity")
        return Coefficients(values, own=True)


Value: TypeAlias = Symbol | Constant


@dataclass(eq=False)
class Context:
    """One ONNX node being lowered: its inputs, attributes and the builder to append to."""

    builder: Builder
    op_type: str
    name: str
    opset: int
    inputs: list[Value | None]
    reading: Reading
    # Names; an output that nobody reads may have an empty one.
    outputs: Sequence[str]

    def fail(self, reason: str) -> NoReturn:
        """Give up on this node; the reason reaches the user with the node's name, operator and opset."""
        raise LoweringError(reason if len(reason) <= MOST_WORDS else f"{reason[:MOST_WORDS]} ...")

    def attribute(self, name: str) -> Any:
        """An attribute's value (int, float, str, list, array): as given, or the table's default.

        None where there is neither, or where the operator set at hand does not have the attribute.
        """
        return self.reading.attributes.get(name)

    def kind(self, letter: str = "T") -> str:
        """The element type that a letter of the operator's table stands for here."""
        return self.reading.letters[letter]

    @property
    def result_kind(self) -> str:
        """The element type of the first output, where the table leaves no choice."""
        (kind,) = self.reading.outputs[0]
        return kind

    def has(self, position: int) -> bool:
        """Whether the optional input is present."""
        return position < len(self.inputs) and self.inputs[position] is not None

    def value(self, position: int) -> Value:
        """An input that must be present."""
        value = self.inputs[position] if position < len(self.inputs) else None
        if value is None:
            self.fail(f"input {position} is missing")
        return value

    def symbol(self, position: int) -> Symbol:
        """An input as a Symbol; a constant is turned into a constant node."""
        return self.lift(self.value(position))

    def lift(self, value: Value) -> Symbol:
        """A value as a Symbol; a constant becomes a node without terms."""
        if isinstance(value, Symbol):
            return value
        node = self.builder.constant(value.coefficients.reshape(-1), self.name)
        return Symbol(node, value.shape)

    def constant(self, position: int, what: str) -> Constant:
        """An input that must be constant; `what` names it in the error."""
        value = self.value(position)
        if not isinstance(value, Constant):
            self.fail(f"{what} must be constant")
        return value

    def integers(self, position: int, what: str) -> list[int]:
        """A constant integer input, flattened."""
        return [int(v) for v in self.constant(position, what).array.ravel()]

    def integers_from(self, attribute: str, position: int) -> list[int] | None:
        """Integers that older opsets keep in an attribute and newer ones in an input; None when absent."""
        if self.has(position):
            return self.integers(position, attribute)
        found = self.attribute(attribute)
        return None if found is None else [int(v) for v in np.atleast_1d(found)]

    def values(self) -> list[Value]:
        """The inputs of an operator that takes one or more."""
        if not self.inputs:
            self.fail("there is no input")
        return [self.value(i) for i in range(len(self.inputs))]

    def entries(self) -> list[Value]:
        """The inputs of an operator that takes any number entry by entry: with broadcasting from operator set 8 on."""
        values = self.values()
        if self.opset < 8 and len({v.shape for v in values}) > 1:
            self.fail(f"shapes {', '.join(str(v.shape) for v in values)}, expected the same before operator set 8")
        return values

    def common_shape(self, *shapes: Shape) -> Shape:
        """The shape that all shapes broadcast to, by NumPy's rules."""
        try:
            shape = tuple(np.broadcast_shapes(*shapes))
        except ValueError:
            self.fail(f"the shapes {', '.join(map(str, shapes))} do not broadcast")
        self.check_size(shape)
        return shape

    def expanded(self, value: Constant, shape: Shape) -> Constant:
        """A constant expanded to `shape`."""
        if self.common_shape(value.shape, shape) != shape:
            self.fail(f"a constant of shape {value.shape} does not broadcast to {shape}")
        return value.map(lambda a: np.broadcast_to(a, shape))

    def broadcast(self, value: Value, shape: Shape) -> Value:
        """`value` expanded to `shape` by ONNX's (NumPy's) rules."""
        if value.shape == shape:
            return value
        self.check_size(shape)
        return self.move(value, lambda a: np.broadcast_to(a, shape))

    def move(self, value: Value, function: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Value:
        """The tensor whose entries are rearranged by `function`, a NumPy function that computes nothing."""
        if isinstance(value, Constant):
            return value.map(function)
        positions = function(self.numbers(value))
        return self.gather(value, positions, tuple(positions.shape))

    def reshape(self, value: Value, shape: Shape) -> Value:
        """The same entries in another shape."""
        if math.prod(shape) != math.prod(value.shape) or min(shape, default=0) < 0:
            self.fail(f"a tensor of shape {value.shape} does not fit the shape {shape}")
        if isinstance(value, Constant):
            return value.map(lambda a: a.reshape(shape))
        return replace(value, shape=shape)

    def gather(self, value: Symbol, positions: npt.NDArray[Any], shape: Shape) -> Symbol:
        """A tensor of `shape` whose entries are those of `value` at flat `positions` (-1 gives zero)."""
        linear = Index(positions, math.prod(value.shape))
        head = value.head
        if head is not None and head.is_one_number and math.prod(shape) == 1 and (positions == 0).all():
            return replace(value, shape=shape)
        if head is not None and not linear.is_identity and not (head.is_elementwise and (positions >= 0).all()):
            self.fail(f"entries are moved behind {head}, which is supported only at the output")
        node = self.builder.affine([(linear, value.node)], None, self.name)
        return Symbol(node, shape, head)

    def check_size(self, shape: Shape) -> None:
        """Refuse a tensor that no sensible network holds."""
        if math.prod(shape) > MAX_ENTRIES:
            self.fail(f"a tensor of shape {shape} has more than {MAX_ENTRIES} entries")

    def axis(self, axis: int, rank: int) -> int:
        """A non-negative axis of a tensor of `rank` axes."""
        if not -rank <= axis < rank:
            self.fail(f"axis {axis} of a tensor of rank {rank}")
        return axis % rank

    def axes(self, axes: list[int], rank: int) -> list[int]:
        """Non-negative, distinct axes of a tensor of `rank` axes."""
        found = [self.axis(a, rank) for a in axes]
        if len(set(found)) < len(found):
            self.fail(f"an axis is repeated in {axes}")
        return found

    def numbers(self, value: Value) -> npt.NDArray[np.intp]:
        """The flat position of each entry, in the tensor's shape: move these to move the entries."""
        return np.arange(math.prod(value.shape)).reshape(value.shape)


Lowering: TypeAlias = Callable[[Context], list[Value]]


@dataclass(frozen=True)
class Operator:
    """A supported operator: its table, and how it is lowered.

    `moves` says that it only rearranges entries, of any type, and so never rounds. Other operators are lowered for
    floats; `fold` computes them where all inputs are constant and the first is no float tensor. An operator without
    `lower` is supported on constants alone, and folds floats too.
    """

    name: str
    versions: tuple[Version, ...]
    lower: Lowering | None
    fold: Lowering | None
    moves: bool

    @property
    def domain(self) -> str:
        """The domain of its operator set; empty for ONNX's own."""
        return self.name.rpartition(".")[0]

    @property
    def is_lowered(self) -> bool:
        """Whether it is supported on tensors that depend on the input."""
        return self.lower is not None or self.name in _BEHIND

    def version(self, opset: int) -> Version:
        """The table's part for an operator set. Raises LoweringError where there is none."""
        found = [v for v in self.versions if v.since <= opset]
        if not found:
            raise LoweringError(f"the operator begins with operator set {self.versions[0].since}")
        return found[-1]

    def on_constants(self, constants: Sequence[Constant]) -> Lowering:
        """What computes the operator where all its inputs are constant. Raises LoweringError."""
        if self.lower is not None and (self.moves or not constants or constants[0].is_float):
            return self.lower
        if self.fold is None:
            kinds = ", ".join(sorted({c.kind for c in constants}))
            raise LoweringError(f"the operator is not supported on constants of type {kinds}")
        return self.fold


_REGISTRY: dict[str, Operator] = {}
_BEHIND: dict[str, Lowering] = {}


def operator(
    names: str, *versions: Version, moves: bool = False, fold: Lowering | None = None
) -> Callable[[Lowering], Lowering]:
    """Register a lowering under one or more ONNX operator names, with their table, oldest version first.

    The names of other domains than ONNX's own have it in front: `ai.onnx.ml.Scaler`.
    """

    def register(lower: Lowering) -> Lowering:
        for name in names.split():
            _REGISTRY[name] = Operator(name, versions, lower, fold, moves)
        return lower

    return register


def on_constants(names: str, *versions: Version, fold: Lowering) -> None:
    """Register operators that are supported on constants alone."""
    for name in names.split():
        _REGISTRY[name] = Operator(name, versions, None, fold, False)


def behind(names: str) -> Callable[[Lowering], Lowering]:
    """Register what operators make of inputs with heads, or the head that they begin; their tables stand elsewhere."""

    def register(lower: Lowering) -> Lowering:
        _BEHIND.update(dict.fromkeys(names.split(), lower))
        return lower

    return register


def behind_heads(name: str) -> Lowering | None:
    """How an operator follows heads; None where it may not."""
    if name not in _BEHIND:
        operators()
    return _BEHIND.get(name)


# The files of operators that many networks need no others than.
_USUAL = {
    **dict.fromkeys(("Add", "Sub", "Mul"), "arithmetic"), "BatchNormalization": "batch_normalization", "Conv": "conv",
    **dict.fromkeys(("Flatten", "Reshape"), "reshape"), "Gemm": "gemm", "MatMul": "matmul", "Relu": "relu",
}  # fmt: skip


def supported(name: str) -> Operator | None:
    """The supported operator of that ONNX name; all files are imported for one that is none of the usual."""
    if name not in _REGISTRY and name in _USUAL:
        importlib.import_module(f"{__package__}.{_USUAL[name]}")
    return _REGISTRY.get(name) or operators().get(name)


def operators() -> dict[str, Operator]:
    """All supported operators by ONNX name; imports every file of `verdict.ops` the first time."""
    for module in pkgutil.iter_modules(importlib.import_module(__package__).__path__):
        importlib.import_module(f"{__package__}.{module.name}")
    return _REGISTRY
