"""How far any float32 evaluation may be from the real one: the term that makes a proof hold for all of them.

Sums of products are charged for every order, products of two entries for one multiplication. A library's functions are
charged what the certificate assumes of them: a value within so many units in the last place (ulp). The bound of sums
holds for any other binary format, float64 for one, with its own unit and its own least normal number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import OutOfRangeError
from ..functions.planes import interval
from ..kernel.region import MORE
from ..network import Affine, Pointwise, Product, no_rule
from .interface import Arithmetic


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
    magnitude = _below(magnitude, form)
    share = products * form.unit
    if share >= 0.5:
        raise OutOfRangeError
    return MORE * (share / (1 - share) * magnitude + products * largest_factor * form.least)


def value_error(node: Pointwise | Product, region: Any, ulps: float | None, form: Format = FLOAT32) -> Any:
    """How far a float32 evaluation of each entry may be from the exact value for what it reads; None: it rounds
    nothing. A function is computed within so many `ulps` of its value, or of 1 where that is larger: libraries that
    are close to their values in size are not always close to small ones."""
    if isinstance(node, Product):
        left, right = region.size(node.left), region.size(node.right)
        # A factor that is flushed to zero takes its product with it.
        return MORE * (form.unit * _below(left * right, form) + form.least * (left + right + 2))
    if not node.function.rounds:
        return None
    if ulps is None or node.function.jumps:
        raise OutOfRangeError
    low, high = region.low[node.source], region.high[node.source]
    ends = node.function.interval(low, high)
    size = _below(np.maximum(np.abs(ends[0]), np.abs(ends[1])), form)
    found = MORE * (2 * ulps * form.unit * np.maximum(size, 1) + 2 * form.least)
    near = (low < form.least) & (high > -form.least)
    if near.any():
        # What is read may be flushed to zero first.
        around = np.clip(low, -form.least, 0.0), np.clip(high, 0.0, form.least)
        bottom, top = node.function.interval(*(np.where(near, end, low) for end in around))
        found = np.where(near, MORE * (found + (top - bottom)), found)
    return found


def computed(node: Any, arithmetic: Arithmetic, region: Any, ulps: float | None) -> Any:
    """Ends of the values of a node whose sources are bounded, with what float32 evaluations may make of them where the
    arithmetic charges that."""
    if isinstance(node, Affine):
        return arithmetic.interval(node, region)
    if isinstance(node, Product):
        ends = interval(*region.factors(node))
    elif isinstance(node, Pointwise):
        ends = node.function.interval(region.low[node.source], region.high[node.source])
    else:
        raise no_rule(node)
    wrong = value_error(node, region, ulps) if arithmetic.any_order else None
    if wrong is None:
        return ends
    return np.nextafter(ends[0] - wrong, -np.inf), np.nextafter(ends[1] + wrong, np.inf)


def _below(size: Any, form: Format) -> Any:
    """The sizes, where nothing overflows."""
    if not (size < form.most).all():
        raise OutOfRangeError
    return size
