"""A ball of some norm around the inputs, which cuts the corners off the box that the bounds are about.

A linear function is least on a ball at its centre minus eps times the dual norm of its slope. Backward substitution
ends in exactly such a function, so a ball costs one line there and tightens every layer (Zhang et al. 1811.00866,
section 3). On ball and box together, as a valid range makes them, the slope is divided between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from ..network.maps.namespace import Constant, cast, namespace, next_above, product


class BallNorm(Protocol):
    """What bounds ask of a norm; `verdict.property.norms` has them, and says what each of these is."""

    def lengths(self, steps: Any) -> Any: ...

    def duals(self, slope: Any) -> Any: ...

    def share(self, slope: Any, size: Any, room: Any, eps: float) -> Any: ...

    def step(self, size: Any, room: Any, eps: float) -> Any: ...

    def spread(self, size: Any, room: Any, eps: float) -> Any: ...


@dataclass(frozen=True, eq=False)
class Ball:
    """{x : |x - center| <= eps} in a norm; `center` is float64 (size,), `eps` a float64 that is large
    enough for the ball to contain the exact one."""

    center: Any
    eps: float
    norm: BallNorm

    def least(self, slope: Any) -> tuple[Any, Any]:
        """(values, magnitudes), each (batch, rows): the least of slope . x for slopes (batch, rows, size), up to
        rounding errors of at most gamma times the magnitudes, gamma counting 2 size + 8 operations."""
        xp, center = namespace(slope), Constant(self.center).like(slope)
        reach = self.norm.duals(slope) * self.eps
        middle = product(slope, center)
        return middle - reach, product(xp.abs(slope), xp.abs(center)) + reach

    def share(self, slope: Any, low: Any, high: Any) -> Any:
        """The part of each slope (..., size) that is best left to the ball, the rest being left to the box [low, high].

        On both together a linear function is at least the least of one part on the box plus the least of the other on
        the ball, for any two parts. The best are those of the minimiser, which moves against the slope until the radius
        is used up, and nowhere out of the box.
        """
        size, room, _ = self._moves(slope, low, high)
        return self.norm.share(slope, size, room, self.eps)

    def least_within(self, slope: Any, low: Any, high: Any) -> tuple[Any, Any]:
        """As `least`, on the ball within the box [low, high], each (batch, size): at most the least, by the parts of
        `share`."""
        xp = namespace(slope)
        middle, radius = low / 2 + high / 2, next_above(high / 2 - low / 2)
        share = cast(self.share(slope, low[:, None], high[:, None]), slope.dtype)
        rest = slope - share
        size = xp.abs(rest)
        values, sizes = self.least(share)
        largest = xp.maximum(xp.abs(low), xp.abs(high))[:, :, None]
        values = values + (product(rest, middle[:, :, None]) - product(size, radius[:, :, None]))[:, :, 0]
        return values, sizes + 2 * product(size, largest)[:, :, 0]

    def argmin(self, slope: Any, low: Any, high: Any) -> Any:
        """Where each slope (batch, size) is about least on the ball within the box: a hint, (batch, size)."""
        size, room, center = self._moves(slope, low, high)
        return center - namespace(slope).sign(slope) * self.norm.step(size, room, self.eps)

    def _moves(self, slope: Any, low: Any, high: Any) -> tuple[Any, Any, Any]:
        """|slope|, how far the box lets each coordinate move against the slope, and the centre."""
        xp, center = namespace(slope), Constant(self.center).like(slope)
        return xp.abs(slope), xp.where(slope > 0, center - low, high - center).clip(0, None), center

    def inward(self, x: Any, room: float = 0.0) -> Any:
        """Points (batch, size) moved towards the centre as far as the ball needs it, up to rounding; `room` is the
        share of the radius that they keep from its surface."""
        center, eps = Constant(self.center).like(x), self.eps * (1 - room)
        step = x - center
        return center + step * (eps / self.norm.lengths(step).clip(max(eps, 1e-300), None))[:, None]
