"""The rigorous tier: floats, with every rounding charged.

The same rule as in `integers`, computed in float32 or float64. An entry of a product of n terms is off by at most
gamma_n times the product of the magnitudes, in any order of summation; that error meets an activation of known size,
so everything a float can get wrong is at most gamma_N sum_k |mu_k| . (|W_k| a + |b_k| + |z_k|) + gamma_N |nu_0| . |x|,
with N the number of operations on the way. Twice that is charged, which covers its own rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..clock import Ask, nobody
from ..errors import OutOfRangeError
from ..functions.lines import Lines
from ..kernel.region import MORE, Region
from ..kernel.rule import rule
from ..network import Affine, Linear, Network
from .float32 import float32_error, value_error


class Floats:
    """The arithmetic of the rigorous tier in `dtype` (float32 or float64)."""

    def __init__(self, network: Network, dtype: Any, any_order: bool = False) -> None:
        self.ask: Ask = nobody
        self.network, self.any_order = network, any_order
        self.dtype = np.dtype(dtype)
        self.unit = float(np.finfo(dtype).eps) / 2

    def prepared(self, linear: Linear) -> tuple[Any, Any]:
        if self.dtype not in linear.prepared:
            weight = linear.weight.astype(self.dtype, copy=False)
            if not np.isfinite(weight).all():
                raise OutOfRangeError
            linear.prepared[self.dtype] = weight, np.abs(linear.weight)
        found: tuple[Any, Any] = linear.prepared[self.dtype]
        return found

    def gamma(self, count: int) -> float:
        share = (count + 8) * self.unit
        if share >= 0.1:
            raise OutOfRangeError
        return share / (1 - share)

    def magnitude(self, node: Affine, region: Region) -> Any:
        """|W| a + |b|, (batch, size), float64."""
        found = np.abs(node.floats[None])
        for linear, source in node.terms:
            found = found + linear.forward(region.size(source), self.prepared(linear)[1])
        return found * MORE

    def interval(self, node: Affine, region: Region) -> tuple[Any, Any]:
        """Bounds (batch, size) of an affine node from those of its sources, in float64."""
        middle, reach, count = node.floats[None], 0.0, 4
        for linear, source in node.terms:
            low, high = region.low[source], region.high[source]
            centre = low / 2 + high / 2
            radius = np.nextafter(np.maximum(high - centre, centre - low), np.inf)
            middle = middle + linear.forward(centre, linear.weight)
            reach = reach + linear.forward(radius, np.abs(linear.weight))
            count += linear.weight.shape[1] + 4
        size = self.magnitude(node, region)
        reach = (reach + 4 * count * 2.0**-53 * size) * MORE + 2.0**-1000
        if self.any_order:
            reach = reach + float32_error(node, region)
        if node.error is not None:
            reach = (reach + node.error) * MORE
        return np.nextafter(middle - reach, -np.inf), np.nextafter(middle + reach, np.inf)

    def lower(self, region: Region, number: int, rows: Any, lines: dict[int, Any],
              before: tuple[int, Any] | None = None) -> Any:
        """Lower bounds (batch, rows) of `rows` @ node `number`, and of those of a node `before` it."""
        batch = max(len(region.low[0]), len(rows), *(len(line.above) for line in lines.values()), 1)
        rows = np.broadcast_to(rows, (batch, *rows.shape[1:])).astype(self.dtype)
        total = self.sum(region, lines, rows.shape[:2])
        # What is too large ends as no finite number.
        with np.errstate(over="ignore", invalid="ignore"):
            others = None if before is None else (before[0], before[1].astype(self.dtype))
            rule(self.network, number, rows, total, self.ask, others)
            result = total.bound()
        if not np.isfinite(result).all():
            raise OutOfRangeError
        return result

    def sum(self, region: Region, lines: dict[int, Any], shape: Any) -> FloatSum:
        """The rule's sum for bounds of the given shape (batch, rows)."""
        return FloatSum(self, region, lines, shape)

    def positive(self, region: Region, number: int, rows: Any, lines: dict[int, Any]) -> Any:
        return self.lower(region, number, rows, lines) > 0


