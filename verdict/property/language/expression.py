"""Linear expressions over inputs x and outputs y, as one writes them; comparing them makes formulas.

`y[0] - 2 * x[3]`, `abs(y - z)`, `x[:4].sum()`: nothing is evaluated. Numbers are exact: a string or Fraction is the
rational that it says, a float the dyadic rational that it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np

from ...base.errors import PropertyError
from ..formula import Comparison, Formula, all_of
from ..polynomial import Monomial, Polynomial
from ..vnnlib_linear import Variable

Value = Any  # a number, a string such as "0.1" or "1/3", a Fraction, or an Expression


class Expression:
    """sum of coefficient * variable + constant; variable i >= 0 is input i, -1 - i is output i, coefficients exact."""

    __slots__ = ("constant", "terms")
    # A NumPy scalar on the left leaves the operation to us.
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, terms: dict[Variable, Fraction], constant: Fraction = Fraction(0)) -> None:
        self.terms, self.constant = terms, constant

    def __add__(self, other: Value) -> Expression:
        added = as_expression(other)
        terms = dict(self.terms)
        for variable, c in added.terms.items():
            terms[variable] = terms.get(variable, Fraction(0)) + c
        return Expression({v: c for v, c in terms.items() if c}, self.constant + added.constant)

    def __neg__(self) -> Expression:
        return self * -1

    def __sub__(self, other: Value) -> Expression:
        return self + -as_expression(other)

    def __rsub__(self, other: Value) -> Expression:
        return as_expression(other) - self

    def __mul__(self, other: Value) -> Expression:
        factor = as_expression(other)
        if factor.terms and self.terms:
            raise PropertyError("a product of two variables: expressions have to be linear")
        if factor.terms:
            return factor * self.constant
        c = factor.constant
        return Expression({v: b * c for v, b in self.terms.items()} if c else {}, self.constant * c)

    def __truediv__(self, other: Value) -> Expression:
        divisor = as_expression(other)
        if divisor.terms or not divisor.constant:
            raise PropertyError("a division by a variable or by zero: expressions have to be linear")
        return self * (1 / divisor.constant)

    __radd__, __rmul__ = __add__, __mul__

    def __le__(self, other: Value) -> Formula:
        return _compared(self - other, "<=")

    def __lt__(self, other: Value) -> Formula:
        return _compared(self - other, "<")

    def __ge__(self, other: Value) -> Formula:
        return _compared(as_expression(other) - self, "<=")

    def __gt__(self, other: Value) -> Formula:
        return _compared(as_expression(other) - self, "<")

    def __eq__(self, other: object) -> Formula:  # type: ignore[override]
        return (self <= other) & (self >= other)

    def __ne__(self, other: object) -> Formula:  # type: ignore[override]
        return (self < other) | (self > other)

    def __bool__(self) -> NoReturn:
        raise PropertyError("an expression has no truth value: join comparisons with & | ~ and brackets")

    def __abs__(self) -> Distance:
        return Distance([self])


class Distance:
    """The largest of |e| over some expressions: may be at most, or at least, a number."""

    def __init__(self, parts: Sequence[Expression]) -> None:
        self.parts = list(parts)

    def __le__(self, other: Value) -> Formula:
        return all_of((e <= other) & (-e <= other) for e in self.parts)

    def __lt__(self, other: Value) -> Formula:
        return all_of((e < other) & (-e < other) for e in self.parts)

    def __ge__(self, other: Value) -> Formula:
        return ~self.__lt__(other)

    def __gt__(self, other: Value) -> Formula:
        return ~self.__le__(other)


class Vector(Sequence[Expression]):
    """Expressions in a row, such as all inputs: compared and calculated with entry by entry."""

    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, entries: Iterable[Expression], names: Sequence[str] = ()) -> None:
        self._entries, self._names = list(entries), tuple(names)

    def __repr__(self) -> str:
        return f"<Vector of {len(self)} expressions>"

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Expression]:
        return iter(self._entries)

    def __getitem__(self, index: Any) -> Any:
        """An entry, or a vector of some: integers, names, slices, lists of numbers, boolean arrays."""
        if isinstance(index, str):
            if index not in self._names:
                known = f"expected one of {', '.join(self._names[:12])}" if self._names else "no names are known"
                raise PropertyError(f"there is no entry {index!r}, {known}")
            return self._entries[self._names.index(index)]
        if isinstance(index, slice):
            return Vector(self._entries[index])
        if isinstance(index, Sequence | np.ndarray):
            chosen = np.arange(len(self))[np.asarray(index)]
            return Vector(self._entries[int(i)] for i in chosen.ravel())
        try:
            return self._entries[index]
        except IndexError:
            raise PropertyError(f"there is no entry {index}, expected 0 to {len(self) - 1}") from None

    def _pairs(self, other: Any) -> Iterator[tuple[Expression, Expression]]:
        if isinstance(other, Sequence | np.ndarray) and not isinstance(other, str):
            values = list(other) if isinstance(other, Sequence) else other.ravel().tolist()
            if len(values) != len(self):
                raise PropertyError(f"a vector of {len(self)} entries and one of {len(values)}, expected as many")
        else:
            values = [other] * len(self)
        return zip(self._entries, map(as_expression, values), strict=True)

    def __add__(self, other: Any) -> Vector:
        return Vector(a + b for a, b in self._pairs(other))

    def __sub__(self, other: Any) -> Vector:
        return Vector(a - b for a, b in self._pairs(other))

    def __rsub__(self, other: Any) -> Vector:
        return Vector(b - a for a, b in self._pairs(other))

    def __mul__(self, other: Any) -> Vector:
        return Vector(a * b for a, b in self._pairs(other))

    def __neg__(self) -> Vector:
        return Vector(-a for a in self)

    __radd__, __rmul__ = __add__, __mul__

    def __matmul__(self, weights: Any) -> Expression:
        """The sum of entries times weights."""
        return sum((a * b for a, b in self._pairs(weights)), Expression({}))

    def __le__(self, other: Any) -> Formula:
        return all_of(a <= b for a, b in self._pairs(other))

    def __lt__(self, other: Any) -> Formula:
        return all_of(a < b for a, b in self._pairs(other))

    def __ge__(self, other: Any) -> Formula:
        return all_of(a >= b for a, b in self._pairs(other))

    def __gt__(self, other: Any) -> Formula:
        return all_of(a > b for a, b in self._pairs(other))

    def __eq__(self, other: object) -> Formula:  # type: ignore[override]
        return all_of(a == b for a, b in self._pairs(other))

    def __ne__(self, other: object) -> Formula:  # type: ignore[override]
        return ~(self == other)

    def __abs__(self) -> Distance:
        return Distance(self._entries)

    def sum(self) -> Expression:
        return self @ ([1] * len(self))


def as_expression(value: Value) -> Expression:
    """A number or expression as an expression. Raises PropertyError for anything else."""
    if isinstance(value, Expression):
        return value
    if isinstance(value, np.generic):
        value = value.item()
    try:
        return Expression({}, Fraction(value))
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise PropertyError(f"{value!r} stands where a number or an expression was expected") from None


def _compared(left: Expression, relation: str) -> Comparison:
    """`left relation 0`."""
    terms: dict[Monomial, Fraction] = {(variable,): c for variable, c in left.terms.items()}
    return Comparison(Polynomial({**terms, (): left.constant} if left.constant else terms), relation)


def inputs(count: int, names: Sequence[str] = ()) -> Vector:
    """The inputs of a network, flat, in its own units; `names` are theirs, if they have any."""
    return Vector((Expression({i: Fraction(1)}) for i in range(count)), names)


def outputs(count: int, names: Sequence[str] = ()) -> Vector:
    """The outputs of a network, flat; `names` are theirs, if they have any."""
    return Vector((Expression({-1 - i: Fraction(1)}) for i in range(count)), names)
