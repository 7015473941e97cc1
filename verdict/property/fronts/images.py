"""Which axes of an input are the height and the width of an image."""

from __future__ import annotations

import math

from ...base.errors import InputError
from ...network.exact import FloatArray

CHANNELS = (1, 3, 4)


def planes(x: FloatArray, shape: tuple[int, ...], width: int | None = None) -> tuple[FloatArray, tuple[int, int]]:
    """The flat input `x` as an array, row-major as before, and its axes (height, width).

    `shape` is the network's; a flat input counts as one plane, `width` pixels wide or square. Raises InputError.
    """
    sides = tuple(n for n in shape[:-2] if n > 1) + shape[-2:] if len(shape) > 2 else shape
    sides = sides[1:] if len(sides) == 2 and sides[0] == 1 else sides
    if len(sides) == 1:
        width = math.isqrt(sides[0]) if width is None else width
        if width < 1 or sides[0] % width or (width * width != sides[0] and width == math.isqrt(sides[0])):
            raise InputError(f"an input of {sides[0]} numbers is no square image, expected a width that divides it")
        return x.reshape(sides[0] // width, width), (0, 1)
    if len(sides) == 2:
        return x.reshape(sides), (0, 1)
    if len(sides) == 3 and (sides[0] in CHANNELS or sides[2] in CHANNELS):
        return x.reshape(sides), (1, 2) if sides[0] in CHANNELS else (0, 1)
    raise InputError(f"the network's input of shape {shape} is no image, expected height and width, and channels")
