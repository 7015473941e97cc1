"""A perturbation is a family of input sets that grows with a radius: what `maxeps` searches along.

At each radius it is an ordinary input set. Encoders treat the radius as one more variable, so a family also
gives its constraints as linear rows in the input and the radius.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction

from ..bounds.ball import Ball
from ..network.exact import ExactVector, FloatArray
from .box import Box
from .rows import RadiusRow


class Perturbation(ABC):
    """Input sets S(r), r >= 0, with S(r) inside S(r') for r <= r', around `center`."""

    center: ExactVector
    # Whether its sets are boxes, each row being about one coordinate.
    is_box = True
    # Of how many auxiliary numbers its rows speak.
    auxiliary = 0

    @property
    def size(self) -> int:
        return len(self.center)

    @abstractmethod
    def at(self, radius: Fraction) -> Box:
        """The input set at this radius."""

    @abstractmethod
    def radius_of(self, x: ExactVector) -> Fraction | None:
        """The least radius whose set contains `x`; None where no radius does."""

    @property
    @abstractmethod
    def limit(self) -> Fraction | None:
        """The radius from which the set no longer grows; None where it always does."""

    @abstractmethod
    def floats(self, radius: float) -> tuple[FloatArray, FloatArray]:
        """Float64 ends of a box that contains S(radius), rounded outward; the fast form of `at`."""

    @abstractmethod
    def distances(self, points: FloatArray) -> FloatArray:
        """The radius of each of several points (count, size), in floats; ignores the constant ends."""

    def pushed(self, point: FloatArray, push: float) -> FloatArray:
        """The point moved away from the centre, so that its radius grows by the factor 1 + push, up to rounding."""
        center = self.center.floats()
        return center + (point - center) * (1 + push)

    def inside(self, point: FloatArray) -> ExactVector:
        """The point between the constant ends next to a float one, exactly: an end may be no float."""
        ends = zip(point.tolist(), *self.bounds(), strict=True)
        return ExactVector.of([_between(Fraction(entry), low, high) for entry, low, high in ends])

    def ball(self, radius: float) -> Ball | None:
        """A ball that contains S(radius), where that says more than the box of `floats`."""
        return None

    @abstractmethod
    def rows(self) -> list[RadiusRow]:
        """Linear constraints that, with `bounds`, say that x lies in S(radius); where no finite number can, they hold
        on S(radius) and `refine` adds to them."""

    def refine(self, x: ExactVector, radius: Fraction) -> bool:
        """Add rows that exclude x from S(radius); False where it lies inside, or too near to it to be told from it."""
        return False

    @abstractmethod
    def bounds(self) -> tuple[tuple[Fraction | None, ...], tuple[Fraction | None, ...]]:
        """Constant (lower, upper) ends of each coordinate, None where there is none."""


def _between(value: Fraction, low: Fraction | None, high: Fraction | None) -> Fraction:
    value = value if low is None else max(value, low)
    return value if high is None else min(value, high)
