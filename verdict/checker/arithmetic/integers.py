"""Exact arithmetic at the speed of BLAS: integers held in float64.

Every array is integers times a power of two, `v * 2**e`, one e for each row. A product of matrices whose partial sums
all stay below 2**53 is exact in float64, in any order, with or without fused multiply-add; so numbers are cut into
limbs of few bits and multiplied limb by limb. Where a result would need more than 53 bits it is rounded to a coarser
grid, and what that can change is counted in units of the grid and charged against the proof. Weights are put on a grid
in the same way (most float32 weights lie on it); what they lose is charged by the magnitudes they meet.

Why nothing else can go wrong:

1. A limb of bx bits times one of bw bits, summed `fan` times, is at most 2**(bx + bw) fan <= 2**51 (`Map`), and the
   limb products after the leading one, scaled down, add less than that again.
2. Scaling a float by a power of two is exact, and so are `rint`, `floor` and `ceil`; exponents stay within +-400.
3. Multipliers mu may be any numbers. They are chosen with float products and rounded to integers; the bracket of
   docs/certificate.md needs only that mu is within one unit of slope * nu + shift. The rounding is half a unit and the
   float products err by less than 2**-4 units, because mu has at most 46 bits on a grid set by its largest operand.
4. Charges are sums of non-negative floats; the factor `MORE` covers their own rounding (fewer than 2**30 summands).
5. The last sum is taken on one grid, every summand rounded down to it; sums of interval ends step outward by one float.

Assumed: addition and multiplication of float64 as IEEE 754 has them, and a BLAS whose products are sums of products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..clock import Ask, nobody
from ..errors import OutOfRangeError
from ..kernel.region import MORE, Region
from ..kernel.rule import rule
from ..network import Affine, Linear, Network
from .float32 import float32_error, value_error
from .limbs import LEAST, MOST, Map, exponent, largest, split, two

# Binary places that rows joined on the way have behind the point.
FINER = 24


class Integers:
    """The arithmetic of the exact tier: multipliers of `limbs` limbs, bounds of boxes always of two.

    `any_order` also charges every float32 evaluation's rounding.
    """

    def __init__(self, network: Network, limbs: int, any_order: bool = False) -> None:
        self.ask: Ask = nobody
        self.network, self.limbs, self.any_order = network, limbs, any_order

    def map(self, linear: Linear, limbs: int) -> Map:
        if limbs not in linear.prepared:
            linear.prepared[limbs] = Map(linear, limbs)
        found: Map = linear.prepared[limbs]
        return found

    def charge(self, node: Affine, region: Region, limbs: int) -> Any:
        """What one unit of each entry's multiplier gets wrong, (batch, size)."""
        if node.error is not None:
            raise OutOfRangeError
        found = np.zeros((1, node.size)) if node.dyadic else np.abs(node.floats[None]) * 2.0**-52
        for linear, source in node.terms:
            found = found + self.map(linear, limbs).error(region.size(source))
        if self.any_order:
            found = found + float32_error(node, region)
        return found * MORE

    def interval(self, node: Affine, region: Region) -> tuple[Any, Any]:
        """Bounds (batch, size) of an affine node from those of its sources in `region`."""
        wrong = self.charge(node, region, 2)
        bottom = np.nextafter(node.floats - wrong, -np.inf)
        top = np.nextafter(node.floats + wrong, np.inf)
        for linear, source in node.terms:
            prepared, low, high = self.map(linear, 2), region.low[source], region.high[source]
            e = exponent(np.maximum(largest(low), largest(high)), prepared.most_bits - 2)
            scale = two(-e)[:, None]
            low, high = np.floor(low * scale), np.ceil(high * scale)
            middle, more, units = prepared.product(low + high)
            reach, _, others = prepared.product(high - low, magnitude=True)
            reach += np.ceil(units + others)
            # The centre is half the sum.
            unit = two(e + more - 1)[:, None]
            bottom = np.nextafter(bottom + (middle - reach) * unit, -np.inf)
            top = np.nextafter(top + (middle + reach) * unit, np.inf)
        return bottom, top

    def lower(self, region: Region, number: int, rows: Any, lines: dict[int, Any],
              before: tuple[int, Any] | None = None) -> Any:
        """Lower bounds (batch, rows) of `rows` @ node `number`, and of those of a node `before` it (batch, rows, size);
        rows are integers (1 or batch, rows, size)."""
        if (rows != np.rint(rows)).any() or (before is not None and (before[1] != np.rint(before[1])).any()):
            raise OutOfRangeError
        batch = max(len(region.low[0]), len(rows), *(len(line.above) for line in lines.values()), 1)
        rows = np.broadcast_to(rows, (batch, *rows.shape[1:]))
        total = IntegerSum(self, region, lines)
        grid = np.zeros(rows.shape[:2], int)
        # On a finer grid, for what meets them there is rounded to theirs.
        others = None if before is None else (before[0], Scaled(before[1] * 2.0**FINER, grid - FINER, 0.0))
        rule(self.network, number, Scaled(rows, grid, 0.0), total, self.ask, others)
        return _sum(total.found)

    def positive(self, region: Region, number: int, rows: Any, lines: dict[int, Any]) -> Any:
        return self.lower(region, number, rows, lines) > 0


