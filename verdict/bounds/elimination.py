"""A reduced form with ReLUs that a smaller box makes stable put into those behind them.

One that is on is the affine function in front of it, and one that is off is 0, so neither needs a variable; layer after
layer, what is left is the form that the smaller box would have had. In float64; what that gets wrong, and what it
meets, are known from the old form's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..network.exact import FloatArray
from ..network.functions import RELU
from ..network.maps.base import IndexArray
from ..network.maps.namespace import Constant
from .reduced import ROOM, Layer, Reduced, Sizes
from .rounding import gamma, tiny


@dataclass(frozen=True, eq=False)
class Forms:
    """Affine functions of the variables that stay, `matrix` (n, variables) in float64: what they differ from the
    network's at most, and how large their sums can get, (n,) each."""

    matrix: FloatArray
    error: FloatArray
    reach: FloatArray

    def of(self, which: IndexArray | slice) -> Forms:
        return Forms(self.matrix[which], self.error[which], self.reach[which])


class Elimination:
    """What has become of the layers of `form` so far. The inputs and 1 stay; a ReLU is kept, off, or written in
    others."""

    def __init__(self, form: Reduced) -> None:
        self.form, self._first = form, form.inputs + 1
        self._layers: list[Layer] = []
        # Of what is kept: bounds, errors and sizes, by layer, and the largest magnitudes of all variables that stay.
        self._kept: list[tuple[FloatArray, ...]] = [(np.zeros(0),) * 4]
        self._largest = np.ones(self._first)
        # Of each layer: which of its columns stay, and as which; which are on, and what they are.
        self._gone: list[tuple[IndexArray, slice, IndexArray, Forms]] = []

    def neurons(self, layer: Layer, which: IndexArray) -> Forms:
        """The next layer's neurons, in front of their ReLUs."""
        at = layer.start - self._first + which
        return self._put_into(layer.matrix.values[which], self.form.sizes.error[at])

    def rows(self) -> Forms:
        return self._put_into(self.form.rows.values, self.form.sizes.row_error)

    def take(self, layer: Layer, which: IndexArray, forms: Forms, ends: tuple[Any, Any]) -> None:
        """The next layer: the forms of those of its neurons that are not off, and their ends, low and high."""
        low, high = (end.astype(np.float64) for end in ends)
        stay, on = np.flatnonzero(RELU.bends(low, high)), np.flatnonzero(low >= 0)
        low, high, kept, start = low[stay], high[stay], forms.of(stay), len(self._largest)
        self._layers.append(Layer(start, start + len(stay), Constant(kept.matrix.astype(np.float32))))
        self._kept.append((low, high, kept.error, kept.reach + np.maximum(-low, high)))
        places = layer.start + which
        self._gone.append((places[stay], slice(start, start + len(stay)), places[on], forms.of(on)))
        self._largest = np.concatenate([self._largest, high])

    def reduced(self, rows: Forms) -> Reduced:
        """These rows in a form of the layers so far."""
        low, high, error, reach = map(np.concatenate, zip(*self._kept, strict=True))
        sizes = Sizes(low, high, error, reach, rows.error, rows.reach)
        return Reduced(self.form.inputs, tuple(self._layers), Constant(rows.matrix.astype(np.float32)), sizes)

    def _put_into(self, rows: Any, before: FloatArray) -> Forms:
        """Rows (n, old variables), which are off by so much `before`, in the variables that stay."""
        result = np.zeros((len(rows), len(self._largest)))
        result[:, : self._first] = rows[:, : self._first]
        error = np.zeros(len(rows))
        size = np.abs(rows[:, : self._first]).astype(np.float64).sum(axis=1)
        for columns, place, on, forms in self._gone:
            result[:, place] += rows[:, columns]
            size += np.abs(rows[:, columns]).astype(np.float64) @ self._largest[place]
            if len(on):
                part = rows[:, on].astype(np.float64)
                result[:, : forms.matrix.shape[1]] += part @ forms.matrix
                error += np.abs(part) @ forms.error
                size += np.abs(part) @ forms.reach
        size *= ROOM
        products = rows.shape[1] + len(self._gone) + 8
        error += 4 * gamma(products) * size + tiny(np.float64) * (1 + self._largest.sum())
        return Forms(result, ROOM * (error + before), size)
