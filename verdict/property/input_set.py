"""An input set is anything with a support function.

Bounds need the minimum of a linear function over the set, encoders its linear constraints, and the gate an
exact membership test. Whatever offers these can be verified over.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..bounds.ball import Ball
from ..network.exact import ExactVector, FloatArray
from .rows import RadiusRow


class InputSet(ABC):
    """A set of input points, each a flat vector of `size` coordinates, in the network's own input units."""

    size: int
    # A ball that contains the set, where the set is less than its box.
    ball: Ball | None = None
    # Of how many auxiliary numbers `rows` speak.
    auxiliary = 0

    @abstractmethod
    def minimum(self, a: Sequence[Fraction]) -> Fraction:
        """min of a.x over the set, exactly."""

    @abstractmethod
    def floats(self) -> tuple[FloatArray, FloatArray]:
        """Float64 (lower, upper), each (size,), of a box that contains the set (rounded outward)."""

    def rows(self) -> list[RadiusRow]:
        """Linear constraints on the inputs beyond the box, of slope 0; `refine` may add to them."""
        return []

    def refine(self, x: ExactVector) -> bool:
        """Add rows that exclude x from the set; False where it lies inside, or too near to it to be told from it."""
        return False

    @abstractmethod
    def contains(self, x: ExactVector) -> bool:
        """Exact membership."""

    @abstractmethod
    def sample(self, count: int, rng: np.random.Generator) -> FloatArray:
        """`count` float64 points, (count, size), in the set up to rounding."""
