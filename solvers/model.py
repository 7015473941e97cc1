"""The solver-neutral mixed-integer linear model that every backend solves.

One frozen dataclass of plain arrays: no symbolic layer, so a model of a million nonzeros is built by whoever
writes it and handed on without a copy. Its numbers are the exact dyadic rationals that its floats are, and
the methods that end in an exact answer (`satisfies`, `lower_bound`, `excludes`) compute with those rationals:
with them a caller can turn a float solver's word into a fact (Neumaier & Shcherbina 2004, safe bounds).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from verdict.base.errors import SolverError

if TYPE_CHECKING:
    from scipy import sparse

Vector = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LinearModel:
    """Minimise objective·x + offset over row_lower <= A x <= row_upper, lower <= x <= upper, x_j integer
    where asked.

    Attributes:
        objective: (n,) float64, finite.
        matrix: A, scipy.sparse CSR (m, n) float64, finite; any sparse matrix is accepted and converted.
        row_lower, row_upper: (m,) float64, -inf and inf where a side is absent.
        lower, upper: (n,) float64, likewise.
        integer: (n,) bool.
        offset: a constant added to the objective, finite.
        names: (n) column names, distinct, or None.
        products: columns (left, right, value) with value = left * right, which only some backends take; the exact
            answers below do not know of them.

    Raises:
        SolverError: a shape does not fit, a NaN, lower > upper, or an infinity on the wrong side.
    """

    objective: Vector
    matrix: sparse.csr_array[Any]
    row_lower: Vector
    row_upper: Vector
    lower: Vector
    upper: Vector
    integer: Mask
    offset: float = 0.0
    names: tuple[str, ...] | None = None
    products: tuple[tuple[int, int, int], ...] = ()

    def __post_init__(self) -> None:
        from scipy import sparse

        matrix = sparse.csr_array(self.matrix, dtype=np.float64)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
        object.__setattr__(self, "matrix", matrix)
        m, n = matrix.shape
        for field, size in (("objective", n), ("row_lower", m), ("row_upper", m), ("lower", n), ("upper", n)):
            value = np.ascontiguousarray(getattr(self, field), dtype=np.float64)
            if value.shape != (size,):
                raise SolverError(f"linear model: {field} has shape {value.shape}, expected ({size},)")
            if np.isnan(value).any():
                raise SolverError(
                    f"linear model: {field} holds a NaN at index {int(np.isnan(value).argmax())}"
                )
            object.__setattr__(self, field, value)
        if any(not 0 <= column < n for each in self.products for column in each):
            raise SolverError(f"linear model: a product of columns that are not among {n}")
        integer = np.ascontiguousarray(self.integer, dtype=np.bool_)
        if integer.shape != (n,):
            raise SolverError(f"linear model: integer has shape {integer.shape}, expected ({n},)")
        object.__setattr__(self, "integer", integer)
        object.__setattr__(self, "offset", float(self.offset))
        if not (np.isfinite(self.objective).all() and math.isfinite(self.offset)):
            raise SolverError("linear model: the objective and its offset must be finite")
        if not np.isfinite(matrix.data).all():
            raise SolverError("linear model: the matrix holds a NaN or an infinity")
        for what, low, high in (("column", self.lower, self.upper), ("row", self.row_lower, self.row_upper)):
            wrong = (low > high) | (low == np.inf) | (high == -np.inf)
            if wrong.any():
                i = int(wrong.argmax())
                raise SolverError(f"linear model: {what} {i} has bounds [{low[i]!r}, {high[i]!r}]")
        if self.names is not None:
            object.__setattr__(self, "names", tuple(self.names))
            if len(self.names) != n or len(set(self.names)) != n:
                raise SolverError(
                    f"linear model: {len(self.names)} names for {n} columns, or two are the same"
                )

    @property
    def rows(self) -> int:
        """The number m of rows."""
        return int(self.matrix.shape[0])

    @property
    def columns(self) -> int:
        """The number n of columns."""
        return int(self.matrix.shape[1])

    @property
    def is_lp(self) -> bool:
        """True when no column is integer."""
        return not bool(self.integer.any())

    def relaxed(self) -> LinearModel:
        """The linear relaxation: the same model without integrality."""
        return replace(self, integer=np.zeros(self.columns, dtype=np.bool_))

    def with_objective(self, objective: Vector, offset: float = 0.0) -> LinearModel:
        """The same feasible set under another objective, (n,) and a constant."""
        return replace(self, objective=objective, offset=offset)

    def fixed(self, columns: npt.ArrayLike, values: npt.ArrayLike) -> LinearModel:
        """The model with the given columns (k,) fixed at values (k,); their old bounds no longer count."""
        lower, upper = self.lower.copy(), self.upper.copy()
        lower[np.asarray(columns)] = values
        upper[np.asarray(columns)] = values
        return replace(self, lower=lower, upper=upper)

    def value(self, x: Vector) -> float:
        """objective·x + offset in float64."""
        return float(self.objective @ x) + self.offset

    def violation(self, x: Vector) -> float:
        """The largest absolute violation of a row, a bound or integrality at x (n,), in float64; 0.0 if none.

        A measure, not a proof: the row sums carry rounding errors. `satisfies` is the exact question.
        """
        rows, columns = self._excess(x)
        fraction = np.abs(x - np.round(x))[self.integer]
        return float(max((part.max(initial=0.0) for part in (rows, columns, fraction)), default=0.0))

    def scaled_violation(self, x: Vector) -> float:
        """Like `violation`, each row's and bound's part divided by max(1, the size of its numbers)."""
        rows, columns = self._excess(x)
        size = np.maximum(1.0, abs(self.matrix) @ np.abs(x))
        fraction = np.abs(x - np.round(x))[self.integer]
        parts = (rows / size, columns / np.maximum(1.0, np.abs(x)), fraction)
        return float(max(part.max(initial=0.0) for part in parts))

    def _excess(self, x: Vector) -> tuple[Vector, Vector]:
        point = np.asarray(x, dtype=np.float64)
        if point.shape != (self.columns,) or not np.isfinite(point).all():
            raise SolverError(f"a point must be {self.columns} finite numbers, got shape {point.shape}")
        activity = self.matrix @ point
        rows = np.maximum(self.row_lower - activity, activity - self.row_upper)
        return np.maximum(rows, 0.0), np.maximum(np.maximum(self.lower - point, point - self.upper), 0.0)

    def exact_rows(self) -> Iterator[list[tuple[int, Fraction]]]:
        """Each row in turn as its (column, exact coefficient) pairs."""
        indptr, indices, data = self.matrix.indptr, self.matrix.indices, self.matrix.data
        for i in range(self.rows):
            span = slice(indptr[i], indptr[i + 1])
            yield [
                (j, Fraction(a))
                for j, a in zip(indices[span].tolist(), data[span].tolist(), strict=True)
                if a
            ]

    def exact_value(self, x: Sequence[Fraction]) -> Fraction:
        """objective·x + offset, exactly."""
        costs = zip(self.objective.tolist(), x, strict=True)
        return sum((Fraction(c) * v for c, v in costs if c), Fraction(self.offset))

    def satisfies(self, x: Sequence[Fraction]) -> bool:
        """Whether x (n exact rationals) meets every bound, row and integrality demand, with no tolerance at
        all.
        """
        if len(x) != self.columns:
            raise SolverError(f"a point must be {self.columns} numbers, got {len(x)}")
        boxes = zip(x, self.lower.tolist(), self.upper.tolist(), self.integer.tolist(), strict=True)
        for v, low, high, integral in boxes:
            # Fraction compares with a float, infinities included, exactly.
            if v < low or v > high or (integral and v.denominator != 1):
                return False
        sides = zip(self.exact_rows(), self.row_lower.tolist(), self.row_upper.tolist(), strict=True)
        for row, low, high in sides:
            activity = sum((a * x[j] for j, a in row), Fraction(0))
            if activity < low or activity > high:
                return False
        return True

    def lower_bound(self, duals: Vector) -> Fraction | None:
        """An exact lower bound on the minimum (of the relaxation, hence of the model) from any row duals
        (m,).

        With d = c - Aᵀy: Σ_i (y_i⁺ row_lower_i - y_i⁻ row_upper_i) + Σ_j (d_j⁺ lower_j - d_j⁻ upper_j) +
        offset. Any y is sound; a solver's optimal duals make it tight. None stands for -inf: a multiplier
        points at a side that is infinite, as happens when rounding leaves d_j a little off zero at a free
        column.
        """
        return self._dual_value([Fraction(c) for c in self.objective.tolist()], Fraction(self.offset), duals)

    def excludes(self, ray: Vector) -> bool:
        """Whether the row multipliers `ray` (m,) prove, exactly, that the rows and bounds have no common
        point.

        Farkas: the bound of `lower_bound` for the zero objective is positive. False means only that this ray
        does not prove it.
        """
        bound = self._dual_value([Fraction(0)] * self.columns, Fraction(0), ray)
        return bound is not None and bound > 0

    def _dual_value(self, reduced: list[Fraction], total: Fraction, duals: Vector) -> Fraction | None:
        values = np.asarray(duals, dtype=np.float64)
        if values.shape != (self.rows,) or not np.isfinite(values).all():
            raise SolverError(f"duals must be {self.rows} finite numbers, got shape {values.shape}")
        multipliers = [Fraction(y) for y in values.tolist()]
        sides = [(multipliers, self.row_lower, self.row_upper)]
        for y, row in zip(multipliers, self.exact_rows(), strict=True):
            if y:
                for j, a in row:
                    reduced[j] -= y * a
        sides.append((reduced, self.lower, self.upper))
        for factors, low, high in sides:
            for factor, at_low, at_high in zip(factors, low.tolist(), high.tolist(), strict=True):
                if factor:
                    side = at_low if factor > 0 else at_high
                    if math.isinf(side):
                        return None
                    total += factor * Fraction(side)
        return total
