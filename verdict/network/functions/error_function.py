"""erf and sine in float64 with proven errors, of additions, products and quotients alone.

erf(x) = 2 / sqrt(pi) exp(-x^2) S, S = x (1 + y/3 (1 + y/5 (1 + ...))) with y = 2 x^2: all terms are positive, so
Horner's rule with N steps rounds relatively by less than 3 N u; N = x^2 + 8 x + 16 leaves out less than 2^-55 of S for
x <= 6, beyond which 1 - erf(x) < 2^-55.
"""

from __future__ import annotations

import math
from typing import Any

from ..maps.namespace import namespace
from .elementary import exponential

# Beyond it erf is 1 up to ABOVE_ERF.
FARTHEST_ERF, ABOVE_ERF = 6.0, 2.0**-53
# The relative error of erf here: 3 N u < 2^-44, exp with its rounded argument < 2^-44, and the factor; and what
# underflow loses.
WRONG_ERF, UNDERFLOW = 2.0**-42, 2.0**-1060
TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
# pi / 2 in three parts, the first two of 33 bits: times a whole number below 2^20 they are exact.
QUARTERS = float.fromhex("0x1.921fb544p+0"), float.fromhex("0x1.0b4611a6p-34"), float.fromhex("0x1.3198a2e037073p-69")
FARTHEST_SINE, WRONG_SINE = 2.0**20, 2.0**-47
_SINE = [(-1) ** n / math.factorial(2 * n + 1) for n in range(9)]
_COSINE = [(-1) ** n / math.factorial(2 * n) for n in range(10)]


def erf_between(x: Any) -> tuple[Any, Any]:
    """Floats around erf(x) for float64 x >= 0."""
    xp = namespace(x)
    near = xp.clip(x, 0.0, FARTHEST_ERF)
    # Not a number stays so, and is no number of terms.
    farthest = float(xp.max(xp.where(xp.isnan(near), 0.0, near))) if math.prod(near.shape) else 0.0
    y, total = 2 * near * near, 0 * near + 1
    for n in range(math.ceil(farthest * farthest + 8 * farthest + 16), 0, -1):
        total = 1 + total * y / (2 * n + 1)
    value = TWO_OVER_ROOT_PI * exponential(-near * near) * near * total
    low = xp.clip(value * (1 - WRONG_ERF) - UNDERFLOW, 0.0, None)
    high = xp.clip(value * (1 + WRONG_ERF) + UNDERFLOW, None, 1.0)
    return xp.where(x > FARTHEST_ERF, 1 - ABOVE_ERF, low), xp.where(x > FARTHEST_ERF, 1.0, high)


def sine_between(x: Any, quarters: int) -> tuple[Any, Any]:
    """Floats around sin(x + quarters pi / 2), float64.

    The reduced argument r, |r| < 0.79, is off by three roundings of numbers below 1; Taylor's polynomials leave out
    less than 2^-60, and round by less than 2^-50.
    """
    xp = namespace(x)
    known = xp.abs(x) <= FARTHEST_SINE
    x = xp.where(known, x, 0.0)
    k = xp.round(x * (2 / math.pi))
    r = ((x - k * QUARTERS[0]) - k * QUARTERS[1]) - k * QUARTERS[2]
    square = r * r
    sine, cosine = 0 * r + _SINE[-1], 0 * r + _COSINE[-1]
    for term in _SINE[-2::-1]:
        sine = sine * square + term
    for term in _COSINE[-2::-1]:
        cosine = cosine * square + term
    turn = k + quarters
    turn = turn - 4 * xp.floor(turn / 4)
    value = xp.where((turn == 0) | (turn == 2), r * sine, cosine)
    value = xp.where(turn >= 2, -value, value)
    low, high = xp.clip(value - WRONG_SINE, -1.0, 1.0), xp.clip(value + WRONG_SINE, -1.0, 1.0)
    return xp.where(known, low, -1.0), xp.where(known, high, 1.0)