@dataclass(frozen=True, eq=False)
class Scaled:
    """Coefficients v * 2**e, v integers (batch, rows, n), e (batch, rows), each within `wrong` units; `small` says that
    v has few bits already."""

    v: Any
    e: Any
    wrong: Any
    small: bool = False


class IntegerSum:
    """The rule's sum: pairs of values and exponents, rounded down."""

    def __init__(self, numbers: Integers, region: Region, lines: dict[int, Any]) -> None:
        self.numbers, self.region, self.lines, self.limbs = numbers, region, lines, numbers.limbs
        self.found: list[tuple[Any, Any]] = []

    def _bits(self, node: Any) -> int:
        """How many bits the multipliers of an affine node may have."""
        terms = node.terms if isinstance(node, Affine) else ()
        return min([46, *(self.numbers.map(m, self.limbs).most_bits for m, _ in terms)])

    def affine(self, nu: Scaled, number: int) -> Scaled:
        node, v, e, wrong = self.numbers.network.nodes[number], nu.v, nu.e, nu.wrong
        bits = self._bits(node)
        coarser = np.zeros_like(e) if nu.small else np.maximum(exponent(largest(v), bits), LEAST - e)
        if (coarser > 0).any() or (self.limbs > 1 and coarser.any()):
            # With several limbs the leading one must not be empty: v is also put on finer grids.
            rounded = np.rint(v * two(-coarser)[..., None])
            v, wrong, e = rounded, wrong * two(-coarser) + 0.5 * (coarser > 0), e + coarser
        if np.any(wrong):
            self.found.append((-wrong * self.region.total(number)[:, None], e))
        self._dot(v, e, node.floats[None], 0, bits)
        self._dot(-np.abs(v), e, self.numbers.charge(node, self.region, self.limbs), 1, bits)
        return Scaled(v, e, 0.0)

    def back(self, mu: Scaled, linear: Linear) -> Scaled:
        prepared, shape = self.numbers.map(linear, self.limbs), mu.v.shape
        found, more, units = prepared.product(mu.v.reshape(-1, shape[2]), transposed=True)
        return Scaled(found.reshape(*shape[:2], -1), mu.e + more, units)

    def _lost(self, v: Any, e: Any, number: int, bits: int) -> None:
        """Charge how float32 evaluations round a function or a product."""
        network = self.numbers.network
        wrong = value_error(network.nodes[number], self.region, network.ulps) if self.numbers.any_order else None
        if wrong is not None:
            coarser = np.maximum(exponent(largest(v), bits - 1), LEAST - e)
            self._dot(-np.ceil(np.abs(v) * two(-coarser)[..., None]), e + coarser, wrong * MORE, 1, bits)

    def pointwise(self, nu: Scaled, number: int) -> Scaled:
        node, line, v, e = self.numbers.network.nodes[number], self.lines[number], nu.v, nu.e
        bits, total = self._bits(self.numbers.network.nodes[node.source]), self.region.total(node.source)
        self._lost(v, e, number, bits)
        self.found.append((-nu.wrong * self.region.total(number)[:, None], e))
        falling = np.minimum(v, 0)
        if line.rise is None:
            mu = v * line.below[:, None, :]
            mu += falling * (line.above - line.below)[:, None, :]
            top = largest(v)
        else:
            mu = (v - falling) * line.below[:, None, :] + falling * line.above[:, None, :]
            top = largest(mu)
        if line.shift is not None:
            shift = line.shift[:, None, :] * two(-e)[..., None]
            mu += shift
            top = np.maximum(top, largest(shift))
            if line.at is not None:
                added = -line.shift * line.at
                lost = np.abs(added).sum(axis=1) * (added.shape[1] + 2) * 2.0**-52 + 2.0**-1000
                self.found.append(((added.sum(axis=1) - lost)[:, None], np.zeros_like(e[:, :1])))
        coarser = np.maximum(exponent(top, bits - 1), LEAST - e)
        mu *= two(-coarser)[..., None]
        np.rint(mu, out=mu)
        self.found.append((-total[:, None], e + coarser))
        made = Scaled(mu, e + coarser, 0.0, self.limbs == 1)
        if line.rise is None:
            falling *= two(-coarser)[..., None]
            np.floor(falling, out=falling)
            self._dot(falling, e + coarser, line.gap, 1, bits)
        else:
            self._offsets(v, e, line.rise, line.gap, bits)
        return made

    def _offsets(self, v: Any, e: Any, rise: Any, gap: Any, bits: int) -> None:
        """Add v . rise where v >= 0 and v . gap elsewhere, on a grid of its own: slopes may be of any size."""
        coarser = np.maximum(exponent(largest(v), bits - 1), LEAST - e)
        scale, e = two(-coarser)[..., None], e + coarser
        self._dot(np.floor(np.minimum(v, 0) * scale), e, gap, 1, bits)
        self._dot(np.floor(np.maximum(v, 0) * scale), e, rise, -1, bits)
        # What rounding the two coefficients down may have gained where an offset is below zero.
        gained = np.maximum(-gap, 0).sum(axis=1) + np.maximum(-rise, 0).sum(axis=1)
        self.found.append((-MORE * gained[:, None], e))

    def product(self, nu: Scaled, number: int) -> tuple[Scaled, Scaled]:
        network, planes, v, e = self.numbers.network, self.lines[number], nu.v, nu.e
        sources = network.nodes[number].sources
        bits = min(self._bits(network.nodes[source]) for source in sources)
        self._lost(v, e, number, bits)
        self.found.append((-nu.wrong * self.region.total(number)[:, None], e))
        rising, falling = np.maximum(v, 0), np.minimum(v, 0)
        made = []
        for source, low, high in zip(sources, (planes.below, planes.under), (planes.above, planes.over), strict=True):
            # A grid for each: one factor may be as large as the other is small.
            mu = rising * low[:, None, :] + falling * high[:, None, :]
            coarser = np.maximum(exponent(largest(mu), bits - 1), LEAST - e)
            self.found.append((-self.region.total(source)[:, None], e + coarser))
            made.append(Scaled(np.rint(mu * two(-coarser)[..., None]), e + coarser, 0.0, self.limbs == 1))
        self._offsets(v, e, planes.rise, planes.gap, bits)
        return made[0], made[1]

    def join(self, one: Scaled, other: Scaled) -> Scaled:
        grid = np.maximum(one.e, other.e)
        summed, left = 0.0, 0.0
        for part in (one, other):
            scale = two(part.e - grid)
            summed = summed + np.rint(part.v * scale[..., None])
            left = left + part.wrong * scale + 0.5 * (part.e < grid)
        return Scaled(summed, grid, left)

    def least(self, nu: Scaled) -> None:
        v, e, total = nu.v, nu.e, self.region.total(0)[:, None]
        self.found.append((-nu.wrong * total, e))
        coarser = np.maximum(exponent(largest(v), 46), 0)
        if coarser.any():
            v, e = np.rint(v * two(-coarser)[..., None]), e + coarser
            self.found.append((-0.5 * total, e))
        low, high, ball = self.region.low[0], self.region.high[0], self.region.ball
        if ball is not None:
            b = ball.part(v, low, high, whole=True)
            below, above, radius = ball.floats
            self._between(b, e, below, above)
            self.found.append((-np.nextafter(ball.length(b) * radius, np.inf), e))
            v = v - b
        self._between(v, e, low, high)

    def _between(self, v: Any, e: Any, low: Any, high: Any) -> None:
        """Add the least of v . x for x between `low` and `high` (batch or 1, n)."""
        self._dot(np.maximum(v, 0), e, low, -1, 46)
        self._dot(np.minimum(v, 0), e, high, 1, 46)

    def _dot(self, v: Any, e: Any, vector: Any, way: int, bits: int) -> None:
        """Add v . vector to the sums: integers v (batch, rows, n) of `bits` bits, floats vector (batch or 1, n) that
        are rounded to nearest (way 0, and what that changes is charged), down (-1) or up (1)."""
        limbs = 1 if bits <= 26 else 2
        own = -(-bits // limbs)
        per = 51 - int(np.ceil(np.log2(max(2, v.shape[2])))) - own
        f = exponent(largest(vector), limbs * per)
        scaled = vector * two(-f)[:, None]
        whole = (np.rint, np.ceil, np.floor)[way](scaled)
        if way == 0 and (whole != scaled).any():
            self.found.append((-0.5 * MORE * np.abs(v).sum(axis=2), e + f[:, None]))
        parts = [part[..., None] for part in split(whole, limbs, per)]
        for i, left in enumerate(split(v, limbs, own)):
            for j, right in enumerate(parts):
                places = own * (limbs - 1 - i) + per * (limbs - 1 - j)
                self.found.append(((left @ right)[..., 0], e + f[:, None] + places))


def _sum(sums: list[tuple[Any, Any]]) -> Any:
    """The sum of values * 2**exponents, all (batch, rows) or broadcast to it, rounded down."""
    while len(sums) >= 2**8:
        first = _sum(sums[: 2**7])
        sums = [(first, np.zeros_like(first, dtype=int)), *sums[2**7 :]]
    shape = np.broadcast_shapes(*(np.shape(v) for v, _ in sums), *(np.shape(e) for _, e in sums))
    grid = np.full(shape, LEAST)
    for v, e in sums:
        grid = np.maximum(grid, np.where(v == 0, LEAST, np.frexp(v)[1] + e - 44))
    if (grid > MOST).any():
        raise OutOfRangeError
    # Fewer than 2**8 summands of at most 2**44 units: every partial sum is exact.
    total = np.zeros(shape)
    for v, e in sums:
        total += np.floor(v * two(np.clip(e - grid, -1000, 500)))
    return total * two(grid)
