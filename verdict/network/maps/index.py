"""Moving entries about: slice, gather, transpose, pad with zeros, repeat.

Each output is one input, or zero where the index is -1. Nothing is multiplied, so nothing is rounded.
The transpose adds the entries that share a source; it goes through them in layers without repetition,
because a plain scatter would keep only one of them. Places that follow each other in equal steps, as nearly
all do that a repetition or a slice makes, are a slice in memory, which costs a third of a gather.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..exact import Coefficients
from .base import IndexArray, LinearMap, Part
from .namespace import Constant, namespace, zeros_like_shape


class Index(LinearMap):
    """y[i] = x[index[i]], or 0 where index[i] is -1; `index` has shape (out_size,)."""

    def __init__(self, index: npt.NDArray[Any], in_size: int) -> None:
        self.index: IndexArray = np.array(index, dtype=np.intp).ravel()
        self.index.setflags(write=False)
        self._picked = _Places(self.index)
        self.in_size, self.out_size = in_size, len(self.index)
        self.coefficients = Coefficients(np.ones(1))

    @property
    def is_identity(self) -> bool:
        return self.in_size == self.out_size and bool((self.index == np.arange(self.in_size)).all())

    @cached_property
    def fan_in(self) -> int:
        return 1

    @cached_property
    def fan_out(self) -> int:
        return int(np.bincount(self.index[self.index >= 0], minlength=1).max(initial=0))

    @cached_property
    def _layers(self) -> list[tuple[_Places, _Places]]:
        """(targets, sources) pairs: every non-zero output once, no source twice within a pair."""
        targets = np.flatnonzero(self.index >= 0)
        order = targets[np.argsort(self.index[targets], kind="stable")]
        sources = self.index[order]
        if not len(sources):
            return []
        new = np.r_[True, sources[1:] != sources[:-1]]
        starts = np.maximum.accumulate(np.where(new, np.arange(len(sources)), 0))
        repetition = np.arange(len(sources)) - starts
        return [
            (_Places(order[repetition == k]), _Places(sources[repetition == k]))
            for k in range(int(repetition.max()) + 1)
        ]

    @cached_property
    def _padding(self) -> Constant:
        return Constant(np.flatnonzero(self.index < 0))

    def part(self, outputs: IndexArray) -> Part:
        index = self.index[outputs]
        # Where there are but zeros, one entry to make them of.
        inputs = np.unique(index[index >= 0]) if (index >= 0).any() else np.arange(1)
        return Part(Index(np.where(index < 0, -1, np.searchsorted(inputs, index)), len(inputs)), outputs, inputs)

    def _forward(self, x: Any, w: Any) -> Any:
        y = self._picked.of(x)
        if len(self._padding):
            y[..., self._padding.like(y)] = 0
        return y

    def _backward(self, y: Any, w: Any) -> Any:
        x = zeros_like_shape(y, (*y.shape[:-1], self.in_size))
        for targets, sources in self._layers:
            x[..., sources.like(x)] += y[..., targets.like(y)]
        return x

    def _entries(self) -> tuple[IndexArray, IndexArray, IndexArray]:
        rows = np.flatnonzero(self.index >= 0)
        return rows, self.index[rows], np.zeros(len(rows), dtype=np.intp)


class _Places:
    """Places of a last axis: a slice where they follow each other in equal steps upwards, else one by one."""

    def __init__(self, places: IndexArray) -> None:
        first, step = (int(places[0]), int(places[1] - places[0])) if len(places) > 1 else (-1, 0)
        self._slice: slice | None = None
        if first >= 0 and step > 0 and bool((np.diff(places) == step).all()):
            self._slice = slice(first, int(places[-1]) + 1, step)
        self._each = Constant(places)

    def like(self, x: Any) -> Any:
        """What indexes the last axis of x."""
        return self._each.like(x) if self._slice is None else self._slice

    def of(self, x: Any) -> Any:
        """The entries of x (..., size) there, in memory of their own."""
        if self._slice is None:
            return x[..., self._each.like(x)]
        return namespace(x).asarray(x[..., self._slice], copy=True)
