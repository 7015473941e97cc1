"""Functions of rationals between two rationals about 2^-bits apart, by series in whole numbers over a power of two.

Sums and products are exact or rounded down by less than one; what is lost is counted term by term, and what follows the
last term is less than it.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

Two = tuple[Fraction, Fraction]


def _between(middle: int, wrong: int, grid: int) -> Two:
    return Fraction(middle - wrong, grid), Fraction(middle + wrong, grid)


def root_between(x: Fraction, bits: int) -> Two:
    """The root of x >= 0."""
    grid = 1 << bits
    low = math.isqrt(x.numerator * grid * grid // x.denominator)
    return Fraction(low, grid), Fraction(low + 1, grid)


@cache
def pi_between(bits: int) -> Two:
    """pi = 8 arctan(1/3) + 4 arctan(1/7)"""
    grid = 1 << (bits + 16)
    total = wrong = 0
    for factor, n in ((8, 3), (4, 7)):
        power, k = grid // n, 0
        while power:
            total += factor * (-power if k % 2 else power) // (2 * k + 1)
            wrong += 2 * factor
            power, k = power // (n * n), k + 1
        wrong += factor
    return _between(total, wrong, grid)


def log_between(x: Fraction, bits: int) -> Two:
    """ln x = k ln 2 + ln m for x = 2^k m > 0 with m in [1/2, 2], both by ln m = 2 artanh((m - 1) / (m + 1))."""
    k = x.numerator.bit_length() - x.denominator.bit_length()
    m = x / Fraction(2) ** k
    fine = bits + abs(k).bit_length() + 8
    (a, b), (c, d) = _artanh((m - 1) / (m + 1), fine), _artanh(Fraction(1, 3), fine)
    return 2 * (a + min(k * c, k * d)), 2 * (b + max(k * c, k * d))


def _artanh(s: Fraction, bits: int) -> Two:
    """s + s^3 / 3 + s^5 / 5 + ... with |s| <= 1/3: each power loses less than 2, and so does each term."""
    grid = 1 << (bits + 16)
    power, square = math.floor(s * grid), math.floor(s * s * grid)
    total, n = power, 1
    while abs(power) > 1:
        n += 2
        power = power * square // grid
        total += power // n
    return _between(total, 4 * n + 8, grid)


def erf_between(x: Fraction, bits: int) -> Two:
    """2 / sqrt(pi) (x - x^3 / 3 + x^5 / (2! 5) - ...): terms grow to exp(x^2), and fall by half from n = 2 x^2 on."""
    square = x * x
    if square > bits:
        # 1 - erf |x| < exp(-x^2)
        ends = 1 - Fraction(1, 1 << bits), Fraction(1)
        return ends if x > 0 else (-ends[1], -ends[0])
    grid = 1 << (bits + 2 * math.ceil(square) + 32)
    power, step, n = math.floor(x * grid), math.floor(square * grid), 0
    total, lost = power, 1
    while n < 2 * square or abs(power) > 1:
        n += 1
        power = -power * step // (n * grid)
        total += power // (2 * n + 1)
        lost += 2
    # The n-th power is off by n + |x| (1 + ln n) at most, times exp(x^2): each loses one, which grows as they do.
    wrong = (lost + 4) * lost * 3 ** math.ceil(square)
    (a, b), (c, d) = _between(total, wrong, grid), pi_between(bits + 8)
    low, high = root_between(1 / d, bits + 8)[0], root_between(1 / c, bits + 8)[1]
    found = [2 * p * q for p in (a, b) for q in (low, high)]
    return max(min(found), Fraction(-1)), min(max(found), Fraction(1))


def sine_between(x: Fraction, bits: int) -> Two:
    return _circular(x, bits, 1)


def cosine_between(x: Fraction, bits: int) -> Two:
    return _circular(x, bits, 0)


def _circular(x: Fraction, bits: int, first: int) -> Two:
    """sin x or cos x: (-1)^k times that of r = x - k pi, |r| < 1.6, by its series."""
    fine = bits + max(math.ceil(abs(x)).bit_length(), 1) + 16
    c, d = pi_between(fine)
    k, grid = round(x / c), 1 << fine
    r = math.floor((x - k * c) * grid)
    square, power, n = r * r // grid, r if first else grid, first
    total, lost = power, 1
    while abs(power) > 1:
        n += 2
        power = -power * square // (n * (n - 1) * grid)
        total += power
        lost += 1
    # Each term is off by less than 4 of what is lost in front of it; k pi is off by k (d - c), and r by one.
    wrong = 8 * lost + 8 + abs(k) * math.ceil((d - c) * grid)
    low, high = _between(-total if k % 2 else total, wrong, grid)
    return max(low, Fraction(-1)), min(high, Fraction(1))
