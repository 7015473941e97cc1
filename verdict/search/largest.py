"""The largest value of some linear functions of the outputs over a box, by the search for a radius.

A slack s >= 0 is added to every value: some value plus s reaches a ceiling T, which no value exceeds, exactly where s
is at least the distance of the largest value from T. So the least s is a radius (minimum distortion, Tjeng et al.
1711.07356, with the input free and only s measured), and every engine that closes an interval of radii closes this one.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from ..answer.results import CLOSED, Largest, Trust, Witness, is_closed
from ..base.deadline import Deadline, OutOfTime
from ..bounds import linear_bounds, output_bounds
from ..compose.pairs import raised
from ..network.exact import Coefficients, ExactVector, FloatArray, float_above
from ..network.maps import Dense
from ..network.network import Network
from ..property import Box, Perturbation, Polytope, ScaledBall, UnsafeSet
from .points.climb import climb
from .radius import RadiusSearch

# The share of the time that the first bounds may take.
FIRST_BOUNDS = 0.3
# A search with a lower ceiling is worth its time where that is at most so much of the last one: of one that has closed
# its own interval, and of one that has not.
LOWER, LOWER_STILL = 0.99999, 0.5
# The distance of a ceiling, relative to the numbers that are added up, below which float64 rounds it away.
NOISE = Fraction(1, 2**36)
# Binary digits of functions without rational values.
BITS = 256


class LargestSearch:
    """The largest entry of `rows` @ outputs, rows (n, outputs), over a box.

    The input `witness` gives `lower`, none gives more than `upper`, and both ends only improve. `make` makes the search
    for a radius; `names` say the rows in words.
    """

    def __init__(
        self,
        network: Network,
        box: Box,
        rows: FloatArray,
        names: Sequence[str],
        deadline: Deadline,
        make: Callable[[Network, Perturbation, UnsafeSet], RadiusSearch],
    ) -> None:
        self.network, self.box, self.names, self.deadline = raised(network, rows), box, names, deadline
        self._asked, self._rows = network, Dense(Coefficients(rows))
        self._make = make
        self.middle = [(low + high) / 2 for low, high in zip(box.lower, box.upper, strict=True)]
        lower, upper = box.floats()
        first = deadline.share(FIRST_BOUNDS, math.inf)
        bounds = linear_bounds(network.graph, lower[None], upper[None], first.passed)
        self.upper = Fraction(float(-output_bounds(network.graph, bounds, -rows).lower.min()))
        # How large the numbers are that the values are sums of.
        summed = np.abs(rows) @ bounds.magnitude(network.graph, network.graph.output)[0]
        self.trust, self.size = Trust.RIGOROUS, Fraction(float(summed.max())) or Fraction(1)
        self.witness, self.lower = self._at(self.middle)
        self.stages: dict[str, float] = {}
        self.notes: list[str] = []
        # What would be answered now, without a look at the deployed network.
        self.answer: Callable[[], Largest] | None = None

    def is_open(self) -> bool:
        """Whether the interval still has a gap that counts."""
        return not is_closed(self.lower, self.upper)

    def ends(self) -> list[Fraction]:
        """Upper ends to be certified, the nearest first.

        Where the largest value itself is known or nearly so, no proof by bounds reaches it, and the first end is as far
        above as a closed interval allows; at 0 the size of what is added up says what is near.
        """
        room = CLOSED * (abs(self.lower) or self.size / 1000)
        nearest = max(self.upper, self.lower + room * Fraction(9, 10))
        return [Fraction(float_above(end)) for end in (nearest, *(nearest + room * 16**k for k in range(1, 6)))]

    def run(self, close: Callable[[RadiusSearch], object]) -> None:
        """Tighten both ends until they meet or the time is up; `close` runs a search for a radius."""
        self._climb()
        ceiling, stuck = math.inf, False
        while self.is_open() and not self.deadline.passed():
            # A gap is relative to the distance from the ceiling: as the upper end falls, so has the ceiling to.
            following = float_above(self.upper + max(abs(self.upper), abs(self.lower)))
            if following >= ceiling or following > (LOWER_STILL if stuck else LOWER) * ceiling:
                break
            ceiling = following
            stuck = self._below(ceiling, close)

    def _climb(self) -> None:
        """Raise the lower end by gradient ascent, at slack 0."""
        lower, upper = (np.append(end, 0.0) for end in self.box.floats())
        point = climb(self.network.graph, lower, upper, np.random.default_rng(0), self.deadline.share(0.1, 1.0))
        self._offer(self.box.nearest(point[:-1]))

    def _below(self, ceiling: float, close: Callable[[RadiusSearch], object]) -> bool:
        """One search for the least s with which a value reaches the ceiling; whether it has left a gap."""
        top = Fraction(ceiling)
        limit = top - self.lower
        center = ExactVector.of([*self.middle, 0])
        scales = [*[None] * self.box.size, Fraction(1)]
        family = ScaledBall(center, scales, [*self.box.lower, Fraction(0)], [*self.box.upper, limit])
        search = self._make(self.network, family, self._reaching(ceiling))
        search.answer = self.answer
        # Its clock has run before: the seconds so far belong to the stages so far.
        search.stages = dict(self.stages)
        search.floats_tell = top - self.lower > NOISE * self.size
        search.offer(ExactVector.of([*self.witness.point.fractions(), limit]))
        for i in range(len(self.names)):
            search.prove(i, top - self.upper, self.trust)
        try:
            close(search)
        finally:
            # Also where Ctrl-C ends it: what it has reached stands.
            self.stages, self.notes = search.stages, search.notes
            if top - search.lower < self.upper:
                self.upper, self.trust = top - search.lower, search.lower_trust
            if search.closest is not None:
                with contextlib.suppress(OutOfTime):
                    self._offer(search.closest.point.fractions()[:-1])
        return search.is_open()

    def _offer(self, point: Sequence[Fraction]) -> None:
        """Keep an input that gives as much as the best so far."""
        witness, value = self._at(point)
        if value >= self.lower:
            self.witness, self.lower = witness, value

    def _at(self, point: Sequence[Fraction]) -> tuple[Witness, Fraction]:
        """What the network and the rows give at an input, exactly: a witness and its largest value."""
        if not self._asked.has_exact_values:
            return self._enclosed(ExactVector.of(point))
        outputs = self._asked.evaluate_exact(ExactVector.of(point))
        values = self._rows.apply_exact(outputs).fractions()
        best = max(values)
        return Witness(ExactVector.of(point), outputs, self.names[values.index(best)]), best

    def _enclosed(self, point: ExactVector) -> tuple[Witness, Fraction]:
        """The same with outputs between rationals: the value that is reached at least."""
        y = self._asked.evaluate_enclosed(point, BITS)
        values = self._rows.apply_exact(y.centre).fractions()
        reach = Dense(self._rows.coefficients.map(np.abs)).apply_exact(ExactVector.of(y.radius)).fractions()
        ends = [value - r for value, r in zip(values, reach, strict=True)]
        best = max(ends)
        return Witness(point, y.centre, self.names[ends.index(best)]), best

    def _reaching(self, ceiling: float) -> UnsafeSet:
        """Where some value is at least the ceiling."""
        polytopes = []
        for i, name in enumerate(self.names):
            row = np.zeros((1, len(self.names)))
            row[0, i] = -1.0
            polytopes.append(Polytope(Coefficients(row), Coefficients(np.array([-ceiling])), name))
        return UnsafeSet(tuple(polytopes), len(self.names))
