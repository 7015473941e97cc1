"""The norm L-infinity: the largest entry. Its balls are boxes, which need nothing of what other balls do."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ...network.maps.namespace import namespace
from ..rows import RadiusRow
from .norm import Cuts, Norm, register


@register
class Linf(Norm):
    """max |x_i|."""

    name = "linf"
    title = "L-infinity"
    aliases = ("inf", "infinity", "l-inf", "l_inf", "loo", "l-infinity", "linfinity")
    is_box = True
    is_certified = True

    def length(self, steps: Sequence[Fraction]) -> Fraction:
        return max(map(abs, steps), default=Fraction(0))

    def dual(self, slope: Sequence[Fraction]) -> Fraction:
        return sum(map(abs, slope), Fraction(0))

    def lengths(self, steps: Any) -> Any:
        xp = namespace(steps)
        return xp.max(xp.abs(steps), axis=-1)

    def duals(self, slope: Any) -> Any:
        xp = namespace(slope)
        return xp.sum(xp.abs(slope), axis=-1)

    def steepest(self, slope: Any) -> Any:
        return namespace(slope).sign(slope)

    def auxiliary(self, size: int) -> int:
        return 0

    def cuts(self, center: Sequence[Fraction]) -> Cuts:
        one = Fraction(1)
        return Cuts([RadiusRow((i,), (s,), -one, s * c) for i, c in enumerate(center) for s in (one, -one)])
