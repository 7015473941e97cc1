"""A ball of the L1 or L2 norm around the inputs, which cuts the corners off the box that the bounds are about.

A linear function is least on a ball at its centre minus eps times the dual norm of its slope: the largest entry for L1,
the Euclidean length for L2. Backward substitution ends in exactly such a function, so a ball costs one line there and
tightens every layer (Zhang et al. 1811.00866, section 3). On ball and box together the better of the two bounds holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..network.maps.namespace import Constant, namespace, product

NORMS = ("l1", "l2")


@dataclass(frozen=True, eq=False)
class Ball:
    """{x : |x - center| <= eps} in the norm "l1" or "l2"; `center` is float64 (size,), `eps` a float64 that is large
    enough for the ball to contain the exact one."""

    center: Any
    eps: float
    norm: str

    def least(self, slope: Any) -> tuple[Any, Any]:
        """(values, magnitudes), each (batch, rows): the least of slope . x for slopes (batch, rows, size), up to
        rounding errors of at most gamma times the magnitudes, gamma counting 2 size + 8 operations."""
        xp, center = namespace(slope), Constant(self.center).like(slope)
        reach = self._dual(slope) * self.eps
        middle = product(slope, center)
        return middle - reach, product(xp.abs(slope), xp.abs(center)) + reach

    def argmin(self, slope: Any, low: Any, high: Any) -> Any:
        """Where each slope (batch, size) is about least on the ball, within the box: a hint, (batch, size)."""
        xp, center = namespace(slope), Constant(self.center).like(slope)
        size = xp.abs(slope)
        if self.norm == "l2":
            length = self._dual(slope)[:, None]
            step = slope / xp.where(length > 0, length, 1)
        else:
            step = xp.sign(slope) * (size >= xp.max(size, axis=1, keepdims=True))
        return xp.minimum(xp.maximum(center - self.eps * step, low), high)

    def inward(self, x: Any) -> Any:
        """Points (batch, size) moved towards the centre as far as the ball needs it, up to rounding."""
        xp, center = namespace(x), Constant(self.center).like(x)
        step = x - center
        length = xp.sum(xp.abs(step), axis=1) if self.norm == "l1" else xp.sqrt(xp.sum(step * step, axis=1))
        return center + step * (self.eps / length.clip(max(self.eps, 1e-300), None))[:, None]

    def _dual(self, slope: Any) -> Any:
        xp = namespace(slope)
        largest = xp.max(xp.abs(slope), axis=-1)
        if self.norm == "l1":
            return largest
        # Scaled, so that no square overflows, and what underflows is nothing beside the largest.
        scale = xp.where(largest > 0, largest, 1)
        part = slope / scale[..., None]
        return scale * xp.sqrt(xp.sum(part * part, axis=-1))


def ball_around(center: Any, eps: float, norm: str) -> Ball:
    """A ball of floats."""
    if norm not in NORMS:
        raise ValueError(f"norm {norm!r}, expected one of {', '.join(NORMS)}")
    return Ball(np.asarray(center, np.float64), float(eps), norm)
