"""Where, and what chooses in it: a constant condition, or a comparison, of which the difference z of its sides is kept.

Where(z > 0, a, b) is b + k max(z, 0), if a - b is k z entry by entry; so there is no jump, and it does not matter which
branch has z = 0. The sign of z chooses between t and -t, a comparison times t between t and 0. One comparison at the
output is a label. Nothing else may follow a comparison or a sign, and its rounding is not charged to anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import UnreadableError
from ...network import Affine
from . import heads
from .constants import cast_kind, is_constant
from .folded import NUMBERS, truth
from .jumps import numbers
from .table import LETTERS, Node, Operator
from .tensors import COMPARED, SIGN, Builder, Chosen, Head, Tensor, broadcast, fractions

# What float32 runs are not bounded behind.
CHOSEN = "what is chosen by a comparison"
# Entries that are traced to what they are multiples of.
MOST_TRACED = 2**16
# More than any order of computing a multiple and adding to it has.
ROUNDINGS = 8


def _compared(builder: Builder, node: Node, a: Any, b: Any) -> Any:
    if is_constant(a, b):
        return truth(builder, node, a, b)
    if isinstance(a, Chosen) or isinstance(b, Chosen):
        raise UnreadableError("a comparison with a label")
    sides: tuple[Any, Any] = (a, b) if node.operator.startswith("Greater") else (b, a)
    behind = _is_behind_head(*sides)
    high: Any
    low: Any
    high, low = (np.zeros(v.shape) if behind and is_constant(v) else _bare(v) for v in sides)
    if is_constant(high):
        found = builder.plus(builder.times(low, -1.0), high, -1)
    elif is_constant(low):
        found = builder.plus(high, -fractions(low), -1)
    else:
        found = builder.total([high, low], [1.0, -1.0], -1)
    return replace(found, head=Head((COMPARED,), closed=_at_zero(node, a, b)), type=LETTERS["b"])


def _at_zero(node: Node, a: Any, b: Any) -> bool | None:
    """Whether the comparison holds where what is compared in the end is equal. With a number other than 0 a sign is
    compared as what it is the sign of is with 0: in `x > 0` for numbers above 0, in `x >= 0` for those below."""
    equal = node.operator.endswith("OrEqual")
    if not _is(a, SIGN) and not _is(b, SIGN):
        return equal
    sign_first = _is(a, SIGN)
    above = sign_first == node.operator.startswith("Greater")
    found = {equal if v == 0 else (v < 0 if above else v > 0) for v in fractions(b if sign_first else a).ravel()}
    return found.pop() if len(found) == 1 else None


def _is_behind_head(*sides: Any) -> bool:
    """Whether one side is a head of z, and the other the value that it has at z = 0, so that z is compared with 0."""
    headed = [v.head for v in sides if isinstance(v, Tensor) and v.head is not None]
    if not headed:
        return False
    by = next((v for v in sides if is_constant(v)), None)
    if by is None:
        raise UnreadableError("a comparison of two tensors, one of them with a head")
    half = headed[0] == Head(("Sigmoid",)) and all(v == Fraction(1, 2) for v in fractions(by).ravel())
    if not half and not (headed[0] == Head((SIGN,)) and all(-1 < v < 1 for v in fractions(by).ravel())):
        raise UnreadableError(f"a comparison behind {headed[0]}, expected Sigmoid with 1/2 or Sign with less than 1")
    return True


def _bare(x: Any) -> Any:
    return replace(x, head=None) if isinstance(x, Tensor) else x


def _sign(builder: Builder, node: Node, x: Any) -> Any:
    if is_constant(x):
        if not np.isfinite(x).all():
            raise UnreadableError("the sign of what is no finite number")
        return np.sign(x)
    return replace(x, head=Head((SIGN,)))


def _where(builder: Builder, node: Node, condition: Any, yes: Any, no: Any) -> Any:
    if not is_constant(condition) or condition.dtype != bool:
        raise UnreadableError("a condition that is neither constant nor a comparison")
    shape = broadcast(condition.shape, yes.shape, no.shape)
    chosen = np.broadcast_to(condition, shape)
    if is_constant(yes, no):
        return np.where(chosen, yes, no)
    terms, bias = [], np.zeros(shape, object)
    for value, mask in ((yes, chosen), (no, ~chosen)):
        if isinstance(value, Tensor):
            part = value.moved(np.where(mask, np.broadcast_to(value.positions, shape), -1))
            terms.append((builder.scaled(part, np.ones(shape)), value.node))
        else:
            bias = bias + fractions(np.where(mask, value, value.dtype.type(0)))
    return builder.affine(yes if isinstance(yes, Tensor) else no, terms, bias, shape, -1)


# What follows a comparison or a sign.


def _chosen(builder: Builder, by: Any, yes: Any, no: Any, kind: Any) -> Tensor:
    """`yes` where an entry of `by` is above 0, else `no`, which have to be equal where it is 0."""
    shape = broadcast(by.shape, yes.shape, no.shape)
    if math.prod(shape) > MOST_TRACED or any(isinstance(v, Chosen) or (isinstance(v, Tensor) and v.head)
                                             for v in (yes, no)):
        raise UnreadableError("a choice between many entries, or between what has a head")
    lines = [_traced(builder, v, shape) for v in (by, yes, no)]
    factors = np.empty(math.prod(shape), dtype=object)
    for i, ((root, d, d0), (of_yes, a, a0), (of_no, b, b0)) in enumerate(zip(*lines, strict=True)):
        factors[i] = Fraction(0) if d == 0 else (a - b) / d
        if (a and of_yes != root) or (b and of_no != root) or a - b != factors[i] * d or a0 - b0 != factors[i] * d0:
            raise UnreadableError("the branches are no multiples of what is compared, or differ where it is 0")
    positive = builder.relu(_bare(by).moved(np.broadcast_to(by.positions, shape)))
    terms, bias = [(builder.scaled(positive, factors.reshape(shape)), positive.node)], None
    if isinstance(no, Tensor):
        below = no.moved(np.broadcast_to(no.positions, shape))
        terms.append((builder.scaled(below, np.ones(shape)), no.node))
    else:
        bias = np.broadcast_to(fractions(no), shape)
    builder.rounded = builder.rounded or CHOSEN
    return replace(builder.affine(positive, terms, bias, shape, ROUNDINGS), type=kind)


def _traced(builder: Builder, x: Any, shape: tuple[int, ...]) -> list[tuple[Any, Fraction, Fraction]]:
    """Each entry as (root, slope, offset): slope * root + offset, where a root is an entry of a node, or of the sum of
    maps that a node is but for its bias."""
    if not isinstance(x, Tensor):
        return [(None, Fraction(0), v) for v in np.broadcast_to(fractions(x), shape).ravel()]
    return [_line(builder, x.node, int(p)) for p in np.broadcast_to(x.positions, shape).ravel()]


def _line(builder: Builder, node: int, place: int) -> tuple[Any, Fraction, Fraction]:
    slope, offset = Fraction(1), Fraction(0)
    while place >= 0:
        made = builder.nodes[node]
        if not isinstance(made, Affine):
            return (node, place), slope, offset
        offset += slope * made.bias[place]
        linear, source = made.terms[0]
        if len(made.terms) > 1 or linear.index.shape[1:] != (1, 1) or linear.weight.shape[1:] != (1, 1):
            # Maps are told by what they are, not by their entries: another node may have the same ones.
            return (tuple((id(m), s) for m, s in made.terms), place), slope, offset
        weight = linear.weight if linear.exact is None else linear.exact
        slope *= Fraction(weight.reshape(-1)[place])
        node, place = source, int(linear.index.reshape(-1)[place])
    return None, Fraction(0), offset


def _by_comparison(builder: Builder, node: Node, by: Any, yes: Any, no: Any) -> Any:
    if not _is(by, COMPARED):
        raise UnreadableError("a condition that is no comparison")
    if _is_array(yes, no) and math.prod(broadcast(by.shape, yes.shape, no.shape)) == 1 and yes.item() != no.item():
        return _labelled(builder, by, (no.item(), yes.item()), yes.dtype)
    if _is_array(yes, no):
        rise = fractions(yes) - fractions(no)
        return replace(builder.plus(builder.times(numbers(builder, by), rise), fractions(no), -1), type=yes.dtype)
    return _chosen(builder, by, yes, no, yes.type if isinstance(yes, Tensor) else yes.dtype)


def _product(builder: Builder, node: Node, a: Any, b: Any) -> Tensor:
    """Of a comparison, as 0 and 1, or a sign, with a multiple of what it is about."""
    by, x = (a, b) if isinstance(a, Tensor) and a.head is not None else (b, a)
    if not isinstance(x, Tensor) or x.head is not None:
        raise UnreadableError("a product behind a comparison is read with a multiple of what it compares")
    zero = np.zeros((), x.type)
    return _chosen(builder, by, x, builder.times(x, -1.0) if _is(by, SIGN) else zero, x.type)


def _opposite(builder: Builder, node: Node, x: Any) -> Tensor:
    head = replace(x.head, closed=None if x.head.closed is None else not x.head.closed)
    return replace(builder.times(_bare(x), -1.0), head=head, type=x.type)


def _cast(builder: Builder, node: Node, x: Any) -> Any:
    kind = cast_kind(node)
    if not _is(x, COMPARED):
        raise UnreadableError("a cast of a sign")
    if kind.kind == "i" and math.prod(x.shape) == 1:
        return _labelled(builder, x, (0, 1), kind)
    return replace(x, type=kind)


def _labelled(builder: Builder, by: Tensor, labels: tuple[Any, ...], kind: Any) -> Chosen:
    """The second label where the one comparison holds, else the first: the larger of 0 and what is compared."""
    scores = builder.concatenated([np.zeros(1), _bare(by).moved(by.positions.ravel())], 0)
    return heads.chosen(scores, labels, by.shape, kind)


def _is_array(*values: Any) -> bool:
    return all(isinstance(v, np.ndarray) for v in values)


def _is(x: Any, step: str) -> bool:
    return isinstance(x, Tensor) and x.head is not None and x.head.steps[-1] == step


_TWO = ((7, "v v"),)
OPERATORS = {
    "Where": Operator(_where, (9, 16), ((7, "t v v"),), ((7, "fdilbquh"),)),
    "Sign": Operator(_sign, (9, 13), ((7, "v"),), ((7, "fd"),)),
    **{name: Operator(_compared, (7, 9, 13), _TWO, ((7, "fd"), (9, NUMBERS))) for name in ("Greater", "Less")},
    **{name: Operator(_compared, (12, 16), _TWO, ((7, NUMBERS),)) for name in ("GreaterOrEqual", "LessOrEqual")},
}
# A head is compared with a constant.
BEHIND: dict[str, Callable[..., Any]] = dict.fromkeys(
    ("Greater", "Less", "GreaterOrEqual", "LessOrEqual"), _compared
)
# How operators read what ends with a comparison or a sign; others do not.
BEHIND_OPEN: dict[str, Callable[..., Any]] = {
    "Where": _by_comparison, "Mul": _product, "Not": _opposite, "Cast": _cast, **BEHIND,
    **{name: heads.BEHIND[name] for name in ("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose")},
}
