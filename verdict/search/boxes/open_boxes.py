"""The open boxes of a search, in arrays: added, and taken out by what is most urgent, some hundreds at a time."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from ...network.exact import FloatArray
from .boxes import Boxes


class OpenBoxes:
    """Boxes, each with `keys` by name: of the smallest ones come the boxes that are taken."""

    def __init__(self, *keys: str) -> None:
        self._count, self._capacity = 0, 0
        self._fields: dict[str, Any] = {}
        self._keys: dict[str, FloatArray] = {key: np.empty(0) for key in keys}

    def __len__(self) -> int:
        return self._count

    def add(self, boxes: Boxes, keys: dict[str, FloatArray]) -> None:
        """Add boxes with their keys, (batch,) each."""
        if not len(boxes):
            return
        end = self._count + len(boxes)
        parts = {f.name: getattr(boxes, f.name) for f in fields(Boxes)}
        if end > self._capacity:
            self._capacity = max(2 * end, 256)
            self._fields = {name: self._grown(self._fields.get(name), part) for name, part in parts.items()}
            self._keys = {name: self._grown(old, keys[name]) for name, old in self._keys.items()}
        for name, part in parts.items():
            self._fields[name][self._count : end] = part
        for name, values in self._keys.items():
            values[self._count : end] = keys[name]
        self._count = end

    def least(self, key: str) -> float:
        """The smallest key; infinite where there are no boxes."""
        return float(self._keys[key][: self._count].min()) if self._count else float("inf")

    def take(self, shares: dict[str, int]) -> Boxes:
        """Remove so many boxes with the smallest of each key, one key after the other."""
        return self.take_keyed(shares)[0]

    def take_keyed(self, shares: dict[str, int]) -> tuple[Boxes, dict[str, FloatArray]]:
        """The same, and the keys of these boxes."""
        found = [self._take(key, count) for key, count in shares.items()]
        boxes = Boxes(*(np.concatenate([getattr(part, f.name) for part, _ in found]) for f in fields(Boxes)))
        return boxes, {key: np.concatenate([keys[key] for _, keys in found]) for key in self._keys}

    def all(self) -> tuple[Boxes, dict[str, FloatArray]]:
        """All boxes, and their keys."""
        return self._at(slice(self._count))

    def _at(self, which: Any) -> tuple[Boxes, dict[str, FloatArray]]:
        boxes = Boxes(*(self._fields[f.name][which] for f in fields(Boxes)))
        return boxes, {key: values[which] for key, values in self._keys.items()}

    def _take(self, key: str, count: int) -> tuple[Boxes, dict[str, FloatArray]]:
        count = min(count, self._count)
        urgent = np.argpartition(self._keys[key][: self._count], count - 1)[:count] if count else np.arange(0)
        found = self._at(urgent)
        # The last ones move into the places that are free.
        self._count -= count
        gone = np.zeros(count, bool)
        gone[urgent[urgent >= self._count] - self._count] = True
        filled, moved = urgent[urgent < self._count], self._count + np.flatnonzero(~gone)
        for values in (*self._fields.values(), *self._keys.values()):
            values[filled] = values[moved]
        return found

    def _grown(self, old: Any, part: Any) -> Any:
        """Room for all boxes in an array with entries as `part` has them."""
        new = np.empty((self._capacity, *part.shape[1:]), part.dtype)
        if old is not None:
            new[: self._count] = old[: self._count]
        return new
