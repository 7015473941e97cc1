"""Linear constraints of input sets, as encoders take them: exact rows over the inputs, a radius and auxiliary numbers.

A set that is no box may need numbers of its own: t_i >= |x_i - c_i| with sum t_i <= r is the L1 ball.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction


@dataclass(frozen=True)
class RadiusRow:
    """One constraint sum_i coefficient_i x_i + slope * radius <= constant, exact.

    Columns from the number of inputs on are the set's auxiliary numbers, which are at least 0.
    """

    columns: tuple[int, ...]
    coefficients: tuple[Fraction, ...]
    slope: Fraction
    constant: Fraction

    def at(self, radius: Fraction) -> RadiusRow:
        """The constraint at one radius, which it then no longer mentions."""
        return replace(self, slope=Fraction(0), constant=self.constant - self.slope * radius)
