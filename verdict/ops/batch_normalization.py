"""BatchNormalization at inference: (x - mean) * factor + bias for each channel.

The factor scale / sqrt(var + epsilon) is irrational, the only such number in Verdict; the network is defined
to have the float64 that NumPy's (IEEE 754) sum, square root and quotient, each rounded once, give for it.
"""

import numpy as np

from ..network.exact import Coefficients
from .arithmetic import add, multiply, scale
from .lowering import Constant, Context, Value, operator
from .signature import REAL, integer, real, since

FORM = "X:T scale:T B:T mean:T var:T -> Y:T"
ATTRIBUTES = {"epsilon": real(1e-5), "momentum": real(0.9)}
INFERENCE = integer(0, among=(0,))


@operator(
    "BatchNormalization",
    # One factor per channel, not per entry.
    since(7, FORM, **ATTRIBUTES, spatial=integer(1, among=(1,))),
    since(9, FORM, **ATTRIBUTES),
    since(14, "X:T scale:T B:T input_mean:U input_var:U -> Y:T", {"U": REAL}, **ATTRIBUTES, training_mode=INFERENCE),
    since(
        15,
        "X:T scale:T1 B:T1 input_mean:T2 input_var:T2 -> Y:T",
        {"T1": REAL, "T2": REAL},
        **ATTRIBUTES,
        training_mode=INFERENCE,
    ),
)
def batch_normalization(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    if len(x.shape) < 2:
        ctx.fail(f"an input of shape {x.shape} has no channels")
    scales, bias, mean, var = (ctx.constant(i + 1, f"input {i + 1}") for i in range(4))
    channels = x.shape[1]
    if any(c.shape != (channels,) for c in (scales, bias, mean, var)):
        ctx.fail(f"parameters that are not of shape ({channels},)")
    variance = var.coefficients.values + float(ctx.attribute("epsilon"))
    if not (variance > 0).all():
        ctx.fail("a variance that is not positive")
    factor = Constant(Coefficients(scales.coefficients.values / np.sqrt(variance)).values)
    per_channel = (channels, *(1,) * (len(x.shape) - 2))

    def spread(value: Constant) -> Constant:
        return value.map(lambda a: a.reshape(per_channel))

    # In this order no sum is formed that a float32 run would round and the graph would not show.
    centred = add(ctx, x, scale(ctx, spread(mean), -1.0))
    return [add(ctx, multiply(ctx, centred, spread(factor)), spread(bias))]
