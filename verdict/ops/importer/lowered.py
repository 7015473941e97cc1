"""Which lowering of an operator reads its inputs: its own, or what it makes of inputs behind heads.

A sign or a comparison only chooses where nothing jumps, and then the network is one of ReLUs (`ops/choice.py`); where
an operator makes nothing of it, it becomes the numbers that it is, a sum of steps, and the operator is asked again.
Both readings are exact where both can be read.
"""

from __future__ import annotations

from ..head import as_number
from ..lowering import Constant, Context, LoweringError, Operator, Symbol, Value, behind_heads


def lowered(operator: Operator, ctx: Context, is_inside: bool) -> list[Value]:
    """What the operator makes of its inputs; `is_inside` says that the numbers of its output are wanted."""
    jumps = [v for v in ctx.inputs if isinstance(v, Symbol) and v.head is not None and v.head.is_jump]
    try:
        return _lowered(operator, ctx, is_inside)
    except LoweringError:
        # Of truth values there are no numbers.
        if not jumps or any(isinstance(v, Symbol) and v.kind == "bool" for v in ctx.inputs):
            raise
    number = {id(v): as_number(ctx.builder, v, ctx.name) for v in jumps}
    ctx.inputs = [number.get(id(v), v) for v in ctx.inputs]
    return _lowered(operator, ctx, is_inside)


def _lowered(operator: Operator, ctx: Context, is_inside: bool) -> list[Value]:
    given = [v for v in ctx.inputs if v is not None]
    heads = [v.head for v in given if isinstance(v, Symbol) and v.head is not None]
    constants = [v for v in given if isinstance(v, Constant)]
    is_constant = len(constants) == len(given)
    lower = operator.on_constants(constants) if is_constant else operator.lower
    if operator.name in ("Sigmoid", "Softmax") and not is_constant and not is_inside:
        lower = behind_heads(operator.name)
    if not is_constant and (heads or lower is None):
        lower = behind_heads(operator.name) or (lower if operator.moves else None)
    if lower is None:
        raise LoweringError(heads[0].limits if heads else "the operator is not supported")
    return lower(ctx)
