"""Bounds on every neuron over a box of inputs, batched over boxes: one technique per file.

All are sound in float64: each charges its own rounding errors, outward, by an a-priori bound.
"""

from .backward import output_bounds, output_lower
from .bounds import Bounds
from .interval import interval_bounds
from .linear import linear_bounds

__all__ = ["Bounds", "interval_bounds", "linear_bounds", "output_bounds", "output_lower"]
