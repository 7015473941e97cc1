"""Polynomials near functions of one number: what Taylor models on a box (`polynomials.py`) are composed of.

Near m a function is sum_k c_k (z - m)^k with c_k = f^(k)(m) / k!, and what is left out after degree n is at most the
largest |f^(n+1)| / (n+1)! times the reach to the power n + 1 (Lagrange). Where f' = P(f) the derivatives are
polynomials in f, made here in rationals and evaluated in balls: at f(m), and at all values of f on the interval.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from ..functions.balls import FLOATS, LITTLE, MORE, Ball

# Nothing is expanded farther.
FAR = 2.0**200

# Coefficients in ascending order, and how far f is from the polynomial with them at most.
Expansion = tuple[list[Any], Any]


def is_expanded(function: Any) -> bool:
    """Whether Taylor models go through the function: its own file says what it has for them (`functions/base.py`)."""
    return any(hasattr(function, name) for name in ("law", "slope", "factor", "quarters", "exponent", "base"))


def expansion(function: Any, middle: Any, reach: Any, degree: int) -> Expansion:
    """Of a function around `middle`, for |z - middle| <= reach, arrays of floats; where that is out of reach the error
    is no number. Raises OutOfRangeError where the function may not be defined."""
    known = np.isfinite(middle) & (reach < FAR)
    middle, reach = np.where(known, middle, 1.0), np.where(known, reach, 0.0)
    low, high = np.nextafter(middle - reach, -np.inf), np.nextafter(middle + reach, np.inf)
    if hasattr(function, "quarters"):
        balls, left = _turned(function.quarters, middle, degree)
    elif hasattr(function, "factor"):
        inner, left = _derivatives(function.factor, middle, (low, high), degree)
        shifted = [FLOATS.ball(np.zeros(np.shape(middle))), *inner[:-1]]
        balls = [ball * middle + before for ball, before in zip(inner, shifted, strict=True)]
        # What the factor is off by, times the largest |z|, and its last term times (z - m).
        far = np.abs(middle) + reach
        left = FLOATS.ball((np.abs(left.mid) + left.err) * far * MORE + np.abs(inner[-1].mid) + inner[-1].err) * MORE
    elif hasattr(function, "slope"):
        inner, left = _derivatives(function.slope, middle, (low, high), degree - 1)
        first = _between(*function.around(middle))
        balls = [first, *(ball / (k + 1) for k, ball in enumerate(inner))]
        # What the slope is off by, times the reach, is what the function is off by.
        left = left / (degree + 1) if isinstance(left, Ball) else left
    else:
        balls, left = _derivatives(function, middle, (low, high), degree)
    wrong, power = np.zeros(np.shape(middle)), np.ones(np.shape(middle))
    for ball in balls:
        wrong = (wrong + ball.err * power) * MORE + LITTLE
        power = power * reach * MORE + LITTLE
    most = np.abs(left.mid) + left.err
    return [ball.mid for ball in balls], np.where(known, (wrong + most * power) * MORE + LITTLE, np.nan)


def _between(low: Any, high: Any) -> Ball:
    """The ball from one number to another."""
    mid = low / 2 + high / 2
    return Ball(mid, np.nextafter(np.maximum(high - mid, mid - low), np.inf), FLOATS)


def _derivatives(function: Any, middle: Any, ends: tuple[Any, Any], degree: int) -> tuple[list[Ball], Ball]:
    """f^(k)(middle) / k! for k up to the degree, and f^(degree+1) / (degree+1)! on all of the interval."""
    here, there = _between(*function.around(middle)), _between(*function.interval(*ends))
    law = tuple(function.law)
    return [_at(k, law, here) for k in range(degree + 1)], _at(degree + 1, law, there)


def _at(k: int, law: tuple[int, ...], value: Ball) -> Ball:
    """By Horner's rule."""
    coefficients = _polynomial(law, k)
    total = FLOATS.ball(np.zeros(np.shape(value.mid)))
    for c in coefficients[::-1]:
        total = total * value + FLOATS.fraction(c.numerator, c.denominator)
    return total


@cache
def _polynomial(law: tuple[int, ...], k: int) -> list[Fraction]:
    """f^(k) / k! as a polynomial in f: the last one's derivative times P, over k."""
    if k == 0:
        return [Fraction(0), Fraction(1)]
    before = _polynomial(law, k - 1)
    found = [Fraction(0)] * (len(before) + len(law) - 2)
    for i, c in enumerate(before[1:], 1):
        for j, p in enumerate(law):
            found[i - 1 + j] += i * c * p / k
    return found


def _turned(quarters: int, middle: Any, degree: int) -> tuple[list[Ball], Ball]:
    """Each derivative of sine is sine a quarter of a turn ahead; none is larger than 1."""
    sine, cosine = FLOATS.sin(FLOATS.ball(middle)), FLOATS.cos(FLOATS.ball(middle))
    balls = []
    for k in range(degree + 1):
        turn = (quarters + k) % 4
        ball = cosine if turn % 2 else sine
        balls.append((-ball if turn > 1 else ball) / math.factorial(k))
    one = FLOATS.ball(np.ones(np.shape(middle)))
    return balls, one / math.factorial(degree + 1)
