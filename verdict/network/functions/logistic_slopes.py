"""The derivatives of Tanh and Sigmoid up to the third, as functions of their own, all made of one bell.

Both have f' = height B(y), y = rate z, with the bell B = e / (1 + e)^2, e = exp(-|y|), so f'' = -rate T f' with T =
tanh(y / 2), f''' = rate^2 f' (1 - 6 B) and f'''' = rate^2 f'' (1 - 12 B). They turn where the next one is 0 and bend
where the one behind it is, at B = 1/4, 1/6, 1/12 or, for the fifth, 1 - 30 B + 120 B^2 = 0: known numbers. Bounds of
what 1 - tanh^2, or s (1 - s), is as a function of z are closer than those of a square behind Tanh.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from .base import Function
from .formula import Formula
from .smooth import Smooth

# Where |y| is for B = 1/6, 1/12 and the two roots of 1 - 30 B + 120 B^2, between two numbers each.
_FIRST, _SECOND = (1.3169578969248, 1.3169578969249), (2.2924316695611, 2.2924316695612)
_NEAR, _FAR = (0.84263294812937, 0.84263294812939), (3.1443184061549, 3.144318406155)
# By the order: where it bends and where it turns, on the right, and the largest of the next one by height and rate.
_BENDS = {1: (_FIRST,), 2: (_SECOND,), 3: (_NEAR, _FAR)}
_TURNS = {1: (), 2: (_FIRST,), 3: (_SECOND,)}
_STEEPEST = {1: 0.0963, 2: 0.1251, 3: 0.1277}


class LogisticSlope(Formula):
    """The derivative of that `order` of a function `of` with f' = P(f), `law` being the coefficients of P."""

    def __init__(self, of: Smooth, law: tuple[Fraction, ...], order: int, shape: tuple[int, int]) -> None:
        self.name, self.of, self.law, self.order = of.name + "'" * order, of, law, order
        self.rate, self.height = shape
        inner = [(0.0, 0.0)]
        bends = self._both(_BENDS[order])
        self.inflections = bends if order != 2 else (bends[0], *inner, bends[1])
        turns = self._both(_TURNS[order])
        self.turns = turns if order == 2 else tuple(sorted([*turns, *inner]))
        self.steepest = _STEEPEST[order] * self.height * self.rate**order

    def _both(self, right: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        """On both sides, in z; the rate is a power of two."""
        scaled = [(a / self.rate, b / self.rate) for a, b in right]
        return tuple(sorted([*((-b, -a) for a, b in scaled), *scaled]))

    def value_in(self, a: Any, z: Any) -> Any:
        return self._derivative(a, z, self.order)

    def slope_in(self, a: Any, z: Any) -> Any:
        return self._derivative(a, z, self.order + 1)

    def _derivative(self, a: Any, z: Any, order: int) -> Any:
        fading = a.falling(a.size(z) * self.rate)
        rest = 1 + fading
        bell = fading / (rest * rest)
        found = bell * (self.height * self.rate ** (order - 1))
        if order % 2 == 0:
            side = (1 - fading) / rest
            found = found * a.where(self.is_negative(z), side, -side)
        return found if order < 3 else found * (1 - bell * (6 if order == 3 else 12))

    def of_models(self, through: Callable[[Function], Any]) -> Any:
        """f' = c0 + f (c1 + c2 f), f'' = f' (c1 + 2 c2 f), f''' = f' rate^2 (1 - 6 f' / height)"""
        zero, one, two = (float(c) for c in self.law)
        f = through(self.of)
        first = f.times(f.scaled(f.same(two)).plus(one)).plus(zero)
        if self.order == 1:
            return first
        if self.order == 2:
            return first.times(f.scaled(f.same(2 * two)).plus(one))
        square = float(self.rate**2)
        return first.times(first.scaled(f.same(-6 * square / self.height)).plus(square))
