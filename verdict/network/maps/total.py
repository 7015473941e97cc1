"""Sums over axes: ReduceSum, and with a scaling behind it ReduceMean and global average pooling.

The matrix would be rows of ones; here it is a reshape and a sum, and its transpose is a broadcast.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np

from ..exact import Coefficients
from .base import IndexArray, LinearMap
from .namespace import namespace, zeros_like_shape


class Total(LinearMap):
    """The sum of a tensor of shape `in_shape` over `axes` (counted without batch axes)."""

    def __init__(self, in_shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
        self.in_shape, self.axes = in_shape, tuple(sorted(a % len(in_shape) for a in axes))
        self.in_size = math.prod(in_shape)
        self.count = math.prod(in_shape[a] for a in self.axes)
        self.out_size = math.prod(n for a, n in enumerate(in_shape) if a not in self.axes)
        self.coefficients = Coefficients(np.ones(1))

    @cached_property
    def fan_in(self) -> int:
        return self.count

    @cached_property
    def fan_out(self) -> int:
        return 1

    def _forward(self, x: Any, w: Any) -> Any:
        lead = tuple(x.shape[:-1])
        axes = tuple(len(lead) + a for a in self.axes)
        return namespace(x).sum(x.reshape((*lead, *self.in_shape)), axis=axes).reshape((*lead, self.out_size))

    def _backward(self, y: Any, w: Any) -> Any:
        lead = tuple(y.shape[:-1])
        kept = tuple(1 if a in self.axes else n for a, n in enumerate(self.in_shape))
        # A sum rather than a broadcast: that would be a read-only view of `y`.
        spread = zeros_like_shape(y, (*lead, *self.in_shape)) + y.reshape((*lead, *kept))
        return spread.reshape((*lead, self.in_size))

    def _entries(self) -> tuple[IndexArray, IndexArray, IndexArray]:
        kept = tuple(1 if a in self.axes else n for a, n in enumerate(self.in_shape))
        rows = np.broadcast_to(np.arange(self.out_size).reshape(kept), self.in_shape).ravel()
        return rows, np.arange(self.in_size), np.zeros(self.in_size, dtype=np.intp)
