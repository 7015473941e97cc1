"""The rigorous tier: floats, with every rounding charged.

The same rule as in `integers`, computed in float32 or float64. An entry of a product of n terms is off by at most
gamma_n times the product of the magnitudes, in any order of summation; that error meets an activation of known size,
so everything a float can get wrong is at most gamma_N sum_k |mu_k| . (|W_k| a + |b_k| + |z_k|) + gamma_N |nu_0| . |x|,
with N the number of operations on the way. Twice that is charged, which covers its own rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .integers import MORE, OutOfRangeError, float32_error
from .network import Affine, Linear, Network


class Floats:
    """The arithmetic of the rigorous tier in `dtype` (float32 or float64)."""

    def __init__(self, network: Network, dtype: Any, any_order: bool = False) -> None:
        self.network, self.any_order = network, any_order
        self.dtype = np.dtype(dtype)
        self.unit = float(np.finfo(dtype).eps) / 2
        self._weights: dict[int, tuple[Any, Any]] = {}

    def _prepared(self, linear: Linear) -> tuple[Any, Any]:
        if id(linear) not in self._weights:
            weight = linear.weight.astype(self.dtype)
            if not np.isfinite(weight).all():
                raise OutOfRangeError
            self._weights[id(linear)] = weight, np.abs(linear.weight)
        return self._weights[id(linear)]

    def _gamma(self, count: int) -> float:
        share = (count + 8) * self.unit
        if share >= 0.1:
            raise OutOfRangeError
        return share / (1 - share)

    def _magnitude(self, node: Affine, region: Any) -> Any:
        """|W| a + |b|, (batch, size), float64."""
        found = np.abs(node.floats[None])
        for linear, source in node.terms:
            found = found + linear.forward(region.size(source), self._prepared(linear)[1])
        return found * MORE

    def interval(self, node: Affine, region: Any) -> tuple[Any, Any]:
        """Bounds (batch, size) of an affine node from those of its sources, in float64."""
        middle, reach, count = node.floats[None], 0.0, 4
        for linear, source in node.terms:
            low, high = region.low[source], region.high[source]
            centre = low / 2 + high / 2
            radius = np.nextafter(np.maximum(high - centre, centre - low), np.inf)
            middle = middle + linear.forward(centre, linear.weight)
            reach = reach + linear.forward(radius, np.abs(linear.weight))
            count += linear.weight.shape[1] + 4
        size = self._magnitude(node, region)
        reach = (reach + 4 * count * 2.0**-53 * size) * MORE + 2.0**-1000
        if self.any_order:
            reach = reach + float32_error(node, region)
        return np.nextafter(middle - reach, -np.inf), np.nextafter(middle + reach, np.inf)

    def lower(self, region: Any, number: int, rows: Any, lines: dict[int, Any]) -> Any:
        """Lower bounds (batch, rows) of `rows` @ node `number`."""
        kind = self.dtype
        batch = max(len(region.low[0]), len(rows), *(len(line.above) for line in lines.values()), 1)
        rows = np.broadcast_to(rows, (batch, *rows.shape[1:])).astype(kind)
        pending = {number: rows}
        constant, wrong = np.zeros(rows.shape[:2]), np.zeros(rows.shape[:2])
        count, extra = 16, np.zeros(rows.shape[:2])
        for current in reversed(self.network.needed(number)):
            if current == 0 or current not in pending:
                continue
            nu = pending.pop(current)
            node = self.network.nodes[current]
            if not isinstance(node, Affine):
                line = lines[current]
                below, above = line.below.astype(kind), line.above.astype(kind)
                # No difference of slopes here: its rounding would meet |z|, and that is not charged. One of the two
                # products is 0 in every entry.
                mu, falling = np.maximum(nu, 0), np.minimum(nu, 0)
                mu *= below[:, None, :]
                mu += falling * above[:, None, :]
                if line.shift is not None:
                    mu += line.shift.astype(kind)[:, None, :]
                constant += _dot(falling, line.gap_of(above, kind))
                _add(pending, node.source, mu)
                count += 2 * nu.shape[2]
                continue
            constant += _dot(nu, node.floats[None].astype(kind))
            size = self._magnitude(node, region) + region.size(current)
            count += 8 + node.size
            wrong += _dot(np.abs(nu), _above(size, kind))
            if self.any_order:
                extra += _dot(np.abs(nu), _above(float32_error(node, region), kind))
            for linear, source in node.terms:
                count += linear.fan + 2
                found = linear.backward(nu.reshape(-1, nu.shape[2]), self._prepared(linear)[0])
                _add(pending, source, found.reshape(*nu.shape[:2], -1))
        if 0 in pending:
            nu = pending[0].astype(np.float64)
            low, high = region.low[0], region.high[0]
            centre = low / 2 + high / 2
            radius = np.nextafter(np.maximum(high - centre, centre - low), np.inf)
            constant += _dot(nu, centre) - _dot(np.abs(nu), radius)
            wrong += _dot(np.abs(nu), np.maximum(np.abs(low), np.abs(high)))
            count += 4 * nu.shape[2]
        tiny = float(np.finfo(kind).tiny) * (1 + sum(float(region.total(i).max()) for i in region.low))
        with np.errstate(invalid="ignore"):
            result = constant - (2 * self._gamma(count) * wrong + extra * (1 + 2 * self._gamma(count)) + tiny * count)
        if not np.isfinite(result).all():
            raise OutOfRangeError
        return result


def _dot(rows: Any, vector: Any) -> Any:
    """(batch, rows, n) times (batch or 1, n) -> (batch, rows), float64."""
    return (rows @ vector[:, :, None])[..., 0].astype(np.float64)


def _above(values: Any, kind: Any) -> Any:
    return np.nextafter(values.astype(kind), kind.type(np.inf))


def _add(pending: dict[int, Any], number: int, rows: Any) -> None:
    pending[number] = pending[number] + rows if number in pending else rows
