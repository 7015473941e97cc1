"""Exact rational numbers for whole arrays: the ground under every verdict.

A float is exactly a dyadic rational, so a float array is an array of integers over one common power of two;
sums and products of such arrays stay integers, and Python's integers never round. `Coefficients` are
constants (weights, biases) that know both their exact value and their nearest float64; an `ExactVector` is a
point, stored as integer numerators over one denominator.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..base.errors import ModelError
from ..base.memory import need

# Bytes for a number with its numerator, on the way too.
EACH = 120
# And as a Python Fraction.
FRACTION = 200
FloatArray = npt.NDArray[np.float64]
ObjectArray = npt.NDArray[np.object_]

# Half a unit in the last place of float64: the relative error of one rounding.
UNIT = 2.0**-53
# Below this the relative error of a rounding is no longer bounded by UNIT.
MIN_NORMAL = 2.0**-1022


def dyadic_integers(values: FloatArray) -> tuple[ObjectArray, int]:
    """Write finite float64 `values` (any shape) as `numerators / denominator`, exactly.

    Returns Python-integer numerators in an object array of the same shape, and a power of two.
    """
    need(EACH * np.size(values), f"exact numbers, {np.size(values)} of them,")
    mantissa, exponent = np.frexp(np.asarray(values, dtype=np.float64))
    numerators = (mantissa * 2.0**53).astype(np.int64)
    shifts = np.where(numerators == 0, 0, exponent - 53)
    # Strip common trailing zeros so that short numbers (0.5, 3.0, every float32) stay short integers.
    lowest = np.bitwise_and(numerators, -numerators)
    trailing = np.where(numerators == 0, 0, np.frexp(lowest.astype(np.float64))[1] - 1)
    least = int(min((shifts + trailing).min(initial=0), 0))
    surplus = shifts - least
    left, right = np.maximum(surplus, 0).astype(object), np.maximum(-surplus, 0).astype(object)
    return (numerators.astype(object) << left) >> right, 1 << -least


def nearest_float(value: Fraction) -> float:
    """The float64 nearest to `value`; overflow gives an infinity."""
    try:
        return value.numerator / value.denominator
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def magnitude(value: Fraction) -> str:
    """The power of ten near a number of any size but 0, for messages."""
    bits = value.numerator.bit_length() - value.denominator.bit_length()
    return f"{'-' if value < 0 else ''}1e{round(bits * math.log10(2))}"


def float_below(value: Fraction) -> float:
    """The greatest float64 that is at most `value`."""
    result = nearest_float(value)
    if math.isinf(result):
        return result if result < 0 else float(np.finfo(np.float64).max)
    return result if Fraction(result) <= value else math.nextafter(result, -math.inf)


def float_above(value: Fraction) -> float:
    """The least float64 that is at least `value`."""
    # Adding zero turns -0.0 into 0.0, which some of NumPy's argument checks insist on.
    return -float_below(-value) + 0.0


class Coefficients:
    """Immutable constants of any shape: their exact values and, in `values`, the nearest float64.

    Most constants are floats and therefore exact as they stand. Others (1/9 in an average over nine pixels,
    a division by 255) are rationals that no float equals; then |values - exact| <= 2**-53 |exact|, one
    rounding, which every rigorous bound in Verdict charges.
    """

    def __init__(self, values: npt.ArrayLike, exact: ObjectArray | None = None, *, own: bool = False) -> None:
        """`own`: nobody else holds `values`, so they need not be copied."""
        array = np.asarray(values, dtype=np.float64)
        if not own and not _is_immutable(array):
            array = array.copy()
        array.setflags(write=False)
        self.values: FloatArray = array
        self._exact = exact
        self._placed: dict[object, Any] = {}

    @classmethod
    def from_fractions(cls, fractions: ObjectArray | Sequence[Fraction]) -> Coefficients:
        """From an array of `Fraction`; keeps the rationals only where floats do not suffice.

        Raises ModelError for a number that float64 cannot approximate (over- or underflow).
        """
        exact = np.asarray(fractions, dtype=object)
        fractions = [f if isinstance(f, Fraction) else Fraction(f) for f in exact.ravel()]
        flat = [nearest_float(f) for f in fractions]
        for value, fraction in zip(flat, fractions, strict=True):
            if math.isinf(value) or (abs(value) < MIN_NORMAL and fraction != Fraction(value)):
                raise ModelError(f"a constant of about {magnitude(fraction)} is outside the range of float64")
        values = np.array(flat, dtype=np.float64).reshape(exact.shape)
        pairs = zip(flat, fractions, strict=True)
        dyadic = all(v.as_integer_ratio() == (f.numerator, f.denominator) for v, f in pairs)
        return cls(values, None if dyadic else exact)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def size(self) -> int:
        return int(self.values.size)

    @property
    def is_dyadic(self) -> bool:
        """True where `values` are themselves exact."""
        return self._exact is None

    @cached_property
    def integers(self) -> tuple[ObjectArray, int]:
        """`(numerators, denominator)`, flattened numerators as Python integers."""
        if self._exact is None:
            return dyadic_integers(self.values.ravel())
        flat = [Fraction(f) for f in self._exact.ravel()]
        denominator = math.lcm(*(f.denominator for f in flat))
        numerators = [f.numerator * (denominator // f.denominator) for f in flat]
        return np.array(numerators, dtype=object), denominator

    def fractions(self) -> ObjectArray:
        """The exact values as `Fraction`, in this array's shape."""
        numerators, denominator = self.integers
        flat = np.empty(len(numerators), dtype=object)
        flat[:] = [Fraction(n, denominator) for n in numerators]
        return flat.reshape(self.shape)

    def some(self, which: npt.NDArray[np.intp]) -> list[Fraction]:
        """The exact values at flat positions."""
        exact = self.values if self._exact is None else self._exact
        return [Fraction(value) for value in exact.ravel()[which].tolist()]

    def reshape(self, *shape: int) -> Coefficients:
        """The same constants in another shape."""
        exact = None if self._exact is None else self._exact.reshape(shape)
        return Coefficients(self.values.reshape(shape), exact)

    def __add__(self, other: Coefficients) -> Coefficients:
        """The exact sum of two arrays of one shape."""
        if self.is_dyadic and other.is_dyadic:
            a, b = self.values, other.values
            with np.errstate(over="ignore", invalid="ignore"):
                total = a + b
                # Knuth's two-sum: the rounding error of a + b, itself computed without one.
                part = total - a
                error = (a - (total - part)) + (b - part)
            if not error.any() and np.isfinite(total).all():
                return Coefficients(total)
        return Coefficients.from_fractions(self.fractions() + other.fractions())

    def map(self, move: Any) -> Coefficients:
        """Apply `move`, which only rearranges entries (transpose, slice), to values and exact values alike."""
        return Coefficients(move(self.values), None if self._exact is None else move(self._exact))

    def like(self, x: Any) -> Any:
        """The values in the array library, dtype and device of `x`; kept, so that it costs once."""
        if isinstance(x, np.ndarray):
            if x.dtype == np.float64:
                return self.values
            if x.dtype not in self._placed:
                self._placed[x.dtype] = self.values.astype(x.dtype)
            return self._placed[x.dtype]
        key = (x.dtype, x.device)
        if key not in self._placed:
            from .maps.namespace import namespace

            # A copy: other libraries want writable memory.
            self._placed[key] = namespace(x).asarray(self.values.copy(), dtype=x.dtype, device=x.device)
        return self._placed[key]


