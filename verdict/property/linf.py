"""The L-infinity ball: every coordinate may move by at most the radius, within the valid range.

It is the `ScaledBall` in which all scales are one.
"""

from __future__ import annotations

from fractions import Fraction

from ..network.exact import ExactVector
from .scaled import Ends, ScaledBall


class LinfBall(ScaledBall):
    """{x : |x_i - center_i| <= radius, low_i <= x_i <= high_i}; `low`, `high` are None where unlimited."""

    def __init__(
        self,
        center: ExactVector,
        low: Fraction | Ends | None = None,
        high: Fraction | Ends | None = None,
    ) -> None:
        super().__init__(center, [Fraction(1)] * len(center), low, high)
