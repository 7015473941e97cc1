"""Functions that are constant between jumps, at which they rise: a step, rounding down, rounding to the nearest.

What such a function is on an interval lies in the hull of a few corners: the ends, and the limits from the left and
from the right at the first and the last jump between them, since the jumps in between lie on lines through these. So
lines of any slope and the least bracket are the best of at most eight numbers. The value at a jump is part of the
function: it counts where the interval ends there, and in between it is one of the two limits.
"""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from typing import Any

import numpy as np

from ...base.errors import UnsupportedError
from ..exact import ExactVector
from ..maps.namespace import cast, namespace, next_above, next_below
from .base import Feature, Form, FourLines, Function, rational
from .elementary import doubled
from .series import Between

# The share of a sum's magnitudes that covers its rounding in float64, and what underflow may take.
ROUNDED, LEAST = 2.0**-50, 2.0**-1000
# Jumps that a formula names one by one.
MOST_JUMPS = 64


class Stairs(Function):
    """A function that never falls, with jumps at regular distances; `value` of floats is exact."""

    features = frozenset({Feature.STAIRS})

    @abstractmethod
    def from_left(self, z: Any) -> Any:
        """The limit of f at z from the left, exactly."""

    @abstractmethod
    def from_right(self, z: Any) -> Any:
        """The limit of f at z from the right, exactly."""

    @abstractmethod
    def after(self, z: Any) -> Any:
        """The first jump above z, infinite where there is none."""

    @abstractmethod
    def before(self, z: Any) -> Any:
        """The last jump below z, infinite where there is none."""

    @abstractmethod
    def of_rational(self, z: Fraction) -> int:
        """f(z)"""

    def derivative(self, z: Any) -> Any:
        """0 wherever there is one, so gradients are multiplied by the slope of the line that the function follows from
        afar (the straight-through estimator, Bengio et al. 1308.3432)."""
        return 0 * z + 1

    def enclosure(self, low: Any, high: Any) -> tuple[Any, Any]:
        return self.value(low), self.value(high)

    def bends(self, low: Any, high: Any) -> Any:
        return self.value(low) < self.value(high)

    def threshold(self, low: Any, high: Any) -> Any:
        """The jump that is nearest to the middle; where none lies inside, the one at the upper end."""
        middle = low / 2 + high / 2
        left, right = self.before(middle), self.after(next_below(middle))
        xp = namespace(low)
        found = xp.where((left > low) & (middle - left < right - middle), left, right)
        return xp.where(xp.isfinite(found) & (found > low) & (found <= high), found, middle)

    def corners(self, low: Any, high: Any) -> list[tuple[Any, Any]]:
        """Points (z, f) of which the hull holds the function on [low, high], float64."""
        xp = namespace(low)
        first, last = self.after(low), self.before(high)
        inside, wide = (first < high) & (last > low), low < high
        first, last = xp.where(inside, first, low), xp.where(inside, last, high)
        left, right = self.value(low), self.value(high)
        return [
            (low, left), (low, xp.where(wide, self.from_right(low), left)),
            (high, xp.where(wide, self.from_left(high), right)), (high, right),
            *((z, xp.where(inside, f(z), end)) for z, end in ((first, left), (last, right))
              for f in (self.from_left, self.from_right)),
        ]  # fmt: skip

    def lines(self, low: Any, high: Any) -> FourLines:
        """Those closest on average, of the flat lines and of the steepest ones through an end."""
        bottom, top = doubled(low, high)
        flat = 0 * bottom
        below, above = (self._chosen(sign, bottom, top, flat) for sign in (-1, 1))
        below, above = cast(below, low.dtype), cast(above, low.dtype)
        floor, ceiling = self.offsets(below, above, low, high)
        return below, floor, above, ceiling

    def _chosen(self, sign: int, low: Any, high: Any, flat: Any) -> Any:
        """The slope of the line above sign f that is lowest in the middle."""
        xp, middle, slope = namespace(low), low / 2 + high / 2, flat
        lowest = self._most(sign, flat, low, high)
        for steep in self._slopes(sign, low, high):
            there = self._most(sign, sign * steep, low, high) + sign * steep * middle
            slope = xp.where(there < lowest, steep, slope)
            lowest = xp.minimum(lowest, there)
        return slope

    def _slopes(self, sign: int, low: Any, high: Any) -> list[Any]:
        """Slopes of sides of the hull, above or below: from an end to the jumps, and from one jump to the other."""
        start, _, _, end, *jumps = self.corners(low, high)
        before, after = jumps[::2], jumps[1::2]
        pairs = [(start, after[0]), (start, after[1])] if sign > 0 else [(before[0], end), (before[1], end)]
        pairs.append((after[0], after[1]) if sign > 0 else (before[0], before[1]))
        return [_slope(*one, *other) for one, other in pairs]

    def slope_range(self, low: Any, high: Any) -> tuple[Any, Any]:
        bottom, top = doubled(low, high)
        flat = 0 * bottom
        steepest = flat
        for sign in (-1, 1):
            for slope in self._slopes(sign, bottom, top):
                steepest = namespace(low).maximum(steepest, slope)
        return cast(flat, low.dtype), cast(steepest, low.dtype)

    def band(self, low: Any, high: Any) -> tuple[Any, Any, Any]:
        """Between lines as steep as the chord."""
        xp, (bottom, top) = namespace(low), doubled(low, high)
        slope = cast(_slope(bottom, self.value(bottom), top, self.value(top)), low.dtype)
        floor, ceiling = self.offsets(slope, slope, low, high)
        centre = floor / 2 + ceiling / 2
        half = xp.maximum(ceiling - centre, centre - floor) * (1 + 2.0**-20)
        return slope, centre, half

    def least(self, nu: Any, mu: Any, low: Any, high: Any) -> Any:
        """At one of the corners."""
        xp, kind = namespace(nu), nu.dtype
        nu, mu, low, high = doubled(nu, mu, low, high)
        with np.errstate(invalid="ignore", over="ignore"):
            found = [nu * f - mu * z for z, f in self.corners(low, high)]
            lowest = found[0]
            for value in found[1:]:
                lowest = xp.minimum(lowest, value)
        return cast(xp.where(xp.isnan(lowest), -np.inf, lowest), kind)

    def offsets(self, below: Any, above: Any, low: Any, high: Any) -> tuple[Any, Any]:
        bottom, top, under, over = doubled(low, high, below, above)
        floor, ceiling = -self._most(-1, -under, bottom, top), self._most(1, over, bottom, top)
        if below.dtype == floor.dtype:
            return floor, ceiling
        return next_below(cast(floor, below.dtype)), next_above(cast(ceiling, above.dtype))

    def _most(self, sign: int, slope: Any, low: Any, high: Any) -> Any:
        """max of sign f(z) - slope z, or a little more where the slope is not 0."""
        xp, found = namespace(low), None
        with np.errstate(invalid="ignore", over="ignore"):
            for z, f in self.corners(low, high):
                rise = xp.where(slope == 0, 0.0, slope * z)
                value = sign * f - rise + xp.where(slope == 0, 0.0, ROUNDED * (xp.abs(f) + xp.abs(rise)) + LEAST)
                found = value if found is None else xp.maximum(found, value)
            return xp.where(xp.isnan(found), np.inf, found)

    def touch(self, sign: int, slope: Any, low: Any, high: Any) -> Any:
        return self.met(sign, slope, low, high)[0]

    def met(self, sign: int, slope: Any, low: Any, high: Any) -> tuple[Any, Any]:
        xp, place, best = namespace(low), None, None
        for z, f in self.corners(*doubled(low, high)):
            value = sign * f - slope * z
            if best is None:
                place, height, best = z + 0 * value, f + 0 * value, value
                continue
            higher = value > best
            place, height = xp.where(higher, z, place), xp.where(higher, f, height)
            best = xp.maximum(best, value)
        return cast(place, low.dtype), cast(height, low.dtype)

    def carried(self, error: Any, size: Any, unit: float, smallest: float) -> Any:
        """Of what lies on the same side of every jump, nothing."""
        return 0 * error

    def carried_at(self, z: Any, error: Any, unit: float, smallest: float) -> Any:
        return self.value(z + error) - self.value(z - error)

    def exact(self, z: ExactVector) -> ExactVector:
        return ExactVector.of([self.of_rational(value) for value in z.fractions()])

    def enclosed(self, low: Fraction, high: Fraction, bits: int) -> Between:
        return Fraction(self.of_rational(low)), Fraction(self.of_rational(high))

    def jumps(self, low: float, high: float) -> list[float]:
        """The jumps in [low, high]. Raises UnsupportedError where there are too many."""
        found, at = [], float(self.after(np.nextafter(np.float64(low), -np.inf)))
        while at <= high:
            found.append(at)
            if len(found) > MOST_JUMPS:
                raise UnsupportedError(
                    f"{self.name} of numbers between {low:.4g} and {high:.4g}: more than {MOST_JUMPS} jumps"
                )
            at = float(self.after(np.float64(at)))
        return found

    def formula(self, y: str, z: str, low: float, high: float, form: Form) -> list[str]:
        """Jump by jump, from the right, where z lies above it or at it."""
        text = _number(self.value(np.float64(low)))
        for at in self.jumps(low, high):
            value, beyond = self.value(np.float64(at)), self.from_right(np.float64(at))
            here = rational(Fraction(at))
            if value != self.from_left(np.float64(at)) and value != beyond:
                text = f"(ite (= {z} {here}) {_number(value)} (ite (> {z} {here}) {_number(beyond)} {text}))"
                continue
            relation = ">=" if value == beyond else ">"
            text = f"(ite ({relation} {z} {here}) {_number(beyond)} {text})"
        return [f"(= {y} {text})"]


def _number(value: Any) -> str:
    return rational(Fraction(float(value)))


def _slope(a: Any, f: Any, b: Any, g: Any) -> Any:
    """Of the line through (a, f) and (b, g), 0 where it is none."""
    with np.errstate(all="ignore"):
        found = (g - f) / (b - a)
    xp = namespace(found)
    return xp.where((b > a) & xp.isfinite(found), found, 0.0)
