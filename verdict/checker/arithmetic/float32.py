"""How far any float32 evaluation may be from the real one: the one term that makes a proof hold for all of them.

The same bound holds for any other binary format, float64 for one, with its own unit and its own least normal number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import OutOfRangeError
from ..kernel.region import MORE
from ..network import Affine


@dataclass(frozen=True)
class Format:
    """A binary format: half the distance of 1 to the next number, the least normal number, and a number that sums of
    magnitudes have to stay below so that nothing overflows."""

    unit: float
    least: float
    most: float


FLOAT32, FLOAT64 = Format(2.0**-24, 2.0**-126, 2.0**126), Format(2.0**-53, 2.0**-1022, 2.0**1020)


def float32_error(node: Affine, region: Any, form: Format = FLOAT32) -> Any:
    """How far a float32 evaluation of each entry may be from the exact one, whatever the order of its sum."""
    if node.roundings < 0:
        # Nothing is rounded, but what is read may be flushed to zero first, and so may the constant.
        ones = [linear.forward(np.ones((1, linear.in_size)), np.abs(linear.weight)) for linear, _ in node.terms]
        return MORE * form.least * sum(ones, np.ones((1, node.size)))
    magnitude = np.abs(node.floats if node.size_of_bias is None else node.size_of_bias)[None]
    products, largest_factor = 2 + node.roundings + len(node.terms), 1.0
    for linear, source in node.terms:
        size = region.size(source)
        magnitude = magnitude + linear.forward(size, np.abs(linear.weight))
        products += linear.weight.shape[1]
        # A factor that is flushed to zero takes its product with it.
        largest_factor += np.abs(linear.weight).max(initial=0) + size.max(initial=0)
    if not (magnitude < form.most).all():
        raise OutOfRangeError
    share = products * form.unit
    if share >= 0.5:
        raise OutOfRangeError
    return MORE * (share / (1 - share) * magnitude + products * largest_factor * form.least)
