"""Nodes of wide models: inputs that fit together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from support.wide_values import ATTRIBUTES, FLOATS, INTEGERS, attribute_value, axis, some_axes, window

# (model, schema) -> the names of the inputs, and attributes that have to fit them.
Builder = Callable[[Any, Any], "tuple[list[str], dict[str, Any]]"]
BUILDERS: dict[str, Builder] = {}
REAL = ["float32", "float64"]


def builder(*names: str) -> Callable[[Builder], Builder]:
    def register(build: Builder) -> Builder:
        BUILDERS.update(dict.fromkeys(names, build))
        return build

    return register


def _operand(m: Any, table: Any) -> Any:
    from support.wide_models import kinds_of

    return m.operand(kinds_of(table.inputs[0]))


def _either(m: Any, new: int, inputs: list[str], name: str, values: Any) -> tuple[list[str], dict[str, Any]]:
    """Integers as a constant input from operator set `new` on, before as an attribute."""
    if m.opset >= new:
        return [*inputs, m.ints(*values).name], {}
    return inputs, {name: list(values)}


@builder("Constant")
def _constant(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    values = {
        "value_int": m.one(INTEGERS), "value_ints": [m.whole(-3, 3), m.whole(-3, 3)], "value_float": m.one(FLOATS[:9]),
        "value_floats": [0.5, float(m.one(FLOATS[:9]))],
    }  # fmt: skip
    known = [name for name in values if name in table.attributes]
    if known and m.chance(0.6):
        name = m.one(known)
        return [], {name: values[name]}
    return [], {"value": attribute_value(m, "Constant", table.attributes["value"], ())}


@builder("Reshape")
def _reshape(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = _operand(m, table)
    size = int(np.prod(x.shape))
    first = m.one([k for k in range(1, size + 1) if size % k == 0] or [1])
    plain = [(first, -1), (-1,), (1, first, size // first), x.shape, (*x.shape[:1], -1)]
    shape = m.one([*plain, (0, -1), (-1, 0), (2, -1)])
    return [x.name, m.ints(*shape).name], {}


@builder("Expand")
def _expand(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = _operand(m, table)
    shape = [m.whole(1, 2) if n == 1 or m.chance(0.1) else n for n in x.shape]
    return [x.name, m.ints(*([2] * int(m.chance(0.2))), *shape[m.whole(0, 1) if m.chance(0.3) else 0 :]).name], {}


@builder("Tile")
def _tile(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = _operand(m, table)
    return [x.name, m.ints(*(m.whole(0 if m.chance(0.05) else 1, 2) for _ in x.shape)).name], {}


@builder("Squeeze")
def _squeeze(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = _operand(m, table)
    ones = [k - len(x.shape) * int(m.chance(0.3)) for k, n in enumerate(x.shape) if n == 1 or m.chance(0.05)]
    return ([x.name], {}) if m.chance(0.3) else _either(m, 13, [x.name], "axes", ones[: m.whole(1, 3)])


@builder("Unsqueeze")
def _unsqueeze(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = _operand(m, table)
    count = m.whole(1, 2)
    return _either(m, 13, [x.name], "axes", some_axes(m, len(x.shape) + count)[:count])


@builder("ReduceSum")
def _reduce_sum(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    return _reduced(m, table, 13)


@builder("ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare")
def _reduce(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    return _reduced(m, table, 18)


def _reduced(m: Any, table: Any, new: int) -> tuple[list[str], dict[str, Any]]:
    x = _operand(m, table)
    if m.chance(0.2):
        return [x.name, ""][: m.whole(1, 1 + int(m.opset >= new))], {}
    return _either(m, new, [x.name], "axes", some_axes(m, len(x.shape)))


@builder("Pad")
def _pad(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = _operand(m, table)
    rank = len(x.shape)
    over = some_axes(m, rank) if m.opset >= 18 and m.chance(0.3) else None
    pads = [m.one([0, 0, 1, 1, -1 if m.chance(0.2) else 2]) for _ in range(2 * (rank if over is None else len(over)))]
    if m.opset < 11:
        return [x.name], {"pads": pads}
    value = m.constant(m.numbers(() if m.chance(0.9) else (1,), x.kind)).name if m.chance(0.4) else ""
    names = [x.name, m.ints(*pads).name, value]
    if over is not None:
        return [*names, m.ints(*over).name], {}
    return names if value or m.chance(0.3) else names[:2], {}


@builder("Slice")
def _slice(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = _operand(m, table)
    rank = len(x.shape)
    axes = some_axes(m, rank) if m.chance(0.7) else list(range(m.whole(0, rank)))
    starts, ends, steps = [], [], []
    for a in axes:
        n = x.shape[a] if -rank <= a < rank else 2
        step = m.one([1, 1, 2, -1, -2]) if m.opset >= 10 else 1
        low, high = m.whole(-n, n - 1), m.one([n, n + 1, 2**63 - 1, 2**31 - 1, -1, m.whole(-n, n)])
        starts.append(low if step > 0 else m.one([-1, n - 1, 2**63 - 1]))
        ends.append(high if step > 0 else m.one([-n - 1, -(2**63), -(2**31), 0]))
        steps.append(step)
    plain = axes == list(range(len(axes))) and m.chance(0.8)
    if m.opset < 10:
        return [x.name], {"starts": starts, "ends": ends, **({} if plain else {"axes": axes})}
    kind = np.int32 if m.chance(0.2) else np.int64
    with np.errstate(all="ignore"):
        parts = [np.clip(np.array(v, dtype=object), np.iinfo(kind).min, np.iinfo(kind).max).astype(kind)
                 for v in (starts, ends, axes, steps)]  # fmt: skip
    names = [x.name, *(m.constant(p).name for p in parts)]
    if plain:
        names[3] = ""
    if m.chance(0.3) and set(steps) <= {1}:
        names = names[: 3 if plain else 4]
    return names, {}


@builder("Gather")
def _gather(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = _operand(m, table)
    a = axis(m, len(x.shape))
    n = x.shape[a] if -len(x.shape) <= a < len(x.shape) else 1
    index = m.rng.integers(-n, max(n, 1) + int(m.chance(0.03)), m.one([(), (1,), (2,), (2, 1)]))
    return [x.name, m.constant(np.asarray(index).astype(m.one([np.int64, np.int32]))).name], {"axis": a}


@builder("Concat")
def _concat(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = _operand(m, table)
    a = axis(m, len(x.shape))
    names = [x.name]
    for _ in range(m.whole(0, 2)):
        shape = list(x.shape)
        if -len(shape) <= a < len(shape):
            shape[a] = m.whole(0 if m.chance(0.1) else 1, 2)
        same = [t for t in m.symbols if t.kind == x.kind and t.shape == x.shape]
        names.append(m.one(same).name if same and m.chance(0.4) else m.constant(m.numbers(tuple(shape), x.kind)).name)
    m.rng.shuffle(names)
    return names, {"axis": a}


@builder("Split")
def _split(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = _operand(m, table)
    a = axis(m, len(x.shape)) if x.shape else 0
    n = x.shape[a] if -len(x.shape) <= a < len(x.shape) else 2
    count = m.whole(1, min(n, 3))
    given = {"axis": a, "outputs": count}
    if m.chance(0.4):
        return [x.name], {**given, **({"num_outputs": count} if m.opset >= 18 else {})}
    cuts = sorted(m.whole(0, n) for _ in range(count - 1))
    names, more = _either(m, 13, [x.name], "split", np.diff([0, *cuts, n]).tolist())
    return names, {**given, **more}


@builder("Gemm")
def _gemm(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x, out, turned, other = m.x, m.whole(1, 3), m.whole(0, 1), m.whole(0, 1)
    rows, columns = (*x.shape, 1, 1)[:2] if not turned else (*x.shape, 1, 1)[1::-1]
    weight = m.constant(m.numbers((out, columns) if other else (columns, out), x.kind))
    bias = m.constant(m.numbers(m.like((rows, out)), x.kind))
    names = [x.name, weight.name] + ([bias.name] if m.chance(0.7) or m.opset < 11 else [""] * m.whole(0, 1))
    return names, {"transA": turned, "transB": other}


@builder("MatMul")
def _matmul(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = m.operand(REAL)
    shape = x.shape or (1,)
    right = m.one([(shape[-1], m.whole(1, 3)), (shape[-1],), (*shape[:-2], shape[-1], 2)])
    left = m.one([(2, shape[-2 if len(shape) > 1 else -1]), (shape[-2 if len(shape) > 1 else -1],)])
    if m.chance(0.7):
        return [x.name, m.constant(m.numbers(right, x.kind)).name], {}
    return [m.constant(m.numbers(left, x.kind)).name, x.name], {}


def _image(m: Any) -> Any:
    """The last tensor as (batch, channels, spatial)."""
    fitting = [t for t in m.symbols if len(t.shape) >= 3]
    return fitting[-1] if fitting else m.x


def _windows(m: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    """How windows lie; pads only where no rule says them, most of the time."""
    rule = m.chance(0.3)
    given: dict[str, Any] = {"auto_pad": ATTRIBUTES["auto_pad"](m, shape) if rule else "NOTSET"}
    if rule or m.chance(0.5):
        given["pads"] = [0] * (2 * window(m, shape))
    return given


@builder("Conv")
def _conv(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = _image(m)
    channels = (*x.shape, 1, 1)[1]
    groups = m.one([g for g in range(1, channels + 1) if channels % g == 0] or [1])
    kernel, out = [m.whole(1, min(2, n)) for n in x.shape[2:]], groups * m.whole(1, 2)
    names = [x.name, m.constant(m.numbers((out, channels // groups, *kernel), x.kind)).name]
    if m.chance(0.5):
        names.append(m.constant(m.numbers((out,), x.kind)).name)
    return names, {"group": groups, **({"kernel_shape": kernel} if m.chance(0.5) else {}), **_windows(m, x.shape)}


@builder("ConvTranspose")
def _conv_transpose(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = _image(m)
    channels = (*x.shape, 1, 1)[1]
    groups = m.one([g for g in range(1, channels + 1) if channels % g == 0] or [1])
    kernel = [m.whole(1, 2) for _ in x.shape[2:]]
    names = [x.name, m.constant(m.numbers((channels, m.whole(1, 2), *kernel), x.kind)).name]
    return names, {"group": groups, "kernel_shape": kernel, **_windows(m, x.shape)}


@builder("MaxPool", "AveragePool")
def _pool(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = _image(m)
    return [x.name], _windows(m, x.shape)


@builder("GlobalAveragePool", "GlobalMaxPool")
def _global(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    return [_image(m).name], {}


@builder("DepthToSpace", "SpaceToDepth")
def _blocks(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    fitting = [t for t in m.symbols if len(t.shape) == 4]
    return [m.one(fitting or [m.x]).name], {}


@builder("BatchNormalization")
def _normalised(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = m.x
    channels = (*x.shape, 1, 1)[1]
    parts = [m.numbers((channels,), x.kind) for _ in range(3)] + [m.numbers((channels,), x.kind, positive=True)]
    return [x.name, *(m.constant(p).name for p in parts)], {"outputs": 1}


@builder("InstanceNormalization", "GroupNormalization")
def _normalised_in_groups(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = m.x
    channels = (*x.shape, 1, 1)[1]
    groups = m.one([g for g in range(1, channels + 1) if channels % g == 0])
    parts = [m.constant(m.numbers((channels,), x.kind)).name for _ in range(2)]
    return [x.name, *parts], {"num_groups": groups} if "num_groups" in table.attributes else {}


@builder("Clip")
def _clip(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = _operand(m, table)
    if m.opset < 11:
        return [x.name], {}
    names = [m.constant(m.numbers((), x.kind)).name if m.chance(0.6) else "" for _ in range(2)]
    return [x.name, *names][: m.whole(1, 3)], {}


@builder("Dropout")
def _dropout(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    names = [m.x.name]
    if m.opset >= 12 and m.chance(0.5):
        ratio = m.constant(np.array(0.5, m.one(REAL))).name if m.chance(0.7) else ""
        names += [ratio, *([m.constant(np.array(m.chance(0.2))).name] if m.chance(0.5) else [])]
    return names, {}


@builder("PRelu")
def _prelu(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    return [m.x.name, m.constant(m.numbers(m.like(m.x.shape), m.x.kind)).name], {}


@builder("ConstantOfShape")
def _of_shape(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    return [m.ints(*m.small_shape()).name], {}


@builder("Range")
def _range(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    kind = m.one(["int64", "int32", "float32", "float64", "int16"])
    start, step, count = m.whole(-3, 3), m.one([1, 2, -1, -2]), m.whole(0, 4)
    return [m.constant(np.array(v, kind)).name for v in (start, start + step * count, step)], {}


@builder("Div")
def _div(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = _operand(m, table)
    divisor = m.numbers(m.like(x.shape), x.kind)
    names = [x.name, m.constant(np.where(divisor == 0, np.ones_like(divisor), divisor)).name]
    return names[:: -1 if m.chance(0.1) else 1], {}


@builder("CumSum")
def _cumsum(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = m.constant(m.numbers((2, 3), m.one(["float32", "float64", "int32", "int64"])))
    return [x.name, m.constant(np.array(m.whole(-2, 1), m.one([np.int64, np.int32]))).name], {}


@builder("DequantizeLinear")
def _dequantize(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    kind, shape = m.one(["int8", "uint8", "int32", "int16", "uint16"]), (2, 3)
    scale = m.one([(), (3,), (2,)])
    names = [m.constant(m.numbers(shape, kind)).name, m.constant(m.numbers(scale, "float32")).name]
    zero = [m.constant(m.numbers(scale, kind)).name] if m.chance(0.6) else []
    return names + zero, {"axis": {(): 1, (3,): m.one([1, -1]), (2,): m.one([0, -2])}[scale]}


@builder("Einsum")
def _einsum(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = m.x
    letters = "abcdef"[: len(x.shape)]
    if m.chance(0.3):
        return [x.name], {"equation": f"{letters}->{''.join(m.rng.permutation(list(letters)))}"}
    weight = m.constant(m.numbers((*x.shape[-1:], m.whole(1, 3)), x.kind))
    return [x.name, weight.name], {"equation": f"{letters},{letters[-1:]}z->{letters[:-1]}z"}


@builder("Resize")
def _resize(m: Any, table: Any) -> tuple[list[str], dict[str, Any]]:
    x = m.one([t for t in m.symbols if len(t.shape) == 4] or [m.x])
    scales = [1.0 if axis < 2 else m.one([0.5, 1.0, 2.0]) for axis in range(len(x.shape))]
    scaled = m.constant(np.array(scales, np.float32)).name
    modes = {
        "mode": m.one(["nearest", "linear"]),
        "nearest_mode": m.one(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]),
        "coordinate_transformation_mode": m.one(["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"]),
    }
    given = {name: value for name, value in modes.items() if name in table.attributes}
    if m.opset < 11:
        return [x.name, scaled], given
    roi = "" if m.opset >= 13 else m.constant(np.zeros(0, np.float32)).name
    if m.chance(0.5):
        return [x.name, roi, scaled], given
    sizes = [max(1, int(n * s)) for n, s in zip(x.shape, scales, strict=True)]
    return [x.name, roi, "" if m.opset >= 13 else m.constant(np.zeros(0, np.float32)).name, m.ints(*sizes).name], given
