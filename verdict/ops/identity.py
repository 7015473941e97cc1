"""Identity, Dropout at inference, and Cast between float types: nothing happens over the reals."""

import onnx

from .lowering import Constant, Context, Value, operator

FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE}


@operator("Identity", moves=True)
def identity(ctx: Context) -> list[Value]:
    return [ctx.value(0)]


@operator("Dropout", moves=True)
def dropout(ctx: Context) -> list[Value]:
    if ctx.has(2) and ctx.constant(2, "training_mode").array.any():
        ctx.fail("training_mode = true (only inference)")
    return [ctx.value(0)]


@operator("Cast", moves=True)
def cast(ctx: Context) -> list[Value]:
    """Between float32 and float64 the real value stays; only constants become integers or booleans."""
    x, target = ctx.value(0), int(ctx.attribute("to", 0))
    if target in FLOATS:
        return [x if not isinstance(x, Constant) or x.is_float else Constant(x.coefficients.values)]
    name = onnx.TensorProto.DataType.Name(target)
    if isinstance(x, Constant):
        kind = onnx.helper.tensor_dtype_to_np_dtype(target)
        if kind.kind not in "iub":
            ctx.fail(f"a cast to {name}")
        return [Constant(x.array.astype(kind))]
    if x.head != "ArgMax" or not name.startswith(("INT", "UINT")):
        ctx.fail(f"a cast to {name} (only to FLOAT and DOUBLE)")
    return [x]
