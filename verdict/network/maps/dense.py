"""A dense matrix, applied to one vector or to each of several consecutive blocks.

`MatMul` of a constant with a tensor of rank three or more multiplies every row of the tensor by the same
matrix; storing that matrix once keeps the map small. One block is the ordinary fully connected layer.
The product is one BLAS call in either direction.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..exact import Coefficients, ExactVector
from .base import IndexArray, LinearMap, Part
from .namespace import product


class Dense(LinearMap):
    """y = W x on each of `blocks` consecutive blocks of x; `weight` has shape (out, in) of one block."""

    def __init__(self, weight: Coefficients, blocks: int = 1) -> None:
        self.coefficients = weight
        self.blocks = blocks
        self.rows, self.cols = weight.shape
        self.out_size, self.in_size = blocks * self.rows, blocks * self.cols

    @cached_property
    def fan_in(self) -> int:
        return self.cols

    @cached_property
    def fan_out(self) -> int:
        return self.rows

    @property
    def work(self) -> int:
        return self.blocks * self.rows * self.cols

    def part(self, outputs: IndexArray) -> Part:
        if self.blocks == 1:
            return Part(Dense(self.coefficients.map(lambda w: w[outputs])), outputs, np.arange(self.in_size))
        blocks = np.unique(outputs // self.rows)
        made, read = (blocks[:, None] * size + np.arange(size) for size in (self.rows, self.cols))
        return Part(Dense(self.coefficients, len(blocks)), made.ravel(), read.ravel())

    def _forward(self, x: Any, w: Any) -> Any:
        if self.blocks == 1:
            return product(x.reshape((-1, self.cols)), w.T).reshape((*x.shape[:-1], self.rows))
        lead = x.shape[:-1]
        return product(x.reshape((*lead, self.blocks, self.cols)), w.T).reshape((*lead, self.out_size))

    def _backward(self, y: Any, w: Any) -> Any:
        if self.blocks == 1:
            # One product of two matrices, not one per leading index.
            return product(y.reshape((-1, self.rows)), w).reshape((*y.shape[:-1], self.cols))
        lead = y.shape[:-1]
        return product(y.reshape((*lead, self.blocks, self.rows)), w).reshape((*lead, self.in_size))

    def apply_exact(self, x: ExactVector) -> ExactVector:
        weight = self.coefficients.integers[0].reshape(self.rows, self.cols)
        result, denominator = self._exact_rows(x, weight, x.numerators.reshape(self.blocks, self.cols).T)
        return ExactVector(result.T.ravel(), denominator)

    def _entries(self) -> tuple[IndexArray, IndexArray, IndexArray]:
        # Zero weights are no entries: pruned networks stay sparse for the encoders.
        row, col = np.nonzero(self.coefficients.values)
        block = np.arange(self.blocks)[:, None]
        rows = (block * self.rows + row).ravel()
        cols = (block * self.cols + col).ravel()
        return rows, cols, np.tile(row * self.cols + col, self.blocks)
