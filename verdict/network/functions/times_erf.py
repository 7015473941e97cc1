"""z erf(z): f'' = 4 / sqrt(pi) exp(-z^2) (1 - z^2), so it bends at -1 and 1; it turns at 0."""

from __future__ import annotations

from typing import Any

from .erf import ERF
from .formula import Formula


class TimesErf(Formula):
    name = "x Erf(x)"
    steepest = 1.26
    grows = True
    convex_first = False
    inflections = ((-1.0, -1.0), (1.0, 1.0))
    turns = ((0.0, 0.0),)

    def value_in(self, a: Any, z: Any) -> Any:
        size = a.size(z)
        return size * a.erf(size)

    def slope_in(self, a: Any, z: Any) -> Any:
        """erf + 2 / sqrt(pi) z exp(-z^2)"""
        value = a.erf(a.size(z))
        return a.where(self.is_negative(z), -value, value) + z * a.falling(z * z) * a.root(4, 1, over_pi=True)


TIMES_ERF = TimesErf()
TIMES = {(ERF,): TIMES_ERF}
