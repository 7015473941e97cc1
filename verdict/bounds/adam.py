"""Adam (Kingma and Ba 1412.6980) with a decaying rate, the one way in which multipliers of bounds climb.

It divides each entry's mean gradient by the root of its mean square, so slopes of deep and shallow layers move alike,
whatever their gradients' sizes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..network.maps.namespace import namespace, zeros_like_shape

FIRST, SECOND, DECAY = 0.9, 0.999, 0.97
LARGEST = float(np.finfo(np.float32).max)


class Adam:
    """The running means for one array (batch, ...), and the steps that they suggest; `momentum` is what the mean
    gradient keeps of itself in a step, and `decay` what the rate does."""

    def __init__(self, like: Any, rate: float, momentum: float = FIRST, decay: float = DECAY) -> None:
        # Not `zeros_like`, which would lay them out like a view that may have been broadcast.
        self._first, self._second = zeros_like_shape(like, like.shape), zeros_like_shape(like, like.shape)
        self._rate, self._momentum, self._decay, self._number = rate, momentum, decay, 0

    def step(self, gradient: Any) -> Any:
        """What to add to the array for its next step uphill."""
        self._number += 1
        self._first += (1 - self._momentum) * (gradient - self._first)
        # Beyond the root of the greatest float a square is held there: its step is then 0, and no NaN.
        with np.errstate(over="ignore"):
            square = (gradient * gradient).clip(0, LARGEST)
        self._second += (1 - SECOND) * (square - self._second)
        bias = math.sqrt(1 - SECOND**self._number) / (1 - self._momentum**self._number)
        scale = self._rate * self._decay**self._number * bias
        return scale * self._first / (namespace(gradient).sqrt(self._second) + 1e-12)

    def keep(self, index: Any) -> None:
        """Go on with these members of the batch only."""
        self._first, self._second = self._first[index], self._second[index]
