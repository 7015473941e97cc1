"""A smaller box seen closer: all bounds of it, in the reduced form of a larger one.

What is stable on the large box stays so on the small one, so the bounds of its hidden neurons are those of the
unstable ReLUs, each a row of a small matrix, and no convolution is looked at again. The fewer of them a box leaves
unstable, the smaller a form of its own is, made from the larger one by the same elimination.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..base.deadline import checkpoint
from ..network.exact import FloatArray
from ..network.functions import RELU
from ..network.maps.base import IndexArray
from ..network.maps.namespace import Constant, next_above, next_below
from .lookahead import Reach
from .reduced import ROOM, Layer, Reduced, Sizes
from .rounding import gamma, tiny
from .walk import LinearBound

# Numbers in the coefficients of one product, which the processor's cache should hold.
CACHED = 2**20


@dataclass(frozen=True, eq=False)
class Zoom:
    """The box |s - center| <= radius of scaled inputs (inputs,) of a `form`, and bounds `low` and `high` (unstable
    ReLUs of the form,) of their pre-activations on it, all float32. Centre and radius add up without rounding.

    `reach` says by which functions of the inputs they are bounded.
    """

    form: Reduced
    center: Any
    radius: Any
    low: Any
    high: Any
    reach: Reach

    @staticmethod
    def of(form: Reduced) -> Zoom:
        """The whole box of a form, with the bounds that the form was made with."""
        center, radius = np.zeros(form.inputs, np.float32), np.ones(form.inputs, np.float32)
        low, high = (end.astype(np.float32) for end in (form.sizes.low, form.sizes.high))
        ends = next_below(low), next_above(high)
        return Zoom(form, center, radius, *ends, Reach.unknown(form.count, form.inputs))

    @property
    def unstable(self) -> int:
        """How many of the form's ReLUs are unstable on this box."""
        return int(RELU.bends(self.low, self.high).sum())

    def half(self, coordinate: int, side: int) -> Zoom:
        """The lower (-1) or upper (+1) half of the box, with the bounds of the whole."""
        radius, center = self.radius.copy(), self.center.copy()
        radius[coordinate] /= 2
        center[coordinate] += side * radius[coordinate]
        return replace(self, center=center, radius=radius)

    @property
    def divisible(self) -> Any:
        """Along which inputs the halves' centres and radii are floats that add up without rounding, (inputs,)."""
        return self.radius > 2.0**-20

    @property
    def depth(self) -> int:
        """How often the form's box was halved to get this one."""
        return int(-np.log2(self.radius).sum())

    def bounded(self) -> Zoom:
        """The same box with its own bounds of all neurons, by backward substitution layer after layer."""
        form, first = self.form, self.form.inputs + 1
        low, high, reach = self.low.copy(), self.high.copy(), Reach.unknown(form.count, form.inputs)
        lines = tuple(np.zeros((1, form.count), np.float32) for _ in range(3))
        for number, layer in enumerate(form.layers):
            here = slice(layer.start - first, layer.stop - first)
            neurons = np.flatnonzero(RELU.bends(low[here], high[here]))
            rows, charge = layer.matrix.values, form.charge.values[here]
            chunk = max(1, CACHED // (2 * layer.start))
            for start in range(0, len(neurons), chunk):
                some = neurons[start : start + chunk]
                at = here.start + some
                both = np.concatenate([rows[some], -rows[some]])
                found, slope, _ = self.least(both, np.tile(charge[some], 2), form.layers[:number], lines)
                low[at] = np.maximum(low[at], found[: len(some)])
                high[at] = np.minimum(high[at], -found[len(some) :])
                reach.put(at, slope, found)
            below, _, above, gap = RELU.lines(low[here], high[here])
            for line, values in zip(lines, (below, above, gap), strict=True):
                line[0, here] = values
        return replace(self, low=low, high=high, reach=reach)

    def rows(self, which: IndexArray) -> tuple[LinearBound, Any]:
        """Rigorous lower bounds of these rows on the box, (1, rows), as functions of the scaled inputs, and what each
        was charged for rounding, (rows,)."""
        form, lines = self.form, self.lines
        found, slope, wrong = self.least(form.rows.values[which], form.row_charge.values[which], form.layers, lines)
        constant = found + np.abs(slope) @ self.radius - slope @ self.center
        return LinearBound(found[None], slope[None], constant[None]), wrong

    @property
    def lines(self) -> tuple[Any, Any, Any]:
        """Slopes below and above the neurons and the gaps above, (1, unstable ReLUs) each, by the bounds here."""
        below, _, above, gap = RELU.lines(self.low, self.high)
        return below[None], above[None], gap[None]

    def on_halves(self, row: int) -> Any:
        """About what a row's lower bound would be, (inputs, 2), on the lower and the upper half along each input."""
        form, count = self.form, 2 * self.form.inputs
        below, _, above, gap = RELU.lines(*self.reach.on_halves(self.radius, self.low, self.high))
        coefficients = np.repeat(form.rows.values[row][None], count, axis=0)
        with np.errstate(over="ignore", invalid="ignore"):
            gained, _ = form.substitute(coefficients, form.layers, (below, above, gap))
            slope, constant = coefficients[:, : form.inputs], coefficients[:, form.inputs]
            whole = constant + gained + slope @ self.center - np.abs(slope) @ self.radius
            # Along its own input a half is least on one side as the whole is, and else half of the width higher.
            own = np.take_along_axis(slope, np.arange(count)[:, None] // 2, axis=1)[:, 0] * np.repeat(self.radius, 2)
            return (whole + np.maximum(np.tile([-1, 1], form.inputs) * own, 0)).reshape(form.inputs, 2)

    def least_point(self, slope: Any) -> Any:
        """The scaled inputs where a linear function is least on the box, (inputs,)."""
        return np.where(slope > 0, self.center - self.radius, self.center + self.radius)

    def least(self, coefficients: Any, charge: Any, layers: tuple[Layer, ...], lines: Any) -> tuple[Any, Any, Any]:
        """The least values of functions (n, variables) on the box, their slopes in the inputs (n, inputs), and what was
        charged for rounding; the coefficients are overwritten with the nu that the ReLUs were met with."""
        inputs = self.form.inputs
        with np.errstate(over="ignore", invalid="ignore"):
            gained, wrong = self.form.substitute(coefficients, layers, lines)
            slope, constant = coefficients[:, :inputs].copy(), coefficients[:, inputs]
            size = np.abs(slope)
            wrong += charge + self.form.last_charge * (size.sum(axis=1) + np.abs(constant))
            least = constant + gained + slope @ self.center - size @ self.radius - wrong
            # An overflow on the way knows nothing.
            return np.where(np.isnan(least), np.float32(-np.inf), next_below(least)), slope, wrong


def narrowed(zoom: Zoom) -> Zoom:
    """The same box in a form of its own unstable ReLUs: those that are off or on are put into those behind them.

    In float64; what that gets wrong, and what it meets, are known from the old form's.
    """
    form, first = zoom.form, zoom.form.inputs + 1
    sizes, keep = form.sizes, RELU.bends(zoom.low, zoom.high)
    low, high = zoom.low[keep].astype(np.float64), zoom.high[keep].astype(np.float64)
    gone = _Gone(first, np.concatenate([np.ones(first), high]))
    layers, errors, reaches = [], [np.zeros(0)], [np.zeros(0)]
    for layer in form.layers:
        checkpoint()
        here = slice(layer.start - first, layer.stop - first)
        stay, on = np.flatnonzero(keep[here]), np.flatnonzero(zoom.low[here] >= 0)
        matrix, error, reach = gone.put_into(layer.matrix.values[np.concatenate([stay, on])])
        error = ROOM * (error + sizes.error[here][np.concatenate([stay, on])])
        count = len(stay)
        layers.append(Layer(matrix.shape[1], matrix.shape[1] + count, Constant(matrix[:count].astype(np.float32))))
        errors.append(error[:count])
        reaches.append(reach[:count] + np.maximum(-zoom.low, zoom.high)[here][stay])
        gone.add(stay, on, layer, (matrix[count:], error[count:], reach[count:]))
    matrix, error, reach = gone.put_into(form.rows.values)
    own = np.concatenate(errors), np.concatenate(reaches)
    found = Sizes(low, high, *own, ROOM * (error + sizes.row_error), reach)
    smaller = Reduced(form.inputs, tuple(layers), Constant(matrix.astype(np.float32)), found)
    return replace(zoom, form=smaller, low=zoom.low[keep], high=zoom.high[keep], reach=zoom.reach.of(keep))


class _Gone:
    """What has become of a form's variables: the first ones stay, and each ReLU is kept, off, or written in others."""

    def __init__(self, first: int, largest: FloatArray) -> None:
        self.first, self.largest, self.kept = first, largest, first
        # Of each layer: which of its columns stay, and as which; which are on, and what they are.
        self._layers: list[tuple[IndexArray, slice, IndexArray, Any, Any, Any]] = []

    def add(self, stay: IndexArray, on: IndexArray, layer: Layer, forms: tuple[Any, Any, Any]) -> None:
        """A layer, whose neurons that are `on` are these forms, with what they get wrong and how large they are."""
        place = slice(self.kept, self.kept + len(stay))
        self._layers.append((layer.start + stay, place, layer.start + on, *forms))
        self.kept = place.stop

    def put_into(self, rows: Any) -> tuple[Any, Any, Any]:
        """Rows (n, old variables) in the variables that stay, in float64; what is wrong with each, besides what was
        wrong before, and how large its sum gets at most."""
        result = np.zeros((len(rows), self.kept))
        result[:, : self.first] = rows[:, : self.first]
        error = np.zeros(len(rows))
        size = np.abs(rows[:, : self.first]).astype(np.float64).sum(axis=1)
        for columns, place, on, matrix, wrong, reach in self._layers:
            result[:, place] += rows[:, columns]
            size += np.abs(rows[:, columns]).astype(np.float64) @ self.largest[place]
            if len(on):
                part = rows[:, on].astype(np.float64)
                result[:, : matrix.shape[1]] += part @ matrix
                error += np.abs(part) @ wrong
                size += np.abs(part) @ reach
        size *= ROOM
        products = rows.shape[1] + len(self._layers) + 8
        return result, error + 4 * gamma(products) * size + tiny(np.float64) * (1 + self.largest.sum()), size
