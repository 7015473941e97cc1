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

from typing import Any

import numpy as np

from .network import Affine, Linear, Network

MORE = 1 + 2.0**-20
LEAST, MOST = -400, 400


class OutOfRangeError(ArithmeticError):
    """Numbers too large for the grid: nothing is known."""


def two(exponents: Any) -> Any:
    """2**exponents, exactly."""
    return np.ldexp(1.0, np.asarray(exponents, np.int32))


def exponent(top: Any, bits: int) -> Any:
    """The grid on which numbers of size at most `top` have `bits` bits."""
    if not np.isfinite(top).all():
        raise OutOfRangeError
    found = np.frexp(top)[1] - bits
    if np.any(found > MOST):
        raise OutOfRangeError
    return np.maximum(found, LEAST)


def largest(x: Any) -> Any:
    """The largest magnitude in each row."""
    return np.maximum(x.max(axis=-1, initial=0), -x.min(axis=-1, initial=0))


def split(v: Any, limbs: int, bits: int) -> list[Any]:
    """Integers of limbs * bits bits as limbs, leading one first: v = sum_i part_i * 2**(bits (limbs - 1 - i))."""
    parts = []
    for i in range(limbs - 1, 0, -1):
        part = np.rint(v * 2.0 ** (-bits * i))
        parts.append(part)
        v = v - part * 2.0 ** (bits * i)
    return [*parts, v]


class Map:
    """A linear map with integer weights: `limbs` limbs for the weights and as many for what it is applied to."""

    def __init__(self, linear: Linear, limbs: int) -> None:
        self.linear, self.limbs = linear, limbs
        total = 51 - int(np.ceil(np.log2(linear.fan)))
        self.bits, self.own_bits = total // 2, total - total // 2
        self.e = int(exponent(np.abs(linear.weight).max(initial=0), limbs * self.own_bits))
        whole = np.rint(linear.weight * 2.0**-self.e)
        off = (whole * 2.0**self.e != linear.weight) | (linear.exact is not None)
        # Half a unit for a rounded float; a little more where the float itself is rounded.
        self.off = np.where(off, 1.0, 0.0) * 2.0**self.e if off.any() else None
        self.parts = split(whole, limbs, self.own_bits)
        self.magnitudes = split(np.abs(whole), limbs, self.own_bits)

    @property
    def most_bits(self) -> int:
        """How many bits the integers may have that the map is applied to."""
        return self.limbs * self.bits

    def error(self, size: Any) -> Any:
        """|M - integers| applied to magnitudes (batch, in_size)."""
        return 0.0 if self.off is None else self.linear.forward(size, self.off)

    def product(self, v: Any, *, transposed: bool = False, magnitude: bool = False) -> tuple[Any, int, float]:
        """(result, e, units): M v = result * 2**e within `units` units; v (rows, size) integers of `most_bits` bits."""
        apply = self.linear.backward if transposed else self.linear.forward
        result, units = None, 0.0
        for i, part in enumerate(split(v, self.limbs, self.bits)):
            for j, weight in enumerate(self.magnitudes if magnitude else self.parts):
                found, places = apply(part, weight), self.bits * i + self.own_bits * j
                if result is None:
                    result = found
                else:
                    result += np.rint(found * 2.0**-places)
                    units += 0.5
        return result, self.e + (self.limbs - 1) * (self.bits + self.own_bits), units


