"""What halving a box would do to a row, for every input: a look ahead that costs as much as a few rows.

The linear functions that bound the neurons of a box hold on its halves too, where they reach less far. With lines
drawn on what they say there, one row is taken back through the reduced form for all halves at once: strong branching
(Applegate et al. 1995) without bounding a half. It only says where to halve; no proof rests on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..network.maps.base import IndexArray


@dataclass(frozen=True, eq=False)
class Reach:
    """Linear functions of the scaled inputs below and above the pre-activation of each unstable ReLU on a box: their
    slopes (neurons, inputs), and the least value of those below and the greatest of those above, (neurons,)."""

    below: Any
    least: Any
    above: Any
    most: Any

    @staticmethod
    def unknown(neurons: int, inputs: int) -> Reach:
        """Nothing is known of any."""
        flat, far = np.zeros((2, neurons, inputs), np.float32), np.full(neurons, np.inf, np.float32)
        return Reach(flat[0], -far, flat[1], far.copy())

    def of(self, neurons: IndexArray) -> Reach:
        """Those of some of the neurons."""
        return Reach(self.below[neurons], self.least[neurons], self.above[neurons], self.most[neurons])

    def put(self, neurons: IndexArray, slope: Any, least: Any) -> None:
        """Note what bounds these neurons: `least` (2 * neurons,) and `slope` (2 * neurons, inputs), of each the lower
        end and then of each what is below the negative."""
        count = len(neurons)
        self.below[neurons], self.above[neurons] = slope[:count], -slope[count:]
        self.least[neurons], self.most[neurons] = least[:count], -least[count:]

    def on_halves(self, radius: Any, low: Any, high: Any) -> tuple[Any, Any]:
        """About how far each neuron reaches, (2 * inputs, neurons) each, on the lower and the upper half of a box along
        each of its inputs, where it is between `low` and `high` (neurons,) on the whole, which has this `radius`."""
        least = _on_halves(self.below * radius, self.least, low)
        return least, np.maximum(least, -_on_halves(-self.above * radius, -self.most, -high))


def _on_halves(rise: Any, end: Any, known: Any) -> Any:
    """The least values (2 * inputs, neurons) on halves of functions that rise so much (neurons, inputs) along half of
    the box, and are at least `end` on all of it; or what is `known`, where that is more."""
    # Where a function is least on the whole it is so on one of the halves, and on the other it is higher by its rise.
    halves = np.stack([np.maximum(-rise, 0), np.maximum(rise, 0)], axis=2) + end[:, None, None]
    return np.maximum(halves, known[:, None, None]).reshape(len(rise), 2 * rise.shape[1]).T
