"""Logarithm, erf and sine of floats, within proven errors: polynomials around points at which rationals give the value.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from .exponential import falling_between
from .series import erf_between, log_between, pi_between

# Errors: of the logarithm as a share of 1 + |ln x|.
WRONG_LOG, WRONG_ERF, WRONG_SINE = 2.0**-48, 2.0**-46, 2.0**-46
# Points per unit around which erf has a polynomial of so many terms, up to where it is 1 within 2^-54.
_DENSITY, _TERMS, _LAST = 8, 18, 6
# Beyond this sine is not computed, but between -1 and 1.
FARTHEST = 2.0**20


@cache
def _logarithms() -> Any:
    return np.array([float(sum(log_between(Fraction(j, 16), 80)) / 2) for j in range(8, 17)])


@cache
def _log2() -> tuple[float, float]:
    """ln 2 as a number of 30 bits and the rest."""
    exact = sum(log_between(Fraction(2), 120)) / 2
    high = Fraction(math.floor(exact * 2**30), 2**30)
    return float(high), float(exact - high)


def log(x: Any) -> Any:
    """ln x for floats x > 0: of 2^k m with m in [1/2, 1), ln c + 2 artanh s with c the next sixteenth, |s| < 1/31, so
    s^13 is below 2^-64; k times the first part of ln 2 is exact, and ten numbers of at most |ln x| + 1.4 round."""
    m, k = np.frexp(x)
    j = np.rint(16 * m)
    s = (m - j / 16) / (m + j / 16)
    square = s * s
    total = 1 / 11 + 0 * s
    for n in (9, 7, 5, 3, 1):
        total = total * square + 1 / n
    high, low = _log2()
    return k * high + (_logarithms()[j.astype(int) - 8] + (k * low + 2 * s * total))


@cache
def _around() -> Any:
    """erf's Taylor coefficients (points, terms): g_n of exp(-(c + h)^2) satisfy n g_n = -2 c g_(n-1) - 2 g_(n-2). On a
    circle of radius 1/2 that function is below exp(1/2 + 1/4), so what is left out at |h| <= 1/16 is below 8^-17."""
    rows = []
    for i in range(_LAST * _DENSITY + 1):
        c = Fraction(i, _DENSITY)
        factor = float(sum(falling_between(c * c, 120)) / 2) * 2 / math.sqrt(math.pi)
        g = [Fraction(1), -2 * c]
        while len(g) < _TERMS:
            n = len(g)
            g.append((-2 * c * g[-1] - 2 * g[-2]) / n)
        rows.append([float(sum(erf_between(c, 80)) / 2), *(factor * float(v / (n + 1)) for n, v in enumerate(g))])
    return np.array(rows)


def erf(x: Any) -> Any:
    """The table's numbers are rounded, each by a share of 2^-50 of numbers below 2, and so are the sums."""
    size = np.minimum(np.abs(x), _LAST)
    i = np.rint(size * _DENSITY).astype(int)
    h, table = size - i / _DENSITY, _around()
    total = table[i, -1]
    for n in range(_TERMS - 1, -1, -1):
        total = total * h + table[i, n]
    return np.copysign(total, x)


@cache
def _pi() -> tuple[float, float, float]:
    """pi in parts of which the first two have 32 bits, so that they are exact times whole numbers up to 2^20."""
    rest, parts = sum(pi_between(200)) / 2, []
    for bits in (30, 62):
        parts.append(Fraction(math.floor(rest * 2**bits), 2**bits))
        rest -= parts[-1]
    return float(parts[0]), float(parts[1]), float(rest)


def sine(x: Any) -> Any:
    return _circular(x, 1)


def cosine(x: Any) -> Any:
    return _circular(x, 0)


def _circular(x: Any, first: int) -> Any:
    """sin or cos of r = x - k pi with |r| < 1.6, off by three roundings, by the series up to r^27 / 27! < 2^-60, whose
    terms are below 1.6."""
    near = np.clip(x, -FARTHEST, FARTHEST)
    a, b, c = _pi()
    k = np.rint(near / math.pi)
    r = ((near - k * a) - k * b) - k * c
    square, total = r * r, np.ones_like(r)
    for n in range(26 + first, 1, -2):
        total = 1 - total * square / (n * (n - 1))
    return np.where(k % 2 == 0, 1.0, -1.0) * (r * total if first else total)