class Integers:
    """The arithmetic of the exact tier: multipliers of `limbs` limbs, bounds of boxes always of two.

    `any_order` also charges every float32 evaluation's rounding.
    """

    def __init__(self, network: Network, limbs: int, any_order: bool = False) -> None:
        self.network, self.limbs, self.any_order = network, limbs, any_order
        self._maps: dict[tuple[int, int], Map] = {}

    def map(self, linear: Linear, limbs: int) -> Map:
        key = id(linear), limbs
        if key not in self._maps:
            self._maps[key] = Map(linear, limbs)
        return self._maps[key]

    def charge(self, node: Affine, region: Any, limbs: int) -> Any:
        """What one unit of each entry's multiplier gets wrong, (batch, size)."""
        found = np.zeros((1, node.size)) if node.dyadic else np.abs(node.floats[None]) * 2.0**-52
        for linear, source in node.terms:
            found = found + self.map(linear, limbs).error(region.size(source))
        if self.any_order:
            found = found + float32_error(node, region)
        return found * MORE

    def interval(self, node: Affine, region: Any) -> tuple[Any, Any]:
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

    def lower(self, region: Any, number: int, rows: Any, lines: dict[int, Any]) -> Any:
        """Lower bounds (batch, rows) of `rows` @ node `number`; rows are integers (1 or batch, rows, size)."""
        batch = max(len(region.low[0]), len(rows), *(len(line.above) for line in lines.values()), 1)
        rows = np.broadcast_to(rows, (batch, *rows.shape[1:]))
        # Per node: integers, their exponents, units that they may be off by, and whether they are few bits already.
        pending: dict[int, Any] = {number: (rows, np.zeros(rows.shape[:2], int), 0.0, False)}
        sums: list[tuple[Any, Any]] = []
        for current in reversed(self.network.needed(number)):
            if current == 0 or current not in pending:
                continue
            v, e, wrong, small = pending.pop(current)
            node = self.network.nodes[current]
            if not isinstance(node, Affine):
                sums.append((-wrong * region.total(current)[:, None], e))
                source = self.network.nodes[node.source]
                terms = source.terms if isinstance(source, Affine) else ()
                bits = min([46, *(self.map(m, self.limbs).most_bits for m, _ in terms)])
                mu, e = self._relu(v, e, lines[current], bits, region.total(node.source), sums)
                self._add(pending, node.source, mu, e, 0.0, self.limbs == 1)
                continue
            bits = min([46, *(self.map(m, self.limbs).most_bits for m, _ in node.terms)])
            coarser = np.zeros_like(e) if small else np.maximum(exponent(largest(v), bits), LEAST - e)
            if (coarser > 0).any() or (self.limbs > 1 and coarser.any()):
                # With several limbs the leading one must not be empty: v is also put on finer grids.
                rounded = np.rint(v * two(-coarser)[..., None])
                v, wrong, e = rounded, wrong * two(-coarser) + 0.5 * (coarser > 0), e + coarser
            if np.any(wrong):
                sums.append((-wrong * region.total(current)[:, None], e))
            self._dot(v, e, node.floats[None], 0, bits, sums)
            self._dot(-np.abs(v), e, self.charge(node, region, self.limbs), 1, bits, sums)
            for linear, source in node.terms:
                found, more, units = self.map(linear, self.limbs).product(v.reshape(-1, v.shape[2]), transposed=True)
                self._add(pending, source, found.reshape(*v.shape[:2], -1), e + more, units)
        if 0 in pending:
            v, e, wrong, _ = pending[0]
            sums.append((-wrong * region.total(0)[:, None], e))
            coarser = np.maximum(exponent(largest(v), 46), 0)
            if coarser.any():
                v, e = np.rint(v * two(-coarser)[..., None]), e + coarser
                sums.append((-0.5 * region.total(0)[:, None], e))
            self._dot(np.maximum(v, 0), e, region.low[0], -1, 46, sums)
            self._dot(np.minimum(v, 0), e, region.high[0], 1, 46, sums)
        return _sum(sums)

    def _relu(self, v: Any, e: Any, line: Any, bits: int, total: Any, sums: list[tuple[Any, Any]]) -> tuple[Any, Any]:
        """The multipliers in front of a ReLU whose output met v * 2**e, and what they gain."""
        falling = np.minimum(v, 0)
        mu = v * line.below[:, None, :]
        mu += falling * (line.above - line.below)[:, None, :]
        top = largest(v)
        if line.shift is not None:
            shift = line.shift[:, None, :] * two(-e)[..., None]
            mu += shift
            top = np.maximum(top, largest(shift))
        coarser = np.maximum(exponent(top, bits - 1), LEAST - e)
        scale = two(-coarser)[..., None]
        mu *= scale
        np.rint(mu, out=mu)
        falling *= scale
        np.floor(falling, out=falling)
        e = e + coarser
        sums.append((-total[:, None], e))
        self._dot(falling, e, line.gap, 1, bits, sums)
        return mu, e

    def _dot(self, v: Any, e: Any, vector: Any, way: int, bits: int, sums: list[tuple[Any, Any]]) -> None:
        """Add v . vector to the sums: integers v (batch, rows, n) of `bits` bits, floats vector (batch or 1, n) that
        are rounded to nearest (way 0, and what that changes is charged), down (-1) or up (1)."""
        limbs = 1 if bits <= 26 else 2
        own = -(-bits // limbs)
        per = 51 - int(np.ceil(np.log2(max(2, v.shape[2])))) - own
        f = exponent(largest(vector), limbs * per)
        scaled = vector * two(-f)[:, None]
        whole = (np.rint, np.ceil, np.floor)[way](scaled)
        if way == 0 and (whole != scaled).any():
            sums.append((-0.5 * MORE * np.abs(v).sum(axis=2), e + f[:, None]))
        parts = [part[..., None] for part in split(whole, limbs, per)]
        for i, left in enumerate(split(v, limbs, own)):
            for j, right in enumerate(parts):
                places = own * (limbs - 1 - i) + per * (limbs - 1 - j)
                sums.append(((left @ right)[..., 0], e + f[:, None] + places))

    def _add(self, pending: dict[int, Any], number: int, v: Any, e: Any, wrong: Any, small: bool = False) -> None:
        """v * 2**e (within `wrong` units) joins what the node's other readers have sent."""
        if number not in pending:
            pending[number] = (v, e, np.broadcast_to(wrong, e.shape), small)
            return
        other, f, units, _ = pending[number]
        grid = np.maximum(e, f)
        summed, left = 0.0, 0.0
        for value, own, lost in ((v, e, wrong), (other, f, units)):
            scale = two(own - grid)
            summed = summed + np.rint(value * scale[..., None])
            left = left + lost * scale + 0.5 * (own < grid)
        pending[number] = (summed, grid, left, False)


def _sum(sums: list[tuple[Any, Any]]) -> Any:
    """The sum of values * 2**exponents, all (batch, rows) or broadcast to it, rounded down."""
    shape = np.broadcast_shapes(*(np.shape(v) for v, _ in sums), *(np.shape(e) for _, e in sums))
    grid = np.full(shape, LEAST)
    for v, e in sums:
        grid = np.maximum(grid, np.where(v == 0, LEAST, np.frexp(v)[1] + e - 44))
    if (grid > MOST).any() or len(sums) > 2**8:
        raise OutOfRangeError
    # Fewer than 2**8 summands of at most 2**44 units: every partial sum is exact.
    total = np.zeros(shape)
    for v, e in sums:
        total += np.floor(v * two(np.clip(e - grid, -1000, 500)))
    return total * two(grid)


def float32_error(node: Affine, region: Any) -> Any:
    """How far a float32 evaluation of each entry may be from the exact one, whatever the order of its sum."""
    if node.roundings < 0:
        # Nothing is rounded, but what is read may be flushed to zero first, and so may the constant.
        ones = [linear.forward(np.ones((1, linear.in_size)), np.abs(linear.weight)) for linear, _ in node.terms]
        return MORE * 2.0**-126 * sum(ones, np.ones((1, node.size)))
    magnitude = np.abs(node.floats if node.size_of_bias is None else node.size_of_bias)[None]
    products, largest_factor = 2 + node.roundings + len(node.terms), 1.0
    for linear, source in node.terms:
        size = region.size(source)
        magnitude = magnitude + linear.forward(size, np.abs(linear.weight))
        products += linear.weight.shape[1]
        # A factor that is flushed to zero takes its product with it.
        largest_factor += np.abs(linear.weight).max(initial=0) + size.max(initial=0)
    if not (magnitude < 2.0**126).all():
        raise OutOfRangeError
    share = products * 2.0**-24
    if share >= 0.5:
        raise OutOfRangeError
    return MORE * (share / (1 - share) * magnitude + products * largest_factor * 2.0**-126)
