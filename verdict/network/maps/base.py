"""A linear map: what every linear layer is, whatever its storage.

Bounds push batches of vectors through a map, its transpose and its absolute value, so a map offers these
three without ever building its matrix; encoders and exact arithmetic want its entries one by one. A
subclass gives the two products for arbitrary coefficients and the list of its entries; the rest is here.

Products of large batches are made in steps, so that none takes long or much memory, and the clock is asked in each.
"""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...base.deadline import checkpoint
from ...base.workers import at_hand
from ..exact import Coefficients, ExactVector
from .namespace import namespace

IndexArray = npt.NDArray[np.intp]
# Multiplications in one step, a tenth of a second or two, and of entries in exact arithmetic.
STEP, EXACT_STEP = 2**30, 2**18


class LinearMap(ABC):
    """A linear map from vectors of `in_size` to vectors of `out_size` numbers.

    Arrays are `(..., size)`: every leading axis is a batch axis. They may belong to any library of the array
    API standard; the result stays in the library, dtype and device of the argument.
    """

    in_size: int
    out_size: int
    coefficients: Coefficients

    @abstractmethod
    def _forward(self, x: Any, w: Any) -> Any:
        """The product with coefficients `w` in place of this map's own."""

    @abstractmethod
    def _backward(self, y: Any, w: Any) -> Any:
        """The transposed product with coefficients `w` in place of this map's own."""

    @abstractmethod
    def _entries(self) -> tuple[IndexArray, IndexArray, IndexArray]:
        """Row, column and position in `coefficients` (flattened) of each stored entry, in any order."""

    @property
    def work(self) -> int:
        """About how many multiplications one vector takes."""
        return self.in_size + self.out_size

    def part(self, outputs: IndexArray) -> Part:
        """The part of the map that makes the `outputs` (numbers, sorted), or some more: as little as is cheap to
        cut out of the way the map is stored; here the whole."""
        return Part(self, np.arange(self.out_size), np.arange(self.in_size))

    def reading(self, inputs: IndexArray) -> Part:
        """The part of the map that reads the `inputs` (numbers, sorted), or some more: all outputs that they move."""
        return Part(self, np.arange(self.out_size), np.arange(self.in_size))

    @property
    def fitting(self) -> int:
        """For how many vectors the processor's cache holds what a product needs on the way; here that is nothing."""
        return sys.maxsize

    @cached_property
    def magnitudes(self) -> Coefficients:
        """The absolute values of the coefficients (float64, nearest)."""
        return Coefficients(np.abs(self.coefficients.values), own=True)

    def apply(self, x: Any) -> Any:
        """M x for `x` of shape (..., in_size)."""
        return self._stepwise(self._forward, x, self.coefficients.like(x), self.out_size)

    def apply_transpose(self, y: Any) -> Any:
        """M^T y for `y` of shape (..., out_size)."""
        return self._stepwise(self._backward, y, self.coefficients.like(y), self.in_size)

    def apply_abs(self, x: Any) -> Any:
        """|M| x for `x` of shape (..., in_size): radii of intervals, sizes of rounding errors."""
        return self._stepwise(self._forward, x, self.magnitudes.like(x), self.out_size)

    def apply_abs_transpose(self, y: Any) -> Any:
        """|M|^T y for `y` of shape (..., out_size)."""
        return self._stepwise(self._backward, y, self.magnitudes.like(y), self.in_size)

    def _stepwise(self, product: Callable[[Any, Any], Any], x: Any, w: Any, size: int) -> Any:
        """product(x, w), (..., size), of a few vectors at a time where they are many, on all cores at hand."""
        checkpoint()
        count, chunk = math.prod(x.shape[:-1]), max(1, STEP // max(1, self.work))
        workers, runs = at_hand(), [slice(0, count)]
        if isinstance(x, np.ndarray):
            chunk = min(chunk, self.fitting)
            # Only moving numbers is left to one core: memory is no quicker for two.
            runs = workers.runs(count, self.work - self.in_size - self.out_size)
        if count <= chunk and len(runs) < 2:
            return product(x, w)
        flat = x.reshape((count, x.shape[-1]))
        result = namespace(x).empty((count, size), dtype=x.dtype, device=x.device)

        def fill(run: slice) -> None:
            for start in range(run.start, run.stop, chunk):
                checkpoint()
                some = slice(start, min(start + chunk, run.stop))
                result[some] = product(flat[some], w)

        workers.map(fill, runs)
        return result.reshape((*x.shape[:-1], size))

    @cached_property
    def entries(self) -> tuple[IndexArray, IndexArray, IndexArray]:
        """Row, column and coefficient position of each entry, sorted by row and then column."""
        rows, cols, which = self._entries()
        order = np.lexsort((cols, rows))
        return rows[order], cols[order], which[order]

    @cached_property
    def fan_in(self) -> int:
        """The largest number of products summed into one output: n in the rounding bound gamma_n."""
        return int(np.bincount(self.entries[0], minlength=1).max(initial=0))

    @cached_property
    def fan_out(self) -> int:
        """The largest number of products summed into one entry of M^T y."""
        return int(np.bincount(self.entries[1], minlength=1).max(initial=0))

    def matrix(self) -> Any:
        """The map as a SciPy CSR array of float64, for encoders; never used to compute bounds."""
        from scipy.sparse import coo_array

        rows, cols, which = self.entries
        data = self.coefficients.values.ravel()[which]
        return coo_array((data, (rows, cols)), shape=(self.out_size, self.in_size)).tocsr()

    def apply_exact(self, x: ExactVector) -> ExactVector:
        """M x in exact rational arithmetic."""
        rows, cols, which = self.entries
        return self._exact_product(x, rows, cols, which, self.out_size)

    def _exact_rows(self, x: ExactVector, matrix: Any, columns: Any) -> tuple[Any, int]:
        """matrix @ columns in Python's integers, a few rows at a time; and the denominator of both together.

        `matrix` (rows, n) are numerators of this map's coefficients, `columns` (n, k) some of x.
        """
        chunk = max(1, EXACT_STEP // max(1, columns.size))
        parts = []
        for start in range(0, len(matrix), chunk):
            checkpoint()
            parts.append(matrix[start : start + chunk] @ columns)
        return np.concatenate(parts), self.coefficients.integers[1] * x.denominator

    def apply_exact_transpose(self, y: ExactVector) -> ExactVector:
        """M^T y in exact rational arithmetic."""
        rows, cols, which = self.entries
        order = np.argsort(cols, kind="stable")
        return self._exact_product(y, cols[order], rows[order], which[order], self.in_size)

    def _exact_product(
        self, x: ExactVector, rows: IndexArray, cols: IndexArray, which: IndexArray, size: int
    ) -> ExactVector:
        """sum over entries of coefficient * x[col] into [row]; entries sorted by row."""
        numerators, denominator = self.coefficients.integers
        result = np.zeros(size, dtype=object)
        for start in range(0, len(rows), EXACT_STEP):
            checkpoint()
            here = slice(start, start + EXACT_STEP)
            row = rows[here]
            products = numerators[which[here]] * x.numerators[cols[here]]
            starts = np.flatnonzero(np.r_[True, row[1:] != row[:-1]])
            result[row[starts]] += np.add.reduceat(products, starts)
        return ExactVector(result, denominator * x.denominator)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_size} -> {self.out_size})"


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a map: `linear` makes its `outputs` from its `inputs` (numbers, sorted), all that these depend on."""

    linear: LinearMap
    outputs: IndexArray
    inputs: IndexArray
