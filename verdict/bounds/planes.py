"""Planes that stand in for a product x y on a box, one below it and one above (McCormick 1976).

Below lie y0 x + x0 y - x0 y0 for the corner (x0, y0) of both lower ends and for that of both upper ends, and so does
every mixture of the two. For any slopes a and b at all, x y - a x - b y is least at a corner of the box, so the offset
of a plane is found from its slopes, and slopes may be guessed. Planes above are planes below (-x) y.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..network.maps.namespace import namespace, negative, next_above, next_below, product
from .rounding import tiny, unit

# The ends of a factor, arrays (batch, size).
Ends = tuple[Any, Any]
# Shares of the upper ends' plane that are looked at, the one in the middle first.
SHARES = (0.5, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Planes:
    """Planes of one Product node, arrays (batch, size): x y >= below[0] x + below[1] y + floor, and x y <= above[0] x +
    above[1] y + ceiling."""

    below: tuple[Any, Any]
    floor: Any
    above: tuple[Any, Any]
    ceiling: Any

    def substitute(self, nu: Any) -> tuple[Any, Any, Any]:
        """(mu, kappa, gain) with nu . (x y) >= mu . x + kappa . y + gain on the box; nu is (batch, rows, size)."""
        falling = negative(nu)
        rising = nu - falling
        # One of the two is zero: each is off by one rounding of its own size.
        mu, kappa = (
            rising * low[:, None, :] + falling * high[:, None, :]
            for low, high in zip(self.below, self.above, strict=True)
        )
        gain = product(rising, self.floor[:, :, None]) + product(falling, self.ceiling[:, :, None])
        return mu, kappa, gain[:, :, 0]

    def extent(self, left: Any, right: Any) -> Any:
        """The largest magnitudes of what the planes are made of where |x| is at most `left` and |y| at most `right`:
        what roundings are proportional to."""
        xp = namespace(left)
        steep = [xp.maximum(abs(low), abs(high)) for low, high in zip(self.below, self.above, strict=True)]
        # Of a factor without bounds, outside a function's domain, nothing is known.
        with np.errstate(invalid="ignore", over="ignore"):
            found = steep[0] * left + steep[1] * right + xp.maximum(abs(self.floor), abs(self.ceiling))
        return xp.where(xp.isnan(found), np.inf, found)


def crown_planes(left: Ends, right: Ends) -> Planes:
    """Of both planes and the middle of them the one that comes down the least on the box, for each side."""
    (a, b), floor = _best(left, right)
    (c, d), depth = _best((-left[1], -left[0]), right)
    return Planes((a, b), floor, (c, -d), -depth)


def mixed_planes(left: Ends, right: Ends, below: Any, above: Any) -> Planes:
    """Mixtures of the two planes of each side, with these shares (batch, size) of the one at the upper end of x: as
    real functions they hold the product, whatever the shares are."""
    (low, high), (bottom, top) = left, right
    with np.errstate(invalid="ignore", over="ignore"):
        a, b = bottom * (1 - below) + top * below, low * (1 - below) + high * below
        c, d = top * (1 - above) + bottom * above, low * (1 - above) + high * above
        floor, depth = floor_of((a, b), left, right), floor_of((c, -d), (-high, -low), right)
    return Planes((a, b), floor, (c, d), -depth)


def band(left: Ends, right: Ends) -> tuple[Any, Any, Any, Any]:
    """(a, b, centre, half) with a x + b y + centre - half <= x y <= a x + b y + centre + half: the slopes are the
    middles of the factors."""
    xp = namespace(left[0])
    b, a = (low / 2 + high / 2 for low, high in (left, right))
    least, most = floor_of((a, b), left, right), -floor_of((a, -b), (-left[1], -left[0]), right)
    centre = least / 2 + most / 2
    half = xp.maximum(most - centre, centre - least) * (1 + 8 * unit(centre.dtype)) + tiny(centre.dtype)
    return a, b, centre, half


def floor_of(slopes: tuple[Any, Any], left: Ends, right: Ends) -> Any:
    """min of x y - a x - b y over the box, or a little less."""
    (a, b), xp, found = slopes, namespace(left[0]), None
    with np.errstate(over="ignore", invalid="ignore"):
        for x in left:
            for y in right:
                parts = x * y, a * x, b * y
                size = abs(parts[0]) + abs(parts[1]) + abs(parts[2])
                here = parts[0] - parts[1] - parts[2] - (8 * unit(size.dtype) * size + tiny(size.dtype))
                found = here if found is None else xp.minimum(found, here)
    return xp.where(xp.isnan(found), -np.inf, found)


def product_interval(left: Ends, right: Ends) -> Ends:
    """Ends between which the products of numbers between these lie, rounded outward."""
    xp = namespace(left[0])
    with np.errstate(over="ignore", invalid="ignore"):
        corners = [x * y for x in left for y in right]
        low = next_below(xp.minimum(xp.minimum(corners[0], corners[1]), xp.minimum(corners[2], corners[3])))
        high = next_above(xp.maximum(xp.maximum(corners[0], corners[1]), xp.maximum(corners[2], corners[3])))
    # What an overflow meets is unknown; a known sign is never lost.
    low, high = xp.where(xp.isnan(low), -np.inf, low), xp.where(xp.isnan(high), np.inf, high)
    up, down = ((left[0] >= 0, right[0] >= 0), (left[1] <= 0, right[1] <= 0))
    low = xp.where((up[0] & up[1]) | (down[0] & down[1]), xp.clip(low, 0, None), low)
    high = xp.where((up[0] & down[1]) | (down[0] & up[1]), xp.clip(high, None, 0), high)
    return low, high


def _best(left: Ends, right: Ends) -> tuple[tuple[Any, Any], Any]:
    """The slopes and the offset of a plane below x y."""
    xp, found = namespace(left[0]), []
    with np.errstate(over="ignore", invalid="ignore"):
        for share in SHARES:
            b, a = (low * (1 - share) + high * share for low, high in (left, right))
            floor = floor_of((a, b), left, right)
            least = floor + xp.minimum(a * left[0], a * left[1]) + xp.minimum(b * right[0], b * right[1])
            found.append((a, b, floor, least))
        chosen = found[0]
        for other in found[1:]:
            better = other[3] > chosen[3] + 64 * unit(chosen[3].dtype) * abs(chosen[3])
            chosen = tuple(xp.where(better, new, old) for new, old in zip(other, chosen, strict=True))
    a, b, floor, _ = chosen
    return (a, b), floor
