"""The nodes of all trees, one after the other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import RejectedError

# Nodes taken out of the file's array at a time.
BLOCK = 512
# The kind of nodes that split neurons.
NEURON = 2


class Nodes:
    """A stream over the array of the file; `position` is the number of the node that comes next. Without `thresholds`,
    in files of version 1, neurons are split at 0."""

    def __init__(self, array: Any, thresholds: bool) -> None:
        self.array, self.position, self.thresholds = array, 0, thresholds
        self._block: list[Any] = []
        self._start = 0

    def __len__(self) -> int:
        return len(self.array)

    def may_split_at(self, value: float) -> bool:
        """Whether a neuron may be split at this value: at any number, in both halves it lies on one side of it."""
        return math.isfinite(value) if self.thresholds else value == 0

    def split(self, neurons: int) -> Any:
        """The neurons below number `neurons` that are split anywhere, ascending."""
        split = np.unique(self.array["variable"][self.array["kind"] == NEURON])
        return split[split < neurons]

    def next(self) -> tuple[int, int, float]:
        """(kind, variable, value) of the next node. Raises RejectedError at the end."""
        at = self.position - self._start
        if at >= len(self._block):
            self._start, at = self.position, 0
            self._block = self.array[self.position : self.position + BLOCK].tolist()
            if not self._block:
                raise RejectedError("a tree breaks off")
        self.position += 1
        found: tuple[int, int, float] = self._block[at]
        return found
