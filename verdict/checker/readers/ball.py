"""A ball around an input, within its valid range: in the maximum norm it is a box, in L1 and L2 one without corners.

A linear function b . x is least on a ball at b . center - radius |b|, with the dual norm: the largest entry for L1, the
Euclidean length for L2. On ball and box together nu . x is at least the least of b . x on the ball plus that of the
rest on the box, for any b. The best b is nu cut off where the minimiser, which moves against nu until the radius is
used up, would leave the box (Zhang et al. 1811.00866, section 3, has the ball alone).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import isqrt
from typing import Any

import numpy as np

from ..arithmetic.outward import beside
from ..errors import OutOfRangeError

NORMS = ("linf", "l1", "l2")
# Binary digits of a square root in Fractions.
DIGITS = 120


@dataclass(frozen=True, eq=False)
class Ball:
    """{x : |x - center| <= radius, low_i <= x_i <= high_i} in the `norm`; None where there is no limit."""

    center: tuple[Fraction, ...]
    radius: Fraction
    low: tuple[Fraction | None, ...]
    high: tuple[Fraction | None, ...]
    norm: str = "linf"

    def ends(self, radius: Fraction) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
        """The smallest box around it at a radius."""
        lower = (c - radius if a is None else max(a, c - radius) for c, a in zip(self.center, self.low, strict=True))
        upper = (c + radius if b is None else min(b, c + radius) for c, b in zip(self.center, self.high, strict=True))
        return tuple(lower), tuple(upper)

    def contains(self, point: list[Fraction], radius: Fraction) -> bool:
        """Whether a point lies in it at a radius."""
        lower, upper = self.ends(radius)
        steps = [abs(v - c) for v, c in zip(point, self.center, strict=True)]
        length = {"linf": max(steps, default=0), "l1": sum(steps), "l2": sum(s * s for s in steps)}[self.norm]
        return (length <= (radius**2 if self.norm == "l2" else radius)
                and all(a <= v <= b for a, v, b in zip(lower, point, upper, strict=True)))

    @cached_property
    def floats(self) -> tuple[Any, Any, float]:
        """Float64 numbers below and above the centre, (1, inputs), and one above the radius."""
        low, high = (np.array([[beside(c, way) for c in self.center]]) for way in (-1, 1))
        return low, high, beside(self.radius, 1)

    def part(self, nu: Any, low: Any, high: Any, whole: bool = False) -> Any:
        """A good b for coefficients nu (batch, rows, inputs), floats, on boxes [low, high] (batch, inputs): it has the
        signs of nu and is nowhere larger; with `whole` it is integers."""
        most = np.nan_to_num(self._most(np.abs(nu), self._room(nu, low, high)), nan=0.0)
        most = np.floor(most) if whole else most
        return np.clip(nu, -most, most)

    def _room(self, nu: Any, low: Any, high: Any) -> Any:
        """How far the box lets each coordinate move against nu."""
        center = self.floats[0]
        return np.where(nu > 0, (center - low)[:, None], (high - center)[:, None]).clip(0)

    def _most(self, size: Any, room: Any) -> Any:
        """Where |nu| is cut off."""
        with np.errstate(all="ignore"):
            # In L1 the steepest coordinates go as far as they can; in L2 all in proportion, until the box stops them.
            order = np.argsort(-size if self.norm == "l1" else room / size, axis=-1)
            steep, far = (np.take_along_axis(a, order, axis=-1) for a in (size, room))
            if self.norm == "l1":
                at = (np.cumsum(far, axis=-1) < self.floats[2]).sum(axis=-1, keepdims=True)
                price = np.take_along_axis(steep, np.minimum(at, size.shape[-1] - 1), axis=-1)
                return np.where(at < size.shape[-1], price, 0.0)
            stopped = np.cumsum(far**2, axis=-1) - far**2
            moving = np.cumsum(steep[..., ::-1] ** 2, axis=-1)[..., ::-1]
            paces = np.sqrt((self.floats[2] ** 2 - stopped).clip(0) / moving)
            at = (paces * steep > far).sum(axis=-1, keepdims=True)
            pace = np.take_along_axis(paces, np.minimum(at, size.shape[-1] - 1), axis=-1)
            return np.where(at < size.shape[-1], np.where(size * pace > room, room / pace, np.inf), 0.0)

    def length(self, b: Any) -> Any:
        """Floats not below the dual norm of b (batch, rows, inputs), floats."""
        if self.norm == "l1":
            return np.abs(b).max(axis=-1, initial=0)
        share = (b.shape[-1] + 8) * 2.0**-52
        with np.errstate(over="ignore"):
            squares = (b * b).sum(axis=-1) * (1 + share) + 2.0**-900
            root = np.sqrt(squares) * (1 + 2.0**-50)
            # The square root is not taken on trust.
            if not (np.isfinite(root * root) & (root * root * (1 - 2.0**-51) >= squares)).all():
                raise OutOfRangeError
        return root

    def exact_length(self, b: list[Fraction]) -> Fraction:
        """A rational not below the dual norm of b."""
        if self.norm == "l1":
            return max(map(abs, b), default=Fraction(0))
        square = sum((v * v for v in b), Fraction(0))
        top = square.numerator * square.denominator << 2 * DIGITS
        return Fraction(isqrt(top) + (isqrt(top) ** 2 < top), square.denominator << DIGITS)
