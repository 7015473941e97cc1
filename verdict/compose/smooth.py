"""The derivatives of functions of one number, up to the third, as sums and products of tensors.

Each is written with the function's own value where it can be, tanh' = 1 - tanh^2; `network/bells.py` reads those of
tanh and Sigmoid back as functions of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from ..base.errors import UnsupportedError
from .algebra import Algebra, Value

# f^(k)(z) of tensors z and f(z), by k from 1 on; `below` gives the lower derivatives.
Rule = Callable[[Algebra, str, str, int, Callable[[int], Value]], Value]


def _square(a: Algebra, value: Value) -> Value:
    return a.multiply(value, value)


def _tanh(a: Algebra, z: str, f: str, k: int, below: Callable[[int], Value]) -> Value:
    """1 - f^2, -2 f f', f' (4 - 6 f'): each is read back as one function of z."""
    size = a.draft.size(f)
    if k == 1:
        return a.plus(1, a.times(-1, _square(a, f)), size)
    return a.multiply(below(1), a.times(-2, f) if k == 2 else a.plus(4, a.times(-6, below(1)), size))


def _sigmoid(a: Algebra, z: str, f: str, k: int, below: Callable[[int], Value]) -> Value:
    """f (1 - f), f' (1 - 2 f), f' (1 - 6 f')"""
    size = a.draft.size(f)
    if k < 3:
        return a.multiply(f if k == 1 else below(1), a.plus(1, a.times(-k, f), size))
    return a.multiply(below(1), a.plus(1, a.times(-6, below(1)), size))


def _softplus(a: Algebra, z: str, f: str, k: int, below: Callable[[int], Value]) -> Value:
    if k == 1:
        return a.draft.function("Sigmoid", z)
    first = below(1)
    return _sigmoid(a, z, first, k - 1, lambda j: below(j + 1)) if isinstance(first, str) else None


def _exp(a: Algebra, z: str, f: str, k: int, below: Callable[[int], Value]) -> Value:
    return f


def _sin(a: Algebra, z: str, f: str, k: int, below: Callable[[int], Value]) -> Value:
    return a.draft.function("Cos", z) if k == 1 else a.times(-1, f if k == 2 else below(1))


def _cos(a: Algebra, z: str, f: str, k: int, below: Callable[[int], Value]) -> Value:
    return a.times(-1, a.draft.function("Sin", z) if k == 1 else f if k == 2 else below(1))


def _reciprocal(a: Algebra, z: str, f: str, k: int, below: Callable[[int], Value]) -> Value:
    """-f^2, 2 f^3, -6 f^4"""
    square = _square(a, f)
    return a.times(-1, square) if k == 1 else (
        a.times(2, a.multiply(f, square)) if k == 2 else a.times(-6, _square(a, square))
    )


def _log(a: Algebra, z: str, f: str, k: int, below: Callable[[int], Value]) -> Value:
    if k == 1:
        return a.draft.function("Reciprocal", z)
    first = below(1)
    return _reciprocal(a, z, first, k - 1, lambda j: below(j + 1)) if isinstance(first, str) else None


def _sqrt(a: Algebra, z: str, f: str, k: int, below: Callable[[int], Value]) -> Value:
    """g / 2, -g^3 / 4, 3 g^5 / 8 with g = 1 / f"""
    if k == 1:
        return a.times(Fraction(1, 2), a.draft.function("Reciprocal", f))
    first = below(1)
    cube = a.multiply(first, _square(a, first))
    return a.times(-2, cube) if k == 2 else a.times(12, a.multiply(cube, _square(a, first)))


RULES: Mapping[str, Rule] = {
    "Tanh": _tanh, "Sigmoid": _sigmoid, "Softplus": _softplus, "Exp": _exp, "Sin": _sin, "Cos": _cos,
    "Reciprocal": _reciprocal, "Log": _log, "Sqrt": _sqrt,
}
# Functions that are the product of their argument and another function of it.
TIMES = {"Silu": "Sigmoid", "x Tanh(x)": "Tanh"}
# No rule goes farther.
HIGHEST = 3
# Functions that are a derivative of another one.
SLOPES = {name + "'" * order: (name, order) for name in ("Tanh", "Sigmoid") for order in range(1, HIGHEST + 1)}
# What has a value, and no derivative here.
ROUGH = ("Relu", "Erf", "Elu", "Mish", "HardSwish")


def power(a: Algebra, z: Value, exponent: int) -> Value:
    """z^exponent by products, exponent > 0."""
    found = z
    for digit in f"{exponent:b}"[1:]:
        found = _square(a, found)
        found = a.multiply(found, z) if digit == "1" else found
    return found


def no_derivative(name: str, order: int) -> UnsupportedError:
    known = ", ".join([*RULES, *TIMES, "powers"])
    what = "value" if not order else "derivative"
    return UnsupportedError(f"{name} has no {what} in an equation, expected {known}")
