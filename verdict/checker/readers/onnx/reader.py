"""From operator to operator: each node is fitted to its table and read, and its result compared with the standard's."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...clock import Ask, nobody
from ...errors import UnreadableError
from ...network import Network, needed
from . import constants, copies, heads, jumps, lifted, model, moves, operators, smooth
from .centred import centred
from .table import LEARNED, LETTERS, OPTIONAL, Node, Operator, at, fitting, name_of, wanted
from .tensors import MOST_ENTRIES, SIGN, Builder, Chosen, Folded, Tensor
from .view import WHOLE, View

OPERATORS: dict[str, Operator] = operators.tables("OPERATORS")
# How operators read a tensor with a head.
BEHIND: dict[str, Callable[..., Any]] = operators.tables("BEHIND")
# How they read one that ends with a comparison or a sign.
BEHIND_OPEN: dict[str, Callable[..., Any]] = operators.tables("BEHIND_OPEN")
# Entries of all tensors together.
MOST_TOTAL = 2**28
_CONSTANTS = {"n": "l", "j": "il", "r": "fd", "b": "b"}


@dataclass(frozen=True, eq=False)
class Reading:
    """A network with the model that it was read from: the type and shape of each input, and what was made of every
    tensor that the model's nodes compute, a Tensor, what is chosen from one, or a constant array."""

    network: Network
    model: Any
    inputs: dict[str, tuple[Any, tuple[int, ...]]]
    tensors: dict[str, Any]


def read_network(data: bytes, view: View = WHOLE, literal: bool = False) -> Network:
    """The network in an ONNX file. Raises UnreadableError for what the checker does not accept."""
    return read(data, view=view, literal=literal).network


def read(data: bytes, ask: Ask = nobody, view: View = WHOLE, literal: bool = False) -> Reading:
    """The network in an ONNX file, as far as `view` looks, and how it was read; `ask` is called between nodes.

    With `literal` each product of two tensors is one, also where it is a function of one. Raises UnreadableError.
    """
    try:
        return _Reader(data, ask, view, literal).reading()
    except UnreadableError:
        raise
    except Exception as error:  # a malformed model may break any step
        raise UnreadableError(f"the network cannot be read: {type(error).__name__}: {error}") from error


