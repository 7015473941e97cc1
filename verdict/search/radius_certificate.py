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
from ..bounds.backward import backward
from ..bounds.interval import interval_bounds
from ..bounds.lines import Lines
from ..bounds.walk import Pass
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
# The share of the time left that a proof may take, and the most seconds to prove that a closed interval is one number;
# the shares of proofs at smaller radii, one after the other; the share for the check of one that was found.
SHARE, TIE_SECONDS, SHARES, CHECKED = 1 / 3, 30.0, (0.5, 0.5, 1.0), 0.5
# A certified radius this near to one that failed, relatively, is not improved on.
NEAR = Fraction(1, 64)


def certify_radius(
    search: RadiusSearch, path: Path, claim: Callable[[Fraction], dict[str, Any]], deadline: Deadline, threads: int
) -> tuple[Certificate, Certificate | None]:
    """Prove the interval of a search that has ended, into `path`, in the time left.

    `claim(r)` is the claim that the property holds at radius r. Where the proof at the lower end does not hold for
    every float32 evaluation order, the second result is one that does, written beside it (`float32_path`).
    """
    clock = deadline.share(1.0, max(AGAIN_SECONDS, AGAIN_SHARE * deadline.elapsed()))
    asked = _Asked(search, claim, threads, clock)
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
    return _smaller(asked, path, made, lower, clock)


def holds(certificate: Certificate) -> bool:
    """Whether there is a file that the checker has accepted, in exact arithmetic or in floats with rounding charged."""
    report = certificate.report
    return certificate.path is not None and report is not None and report.accepted


def _smaller(
    asked: _Asked, path: Path, made: Certificate, lower: Fraction, clock: Deadline
) -> tuple[Certificate, Certificate | None]:
    """What `certify_radius` gives, from what was made at the lower end itself: one for float32 at a smaller radius; and
    where nothing was accepted there, as large a radius as there is time for."""
    unit, failed, is_low = Fraction(_float32_cost(asked.search, lower)), lower, not holds(made)
    shrinks, float32, took = [min(shrink * unit, MOST_SHRINK) for shrink in SHRINKS], None, math.inf
    for share, shrink in zip(SHARES, shrinks, strict=True):
        if clock.passed() or float32 is not None:
            break
        # The largest radius that can be certified at all goes into the file that was asked for.
        began, place = clock.elapsed(), float32_path(path) if holds(made) else path
        found = asked.at(place, less(lower, shrink), clock.share(share, math.inf), holds(made))
        if not holds(found):
            made = found if made.path is None else made
            failed = failed if holds(made) else less(lower, shrink)
            continue
        float32 = found if found.any_order else None
        if place == path:
            made, took = found, clock.elapsed() - began
    if is_low and holds(made):
        higher = _climb(asked, path, made, failed, clock, took)
        made, float32 = higher, higher if higher.any_order else float32
    return made, float32


def _climb(
    asked: _Asked, path: Path, made: Certificate, failed: Fraction, clock: Deadline, took: float
) -> Certificate:
    """The certificate in `path`, of ever larger radii below one that failed, while there is twice the time that the
    last one `took`."""
    while made.radius is not None and failed - made.radius > NEAR * failed and clock.remaining() > 2 * took:
        began, radius = clock.elapsed(), Fraction(float_below((made.radius + failed) / 2))
        found = asked.at(path, radius, clock, only_float32=made.any_order)
        if holds(found):
            made, took = found, clock.elapsed() - began
        else:
            failed = radius
    return made


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
    whole: Deadline

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
            effort = Effort(clock, self.threads, search.device, search.note)
            reason = prove(problem, box, effort, Recorder(proof))
        # A proof that is there is worth the time that its check takes.
        late = self.whole.share(CHECKED, math.inf)
        clock = late if late.remaining() > clock.remaining() else clock
        return draft.finish(clock, self.threads, reason, radius, only_float32)
