"""max(z, 0), and CROWN's lines for it (Zhang et al. 1811.00866)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

# A factor above the rounding of a product of two floats.
ABOVE = 1 + 2.0**-20


class Relu:
    """Off up to 0, on from 0."""

    name, is_rational, rounds, jumps = "Relu", True, False, False

    def value(self, top: Any, under: int) -> tuple[Any, int]:
        return np.maximum(top, 0), under

    def between(self, low: Fraction, high: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        return max(low, Fraction(0)), max(high, Fraction(0))

    def interval(self, low: Any, high: Any) -> tuple[Any, Any]:
        return np.maximum(low, 0), np.maximum(high, 0)

    def worth(self, low: Any, high: Any, also: Any) -> Any:
        return ((low < 0) | also) & (high > 0)

    def slopes(self, low: Any, high: Any, below: Any, above: Any, split: Any) -> tuple[Any, Any]:
        """With `above` the slopes are also those of neurons that the bounds here leave on one side of zero: any
        multipliers are sound, and only fixed ones get no worse when bounds get better."""
        on, off = low >= 0, high <= 0
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            chord = np.clip(np.nan_to_num(high / (high - low), nan=0.5), 0, 1)
        ceiling = np.where(on, 1.0, np.where(off, 0.0, chord))
        # Symmetric bounds are common, and all arithmetics should agree on the slope there.
        floor = np.where(on, 1.0, np.where(off, 0.0, (high > -low * ABOVE).astype(np.float64)))
        fixed = ~(on | off)
        if above is not None:
            given = ~(np.isnan(above) | split)
            ceiling, fixed = np.where(given, np.clip(above, 0, 1), ceiling), fixed | given
        if below is not None:
            floor = np.where(fixed & ~np.isnan(below), np.clip(below, 0, 1), floor)
        return floor, ceiling

    def rise(self, low: Any, high: Any, below: Any) -> Any:
        """Every line through (0, 0) with a slope in [0, 1] is below."""
        return None

    def gap(self, low: Any, high: Any, above: Any) -> Any:
        """At one of the ends, rounded up."""
        stable = ((low >= 0) & (above == 1)) | ((high <= 0) & (above == 0))
        found = np.maximum(np.maximum(low, 0) - above * low, np.maximum(high, 0) - above * high)
        return np.where(stable, 0.0, found + 2.0**-50 * (np.abs(low) + np.abs(high)) + 2.0**-1000)

    def least(self, nu: Fraction, mu: Fraction, low: Fraction, high: Fraction) -> Fraction:
        """At an end, or at 0."""
        ends = (low, high, Fraction(0)) if low < 0 < high else (low, high)
        return min(nu * max(z, Fraction(0)) - mu * z for z in ends)

    def is_exact(self, below: Fraction, above: Fraction) -> bool:
        return below == above and above in (0, 1)


RELU = Relu()
