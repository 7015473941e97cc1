"""How far any float32 evaluation may be from the real one: the one term that makes a proof hold for all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import OutOfRangeError
from ..kernel.region import MORE
from ..network import Affine


def float32_error(node: Affine, region: Any) -> Any:
    """How far a float32 evaluation of each entry may be from the exact one, whatever the order of its sum."""
    if node.roundings < 0:
        # Nothing is rounded, but what is read may be flushed to zero first, and so may the constant.
        ones = [linear.forward(np.ones((1, linear.in_size)), np.abs(linear.weight)) for linear, _ in node.terms]
        return MORE * 2.0**-126 * sum(ones, np.ones((1, node.size)))
    magnitude = np.abs(node.floats if node.size_of_bias is None else node.size_of_bias)[None]
    products, largest_factor = 2 + node.roundings + len(node.terms), 1.0
    for linear, source in node.terms:
        size = region.size(source)
        magnitude = magnitude + linear.forward(size, np.abs(linear.weight))
        products += linear.weight.shape[1]
        # A factor that is flushed to zero takes its product with it.
        largest_factor += np.abs(linear.weight).max(initial=0) + size.max(initial=0)
    if not (magnitude < 2.0**126).all():
        raise OutOfRangeError
    share = products * 2.0**-24
    if share >= 0.5:
        raise OutOfRangeError
    return MORE * (share / (1 - share) * magnitude + products * largest_factor * 2.0**-126)
