"""Sums and products of tensors and exact constants, in a graph in the making: what derivatives are written with.

A value is None, which is zero, or a vector of rationals that does not depend on the input, or a tensor. Whatever is
zero or constant is kept out of the graph, and what comes into it stands there exactly: a rational that no float equals
is a multiplication by its numerator and a division by its denominator.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from ..base.errors import UnsupportedError
from ..network.exact import ObjectArray
from .composer import Composer

Value: TypeAlias = str | ObjectArray | None
# The whole number over a power of two that the float64 nearest to pi is: numbers with pi in them are split by it.
_PI = Fraction(math.pi).numerator


def same(number: Fraction, size: int) -> ObjectArray:
    """A vector of one number."""
    found = np.empty(size, dtype=object)
    found[:] = number
    return found


class Algebra:
    """Operations on values, which put nodes into `draft`."""

    def __init__(self, draft: Composer) -> None:
        self.draft = draft

    def add(self, a: Value, b: Value) -> Value:
        """a + b."""
        if a is None or b is None:
            return b if a is None else a
        if isinstance(a, str) and isinstance(b, str):
            return self.draft.add(a, b)
        if isinstance(a, str):
            return a if isinstance(b, str) else self._shifted(a, b)
        return self._shifted(b, a) if isinstance(b, str) else _reduced(a + b)

    def total(self, values: Sequence[Value]) -> Value:
        """The sum of all."""
        found: Value = None
        for value in values:
            found = self.add(found, value)
        return found

    def multiply(self, a: Value, b: Value) -> Value:
        """a b, entry by entry."""
        if a is None or b is None:
            return None
        if isinstance(a, str) and isinstance(b, str):
            return self.draft.multiply(a, b)
        if isinstance(a, str):
            return a if isinstance(b, str) else self._scaled(a, b)
        return self._scaled(b, a) if isinstance(b, str) else _reduced(a * b)

    def times(self, number: Fraction | int, a: Value) -> Value:
        """A multiple of a value."""
        if a is None or not number:
            return None
        size = self.draft.size(a) if isinstance(a, str) else len(a)
        return self.multiply(same(Fraction(number), size), a)

    def plus(self, number: Fraction | int, a: Value, size: int) -> Value:
        """A value and a number."""
        return self.add(same(Fraction(number), size) if number else None, a)

    def tensor(self, a: Value) -> str | None:
        """The tensor that a value is, None for a constant."""
        return a if isinstance(a, str) else None

    def _scaled(self, x: str, factors: ObjectArray) -> Value:
        if not factors.any():
            return None
        if all(f == 1 for f in factors):
            return x
        for wholes, apply in zip(_as_quotient(factors), (self.draft.scale, self.draft.divide), strict=True):
            for floats in wholes:
                if (floats != 1).any():
                    x = apply(x, floats)
        return x

    def _shifted(self, x: str, offset: ObjectArray) -> str:
        if not offset.any():
            return x
        floats = np.array([float(f) for f in offset])
        if all(Fraction(f) == o for f, o in zip(floats.tolist(), offset, strict=True)):
            return self.draft.shift(x, floats)
        # x + p / q is (q x + p) / q.
        under = same(Fraction(math.lcm(*(o.denominator for o in offset))), len(offset))
        scaled, top = self.tensor(self._scaled(x, under)), offset * under
        if scaled is None:
            raise UnsupportedError("a sum with nothing")
        found = self._scaled(self.draft.shift(scaled, _floats(top)[0]), 1 / under)
        return scaled if not isinstance(found, str) else found


def _reduced(values: ObjectArray) -> ObjectArray | None:
    return values if values.any() else None


def _as_quotient(factors: ObjectArray) -> tuple[list[Any], list[Any]]:
    """Arrays of floats to multiply by, and to divide by."""
    exact = np.array([float(f) for f in factors])
    if all(Fraction(e) == f for e, f in zip(exact.tolist(), factors, strict=True)):
        return [exact], []
    top = np.array([Fraction(f.numerator) for f in factors], dtype=object)
    under = np.array([Fraction(f.denominator) for f in factors], dtype=object)
    return _floats(top), _floats(under)


def _floats(numbers: ObjectArray) -> list[Any]:
    """Arrays of floats whose product the whole numbers are. Raises UnsupportedError."""
    found: list[Any] = []
    left = [Fraction(n) for n in numbers]
    while True:
        floats = np.array([float(n) for n in left])
        if all(Fraction(f) == n for f, n in zip(floats.tolist(), left, strict=True)):
            return [*found, floats]
        shared = [n.numerator % _PI == 0 and n != 0 for n in left]
        if not any(shared):
            worst = next(n for f, n in zip(floats.tolist(), left, strict=True) if Fraction(f) != n)
            raise UnsupportedError(f"a constant with about {float(worst):.9g} in it has more digits than float64 holds")
        found.append(np.array([float(_PI) if s else 1.0 for s in shared]))
        left = [n / _PI if s else n for n, s in zip(left, shared, strict=True)]
