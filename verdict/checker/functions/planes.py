"""Planes around a product x y of two entries of a network (McCormick 1976).

On a box x y - a x - b y is least and largest at corners, whatever a and b are: the derivative in each factor does not
depend on that factor. So any slopes give a plane, and its offset is found from four numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .smooth import held

# Shares of a sum of magnitudes and a number that cover the rounding of a few floats' sums and products.
SHARE, LITTLE = 2.0**-48, 2.0**-1000
# The corners whose planes are looked at, as shares of the way from the lower ends to the upper ones.
PLACES = (0.5, 0.0, 1.0)
# A pair of arrays (batch, size): lower and upper ends.
Ends = tuple[Any, Any]


@dataclass(frozen=True, eq=False)
class Planes:
    """Arrays (batch, size): x y >= below x + under y + rise, and x y <= above x + over y + gap, for x and y between
    their ends."""

    below: Any
    above: Any
    under: Any
    over: Any
    rise: Any
    gap: Any
    x: Ends
    y: Ends

    def with_slopes(self, kind: Any) -> Planes:
        """Planes whose slopes are numbers of another float type."""
        if self.below.dtype == kind:
            return self
        below, above, under, over = (a.astype(kind) for a in (self.below, self.above, self.under, self.over))
        rise, gap = (sign * _highest(sign, a.astype(np.float64), b.astype(np.float64), self.x, self.y)
                     for sign, a, b in ((-1, below, under), (1, above, over)))
        return Planes(below, above, under, over, rise, gap, self.x, self.y)


def planes(x: Ends, y: Ends, shares: Any = None) -> Planes:
    """On each side the plane, of the two extreme ones and their middle, that stays closest to all of the box; or the
    mixtures with these `shares` (2, batch, size), below and above, where these are numbers."""
    below, under, rise = _mixed(-1, x, y, _chosen(-1, x, y), None if shares is None else shares[0])
    above, over, gap = _mixed(1, x, y, _chosen(1, x, y), None if shares is None else shares[1])
    return Planes(below, above, under, over, -rise, gap, x, y)


def _mixed(sign: int, x: Ends, y: Ends, own: tuple[Any, Any, Any], share: Any) -> tuple[Any, Any, Any]:
    """Slopes of planes with given shares, and what `_highest` says of them; its own where none is given."""
    if share is None:
        return own
    known = ~np.isnan(share)
    a, b = (np.where(known, given, chosen) for given, chosen in zip(_slopes(sign, x, y, share), own, strict=False))
    return a, b, _highest(sign, a, b, x, y)


def _slopes(sign: int, x: Ends, y: Ends, share: Any) -> tuple[Any, Any]:
    """Of the plane that is so far on the way from one extreme one to the other: above, they touch where one factor is
    at its upper end and the other at its lower one."""
    a = (1 - share) * y[0] + share * y[1] if sign < 0 else share * y[0] + (1 - share) * y[1]
    return a, (1 - share) * x[0] + share * x[1]


def interval(x: Ends, y: Ends) -> Ends:
    """Ends between which the products lie."""
    with np.errstate(all="ignore"):
        corners = np.stack([a * b for a in x for b in y])
    low, high = held(np.nextafter(corners.min(axis=0), -np.inf), np.nextafter(corners.max(axis=0), np.inf))
    same = ((x[0] >= 0) & (y[0] >= 0)) | ((x[1] <= 0) & (y[1] <= 0))
    other = ((x[0] >= 0) & (y[1] <= 0)) | ((x[1] <= 0) & (y[0] >= 0))
    return np.where(same, np.maximum(low, 0), low), np.where(other, np.minimum(high, 0), high)


def least(nu: Fraction, mu: Fraction, kappa: Fraction, *ends: Fraction) -> Fraction:
    """min of nu x y - mu x - kappa y, exactly; `ends` are the lower and upper ones of x, then those of y."""
    left, right, bottom, top = ends
    return min(nu * x * y - mu * x - kappa * y for x in (left, right) for y in (bottom, top))


def _highest(sign: int, a: Any, b: Any, x: Ends, y: Ends) -> Any:
    """max of sign (x y - a x - b y), or more."""
    found = np.full(np.broadcast_shapes(a.shape, x[0].shape), -np.inf)
    with np.errstate(all="ignore"):
        for p in x:
            for q in y:
                terms = p * q, -a * p, -b * q
                size = sum(map(np.abs, terms))
                found = np.maximum(found, sign * (terms[0] + terms[1] + terms[2]) + SHARE * size + LITTLE)
    return held(-found, np.where(np.isnan(found), np.inf, found))[1]


def _chosen(sign: int, x: Ends, y: Ends) -> tuple[Any, Any, Any]:
    """Slopes of a plane and what `_highest` says of it, on the side of `sign`."""
    best: Any = None
    for share in PLACES:
        a, b = _slopes(sign, x, y, share)
        offset = _highest(sign, a, b, x, y)
        reach = offset + np.maximum(sign * a * x[0], sign * a * x[1]) + np.maximum(sign * b * y[0], sign * b * y[1])
        if best is None:
            best = a, b, offset, reach
            continue
        better = reach < best[3] - SHARE * np.abs(best[3])
        best = tuple(np.where(better, new, old) for new, old in zip((a, b, offset, reach), best, strict=True))
    return best[0], best[1], best[2]
