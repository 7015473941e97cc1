"""Einsum of one tensor or of two: a product of matrices in other words.

Each index is of one kind: in both operands and the result (a batch), in both and not the result (summed), or in one and
the result. Indices that are repeated in an operand, or summed in one operand alone, and `...` are refused.
"""

import math
import re

from .lowering import Context, Symbol, Value, operator
from .matmul import matmul
from .reduce import sum_over
from .signature import Attribute, since


def _words(ctx: Context) -> tuple[list[str], str]:
    """The indices of each operand and of the result."""
    equation = ctx.attribute("equation").replace(" ", "")
    left, arrow, result = equation.partition("->")
    operands = left.split(",")
    if not re.fullmatch(r"[A-Za-z,]*(->[A-Za-z]*)?", equation):
        ctx.fail(f"equation = {equation!r}, expected letters alone")
    if not arrow:
        result = "".join(sorted(c for c in set(left) - {","} if left.count(c) == 1))
    if any(len(set(word)) < len(word) for word in (*operands, result)) or not set(result) <= set(left):
        ctx.fail(f"equation = {equation!r}, which repeats or invents an index")
    return operands, result


def _sizes(ctx: Context, operands: list[str], values: list[Value]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for word, value in zip(operands, values, strict=True):
        if len(word) != len(value.shape):
            ctx.fail(f"{len(word)} indices for a tensor of shape {value.shape}")
        for index, size in zip(word, value.shape, strict=True):
            if sizes.setdefault(index, size) != size:
                ctx.fail(f"the index {index} has size {sizes[index]} and {size}")
    return sizes


def _ordered(ctx: Context, value: Value, word: str, wanted: str) -> Value:
    """The tensor with its axes in another order."""
    order = [word.index(c) for c in wanted]
    return value if order == list(range(len(order))) else ctx.move(value, lambda a: a.transpose(order))


@operator("Einsum", since(12, "Inputs:T* -> Output:T", equation=Attribute("STRING", required=True)))
def einsum(ctx: Context) -> list[Value]:
    (operands, result), values = _words(ctx), ctx.values()
    if len(operands) != len(values) or len(values) > 2:
        ctx.fail(f"{len(operands)} terms and {len(values)} inputs, expected one or two of each")
    sizes = _sizes(ctx, operands, values)
    if len(values) == 1:
        x, word = ctx.symbol(0), operands[0]
        total: Symbol = sum_over(ctx, x, [i for i, c in enumerate(word) if c not in result], False)
        return [_ordered(ctx, total, "".join(c for c in word if c in result), result)]
    a, b = operands
    if any((c in a) + (c in b) == 1 and c not in result for c in sizes):
        ctx.fail("an index that is summed in one operand alone")
    both = [c for c in a if c in b]
    batch, inner = [c for c in both if c in result], [c for c in both if c not in result]
    rows, columns = [c for c in a if c not in b], [c for c in b if c not in a]

    def count(indices: list[str]) -> int:
        return math.prod(sizes[c] for c in indices)

    left = _ordered(ctx, values[0], a, "".join(batch + rows + inner))
    right = _ordered(ctx, values[1], b, "".join(batch + inner + columns))
    left = ctx.reshape(left, (count(batch), count(rows), count(inner)))
    right = ctx.reshape(right, (count(batch), count(inner), count(columns)))
    made = batch + rows + columns
    product = ctx.reshape(matmul(ctx, left, right), tuple(sizes[c] for c in made))
    return [_ordered(ctx, product, "".join(made), result)]