class _Reader:
    """Reads one model."""

    def __init__(self, data: bytes, ask: Ask, view: View, literal: bool) -> None:
        self.ask, self.builder, self.view = ask, Builder(literal), view
        self.model = model.parsed(data, view)
        self.graph, self.opset = self.model.graph, model.operator_set(self.model)
        self.learned = model.learned_set(self.model)
        self.values: dict[str, Any] = {}
        # Where a Sigmoid is no head.
        self.wanted = smooth.numbers_wanted(self.graph.node)
        self.total = 0

    def reading(self) -> Reading:
        fitted = [self._fitted(proto) for proto in self.graph.node]
        shapes = model.inputs(self.graph, self.view)
        # First: ONNX's inference may loop over as many entries as a weight claims to have.
        self.values.update(model.weights(self.graph))
        self.types = model.inferred(self.model, shapes)
        size = 0
        for name, (kind, shape) in shapes.items():
            start, size = size, size + math.prod(shape)
            self.values[name] = Tensor(0, np.arange(start, size).reshape(shape), kind)
        if not 0 < size <= MOST_ENTRIES:
            raise UnreadableError(f"{size} inputs")
        self.builder.sizes[0] = size
        for proto, (node, table) in zip(self.graph.node, fitted, strict=True):
            self.ask()
            self._named(proto, partial(self._node, proto, node, table))
        given = [self.values.get(info.name) for info in self.graph.output]
        outputs = [o for o in given if isinstance(o, Tensor | Chosen)]
        if not outputs or len(outputs) < len(given):
            raise UnreadableError("an output does not depend on the input")
        network, numbers = self._network(size, outputs, shapes)
        tensors = {o: self.values[o] for n in self.graph.node for o in n.output if o in self.values}
        return Reading(network, self.model, shapes, _renumbered(tensors, numbers))

    def _network(self, size: int, outputs: list[Any], shapes: Any) -> tuple[Network, dict[int, int]]:
        """The nodes that the output needs, and their numbers by those that they had."""
        found = [heads.outcome(self.builder, o) for o in outputs]
        scores, head, is_class = [x for x, _, _ in found], found[0][1], found[0][2]
        if len(found) > 1 and any(name is not None for _, name, _ in found):
            raise UnreadableError("a head on one of several outputs, expected a claim about one of them (--output)")
        lists = [o.moved(o.positions.ravel()) for o in scores]
        joined = scores[0] if len(scores) == 1 else self.builder.concatenated(lists, 0)
        output = self.builder.flat(joined)
        labels = outputs[0].labels if isinstance(outputs[0], Chosen) else outputs[0].head and outputs[0].head.keys
        nodes, numbers = needed(self.builder.nodes, output)
        nodes, places = centred(nodes)
        numbers = {old: places[new] for old, new in numbers.items()}
        network = Network(size, nodes, numbers[output], head, tuple(shape for _, shape in shapes.values()),
                          tuple(o.shape for o in scores), tuple(info.name for info in self.graph.output),
                          tuple(labels or ()), is_class, self.builder.rounded)
        return network, numbers

    def _named(self, proto: Any, step: Callable[[], Any]) -> Any:
        try:
            return step()
        except UnreadableError as error:
            name = proto.name or next(iter(proto.output), "")
            raise UnreadableError(f"{name} ({proto.op_type}): {error}") from None

    def _fitted(self, proto: Any) -> tuple[Node, Operator]:
        def step() -> tuple[Node, Operator]:
            table = OPERATORS.get(name_of(proto))
            if table is None or proto.overload:
                raise UnreadableError("the checker does not know this operator")
            if not len(proto.output) or not proto.output[0]:
                raise UnreadableError("a node without an output")
            return fitting(proto, table, self._set(proto)), table

        found: tuple[Node, Operator] = self._named(proto, step)
        return found

    def _set(self, proto: Any) -> int:
        """The operator set of the node's domain."""
        return self.learned if proto.domain == LEARNED else self.opset

    def _node(self, proto: Any, node: Node, table: Operator) -> None:
        values, lower = self._arguments(proto, table), table.lower
        headed = [v for v in values if isinstance(v, Chosen) or (isinstance(v, Tensor) and v.head)]
        if headed:
            is_open = any(isinstance(v, Tensor) and v.head is not None and v.head.is_open for v in headed)
            found = (BEHIND_OPEN if is_open else BEHIND).get(name_of(proto))
            if found is None and is_open:
                found = _nothing
            if found is None:
                what = "a label" if isinstance(headed[0], Chosen) else headed[0].head
                raise UnreadableError(f"{what} is read only at the output")
            lower = found if not is_open else partial(self._chosen, found, table.lower)
        elif proto.output[0] in self.wanted:
            lower = smooth.INSIDE.get(name_of(proto), lower)
        for name, value in zip(proto.output, self._results(proto, node, lower, values), strict=False):
            count = math.prod(value.shape)
            self.total += count
            if count > MOST_ENTRIES or self.total > MOST_TOTAL or (not _is_constant(value) and not count):
                raise UnreadableError(f"a tensor of shape {tuple(value.shape)}")
            kind = _kind(value)
            model.compare(name, kind, tuple(value.shape), self.types.get(name))
            self.values[name] = value

    def _chosen(self, behind: Callable[..., Any], plain: Callable[..., Any], builder: Builder, node: Node,
                *values: Any) -> Any:
        """What an operator makes of a sign or a comparison: by choosing, where nothing jumps, else of the numbers."""
        try:
            found = behind(builder, node, *values)
            moved = [v for v in (found if isinstance(found, list) else [found]) if isinstance(v, Tensor) and v.head]
            if all(_in_place(v, values) for v in moved):
                return found
        except UnreadableError:
            # Of truth values there are no numbers.
            if any(_kind(v) == LETTERS["b"] for v in values if isinstance(v, Tensor)):
                raise
        given = [jumps.numbers(builder, v) for v in values]
        headed = [v for v in given if isinstance(v, Chosen) or (isinstance(v, Tensor) and v.head)]
        if headed:
            raise UnreadableError(f"{getattr(headed[0], 'head', 'a label')} is read only at the output")
        return plain(builder, node, *given)

    def _results(self, proto: Any, node: Node, lower: Callable[..., Any], values: list[Any]) -> list[Any]:
        """What a node makes of its inputs."""
        if self._is_lifted(proto, values):
            found = lifted.computed_of(lower, node, values)
            if any(isinstance(r, Folded) for r in found):
                self.builder.rounded = lifted.COMPUTED
            return found
        given = [v for v in values if isinstance(v, Folded)]
        if given and node.operator == "Cast" and constants.cast_kind(node).kind == "f":
            self.builder.rounded = lifted.COMPUTED
            return [lifted.cast(given[0], constants.cast_kind(node))]
        is_move = name_of(proto) in {**moves.OPERATORS, **copies.OPERATORS}
        if any(v.array.dtype == object for v in given) and not (is_move or name_of(proto) in lifted.TAKE_FRACTIONS):
            raise UnreadableError("a constant that no float64 equals")
        result = lower(self.builder, node, *(v.array if isinstance(v, Folded) else v for v in values))
        results = [np.asarray(r) if isinstance(r, np.generic) else r
                   for r in (result if isinstance(result, list) else [result])]
        if given and any(isinstance(r, np.ndarray) for r in results):
            # Nothing but moves is exact in the type that the numbers should have.
            if not is_move:
                raise UnreadableError("a constant computed from rounded ones")
            results = [Folded(r, given[0].type, given[0].room) if isinstance(r, np.ndarray) else r for r in results]
        return results

    def _is_lifted(self, proto: Any, values: list[Any]) -> bool:
        """Whether the node computes a constant of real ones by a reader that expects a tensor."""
        word = at(OPERATORS[name_of(proto)].inputs, self._set(proto)).split()[:1]
        return bool(word) and all(v is None or _is_constant(v) for v in values) and (
            lifted.is_lifted(name_of(proto), word[0], _kind(values[0])))

    def _arguments(self, proto: Any, table: Operator) -> list[Any]:
        """The node's inputs, each of the kind that the table has in its place."""
        opset = self._set(proto)
        words = wanted(table, opset, len(proto.input))
        fixed = all(_is_constant(self.values[name]) for name in proto.input if name in self.values)
        values = [self._value(name, "v" if word == "x" and fixed else word)
                  for name, word in zip(proto.input, words, strict=False)]
        kinds = {_kind(v) for v, word in zip(values, words, strict=False) if v is not None and word[0] in "xvc"}
        letters = at(table.types, opset)
        if len(kinds) > 1 or any(k not in [LETTERS[letter] for letter in letters] for k in kinds):
            raise UnreadableError(f"element types {', '.join(sorted(map(str, kinds)))}: not read here, or not together")
        return values

    def _value(self, name: str, word: str) -> Any:
        if not name:
            if not word.endswith(OPTIONAL):
                raise UnreadableError("an input is left out")
            return None
        value = self.values.get(name)
        if value is None:
            raise UnreadableError(f"the input {name!r} is not computed before")
        if word[0] == "x" and _is_constant(value):
            raise UnreadableError(f"the input {name!r} does not depend on the network's input")
        if isinstance(value, Chosen):
            # What stands in which place is up to the readers behind heads.
            return value
        if word[0] not in "xvt" and isinstance(value, Tensor):
            raise UnreadableError(f"the input {name!r} must be constant and is not")
        if word[0] in _CONSTANTS and _kind(value) not in [LETTERS[letter] for letter in _CONSTANTS[word[0]]]:
            raise UnreadableError(f"the input {name!r} is of the type {_kind(value)}")
        return value


