"""Heads: what stands behind the scores and keeps which of them is larger, so that it is left out of the proof.

Sigmoid, Softmax, LogSoftmax, a logarithm of positive numbers, and a division of them by their norm keep the order of
the entries. ArgMax chooses the largest entry, and a label may be looked up at its position. What follows a head is in
`BEHIND`, and nothing else: 1 - sigmoid(z) is sigmoid(-z), a Concat of sigmoids is the sigmoid of the Concat.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import UnreadableError
from ...functions.positive import LOG
from . import moves
from .constants import cast_kind
from .jumps import numbers
from .reductions import reduced_axes
from .softmax import inner_softmax, softmax_groups
from .table import LETTERS, Attribute, Node, Operator
from .tensors import COMPARED, SIGN, Builder, Chosen, Head, Tensor, axis_of, fractions, reduced

_FLOATS = ((7, "fd"),)
# Steps that are a function of each entry by itself, and steps behind which all entries are above zero.
EACH, POSITIVE = {"Sigmoid", "Log", COMPARED, SIGN}, {"Sigmoid", "Softmax", "L1", "L2", "MAX"}
# One number with such a head is a probability, or its logarithm: class 1 where it is above 1/2, where the score is
# above 0.
SINGLE = (Head(("Sigmoid",)), Head(("Sigmoid", "Log")), Head((COMPARED,)))


def then(x: Any, step: str, kind: Any = None) -> Tensor:
    """The tensor behind one more step."""
    if not isinstance(x, Tensor) or (x.head is not None and x.head.keys):
        raise UnreadableError(f"{step} of a label, of a sum behind a head, or of a map")
    steps = () if x.head is None else x.head.steps
    return replace(x, head=Head((*steps, step)), type=x.type if kind is None else kind)


def chosen(scores: Tensor, labels: Sequence[Any], shape: tuple[int, ...], kind: Any) -> Chosen:
    """The label of the largest of the scores, as one entry of that shape."""
    if len(set(labels)) < len(labels) or math.prod(shape) != 1:
        raise UnreadableError(f"labels that are not different, or a label of shape {shape}")
    return Chosen(scores, tuple(labels), shape, kind)


def outcome(builder: Builder, value: Any) -> tuple[Tensor, str | None, bool]:
    """An output's scores, what was left out behind them, and whether they are classes alone: no numbers of the file.

    A label has the scores that it is chosen by, one probability the scores 0 and its logit.
    """
    if isinstance(value, Chosen):
        if value.labels is None:
            raise UnreadableError("a sum behind a head is read only in a division by it")
        flat = value.scores.positions.ravel()
        return Tensor(value.scores.node, flat, value.type), "ArgMax", True
    if value.head is None:
        return value, None, False
    bare, name = replace(value, head=None), str(value.head)
    if math.prod(value.shape) == 1 and value.head in SINGLE:
        return builder.concatenated([np.zeros(1), bare.moved(bare.positions.ravel())], 0), name, True
    if value.head.is_open and value.type != LETTERS["b"]:
        return numbers(builder, value), None, False
    if value.head.is_open:
        raise UnreadableError(f"{name} at the output, where only one comparison is read, as a label")
    return bare, name, False


def _increasing(builder: Builder, node: Node, x: Tensor) -> Tensor:
    return then(x, node.operator)


def _log(builder: Builder, node: Node, x: Any) -> Tensor:
    """Behind a head with positive numbers it keeps their order; else it is a function like others."""
    if isinstance(x, Tensor) and x.head is None:
        return builder.pointwise(LOG, x)
    positive(x)
    return then(x, "Log")


def positive(x: Any) -> Tensor:
    """A tensor whose entries are above zero. Raises UnreadableError."""
    if not isinstance(x, Tensor) or x.head is None or x.head.keys or x.head.steps[-1] not in POSITIVE:
        raise UnreadableError("it is read only behind a head with numbers above zero, such as Sigmoid and Softmax")
    return x


def _softmax(builder: Builder, node: Node, x: Any) -> Tensor:
    result = then(x, node.operator)
    count = softmax_groups(node, x).shape[1]
    if count != math.prod(x.shape) and node.operator == "Softmax" and x.head is None:
        # Of several groups the order of all entries is not kept.
        return inner_softmax(builder, node, x)
    _all(x, count)
    return result


def _all(x: Tensor, covered: int) -> None:
    if covered != math.prod(x.shape):
        raise UnreadableError("an axis that does not cover all outputs")


def _arg_max(builder: Builder, node: Node, x: Any) -> Chosen:
    if not isinstance(x, Tensor) or (x.head is not None and x.head.keys):
        raise UnreadableError("the largest of a label, of a sum behind a head, or of a map")
    axis = axis_of(node["axis"], len(x.shape))
    _all(x, x.shape[axis])
    shape = reduced(x.shape, [axis], bool(node["keepdims"]))
    return chosen(x, range(x.shape[axis]), shape, LETTERS["l"])


# What follows.


def moved(lower: Callable[..., Any]) -> Callable[..., Any]:
    """Entries may be moved where each has a function of its own score; else all of them have to keep their places."""

    def behind(builder: Builder, node: Node, x: Any, *others: Any) -> Any:
        if any(isinstance(v, Tensor | Chosen) for v in others):
            raise UnreadableError("a label or a tensor with a head in this place")
        if isinstance(x, Chosen):
            found = lower(builder, node, np.zeros(x.shape, bool), *others)
            return chosen(x.scores, labels_of(x), found.shape, x.type)
        if not isinstance(x, Tensor) or x.head is None or x.head.keys:
            raise UnreadableError("a map, or a constant beside a head")
        result = lower(builder, node, x, *others)
        same = x.head.steps and set(x.head.steps) <= EACH
        for part in result if isinstance(result, list) else [result]:
            if not same and not np.array_equal(part.positions.ravel(), x.positions.ravel()):
                raise UnreadableError(f"entries that move behind {x.head}")
        return result

    return behind


def labels_of(x: Any) -> tuple[Any, ...]:
    """The labels that an entry is one of. Raises UnreadableError."""
    if not isinstance(x, Chosen) or x.labels is None:
        raise UnreadableError("the position or the label of the largest output is expected")
    return x.labels


def looked_up(table: Any, index: Any, shape: tuple[int, ...], least: int) -> Chosen:
    """The entries of a row of constants, one for each position of the largest; positions count from `least` on."""
    entries, places = table.ravel().tolist(), labels_of(index)
    if not all(isinstance(k, int) and least <= k < len(entries) for k in places):
        raise UnreadableError(f"positions that {len(entries)} labels do not have")
    return chosen(index.scores, [entries[k] for k in places], shape, table.dtype)


def _gather(builder: Builder, node: Node, x: Any, index: Any) -> Any:
    if isinstance(x, Tensor):
        return _MOVED["Gather"](builder, node, x, index)
    if isinstance(x, Chosen) or x.ndim != 1 or not isinstance(index, Chosen):
        raise UnreadableError("labels on one axis are expected")
    axis_of(node["axis"], 1)
    return looked_up(x, index, index.shape, -x.size)


def _cast(builder: Builder, node: Node, x: Any) -> Any:
    kind = cast_kind(node)
    if isinstance(x, Tensor):
        if kind.kind != "f" or (x.head is not None and x.head.keys):
            raise UnreadableError(f"a cast to {kind} behind a head")
        return replace(x, type=kind)
    most = 2 ** np.finfo(kind).nmant if kind.kind == "f" else np.iinfo(kind).max
    if not all(not isinstance(v, str) and v == int(v) and -most <= v <= most for v in labels_of(x)):
        raise UnreadableError(f"labels that {kind} does not hold")
    return chosen(x.scores, [int(v) for v in labels_of(x)], x.shape, kind)


def _complement(builder: Builder, node: Node, one: Any, p: Any) -> Tensor:
    """1 - sigmoid(z) = sigmoid(-z)."""
    if not isinstance(p, Tensor) or p.head != Head(("Sigmoid",)) or isinstance(one, Tensor | Chosen):
        raise UnreadableError("behind a head only 1 - sigmoid is read")
    if any(v != 1 for v in fractions(one).ravel()) or np.broadcast_shapes(one.shape, p.shape) != p.shape:
        raise UnreadableError("behind a head only 1 - sigmoid is read")
    return replace(builder.total([replace(p, head=None)], [-1.0], -1), head=p.head)


def _beside(builder: Builder, node: Node, *values: Any) -> Tensor:
    found = {v.head if isinstance(v, Tensor) else None for v in values}
    (head,) = found if len(found) == 1 else (None,)
    if head is None or head.keys or not set(head.steps) <= EACH:
        raise UnreadableError("tensors with different heads, or with one that mixes entries")
    joined: Tensor = moves.OPERATORS["Concat"].lower(builder, node, *(replace(v, head=None) for v in values))
    return replace(joined, head=head)


def _abs(builder: Builder, node: Node, x: Any) -> Tensor:
    return positive(x)


def _sum(builder: Builder, node: Node, x: Any, axes: Any = None) -> Chosen:
    """The sum of all of positive numbers, to divide them by."""
    positive(x)
    over = reduced_axes(node, len(x.shape), axes, 13)
    _all(x, math.prod(x.shape[a] for a in over))
    return Chosen(x, None, reduced(x.shape, over, bool(node["keepdims"])), x.type)


def _share(builder: Builder, node: Node, x: Any, total: Any) -> Tensor:
    """Positive numbers divided by their own sum."""
    positive(x)
    if not isinstance(total, Chosen) or total.labels is not None or total.scores.head != x.head:
        raise UnreadableError("behind a head only a division by the sum of the same numbers is read")
    same = total.scores.node == x.node and np.array_equal(total.scores.positions.ravel(), x.positions.ravel())
    if not same or np.broadcast_shapes(x.shape, total.shape) != x.shape:
        raise UnreadableError("behind a head only a division by the sum of the same numbers is read")
    return then(x, "L1")


OPERATORS = {
    "Sigmoid": Operator(_increasing, (6, 13), ((7, "x"),), _FLOATS),
    "Softmax": Operator(_softmax, (1, 11, 13), ((7, "x"),), _FLOATS, {"axis": Attribute("INT")}),
    "LogSoftmax": Operator(_softmax, (1, 11, 13), ((7, "x"),), _FLOATS, {"axis": Attribute("INT")}),
    "Log": Operator(_log, (6, 13), ((7, "x"),), _FLOATS),
    "ArgMax": Operator(_arg_max, (1, 11, 12, 13), ((7, "x"),), _FLOATS,
                       {"axis": Attribute("INT", 0), "keepdims": Attribute("INT", 1, (0, 1)),
                        "select_last_index": Attribute("INT", 0, (0,), since=12)}),
}
_MOVED = {name: moved(moves.OPERATORS[name].lower) for name in (
    "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Gather")}
# How operators read what has a head.
BEHIND: dict[str, Callable[..., Any]] = {
    **{name: table.lower for name, table in OPERATORS.items()}, **_MOVED, "Gather": _gather, "Cast": _cast,
    "Sub": _complement, "Concat": _beside, "Abs": _abs, "ReduceSum": _sum, "Div": _share,
}
