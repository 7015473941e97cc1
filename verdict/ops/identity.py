"""Identity and Dropout at inference: nothing happens."""

from .lowering import Context, Value, operator
from .signature import ANY, BOOL, REAL, TEXT, integer, real, since

DROPOUT = "data:T ratio:T1? training_mode:T2? -> output:T mask:T2?"


@operator("Identity", since(1, "input:T -> output:T", {"T": ANY | TEXT}), moves=True)
def identity(ctx: Context) -> list[Value]:
    return [ctx.value(0)]


@operator(
    "Dropout",
    since(7, "data:T -> output:T mask:T?", ratio=real(0.5)),
    since(10, "data:T -> output:T mask:bool?", ratio=real(0.5)),
    since(12, DROPOUT, {"T1": REAL, "T2": BOOL}, seed=integer()),
    moves=True,
)
def dropout(ctx: Context) -> list[Value]:
    if ctx.has(2) and ctx.constant(2, "training_mode").array.any():
        ctx.fail("training_mode = true (only inference)")
    return [ctx.value(0)]