def _is_immutable(array: Any) -> bool:
    """Whether nobody can write to an array, nor to what it is a view of."""
    while isinstance(array, np.ndarray):
        if array.flags.writeable:
            return False
        array = array.base
    return array is None


@dataclass(frozen=True, eq=False)
class ExactVector:
    """A vector of rationals: `numerators[i] / denominator`, integers in an object array, denominator > 0."""

    numerators: ObjectArray
    denominator: int = 1

    @classmethod
    def of(cls, values: Iterable[Any]) -> ExactVector:
        """From fractions, integers or floats (floats are the dyadic rationals that they are)."""
        if isinstance(values, np.ndarray) and values.dtype.kind == "f":
            return cls(*dyadic_integers(values.astype(np.float64).ravel()))
        flat = [Fraction(v) for v in values]
        denominator = math.lcm(1, *(f.denominator for f in flat))
        numerators = np.empty(len(flat), dtype=object)
        numerators[:] = [f.numerator * (denominator // f.denominator) for f in flat]
        return cls(numerators, denominator)

    def __len__(self) -> int:
        return len(self.numerators)

    def __repr__(self) -> str:
        return f"<ExactVector of {len(self)} rationals>"

    def fractions(self) -> list[Fraction]:
        need(FRACTION * len(self), f"exact numbers, {len(self)} of them,")
        return [Fraction(n, self.denominator) for n in self.numerators]

    def floats(self) -> FloatArray:
        """The nearest float64 of each entry."""
        return np.array([nearest_float(f) for f in self.fractions()], dtype=np.float64)

    def reduced(self) -> ExactVector:
        """The same vector with the common factor of numerators and denominator removed."""
        factor = math.gcd(self.denominator, *self.numerators)
        if factor <= 1:
            return self
        return ExactVector(self.numerators // factor, self.denominator // factor)

    def __add__(self, other: ExactVector) -> ExactVector:
        common = math.lcm(self.denominator, other.denominator)
        numerators = self.numerators * (common // self.denominator)
        return ExactVector(numerators + other.numerators * (common // other.denominator), common)

    def __mul__(self, other: ExactVector) -> ExactVector:
        """The products, entry by entry."""
        return ExactVector(self.numerators * other.numerators, self.denominator * other.denominator)
