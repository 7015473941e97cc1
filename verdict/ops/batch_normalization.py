"""BatchNormalization at inference: (x - mean) * factor + bias for each channel.

The factor scale / sqrt(var + epsilon) is irrational, the only such number in Verdict; the network is defined
to have the float64 that NumPy's (IEEE 754) sum, square root and quotient, each rounded once, give for it.
"""

import numpy as np

from ..network.exact import Coefficients
from .arithmetic import add, multiply, scale
from .lowering import Constant, Context, Value, operator

# ONNX attributes are float32: the default 1e-5 is this number.
DEFAULT_EPSILON = float(np.float32(1e-5))


@operator("BatchNormalization")
def batch_normalization(ctx: Context) -> list[Value]:
    x = ctx.symbol(0)
    if ctx.attribute("training_mode", 0) or not ctx.attribute("spatial", 1):
        ctx.fail("training_mode = 1 or spatial = 0 (only inference with one factor per channel)")
    if len(x.shape) < 2:
        ctx.fail(f"an input of shape {x.shape} has no channels")
    scales, bias, mean, var = (ctx.constant(i + 1, f"input {i + 1}") for i in range(4))
    channels = x.shape[1]
    if any(c.shape != (channels,) for c in (scales, bias, mean, var)):
        ctx.fail(f"parameters that are not of shape ({channels},)")
    variance = var.coefficients.values + float(ctx.attribute("epsilon", DEFAULT_EPSILON))
    if not (variance > 0).all():
        ctx.fail("a variance that is not positive")
    factor = Constant(Coefficients(scales.coefficients.values / np.sqrt(variance)).values)
    per_channel = (channels, *(1,) * (len(x.shape) - 2))

    def spread(value: Constant) -> Constant:
        return value.map(lambda a: a.reshape(per_channel))

    # In this order no sum is formed that a float32 run would round and the graph would not show.
    centred = add(ctx, x, scale(ctx, spread(mean), -1.0))
    return [add(ctx, multiply(ctx, centred, spread(factor)), spread(bias))]