def _renumbered(tensors: dict[str, Any], numbers: dict[int, int]) -> dict[str, Any]:
    """The tensors with their nodes' new numbers; those of nodes that nothing needs are left out."""
    found: dict[str, Any] = {}
    for name, value in tensors.items():
        if isinstance(value, Tensor) and value.node in numbers:
            found[name] = replace(value, node=numbers[value.node])
        elif isinstance(value, Chosen) and value.scores.node in numbers:
            found[name] = replace(value, scores=replace(value.scores, node=numbers[value.scores.node]))
        elif not isinstance(value, Tensor | Chosen):
            found[name] = value
    return found


def _nothing(builder: Builder, node: Node, *values: Any) -> Any:
    raise UnreadableError("the operator makes nothing of a sign or a comparison")


def _in_place(found: Tensor, values: Sequence[Any]) -> bool:
    """Whether a tensor that still is a sign has the entries of one that was given, in their order."""
    given = [v for v in values if isinstance(v, Tensor) and v.node == found.node]
    same = any(np.array_equal(v.positions.ravel(), found.positions.ravel()) for v in given)
    return same or found.head is None or found.head.steps[-1] != SIGN or not given


def _is_constant(value: Any) -> bool:
    return not isinstance(value, Tensor | Chosen)


def _kind(value: Any) -> Any:
    return value.dtype if isinstance(value, np.ndarray) else value.type
