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
from ..network.functions import RELU
from ..network.maps.base import IndexArray
from ..network.maps.namespace import next_above, next_below
from .elimination import Elimination
from .lookahead import Reach
from .reduced import Reduced
from .walk import LinearBound

# Numbers in the coefficients of one product, which the processor's cache should hold.
CACHED = 2**20


@dataclass(frozen=True, eq=False)
class Part:
    """The box |s - center| <= radius of scaled inputs (inputs,) of a `form`, float32. Centre and radius add up without
    rounding."""

    form: Reduced
    center: Any
    radius: Any

    def least(self, coefficients: Any, charge: Any, lines: Any) -> tuple[Any, Any, Any]:
        """The least values of functions (n, variables) on the box, their slopes in the inputs (n, inputs), and what was
        charged for rounding; the coefficients are overwritten with the nu that the ReLUs were met with."""
        form, inputs = self.form, self.form.inputs
        with np.errstate(over="ignore", invalid="ignore"):
            gained, wrong = form.substitute(coefficients, form.layers, lines)
            slope, constant = coefficients[:, :inputs].copy(), coefficients[:, inputs]
            size = np.abs(slope)
            wrong += charge + form.last_charge * (size.sum(axis=1) + np.abs(constant))
            least = constant + gained + slope @ self.center - size @ self.radius - wrong
            # An overflow on the way knows nothing.
            return np.where(np.isnan(least), np.float32(-np.inf), next_below(least)), slope, wrong

    def signed(self, which: IndexArray, side: Any, lines: Any) -> tuple[Any, Any]:
        """Lower bounds (n,) of some of the form's rows, or of their negatives where `side` (n,) is -1, and the slopes
        of what these are the least values of, (n, inputs)."""
        rows = self.form.rows.values[which] * side[:, None].astype(np.float32)
        least, slope, _ = self.least(rows, self.form.row_charge.values[which], lines)
        return least, slope

    def meet(self, neurons: IndexArray, ends: tuple[Any, Any], reach: Reach) -> None:
        """Meet the ends, low and high, of these neurons, which are the form's rows, with bounds of them, and note what
        bounds those that stay unstable. The form's own sizes are about this box."""
        (low, high), sizes, inputs = ends, self.form.sizes, self.form.inputs
        lines = _lines(sizes.low.astype(np.float32), sizes.high.astype(np.float32))
        # The end nearer to zero first: where it shows a neuron to be stable, the other one would say nothing new.
        near = np.where(low[neurons] + high[neurons] > 0, 1, -1)
        found, slopes = np.full((2, len(neurons)), -np.inf, np.float32), np.zeros((2, len(neurons), inputs), np.float32)
        left = np.arange(len(neurons))
        for side in (near, -near):
            for some in chunks(left, len(self.form.largest)):
                at = np.where(side[some] > 0, 0, 1), some
                found[at], slopes[at] = self.signed(some, side[some], lines)
            low[neurons], high[neurons] = np.maximum(low[neurons], found[0]), np.minimum(high[neurons], -found[1])
            left = np.flatnonzero(RELU.bends(low[neurons], high[neurons]))
        reach.put(neurons[left], np.concatenate(slopes[:, left]), np.concatenate(found[:, left]))


def chunks(which: IndexArray, width: int) -> list[IndexArray]:
    """Rows of so many coefficients in parts that fit the processor's cache."""
    size = max(1, CACHED // width)
    return [which[start : start + size] for start in range(0, len(which), size)]


@dataclass(frozen=True, eq=False)
class Zoom(Part):
    """The same with bounds `low` and `high` (unstable ReLUs of the form,) of their pre-activations on it, float32.

    `reach` says by which functions of the inputs they are bounded.
    """

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
        """The same box with its own bounds of all neurons, by backward substitution layer after layer, in a form that
        loses what turns out to be stable."""
        form, first, made = self.form, self.form.inputs + 1, Elimination(self.form)
        low, high, reach = self.low.copy(), self.high.copy(), Reach.unknown(form.count, form.inputs)
        for layer in form.layers:
            here = slice(layer.start - first, layer.stop - first)
            bent = np.flatnonzero(RELU.bends(low[here], high[here]))
            which = np.concatenate([bent, np.flatnonzero(low[here] >= 0)])
            forms = made.neurons(layer, which)
            inner = Part(made.reduced(forms.of(slice(len(bent)))), self.center, self.radius)
            inner.meet(here.start + bent, (low, high), reach)
            made.take(layer, which, forms, (low[here][which], high[here][which]))
        return replace(self, low=low, high=high, reach=reach)

    def rows(self, which: IndexArray) -> tuple[LinearBound, Any]:
        """Rigorous lower bounds of these rows on the box, (1, rows), as functions of the scaled inputs, and what each
        was charged for rounding, (rows,)."""
        form, lines = self.form, self.lines
        found, slope, wrong = self.least(form.rows.values[which], form.row_charge.values[which], lines)
        constant = found + np.abs(slope) @ self.radius - slope @ self.center
        return LinearBound(found[None], slope[None], constant[None]), wrong

    @property
    def lines(self) -> tuple[Any, Any, Any]:
        """Slopes below and above the neurons and the gaps above, (1, unstable ReLUs) each, by the bounds here."""
        return _lines(self.low, self.high)

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


def _lines(low: Any, high: Any) -> tuple[Any, Any, Any]:
    below, _, above, gap = RELU.lines(low, high)
    return below[None], above[None], gap[None]


def narrowed(zoom: Zoom) -> Zoom:
    """The same box in a form of its own unstable ReLUs."""
    first, made = zoom.form.inputs + 1, Elimination(zoom.form)
    keep = RELU.bends(zoom.low, zoom.high)
    for layer in zoom.form.layers:
        checkpoint()
        here = slice(layer.start - first, layer.stop - first)
        which = np.flatnonzero(keep[here] | (zoom.low[here] >= 0))
        made.take(layer, which, made.neurons(layer, which), (zoom.low[here][which], zoom.high[here][which]))
    smaller = made.reduced(made.rows())
    return replace(zoom, form=smaller, low=zoom.low[keep], high=zoom.high[keep], reach=zoom.reach.of(keep))
