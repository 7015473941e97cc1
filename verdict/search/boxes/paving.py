"""Formulas with products over few inputs: the box is cut into boxes on each of which bounds refute the formula.

Set inversion by interval analysis (Jaulin and Walter, Automatica 29, 1993): linear comparisons are bounded by backward
substitution through the network, products by interval arithmetic over the bounds of their factors, all rounded
outward. Boxes that are left are halved; their centres are candidates for a witness.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from ...base.deadline import Deadline
from ...bounds import linear_bounds, output_bounds
from ...bounds.moving import moving
from ...network.exact import FloatArray, float_above, float_below
from ...network.network import Network
from ...property import Box
from ...property.formula import Comparison, Formula, comparisons
from ...property.polynomial import Monomial
from .options import BoxOptions

_EXACT_IN_FLOAT = 1 << 53

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Interval:
    """Lower and upper ends of a number in each box of a batch, (batch,)."""

    lower: FloatArray
    upper: FloatArray

    def times(self, other: Interval) -> Interval:
        ends = np.stack([a * b for a in (self.lower, self.upper) for b in (other.lower, other.upper)])
        return Interval(np.nextafter(ends.min(axis=0), -np.inf), np.nextafter(ends.max(axis=0), np.inf))

    def power(self, exponent: int) -> Interval:
        """An even power is at least 0."""
        result = self
        for _ in range(exponent - 1):
            result = result.times(self)
        if exponent % 2 or exponent == 0:
            return result
        top = np.maximum(np.abs(self.lower), np.abs(self.upper))
        upper = Interval(top, top)
        for _ in range(exponent - 1):
            upper = upper.times(Interval(top, top))
        return Interval(np.maximum(result.lower, 0.0), upper.upper)

    def plus(self, other: Interval) -> Interval:
        return Interval(
            np.nextafter(self.lower + other.lower, -np.inf), np.nextafter(self.upper + other.upper, np.inf)
        )


class Paving:
    """One formula over a network's inputs and outputs and one box of inputs."""

    def __init__(self, network: Network, formula: Formula, box: Box, options: BoxOptions | None = None) -> None:
        self._options = options or BoxOptions()
        self._formula, self._box = formula, box
        self._graph = network.passing_inputs().graph
        self._outputs = network.output_size
        atoms = list(comparisons(formula))
        # Rows over outputs and inputs: first one for each variable, then one for each linear comparison.
        variables = sorted({v for atom in atoms for v in atom.polynomial.variables})
        self._variable_rows = {v: i for i, v in enumerate(variables)}
        rows = [self._row({v: 1}) for v in variables]
        # By identity: for each the number of its row, and the limit that it is compared with.
        self._linear: dict[int, tuple[int, Fraction]] = {}
        for atom in atoms:
            scaled = _integers(atom) if atom.polynomial.degree == 1 else None
            if scaled is not None:
                self._linear[id(atom)] = (len(rows), Fraction(-scaled.pop((), 0)))
                rows.append(self._row({monomial[0]: c for monomial, c in scaled.items()}))
        matrix = np.array(rows).reshape(-1, self._graph.output_size)
        self._rows = np.concatenate([matrix, -matrix])

    def _row(self, coefficients: dict[int, int]) -> FloatArray:
        row = np.zeros(self._graph.output_size)
        for v, c in coefficients.items():
            row[self._outputs + v if v >= 0 else -1 - v] = c
        return row

    def run(self, deadline: Deadline, candidates: Callable[[FloatArray], bool]) -> bool:
        """Whether the formula holds nowhere in the box; `candidates` takes points (k, inputs), True ends the search."""
        lower, upper = self._box.floats()
        width = np.where(moving(lower, upper), upper - lower, np.inf)
        waiting, visited, size = [(lower, upper)], 0, self._options.paved_batch
        while waiting and visited < self._options.paved_most and not deadline.passed():
            batch, waiting = waiting[-size:], waiting[:-size]
            visited += len(batch)
            low, high = (np.stack([box[side] for box in batch]) for side in (0, 1))
            left = np.flatnonzero(self._possible(low, high))
            middle = low + (high - low) / 2
            if len(left) and candidates(middle[left[: self._options.paved_tried]]):
                return False
            for i in left.tolist():
                k = int(((high[i] - low[i]) / width).argmax())
                if not low[i, k] < middle[i, k] < high[i, k]:
                    return False
                below, above = high[i].copy(), low[i].copy()
                below[k] = above[k] = middle[i, k]
                waiting += [(low[i], below), (above, high[i])]
        return not waiting and visited < self._options.paved_most

    def _possible(self, lower: FloatArray, upper: FloatArray) -> Flags:
        """Where bounds do not rule the formula out, (batch,)."""
        bounds = linear_bounds(self._graph, lower, upper)
        found = output_bounds(self._graph, bounds, self._rows).lower
        count = len(self._rows) // 2
        with np.errstate(over="ignore", invalid="ignore"):
            return self._holds(self._formula, Interval(found[:, :count], -found[:, count:]))

    def _holds(self, formula: Formula, rows: Interval) -> Flags:
        if isinstance(formula, Comparison):
            return self._compare(formula, rows)
        parts = [self._holds(part, rows) for part in formula.parts]
        start = np.full(len(rows.lower), formula.is_and)
        for part in parts:
            start = start & part if formula.is_and else start | part
        return start

    def _compare(self, atom: Comparison, rows: Interval) -> Flags:
        if id(atom) in self._linear:
            i, limit = self._linear[id(atom)]
            value, below, above = Interval(rows.lower[:, i], rows.upper[:, i]), float_below(limit), float_above(limit)
        else:
            value, below, above = self._polynomial(atom, rows), 0.0, 0.0
        reaches_down: Flags = value.lower < above if atom.relation == "<" else value.lower <= above
        if atom.relation == "==":
            reaches_down = reaches_down & (value.upper >= below)
        elif atom.relation == "!=":
            # Only a value that is certainly the limit is out.
            reaches_down = ~((value.lower == value.upper) & (value.lower == above) & (below == above))
        return reaches_down

    def _polynomial(self, atom: Comparison, rows: Interval) -> Interval:
        batch = len(rows.lower)
        total = Interval(np.zeros(batch), np.zeros(batch))
        for monomial, c in atom.polynomial.terms.items():
            term = Interval(np.full(batch, float_below(c)), np.full(batch, float_above(c)))
            for variable in sorted(set(monomial)):
                i = self._variable_rows[variable]
                factor = Interval(rows.lower[:, i], rows.upper[:, i])
                term = term.times(factor.power(monomial.count(variable)))
            total = total.plus(term)
        return total


def _integers(atom: Comparison) -> dict[Monomial, int] | None:
    """The comparison's coefficients multiplied to integers; None where they are no floats."""
    terms = atom.polynomial.terms
    scale = math.lcm(*(c.denominator for c in terms.values()))
    scaled = {monomial: int(c * scale) for monomial, c in terms.items()}
    return scaled if all(abs(c) < _EXACT_IN_FLOAT for monomial, c in scaled.items() if monomial) else None