class FloatSum:
    """The rule's sum: what was added, the sizes of what was rounded, and how many operations there were."""

    def __init__(self, floats: Floats, region: Region, lines: dict[int, Any], shape: Any) -> None:
        self.floats, self.region, self.lines, self.kind = floats, region, lines, floats.dtype
        self.constant, self.wrong, self.extra = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.count = 16

    def affine(self, nu: Any, number: int) -> Any:
        node: Affine = self.floats.network.nodes[number]
        self.constant += total_of(nu, node.floats[None].astype(self.kind))
        size = self.floats.magnitude(node, self.region) + self.region.size(number)
        self.count += 8 + node.size
        self.wrong += total_of(np.abs(nu), _above(size, self.kind))
        if self.floats.any_order:
            self.extra += total_of(np.abs(nu), _above(float32_error(node, self.region), self.kind))
        if node.error is not None:
            self.extra += total_of(np.abs(nu), _above(node.error[None], self.kind))
        return nu

    def back(self, mu: Any, linear: Linear) -> Any:
        self.count += linear.fan + 2
        found = linear.backward(mu.reshape(-1, mu.shape[2]), self.floats.prepared(linear)[0])
        return found.reshape(*mu.shape[:2], -1)

    def _lost(self, nu: Any, number: int) -> None:
        """Charge how float32 evaluations round a function or a product."""
        if self.floats.any_order:
            network = self.floats.network
            wrong = value_error(network.nodes[number], self.region, network.ulps)
            if wrong is not None:
                self.extra += total_of(np.abs(nu), _above(wrong, self.kind))

    def pointwise(self, nu: Any, number: int) -> Any:
        line, node = self.lines[number], self.floats.network.nodes[number]
        self._lost(nu, number)
        below, above = line.below.astype(self.kind), line.above.astype(self.kind)
        # No difference of slopes here: its rounding would meet |z|, and that is not charged. One of the two products is
        # 0 in every entry.
        mu, falling = np.maximum(nu, 0), np.minimum(nu, 0)
        mu *= below[:, None, :]
        mu += falling * above[:, None, :]
        if line.shift is not None:
            shift = line.shift.astype(self.kind)
            mu += shift[:, None, :]
            if line.at is not None:
                added = -shift.astype(np.float64) * line.at
                self.constant += added.sum(axis=1)[:, None]
                self.wrong += np.abs(added).sum(axis=1)[:, None]
                self.count += nu.shape[2]
        gap = _gap(line, above)
        self.constant += total_of(falling, gap)
        self.count += 2 * nu.shape[2]
        if line.rise is not None:
            rise, rising = _rise(line, below), np.maximum(nu, 0)
            self.constant += total_of(rising, rise)
            # Offsets are no multiples of slopes, nor is a function's size: all that is rounded here is charged here.
            size = self.region.size(number) + np.maximum(np.abs(gap), np.abs(rise)).astype(np.float64)
            self.wrong += total_of(np.abs(nu), _above(size, self.kind))
            self.wrong += total_of(np.abs(mu), _above(self.region.size(node.source), self.kind))
            self.count += 4 * nu.shape[2]
        return mu

    def product(self, nu: Any, number: int) -> tuple[Any, Any]:
        planes, node = self.lines[number].with_slopes(self.kind), self.floats.network.nodes[number]
        self._lost(nu, number)
        rising, falling = np.maximum(nu, 0), np.minimum(nu, 0)
        rise, gap = -_above(-planes.rise, self.kind), _above(planes.gap, self.kind)
        self.constant += total_of(rising, rise) + total_of(falling, gap)
        size = self.region.size(number) + np.maximum(np.abs(rise), np.abs(gap)).astype(np.float64)
        self.wrong += total_of(np.abs(nu), _above(size, self.kind))
        self.count += 8 * nu.shape[2]
        found = []
        for source, (low, high) in zip(
                node.sources, ((planes.below, planes.above), (planes.under, planes.over)), strict=True):
            mu = rising * low[:, None, :] + falling * high[:, None, :]
            self.wrong += total_of(np.abs(mu), _above(self.region.size(source), self.kind))
            found.append(mu)
        return found[0], found[1]

    def join(self, one: Any, other: Any) -> Any:
        return one + other

    def least(self, nu: Any) -> None:
        nu = nu.astype(np.float64)
        low, high, ball = self.region.low[0], self.region.high[0], self.region.ball
        if ball is not None:
            b = ball.part(nu, low, high)
            below, above, radius = ball.floats
            reach = ball.length(b) * radius
            self._between(b, below, above)
            self.constant -= reach
            self.wrong += reach
            # The difference is rounded, and what it loses meets inputs of the box.
            self.wrong += total_of(np.abs(nu), np.maximum(np.abs(low), np.abs(high)))
            nu = nu - b
        self._between(nu, low, high)

    def _between(self, nu: Any, low: Any, high: Any) -> None:
        """Add the least of nu . x for x between `low` and `high` (batch or 1, n)."""
        centre = low / 2 + high / 2
        radius = np.nextafter(np.maximum(high - centre, centre - low), np.inf)
        self.constant += total_of(nu, centre) - total_of(np.abs(nu), radius)
        self.wrong += total_of(np.abs(nu), np.maximum(np.abs(low), np.abs(high)))
        self.count += 4 * nu.shape[2]

    def bound(self) -> Any:
        """The sum, less everything that a float can have got wrong."""
        tiny = float(np.finfo(self.kind).tiny) * (1 + sum(float(self.region.total(i).max()) for i in self.region.low))
        gamma = self.floats.gamma(self.count)
        with np.errstate(invalid="ignore"):
            return self.constant - (2 * gamma * self.wrong + self.extra * (1 + 2 * gamma) + tiny * self.count)


def total_of(rows: Any, vector: Any) -> Any:
    """(batch, rows, n) times (batch or 1, n) -> (batch, rows), float64."""
    return (rows @ vector[:, :, None])[..., 0].astype(np.float64)


def _gap(line: Lines, above: Any) -> Any:
    """The gap for the slopes `above`, which may have been rounded to float32."""
    if above.dtype == np.float64:
        return line.gap
    return _above(line.function.gap(line.low, line.high, above.astype(np.float64)), above.dtype)


def _above(values: Any, kind: Any) -> Any:
    return np.nextafter(values.astype(kind), kind.type(np.inf))


def _rise(line: Lines, below: Any) -> Any:
    """The rise for the slopes `below`, which may have been rounded to float32."""
    if below.dtype == np.float64:
        return line.rise
    return -_above(-line.function.rise(line.low, line.high, below.astype(np.float64)), below.dtype)
