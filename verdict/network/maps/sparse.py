"""A matrix that is mostly zeros, of which only the other entries are stored and multiplied.

Lattice networks, block-diagonal layers and pruned ones come as dense files with a thousand zeros for each weight.
Products are SciPy's; other array libraries, which have no sparse products in common, get the whole matrix.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..exact import Coefficients
from .base import IndexArray, LinearMap, Part
from .dense import Dense
from .namespace import namespace, product, zeros_like_shape

# Matrices with at least so many entries of which at most this share is not 0 are sparse.
LARGE, DENSITY = 2**14, 0.05


class Sparse(LinearMap):
    """y = W x for the matrix of `shape` (out, in) with `coefficients` at (rows, cols), by row and then column."""

    def __init__(self, coefficients: Coefficients, rows: IndexArray, cols: IndexArray, shape: tuple[int, int]) -> None:
        self.coefficients, self.rows, self.cols = coefficients, rows, cols
        self.out_size, self.in_size = shape
        # By identity of the coefficients, which their owner keeps.
        self._built: dict[int, tuple[Any, Any]] = {}

    @property
    def work(self) -> int:
        # An entry costs more than a dense one, and results are written whole.
        return 4 * self.coefficients.size + self.in_size + self.out_size

    @cached_property
    def starts(self) -> IndexArray:
        """Where the entries of each row begin, and where the last ones end."""
        return np.searchsorted(self.rows, np.arange(self.out_size + 1)).astype(np.intp)

    def part(self, outputs: IndexArray) -> Part:
        starts, counts = self.starts[outputs], self.starts[outputs + 1] - self.starts[outputs]
        rows = np.repeat(np.arange(len(outputs)), counts)
        which = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(starts, counts)
        # Where there are but zeros, one input to make them of.
        inputs = np.unique(self.cols[which]) if len(which) else np.arange(1)
        cols = np.searchsorted(inputs, self.cols[which]).astype(np.intp)
        linear = Sparse(self.coefficients.map(lambda w: w[which]), rows, cols, (len(outputs), len(inputs)))
        return Part(linear, outputs, inputs)

    def _matrix(self, w: Any) -> Any:
        """The matrix with entries `w`, for its library."""
        if id(w) not in self._built:
            if isinstance(w, np.ndarray):
                from scipy.sparse import csr_array

                matrix = csr_array((w, self.cols, self.starts), shape=(self.out_size, self.in_size))
            else:
                matrix = zeros_like_shape(w, (self.out_size, self.in_size))
                xp, device = namespace(w), {"device": w.device}
                matrix[xp.asarray(self.rows, **device), xp.asarray(self.cols, **device)] = w
            self._built[id(w)] = w, matrix
        return self._built[id(w)][1]

    def _forward(self, x: Any, w: Any) -> Any:
        flat, matrix = x.reshape((-1, self.in_size)), self._matrix(w)
        found = (matrix @ flat.T).T if isinstance(w, np.ndarray) else product(flat, matrix.T)
        return found.reshape((*x.shape[:-1], self.out_size))

    def _backward(self, y: Any, w: Any) -> Any:
        flat, matrix = y.reshape((-1, self.out_size)), self._matrix(w)
        found = (matrix.T @ flat.T).T if isinstance(w, np.ndarray) else product(flat, matrix)
        return found.reshape((*y.shape[:-1], self.in_size))

    def _entries(self) -> tuple[IndexArray, IndexArray, IndexArray]:
        return self.rows, self.cols, np.arange(self.coefficients.size)


def matrix_map(weight: Coefficients, blocks: int = 1) -> LinearMap:
    """The map of a matrix (out, in), for each of several consecutive blocks, stored as its zeros suggest."""
    if blocks == 1 and weight.size >= LARGE:
        rows, cols = np.nonzero(weight.values)
        if _is_sparse(weight.size, len(rows)):
            return Sparse(weight.map(lambda w: w[rows, cols]), rows, cols, (weight.shape[0], weight.shape[1]))
    return Dense(weight, blocks)


def stored(values: Any, rows: IndexArray, cols: IndexArray, shape: tuple[int, int]) -> LinearMap:
    """The map of the matrix of `shape` with these values at (rows, cols), by row and then column, stored as its zeros
    suggest."""
    if _is_sparse(shape[0] * shape[1], len(rows)):
        return Sparse(Coefficients(values), rows, cols, shape)
    weight = np.zeros(shape)
    weight[rows, cols] = values
    return Dense(Coefficients(weight))


def _is_sparse(size: int, count: int) -> bool:
    """Whether a matrix of so many entries, of which `count` are not 0, is stored without the others."""
    return size >= LARGE and count <= DENSITY * size
