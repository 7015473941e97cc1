"""Certificates for the two ends of a radius: what `maxeps` has found, proved once more and recorded.

The lower end is one proof at one radius, by linear bounds and branch and bound, whichever engine found it; the upper
end is an exact witness. Where they have closed, every radius below the witness's is proved, with exact leaves at the
tie, and the radius is that rational number. Rounding in float32 costs a little of every margin, so the proof for every
float32 evaluation order is tried at the lower end itself and then at ever smaller radii.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from ..certificate.draft import Draft
from ..certificate.write import radius_claim
from ..deadline import Deadline
from ..network.exact import float_below
from ..property import Problem
from ..results import Certificate
from .certify import for_float32
from .radius import RadiusSearch
from .robust import AGAIN_SECONDS, AGAIN_SHARE, prove
from .tie import tie_multipliers

# How far below the lower end a proof for float32 is tried, relatively, in this order.
SHRINKS = tuple(Fraction(1, 2**k) for k in (16, 12, 8, 4))
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
    lower, upper = search.lower if search.family.limit is None else min(search.lower, search.family.limit), search.upper
    closed = upper is not None and not search.is_open()
    if lower <= 0:
        return Certificate(None, reason="nothing was proved"), None
    made = asked.tie(path, upper, clock.share(SHARE, TIE_SECONDS)) if closed and upper is not None else None
    if made is None or made.path is None:
        made = asked.at(path, lower if lower != upper else _less(lower, BELOW), clock.share(SHARE, math.inf))
        if made.any_order:
            return made, made
    for radius in [*([] if closed else [lower]), *(_less(lower, shrink) for shrink in SHRINKS)]:
        if clock.passed():
            break
        # The largest radius that can be certified at all goes into the file that was asked for.
        place = path if made.path is None else float32_path(path)
        found = asked.at(place, radius, clock.share(SHARE, math.inf), float32=True)
        if found.any_order:
            return found if place == path else made, found
    return made, None


def _less(radius: Fraction, share: Fraction) -> Fraction:
    """A float below the radius by this share of it: floats keep the claims short."""
    return Fraction(float_below(radius * (1 - share)))


def float32_path(path: Path) -> Path:
    """Where the certificate for float32 is written: `NAME-float32.vcert` for `NAME.vcert`."""
    return path.with_name(f"{path.stem}-float32{path.suffix}")


@dataclass(frozen=True, eq=False)
class _Asked:
    """What all certificates of one radius have in common."""

    search: RadiusSearch
    claim: Callable[[Fraction], dict[str, Any]]
    threads: int

    def at(self, path: Path, radius: Fraction, clock: Deadline, float32: bool = False) -> Certificate:
        """A certificate that every radius up to this one is safe, for every float32 evaluation order if so wanted, and
        that the upper end is not."""
        return self._prove(path, radius, False, clock, float32)

    def tie(self, path: Path, radius: Fraction, clock: Deadline) -> Certificate:
        """A certificate that every radius below the upper end is safe, and that itself is not."""
        return self._prove(path, radius, True, clock, False)

    def _prove(self, path: Path, radius: Fraction, is_open: bool, clock: Deadline, float32: bool) -> Certificate:
        search, closest = self.search, self.search.closest
        claim = radius_claim(self.claim(radius), search.upper, is_open)
        draft = Draft(path, search.network, claim, witness=None if closest is None else closest.point.fractions())
        box, reason = search.family.at(radius), ""
        proof = draft.recording(box, search.unsafe)
        if proof is not None:
            if is_open:
                proof.close_tie = partial(tie_multipliers, box=box)
            problem = Problem(search.network, box, search.unsafe)
            if float32:
                problem = for_float32(problem, box)
            reason = prove(problem, box, clock, self.threads, search.note, search.device, proof)
        return draft.finish(clock, self.threads, reason, radius, float32)
