"""A map within larger vectors: it reads some entries and writes some, the others have nothing to do with it.

It puts a part that was cut out of a map (`LinearMap.part`) between vectors that hold more, or fewer, than it needs.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from .base import IndexArray, LinearMap, Part
from .namespace import Constant, zeros_like_shape


class Picked(LinearMap):
    """`inner` from the entries `reads` of a vector of `in_size` to all its outputs, of which `makes` are the result;
    `reads` holds one position for each input of `inner`, `makes` positions in its outputs, none twice."""

    def __init__(self, inner: LinearMap, reads: IndexArray, makes: IndexArray, in_size: int) -> None:
        self.inner, self.coefficients = inner, inner.coefficients
        self.in_size, self.out_size = in_size, len(makes)
        self._reads, self._makes = Constant(reads), Constant(makes)

    @cached_property
    def fan_in(self) -> int:
        return self.inner.fan_in

    @cached_property
    def fan_out(self) -> int:
        return self.inner.fan_out

    @property
    def fitting(self) -> int:
        return self.inner.fitting

    @property
    def work(self) -> int:
        return self.inner.work + self.in_size + self.out_size

    def _forward(self, x: Any, w: Any) -> Any:
        return self.inner._forward(x[..., self._reads.like(x)], w)[..., self._makes.like(x)]

    def _backward(self, y: Any, w: Any) -> Any:
        given = zeros_like_shape(y, (*y.shape[:-1], self.inner.out_size))
        given[..., self._makes.like(y)] = y
        found = zeros_like_shape(y, (*y.shape[:-1], self.in_size))
        found[..., self._reads.like(y)] = self.inner._backward(given, w)
        return found

    def _entries(self) -> tuple[IndexArray, IndexArray, IndexArray]:
        rows, cols, which = self.inner._entries()
        place = np.full(self.inner.out_size, -1)
        place[self._makes.values] = np.arange(self.out_size)
        is_made = place[rows] >= 0
        return place[rows[is_made]], self._reads.values[cols[is_made]], which[is_made]


def placed(part: Part, outputs: IndexArray, inputs: IndexArray) -> LinearMap:
    """A part between `inputs` and `outputs` (numbers, sorted): it reads some of the ones, makes all of the others."""
    if len(outputs) == len(part.outputs) and len(inputs) == len(part.inputs):
        return part.linear
    makes = np.searchsorted(part.outputs, outputs).astype(np.intp)
    return Picked(part.linear, np.searchsorted(inputs, part.inputs).astype(np.intp), makes, len(inputs))
