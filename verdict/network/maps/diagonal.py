"""Elementwise scaling: batch normalisation, division by a constant, the two slopes of a LeakyRelu.

One factor for each entry, so both products are elementwise. The identity is the scaling by one.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..exact import Coefficients
from .base import IndexArray, LinearMap, Part


class Diagonal(LinearMap):
    """y[i] = factors[i] * x[i]; `factors` has shape (size,)."""

    def __init__(self, factors: Coefficients) -> None:
        self.coefficients = factors
        self.in_size = self.out_size = factors.size

    @property
    def is_identity(self) -> bool:
        return self.coefficients.is_dyadic and bool((self.coefficients.values == 1).all())

    @property
    def is_sign(self) -> bool:
        """Whether all factors are 1 or -1, so that nothing is rounded."""
        return self.coefficients.is_dyadic and bool((np.abs(self.coefficients.values) == 1).all())

    @cached_property
    def fan_in(self) -> int:
        return 1

    @cached_property
    def fan_out(self) -> int:
        return 1

    def part(self, outputs: IndexArray) -> Part:
        return Part(Diagonal(self.coefficients.map(lambda w: w[outputs])), outputs, outputs)

    def _forward(self, x: Any, w: Any) -> Any:
        return x * w

    def _backward(self, y: Any, w: Any) -> Any:
        return y * w

    def _entries(self) -> tuple[IndexArray, IndexArray, IndexArray]:
        present = np.flatnonzero(self.coefficients.values)
        return present, present, present


def identity(size: int) -> Diagonal:
    """The identity on vectors of `size` numbers."""
    return Diagonal(Coefficients(np.ones(size)))
