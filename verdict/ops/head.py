"""Heads at the output: Sigmoid, Softmax, LogSoftmax, Log, ArgMax and labels, which keep what output is the largest.

A tensor behind a head is an order-preserving function of its scores, the tensor in front, which becomes the network's
output. What may follow is a small algebra: 1 - sigmoid(z) is sigmoid(-z), a Concat of sigmoids the sigmoid of the
Concat, positive numbers may be divided by their sum, and the position of the largest may be looked up and cast. All
else does change comparisons and is refused.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..network.builder import Builder
from ..network.head import TOTAL, Head, Label
from ..network.maps import Index
from .arithmetic import scale
from .axes import reduced_axes, reduced_shape
from .concat import concat
from .folding import constant_of, objects
from .lowering import Constant, Context, LoweringError, Symbol, Value, behind, on_constants, operator
from .signature import NUMBERS, flag, integer, since
from .softmax import covered, is_whole, softmax


def scores_of(builder: Builder, value: Symbol, name: str) -> Symbol:
    """An output as its scores: one for each class of a label, and for one probability 0 and its logit.

    Raises LoweringError for a tensor that only means something inside the graph.
    """
    head = value.head
    if head is None:
        return value
    if head.labels is not None:
        return replace(value, shape=(len(head.labels),))
    if head.is_open_choice and math.prod(value.shape) == 1:
        return replace(as_label(builder, value, name), shape=(2,))
    if head.is_jump and value.kind != "bool":
        return as_number(builder, value, name)
    if head.is_open_choice:
        raise LoweringError(head.limits)
    if head.steps[-1:] == (TOTAL,):
        raise LoweringError(f"a sum behind {Head(head.steps[:-1])}, expected a division by it")
    if head.is_elementwise and math.prod(value.shape) == 1:
        return replace(value, node=with_zero(builder, value, name), shape=(2,), head=replace(head, is_single=True))
    return value


def with_zero(builder: Builder, value: Symbol, name: str) -> int:
    """The node of 0 and the one number of a tensor: the scores of two classes."""
    return builder.affine([(Index(np.array([-1, 0]), 1), value.node)], None, name)


def as_label(builder: Builder, value: Symbol, name: str, labels: tuple[Label, ...] = (0, 1)) -> Symbol:
    """A comparison of one number as the label of two classes, the second where it holds."""
    head = replace(value.head or Head(), labels=labels)
    return replace(value, node=with_zero(builder, value, name), head=head)


def as_number(builder: Builder, value: Symbol, name: str) -> Symbol:
    """A sign, or the 0 and 1 of a comparison, as the numbers that they are: what jumps."""
    head = value.head or Head()
    if head.is_sign:
        node = builder.sign(value.node, name)
    elif head.is_closed is None:
        raise LoweringError("a comparison of Sign with numbers above and below 0, whose values at 0 differ")
    else:
        node = builder.step(value.node, name, head.is_closed)
    return replace(value, node=node, head=None)


def stripped(value: Symbol) -> Symbol:
    """The scores alone."""
    return replace(value, head=None)


def begun(ctx: Context, position: int = 0) -> Symbol:
    """An input that depends on the network's, with a head that may go on: none yet counts as one without steps."""
    x = ctx.value(position)
    if isinstance(x, Constant):
        ctx.fail(f"{ctx.op_type} of a constant")
    head = x.head or Head()
    if head.is_one_number or head.keys is not None or head.is_open_choice or head.is_sign:
        ctx.fail(head.limits)
    return replace(x, head=head)


def _head(x: Symbol) -> Head:
    return x.head or Head()


def then(x: Symbol, step: str) -> Symbol:
    """The tensor behind one more step."""
    return replace(x, head=_head(x).then(step))


def _covers(ctx: Context, x: Symbol, covered: int) -> None:
    if covered != math.prod(x.shape):
        ctx.fail(f"an axis that does not cover all outputs (shape {x.shape})")


@behind("Sigmoid")
def sigmoid(ctx: Context) -> list[Value]:
    return [then(begun(ctx), "Sigmoid")]


@behind("Log")
def log(ctx: Context) -> list[Value]:
    x = begun(ctx)
    if not _head(x).is_positive:
        ctx.fail("the operator is supported only behind Sigmoid or Softmax")
    return [then(x, "Log")]


SOFTMAX = since(1, "X:T -> Y:T", axis=integer(1)), since(13, "X:T -> Y:T", axis=integer(-1))


@behind("Softmax LogSoftmax")
def last_softmax(ctx: Context) -> list[Value]:
    x = begun(ctx)
    if ctx.op_type == "Softmax" and x.head == Head() and not is_whole(ctx, x):
        return inner_softmax(ctx)
    _covers(ctx, x, covered(ctx, x.shape)[1])
    return [then(x, ctx.op_type)]


operator("LogSoftmax", *SOFTMAX)(last_softmax)


