"""Floor, Ceil and Round: functions that jump, and exact on constants."""

import math
from collections.abc import Callable
from typing import Any

from ..network.functions.floor import FLOOR
from ..network.functions.round import ROUND
from .arithmetic import scale
from .folding import elementwise
from .lowering import Constant, Context, Symbol, Value, operator
from .signature import since

FORM = "X:T -> Y:T"
# Halves go to the even neighbour, in Python as in ONNX.
ON_CONSTANTS: dict[str, Callable[[Any], Any]] = {"Floor": math.floor, "Ceil": math.ceil, "Round": round}


@operator("Floor Ceil", since(6, FORM))
def whole(ctx: Context) -> list[Value]:
    """Rounding up is -floor(-x)."""
    x = ctx.value(0)
    if isinstance(x, Constant):
        return elementwise(ON_CONSTANTS[ctx.op_type])(ctx)
    if ctx.op_type != "Ceil":
        return [Symbol(ctx.builder.pointwise(ROUND if ctx.op_type == "Round" else FLOOR, x.node, ctx.name), x.shape)]
    down = ctx.builder.pointwise(FLOOR, ctx.lift(scale(ctx, x, -1.0)).node, ctx.name)
    return [scale(ctx, Symbol(down, x.shape), -1.0)]


operator("Round", since(11, FORM))(whole)
