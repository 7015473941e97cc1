"""A ball in the scaled inputs of the reduced form: what `bounds.ball` is for whole networks.

Only a ball of the unit radius is known here, {s : |(s - center) * steps| <= 1} in its norm, so slopes over s become
slopes over the ball's own coordinates by a division. Steps are rounded down, so that it holds the whole ball.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..network.maps.namespace import Constant, namespace
from .ball import Ball, BallNorm


@dataclass(frozen=True, eq=False)
class ReducedBall:
    """The ball of a `norm`; `center` and `steps` are (inputs,), float32."""

    norm: BallNorm
    center: Constant
    steps: Constant

    def least(self, slope: Any) -> tuple[Any, Any]:
        """(values, sizes), each (batch,): the least of slope . s for slopes (batch, inputs) on the ball within
        [-1, 1]^inputs, up to rounding errors of at most gamma times the sizes, gamma counting 2 inputs + 16 operations.

        One part of each slope is left to the ball, the rest to the box: any parts are sound (see `Ball.share`).
        """
        xp, center = namespace(slope), self.center.like(slope)
        share = self._share(slope)
        kept = share * self.steps.like(slope)
        reach, rest = self.norm.duals(share), xp.sum(xp.abs(slope - kept), axis=-1)
        size = reach + 2 * rest + 2 * xp.sum(xp.abs(slope), axis=-1) + 2 * xp.abs(kept) @ xp.abs(center)
        return kept @ center - reach - rest, size

    def least_on(self, slope: Any, shares: Any, below: Any, above: Any) -> tuple[Any, Any]:
        """The same on smaller balls around the centre, which have these shares (balls,) of the radius, within boxes
        that are smaller by `below` and `above` (inputs, balls) on either side: (values, sizes), each (batch, balls)."""
        center, steps, share = self.center.like(slope), self.steps.like(slope), self._share(slope)
        found, size = [], 2 * np.abs(slope).sum(axis=-1)[:, None]
        # The parts that are best on the largest ball, and all for the ball.
        for part in (share, self._per_step(slope)):
            kept = np.where(steps > 0, part * steps, 0)
            rest = slope - kept
            gained = np.maximum(rest, 0) @ below + np.maximum(-rest, 0) @ above - np.abs(rest).sum(axis=-1)[:, None]
            reach = self.norm.duals(part)[:, None]
            found.append((kept @ center)[:, None] + gained - reach * shares)
            size = size + reach + (2 * np.abs(rest).sum(axis=-1) + 2 * np.abs(kept) @ np.abs(center))[:, None]
        return np.maximum(*found), size

    def argmin(self, slope: Any) -> Any:
        """Where each slope (batch, inputs) is about least on the ball within the box: a hint."""
        xp, center, steps = namespace(slope), self.center.like(slope), self.steps.like(slope)
        step = self.norm.spread(xp.abs(self._per_step(slope)), self._room(slope), 1.0)
        step = step / xp.where(steps > 0, steps, 1)
        return (center - xp.sign(slope) * step).clip(-1, 1)

    def own(self, slope: Any) -> Any:
        """Slopes over the ball's own coordinates, in which it is the unit ball around 0."""
        return self._per_step(slope)

    def direction(self, own: Any) -> Any:
        """The scaled inputs' direction that is this one (batch, inputs) in the ball's own coordinates."""
        return self._per_step(own)

    def _per_step(self, slope: Any) -> Any:
        xp, steps = namespace(slope), self.steps.like(slope)
        return xp.where(steps > 0, slope / xp.where(steps > 0, steps, 1), 0)

    def _room(self, slope: Any) -> Any:
        """How far the box lets each coordinate move against the slope."""
        xp, center = namespace(slope), self.center.like(slope)
        return xp.where(slope > 0, center + 1, 1 - center).clip(0, None) * self.steps.like(slope)

    def _share(self, slope: Any) -> Any:
        """The part of each slope that is left to the ball, over its own coordinates."""
        own = self._per_step(slope)
        return self.norm.share(own, namespace(own).abs(own), self._room(slope), 1.0)


def reduced_ball(ball: Ball, center: Any, width: Any) -> ReducedBall:
    """The ball over s, where x = center + width * s for the coordinates that move, both float64 (inputs,), all widths
    above 0; `ball.center` is that of the same coordinates alone."""
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        at = (ball.center - center) / width
        # Rounded down twice, here and to float32; a subnormal one is none.
        steps = np.nextafter((width / ball.eps).astype(np.float32), np.float32(0)) * np.float32(1 - 2.0**-20)
    steps = np.where(np.isfinite(steps) & (steps > np.finfo(np.float32).tiny), steps, 0).astype(np.float32)
    return ReducedBall(ball.norm, Constant(at.astype(np.float32)), Constant(steps))
