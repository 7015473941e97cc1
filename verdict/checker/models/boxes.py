"""Which boxes Taylor models exclude: as they are, or by halves.

A model is closer on a smaller box, and cheap; so a box that fails is halved along its widest side a few times, before
dearer ways are tried. What holds for a box never depends on the others that are looked at together with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..clock import Ask
from ..errors import OutOfRangeError
from ..network import Network
from .polynomials import can_model, lower_ends, moving_in

# How often a box is halved.
HALVINGS = 4


class Models:
    """The models of a network's outputs on boxes in one box [low, high], (inputs,)."""

    def __init__(self, network: Network, low: Any, high: Any, ask: Ask) -> None:
        self.network, self.ask = network, ask
        self.can, self.moving = can_model(network, low, high), moving_in(low, high)

    def left(self, low: Any, high: Any, owned: list[Any], halvings: int = HALVINGS) -> Any:
        """On which boxes [low, high], (n, inputs), some disjunct is not excluded, each by one of its rows, the outputs
        `owned`: (n,)."""
        left: Any = np.ones(len(low), bool)
        if not self.can or not len(low):
            return left
        try:
            lowest = lower_ends(self.network, low, high, self.moving, self.ask)
            left = np.stack([~(lowest[:, own] > 0).any(axis=1) for own in owned]).any(axis=0)
        except OutOfRangeError:
            if len(low) > 1:
                alone = [self.left(low[j : j + 1], high[j : j + 1], owned, halvings) for j in range(len(low))]
                return np.concatenate(alone)
        still = np.flatnonzero(left)
        if halvings and len(still):
            first, second = _halves(low[still], high[still])
            fails = self.left(*first, owned, halvings - 1)
            fails[~fails] = self.left(second[0][~fails], second[1][~fails], owned, halvings - 1)
            left[still] = fails
        return left


def _halves(low: Any, high: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """The two halves of boxes, each along its widest side: together they are the boxes."""
    at, axis = np.arange(len(low)), (high - low).argmax(axis=1)
    middle = np.clip(low[at, axis] / 2 + high[at, axis] / 2, low[at, axis], high[at, axis])
    end, start = high.copy(), low.copy()
    end[at, axis] = start[at, axis] = middle
    return (low, end), (start, high)
