"""z erf(z) and z tanh(z)."""

from __future__ import annotations

from typing import Any

from .balls import Ball
from .erf import ERF
from .formula import Formula
from .tanh import TANH


class TimesErf(Formula):
    """f' = erf(z) + g and f'' = 2 g (1 / z - z) with g = 2 / sqrt(pi) z exp(-z^2): even, convex between -1 and 1."""

    name = "x Erf(x)"
    curve = False
    pairs = ((-1.0, -1.0), (1.0, 1.0))
    turns = ((0.0, 0.0),)

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return z * kind.erf(z)

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        return kind.erf(z) + z * (kind.falling(z * z) * kind.root_over(8, True))


class TimesTanh(Formula):
    """f' = t + z (1 - t^2) and f'' = 2 (1 - t^2) (1 - z t) with t = tanh(z): even, convex where z t < 1."""

    name = "x Tanh(x)"
    factor = TANH
    curve = False
    pairs = ((-1.19967864026, -1.19967864025), (1.19967864025, 1.19967864026))
    turns = ((0.0, 0.0),)

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return z * self._tanh(kind, at)

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        """1 - t^2 = 4 e / (1 + e)^2 with e = exp(-2 |z|), which fades where z is large."""
        e = kind.falling(kind.ball(2 * abs(at)))
        rest = e + 1
        return self._tanh(kind, at) + z * (e * 4 / (rest * rest))

    def _tanh(self, kind: Any, at: Any) -> Any:
        e = kind.falling(kind.ball(2 * abs(at)))
        size = (1 - e) / (1 + e)
        return kind.choose(at > 0, size, -size)


TIMES_ERF, TIMES_TANH = TimesErf(), TimesTanh()
TIMES = {(ERF,): TIMES_ERF, (TANH,): TIMES_TANH}
