"""Exponentials of rationals between two rationals, by series with remainders: what an exact replay rests on.

All numbers are integers over one power of two, each rounded down or up at every step, so that no error is estimated.
"""

from __future__ import annotations

from fractions import Fraction

# Two rationals between which a number lies.
Between = tuple[Fraction, Fraction]


def exponential(x: Fraction, bits: int) -> Between:
    """exp(-x) for x >= 0, between numbers at most about 2^-bits apart.

    exp(x) = exp(x / 2^m)^(2^m), where x / 2^m < 1/8 has a series whose terms fall by more than eight times, so that
    what is left out is less than the last term.
    """
    if x >= bits:
        # e > 2
        return Fraction(0), Fraction(1, 2**bits)
    halvings = int(x).bit_length() + 4
    p = bits + 2 * halvings + 8
    one = 1 << p
    top, under = x.numerator << p, x.denominator << halvings
    low, high = _series(top // under, p, 0), _series(-(-top // under), p, 1)
    # 1 / exp(x / 2^m), which is at most 1.
    low, high = (one << p) // high, -(-(one << p) // low)
    for _ in range(halvings):
        low, high = low * low >> p, -(-high * high >> p)
    return Fraction(low, one), Fraction(min(high, one), one)


def _series(r: int, p: int, up: int) -> int:
    """The sum of r^n / n! for r / 2^p < 1/8, rounded down or up."""
    total = term = 1 << p
    n = 0
    while term > up:
        n += 1
        term = -(-term * r // (n << p)) if up else term * r // (n << p)
        total += term
    # The terms that are left out, rounded up, are at most one eighth of the last one, and so on: less than 2 in all.
    return total + 2 * up
