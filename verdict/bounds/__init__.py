"""Bounds on every neuron over a box of inputs, batched over boxes: one technique per file.

All are sound in float64: each charges its own rounding errors, outward, by an a-priori bound.
"""

from .bounds import Bounds
from .interval import interval_bounds
from .linear import linear_bounds, output_bounds, output_lower

__all__ = ["Bounds", "interval_bounds", "linear_bounds", "output_bounds", "output_lower"]
