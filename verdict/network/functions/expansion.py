"""Polynomials near a function, with a proven distance: what Taylor models (`bounds/taylor.py`) are composed of.

On an interval around m the function is sum_k c_k (z - m)^k up to an error. Where f' is a polynomial P of f, as for
tanh, exp or 1 / z, all derivatives are polynomials of f too, Q_0 = f and Q_{k+1} = Q_k' P / (k + 1): the coefficients
are Q_k at f(m), and Lagrange's remainder is Q_{n+1} at a value of f on the interval, times the reach to that power.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from ..maps.namespace import namespace

# Relative and absolute room for the roundings of a few dozen operations.
ROOM, LEAST = 1 + 2.0**-40, 2.0**-1000
UNIT = 2.0**-53
Pair = tuple[Any, Any]


@dataclass(frozen=True, eq=False)
class Around:
    """An interval [low, high] (float64 arrays) with a number `middle` in it; `reach` >= |z - middle| there."""

    middle: Any
    low: Any
    high: Any
    reach: Any


# Coefficients c_0, c_1, ... in ascending order, and how far f is from the polynomial at most.
Expansion = tuple[list[Any], Any]


@cache
def scaled_derivatives(slope: tuple[Fraction, ...], degree: int) -> list[list[float]]:
    """The coefficients of Q_0, ..., Q_degree for f' = P(f), where `slope` are those of P, each rounded once."""
    exact, found = [Fraction(0), Fraction(1)], []
    for k in range(degree + 1):
        found.append([float(c) for c in exact])
        rises = [n * c for n, c in enumerate(exact)][1:]
        product = [Fraction(0)] * (len(rises) + len(slope) - 1)
        for i, a in enumerate(rises):
            for j, b in enumerate(slope):
                product[i + j] += a * b / (k + 1)
        exact = product
    return found


def autonomous(slope: tuple[Fraction, ...], here: Pair, over: Pair, around: Around, degree: int) -> Expansion:
    """The expansion of f with f' = P(f), from floats between which f(middle) lies, and f on the interval."""
    xp, polynomials = namespace(around.low), scaled_derivatives(slope, degree + 1)
    (low, high), (bottom, top) = here, over
    value = low / 2 + high / 2
    wide = (high - low) * ROOM + LEAST
    largest = xp.maximum(xp.abs(low), xp.abs(high))
    found, error, power = [], LEAST, 1.0
    for coefficients in polynomials[:-1]:
        found.append(_at(coefficients, value))
        sizes = [abs(c) for c in coefficients]
        steepest = _at([n * c for n, c in enumerate(sizes)][1:] or [0.0], largest)
        rounded = 4 * (len(sizes) + 2) * UNIT * _at(sizes, largest)
        error = error + (steepest * wide + rounded) * power
        power = power * around.reach * ROOM
    error = error + _largest(polynomials[-1], bottom, top) * power
    return found, error * ROOM


def _at(coefficients: Sequence[float], x: Any) -> Any:
    """A polynomial at x, by Horner's rule."""
    total = 0 * x + coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total


def _largest(coefficients: Sequence[float], low: Any, high: Any) -> Any:
    """The largest magnitude of a polynomial on [low, high], or more: Taylor's expansion around the middle."""
    xp = namespace(low)
    middle = low / 2 + high / 2
    half = xp.maximum(high - middle, middle - low) * ROOM + LEAST
    size = xp.abs(middle) + half
    total, power, here, k = 0.0, 1.0, list(coefficients), 0
    while here:
        total = total + xp.abs(_at(here, middle)) * power
        k += 1
        power = power * half
        # The derivative divided by k!.
        here = [n * c / k for n, c in enumerate(here)][1:]
    sizes = [abs(c) for c in coefficients]
    return (total + 8 * (len(sizes) + 4) * UNIT * _at(sizes, size)) * ROOM


def integrated(first: Pair, slope: Expansion, around: Around) -> Expansion:
    """The expansion of f from floats between which f(middle) lies and the expansion of f', of one degree less."""
    coefficients, error = slope
    value = first[0] / 2 + first[1] / 2
    wrong = (first[1] - first[0]) * ROOM + UNIT * namespace(value).abs(value) + LEAST
    found, power = [value], around.reach
    for k, c in enumerate(coefficients, 1):
        found.append(c / k)
        wrong = wrong + 2 * UNIT * namespace(value).abs(c) * power
        power = power * around.reach * ROOM
    return found, (wrong + error * around.reach) * ROOM


def periodic(between: Callable[[Any, int], Pair], around: Around, degree: int) -> Expansion:
    """The expansion of a sine, all of whose derivatives are at most 1: `between(z, k)` holds the k-th one."""
    found, error, power = [], LEAST, 1.0
    for k in range(degree + 1):
        low, high = between(around.middle, k)
        share = 1 / math.factorial(k)
        found.append((low / 2 + high / 2) * share)
        error = error + ((high - low) + 4 * UNIT) * share * power
        power = power * around.reach * ROOM
    return found, (error + power / math.factorial(degree + 1)) * ROOM


def raised(exponent: int, around: Around, degree: int) -> Expansion:
    """The expansion of z^exponent: binomial coefficients, and none of the error where all of them are there."""
    xp, found, error, power = namespace(around.low), [], LEAST, 1.0
    size = xp.abs(around.middle)
    for k in range(min(degree, exponent) + 1):
        count = float(math.comb(exponent, k))
        found.append(count * _power(around.middle, exponent - k))
        error = error + 4 * (exponent + 2) * UNIT * count * _power(size, exponent - k) * power
        power = power * around.reach * ROOM
    if exponent > degree:
        far = xp.maximum(xp.abs(around.low), xp.abs(around.high))
        error = error + math.comb(exponent, degree + 1) * _power(far, exponent - degree - 1) * power
    return found, error * ROOM


def _power(x: Any, exponent: int) -> Any:
    total = 0 * x + 1
    for _ in range(exponent):
        total = total * x
    return total


def multiplied(factor: Expansion, around: Around) -> Expansion:
    """The expansion of z g(z) from that of g: with z = m + (z - m), c_k = m g_k + g_{k-1}, and g_n (z - m)^{n+1} is
    left."""
    (coefficients, error), xp = factor, namespace(around.low)
    size, found, before, power, wrong = xp.abs(around.middle), [], 0.0, 1.0, LEAST
    for c in coefficients:
        found.append(around.middle * c + before)
        wrong = wrong + 4 * UNIT * (size * xp.abs(c) + abs(before)) * power
        before, power = c, power * around.reach * ROOM
    return found, (wrong + xp.abs(before) * power + error * (size + around.reach)) * ROOM


def from_band(band: tuple[Any, Any, Any], around: Around) -> Expansion:
    """The expansion of degree one that lines parallel to each other give."""
    slope, centre, half = band
    xp = namespace(slope)
    shift = slope * around.middle
    wrong = 8 * UNIT * (xp.abs(shift) + xp.abs(centre) + xp.abs(slope) * (xp.abs(around.middle) + around.reach))
    return [centre + shift, slope], (half + wrong) * ROOM + LEAST
