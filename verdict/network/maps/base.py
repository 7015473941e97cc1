"""A linear map: what every linear layer is, whatever its storage.

Bounds push batches of vectors through a map, its transpose and its absolute value, so a map offers these
three without ever building its matrix; encoders and exact arithmetic want its entries one by one. A
subclass gives the two products for arbitrary coefficients and the list of its entries; the rest is here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..exact import Coefficients, ExactVector

IndexArray = npt.NDArray[np.intp]


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

    @cached_property
    def magnitudes(self) -> Coefficients:
        """The absolute values of the coefficients (float64, nearest)."""
        return Coefficients(np.abs(self.coefficients.values))

    def apply(self, x: Any) -> Any:
        """M x for `x` of shape (..., in_size)."""
        return self._forward(x, self.coefficients.like(x))

    def apply_transpose(self, y: Any) -> Any:
        """M^T y for `y` of shape (..., out_size)."""
        return self._backward(y, self.coefficients.like(y))

    def apply_abs(self, x: Any) -> Any:
        """|M| x for `x` of shape (..., in_size): radii of intervals, sizes of rounding errors."""
        return self._forward(x, self.magnitudes.like(x))

    def apply_abs_transpose(self, y: Any) -> Any:
        """|M|^T y for `y` of shape (..., out_size)."""
        return self._backward(y, self.magnitudes.like(y))

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
        if len(rows):
            products = numerators[which] * x.numerators[cols]
            starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
            result[rows[starts]] = np.add.reduceat(products, starts)
        return ExactVector(result, denominator * x.denominator)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_size} -> {self.out_size})"
