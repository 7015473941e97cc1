"""The lines that stand in for a ReLU: one below it, one above it, and what a split adds.

For z in [l, u] with l < 0 < u, relu(z) lies above every line a z with a in [0, 1] and below the chord through
(l, 0) and (u, u). A coefficient's sign decides which line is needed. A neuron that a split fixes on one side
has no gap at all, and any non-negative multiple beta of its constraint may be added free of charge
(Wang et al. 2103.06624).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.device import Device
from ..network.maps.namespace import cast, namespace, negative, positive, product

# A chord with less slope than this is replaced by a constant.
FLAT = 2.0**-60


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines of one ReLU node, arrays (batch, size).

    Below: relu(z) >= slope_below * z. Above: relu(z) <= slope_above * z + offset_above. `shift` is added to the
    multipliers: +beta >= 0 for neurons split off (z <= 0), -beta for neurons split on (z >= 0), else 0.
    """

    slope_below: Any
    slope_above: Any
    offset_above: Any
    shift: Any = None

    def substitute(self, nu: Any) -> tuple[Any, Any]:
        """(mu, gain) with nu . relu(z) >= mu . z + gain on the domain; nu is (batch, rows, size)."""
        xp, falling = namespace(nu), negative(nu)
        # One of the two is zero: no cancellation, mu is off by one rounding of its own size.
        mu = (nu - falling) * self.slope_below[:, None, :]
        mu += falling * self.slope_above[:, None, :]
        if self.shift is not None:
            mu += self.shift[:, None, :]
        if nu.shape[1] == 1:
            return mu, xp.einsum("brn,bn->br", falling, xp.broadcast_to(self.offset_above, (len(nu), nu.shape[2])))
        return mu, product(falling, self.offset_above[:, :, None])[:, :, 0]

    def astype(self, dtype: Any) -> Lines:
        """The same lines in another float type, to nearest: a hint, since the chord may now cut the ReLU."""
        return self._map(lambda values: cast(values, dtype))

    def to(self, device: Device) -> Lines:
        """These lines (NumPy arrays), the same numbers, on a device."""
        return self._map(device.put)

    def _map(self, move: Callable[[Any], Any]) -> Lines:
        shift = None if self.shift is None else move(self.shift)
        return Lines(move(self.slope_below), move(self.slope_above), move(self.offset_above), shift)


def crown_lines(low: Any, high: Any) -> Lines:
    """CROWN's lines for pre-activations in [low, high], arrays (batch, size): the lower line has slope 0 or 1,
    whichever leaves the smaller triangle."""
    below, above = negative(low), positive(high)
    steep = ((low >= 0) | (above > -below)) & (high > 0)
    return Lines(cast(steep, low.dtype), *chord(low, high))


def chord(low: Any, high: Any) -> tuple[Any, Any]:
    """Slope and offset of the line above: u / (u - l) and -l u / (u - l) where unstable, 1 and 0 where always on, 0 and
    0 where always off.

    A chord so flat that its products might underflow gives way to the constant 2 u.
    """
    xp, below, above = namespace(low), negative(low), positive(high)
    width = above - below
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = xp.where(width > 0, above / width, 0)
        slope = xp.where(high <= 0, 0, xp.where(low >= 0, 1, slope))
        flat = slope < FLAT
        return xp.where(flat, 0, slope), xp.where(flat, 2 * above, -slope * below)