@operator("Softmax", *SOFTMAX)
def inner_softmax(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    return [softmax(ctx, x, *covered(ctx, x.shape))]

FORM = "data:T -> reduced:int64"
EXTREMES = (
    since(1, FORM, {"T": NUMBERS}, axis=integer(0), keepdims=flag(1)),
    # Ties go to the first index.
    since(12, FORM, {"T": NUMBERS}, axis=integer(0), keepdims=flag(1), select_last_index=integer(0, among=(0,))),
)


def _reduced(ctx: Context, shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """The shape without the axis of ArgMax, and the axis."""
    axis = ctx.axis(ctx.attribute("axis"), len(shape))
    return tuple(1 if a == axis else n for a, n in enumerate(shape) if a != axis or ctx.attribute("keepdims")), axis


def _position(ctx: Context) -> list[Value]:
    """The first index of the largest or smallest entry of constants."""
    x = ctx.constant(0, "the data")
    shape, axis = _reduced(ctx, x.shape)
    if not x.shape[axis]:
        ctx.fail("nothing to compare")
    entries = objects(ctx, x)
    found = (entries.argmax if ctx.op_type == "ArgMax" else entries.argmin)(axis=axis)
    return [constant_of(ctx, np.asarray(found).reshape(shape), "int64")]


on_constants("ArgMin", *EXTREMES, fold=_position)


@operator("ArgMax", *EXTREMES, fold=_position)
def arg_max(ctx: Context) -> list[Value]:
    if isinstance(ctx.value(0), Constant):
        return _position(ctx)
    x = begun(ctx)
    shape, axis = _reduced(ctx, x.shape)
    _covers(ctx, x, x.shape[axis])
    return [chosen(ctx, x, range(x.shape[axis]), shape)]


behind("ArgMax")(arg_max)


def chosen(ctx: Context, x: Symbol, labels: Sequence[Label], shape: tuple[int, ...], kind: str = "int64") -> Symbol:
    """The label of the largest entry of `x`, as a tensor of one entry with that shape."""
    if len(set(labels)) < len(labels):
        ctx.fail("two classes with the same label")
    return Symbol(x.node, shape, replace(_head(x), labels=tuple(labels)), kind)


def labels_of(ctx: Context, position: int) -> tuple[Symbol, tuple[Label, ...]]:
    """An input that is the label of the largest entry."""
    x = ctx.value(position)
    if isinstance(x, Symbol) and x.head is not None and x.head.is_open_choice and math.prod(x.shape) == 1:
        x = as_label(ctx.builder, x, ctx.name)
    if isinstance(x, Constant) or x.head is None or x.head.labels is None:
        ctx.fail("the operator is supported only on the position of the largest output, or on constants")
    return x, x.head.labels


def looked_up(ctx: Context, table: Constant, index: Symbol, labels: Sequence[Any], shape: tuple[int, ...]) -> Symbol:
    """`table` (a vector) at the position that `index` is."""
    entries = table.array.ravel().tolist() if table.exact is None else table.fractions()
    if not all(isinstance(i, int) and -len(entries) <= i < len(entries) for i in labels):
        ctx.fail(f"positions of {len(entries)} labels that are out of range")
    return chosen(ctx, index, [entries[i] for i in labels], shape, table.kind)


@behind("Gather")
def gather(ctx: Context) -> list[Value]:
    """Constant labels at the position of the largest, or entries behind an elementwise head."""
    table = ctx.value(0)
    if isinstance(table, Symbol):
        from .slice import gather as plain

        return plain(ctx)
    index, labels = labels_of(ctx, 1)
    if len(table.shape) != 1:
        ctx.fail(f"labels of shape {table.shape}, expected one axis")
    return [looked_up(ctx, table, index, labels, index.shape)]


@behind("Sub")
def complement(ctx: Context) -> list[Value]:
    """1 - sigmoid(z) = sigmoid(-z)"""
    one, p = ctx.value(0), ctx.value(1)
    ones = isinstance(one, Constant) and all(v == 1 for v in one.fractions())
    if not (ones and isinstance(p, Symbol) and p.head == Head(("Sigmoid",))):
        ctx.fail("behind a head only 1 - Sigmoid is supported")
    if ctx.common_shape(one.shape, p.shape) != p.shape:
        ctx.fail(f"1 of shape {one.shape} and a tensor of shape {p.shape}")
    negated = ctx.lift(scale(ctx, stripped(p), -1.0))
    return [replace(negated, head=p.head)]


@behind("Concat")
def side_by_side(ctx: Context) -> list[Value]:
    """Tensors behind the same elementwise head."""
    values = ctx.values()
    heads = {v.head if isinstance(v, Symbol) else None for v in values}
    (head,) = heads if len(heads) == 1 else (None,)
    if head is None or not head.is_elementwise:
        ctx.fail("tensors behind different heads, or one that mixes entries: it is supported only at the output")
    ctx.inputs = [stripped(v) for v in values if isinstance(v, Symbol)]
    return [replace(ctx.lift(v), head=head) for v in concat(ctx)]


@behind("Abs")
def absolute(ctx: Context) -> list[Value]:
    """Positive numbers are their own absolute values."""
    x = begun(ctx)
    if not _head(x).is_positive:
        ctx.fail(f"{x.head} is supported only at the output")
    return [x]


@behind("ReduceSum")
def total(ctx: Context) -> list[Value]:
    """The sum of all of positive numbers, to divide them by."""
    x = begun(ctx)
    axes = reduced_axes(ctx, len(x.shape))
    _covers(ctx, x, math.prod(x.shape[a] for a in axes))
    if not _head(x).is_positive:
        ctx.fail(f"{x.head} is supported only at the output")
    return [replace(then(x, TOTAL), shape=reduced_shape(x.shape, axes, bool(ctx.attribute("keepdims"))))]


@behind("Div")
def share(ctx: Context) -> list[Value]:
    """Positive numbers divided by their sum."""
    x, by = ctx.value(0), ctx.value(1)
    same = isinstance(x, Symbol) and isinstance(by, Symbol) and x.head is not None and x.node == by.node
    if not (same and isinstance(x, Symbol) and isinstance(by, Symbol) and by.head == _head(x).then(TOTAL)):
        ctx.fail("behind a head only a division by the sum of its own entries is supported")
    if ctx.common_shape(x.shape, by.shape) != x.shape:
        ctx.fail(f"shapes {x.shape} and {by.shape}")
    return [then(x, "L1")]
