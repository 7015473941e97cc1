"""Certificates for the two ends of a radius: what `maxeps` has found, proved once more and recorded.

The lower end is one proof at one radius, by linear bounds and branch and bound, whichever engine found it; the upper
end is an exact witness. Where they have closed, every radius below the witness's is proved, with exact leaves at the
tie, and the radius is that rational number. Rounding in float32 costs a little of every margin, so a proof for every
float32 evaluation order is tried below the lower end by what the network's gradient at the witness says it costs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..answer.results import Certificate
from ..base.assumed import assumed
from ..base.deadline import Deadline
from ..bounds.backward import Pass, backward
from ..bounds.interval import interval_bounds
from ..bounds.lines import Lines
from ..certificate.draft import Draft
from ..certificate.places import float32_path
from ..certificate.write import radius_claim
from ..network.exact import float_below
from ..network.functions import Feature
from ..property import Problem
from .decide import prove
from .decision import AGAIN_SECONDS, AGAIN_SHARE
from .effort import Effort
from .options import DEFAULTS
from .points.region import phases_at
from .radius import RadiusSearch
from .recorder import Recorder
from .relus.narrow import float32_errors
from .tie import tie_multipliers

# How far below the lower end a proof for float32 is tried, in units of what rounding is expected to cost and in this
# order; never further than this share of it.
SHRINKS, MOST_SHRINK = (2, 16, 128), Fraction(1, 8)
# How far below an exact radius the proof is tried that has to do without its tie.
BELOW = Fraction(1, 2**22)
# The share of the time left that a proof may take, and the most seconds to prove that a closed interval is one number.
SHARE, TIE_SECONDS = 1 / 3, 30.0


def certify_radius(
    search: RadiusSearch, path: Path, claim: Callable[[Fraction], dict[str, Any]], deadline: Deadline, threads: int
) -> tuple[Certificate, Certificate | None]:
    """Prove the interval of a search that has ended, into `path`, in the time left.

    `claim(r)` is the claim that the property holds at radius r. Where the proof at the lower end does not hold for
    every float32 evaluation order, the second result is one that does, written beside it (`float32_path`).
    """
    clock = deadline.share(1.0, max(AGAIN_SECONDS, AGAIN_SHARE * deadline.elapsed()))
    asked = _Asked(search, claim, threads)
    lower, upper = search.proved, search.upper
    closed = upper is not None and not search.is_open()
    if lower <= 0:
        return Certificate(None, reason="nothing was proved"), None
    made = None
    if closed and upper is not None and search.graph.has(Feature.PIECEWISE_LINEAR):
        made = asked.tie(path, upper, clock.share(SHARE, TIE_SECONDS))
    if made is None or made.path is None:
        made = asked.at(path, lower if lower != upper else less(lower, BELOW), clock.share(SHARE, math.inf))
        if made.any_order:
            return made, made
    if not search.graph.has(Feature.ON_OFF) and assumed() is None:
        # Nothing bounds how a library computes other functions.
        return made, None
    unit = Fraction(_float32_cost(search, lower))
    for shrink in (min(shrink * unit, MOST_SHRINK) for shrink in SHRINKS):
        if clock.passed():
            break
        # The largest radius that can be certified at all goes into the file that was asked for.
        place = path if made.path is None else float32_path(path)
        found = asked.at(place, less(lower, shrink), clock.share(SHARE, math.inf), only_float32=True)
        if found.any_order:
            return found if place == path else made, found
    return made, None


def less(radius: Fraction, share: Fraction) -> Fraction:
    """A float below the radius by this share of it: floats keep the claims short."""
    return Fraction(float_below(radius * (1 - share)))


def _float32_cost(search: RadiusSearch, radius: Fraction) -> float:
    """About which share of a radius makes up for what float32 rounding takes from the margin, by the linear region of
    the closest witness, or of the centre if there is none."""
    graph, center = search.graph, search.family.center.floats()
    if not graph.has(Feature.ON_OFF):
        # A place to begin: a few units in the last place in each of a few layers.
        return float(assumed() or 1) * 2.0**-18
    lower, upper = search.family.floats(float(radius))
    bounds = interval_bounds(graph, lower[None], upper[None])
    phases = phases_at(graph, center if search.closest is None else search.closest.point.floats())
    lines = {i: Lines(on[None] * 1.0, on[None] * 1.0, np.zeros((1, len(on)))) for i, on in phases.items()}
    rows = np.concatenate([polytope.matrix.values for polytope in search.unsafe.polytopes])
    found, charged = (
        backward(graph, bounds, graph.output, rows, lines, Pass(rigorous=False, errors=errors))
        for errors in (None, float32_errors(graph, bounds))
    )
    reach = np.abs(found.slope[0]) @ np.maximum(upper - center, center - lower)
    lost = DEFAULTS.relus.ample * (found.constant - charged.constant)[0]
    return float((lost / np.maximum(reach, 1e-300)).clip(0, 1).max())


@dataclass(frozen=True, eq=False)
class _Asked:
    """What all certificates of one radius have in common."""

    search: RadiusSearch
    claim: Callable[[Fraction], dict[str, Any]]
    threads: int

    def at(self, path: Path, radius: Fraction, clock: Deadline, only_float32: bool = False) -> Certificate:
        """A certificate that every radius up to this one is safe, if so wanted only one for every float32 evaluation
        order, and that the upper end is not."""
        return self._prove(path, radius, False, clock, only_float32)

    def tie(self, path: Path, radius: Fraction, clock: Deadline) -> Certificate:
        """A certificate that every radius below the upper end is safe, and that itself is not."""
        return self._prove(path, radius, True, clock, False)

    def _prove(self, path: Path, radius: Fraction, is_open: bool, clock: Deadline, only_float32: bool) -> Certificate:
        search, closest = self.search, self.search.closest
        claim = radius_claim(self.claim(radius), search.upper, is_open)
        draft = Draft(path, search.network, claim, witness=None if closest is None else closest.point.fractions())
        box, reason = search.family.at(radius), ""
        proof = draft.recording(box, search.unsafe)
        if proof is not None:
            if is_open:
                proof.close_tie = partial(tie_multipliers, box=box)
            problem = Problem(search.network, box, search.unsafe)
            reason = prove(problem, box, Effort(clock, self.threads, search.device, search.note), Recorder(proof))
        return draft.finish(clock, self.threads, reason, radius, only_float32)
