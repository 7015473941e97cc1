"""How a search for a number is run: its options, its time, and the certificate of the end that it has proved.

All questions that are answered by an interval share this: the attack, the bounds and an engine tighten it until the
time is up, and what they have proved is then proved once more, as a question about one set, for the checker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..answer.results import Certificate
from ..answer.second_look import second_look_along
from ..base import arguments
from ..base.deadline import TIME_LIMIT, Deadline, why
from ..base.device import find_device
from ..certificate.places import prepare
from ..network.exact import float_above
from ..network.network import Network
from ..property import Box, Perturbation, UnsafeSet
from ..property.language import Formula
from ..property.language.sets import box
from ..search.engines.registry import close, find_engine
from ..search.neurons.methods import encoder_bounds
from ..search.points.radius_witness import seek_witness
from ..search.radius import RadiusSearch
from ..search.reach import tighten
from ..search.tighter import WORTH
from .prove import variables
from .stated import certified, certify_lower, first_certified


class Run:
    """The options of a search for a number, and how it is run."""

    def __init__(
        self,
        engine: str = "auto",
        solver: str | None = None,
        bounds: str | None = None,
        timeout: float | None = None,
        threads: int = 2,
        device: str = "cpu",
        certificate: str | Path | None = None,
        on_progress: Callable[[Any], object] | None = None,
    ) -> None:
        self.whole = Deadline(arguments.seconds(timeout))
        self.certificate = arguments.optional_place(certificate, "certificate")
        if certificate is not None:
            prepare(certificate, query=True, network=True)
        self.deadline = self.whole.for_search(certificate is not None)
        self.engine, self.threads = engine, arguments.threads(threads)
        self.name, self.backend = find_engine(engine, solver)
        self.bounds, self.device, self.on_progress = encoder_bounds(bounds, engine), find_device(device), on_progress

    def radius(self, network: Network, family: Perturbation, unsafe: UnsafeSet) -> RadiusSearch:
        return RadiusSearch(network, family, unsafe, self.deadline, self.on_progress, self.bounds, self.device)

    def seek(self, searches: list[RadiusSearch]) -> None:
        """Compare the import with ONNX Runtime on the sets of the first search, then `close`. Raises ModelError."""
        first = searches[0]
        second_look_along(first.network, first.family, float_above(first.cap))
        self.close(searches)

    def close(self, searches: list[RadiusSearch]) -> None:
        """Tighten the interval by attack, bounds and the engine.

        Of several searches for the same radius, in compositions that grow, one that bounds bring clearly farther takes
        the place of the first.
        """
        try:
            seek_witness(searches[0])
            searches[0].prove_by_bounds()
            for other in searches[1:]:
                if searches[0].is_open():
                    self._try(searches, other)
            tighten(searches[0], lambda search: close(search, self.engine, self.backend, self.threads))
        finally:
            searches[0].enter("end")

    def _try(self, searches: list[RadiusSearch], other: RadiusSearch) -> None:
        """Put another composition's search in the first place if its bounds reach clearly farther."""
        first = searches[0]
        first.enter("bounds")
        other.stages = dict(first.stages)
        if first.closest is not None:
            other.offer(first.closest.point)
        other.prove_by_bounds()
        if first.lower < WORTH * other.lower:
            searches[0] = other

    def guarded(self, work: Callable[[], object]) -> str:
        """Do the work, which Ctrl-C ends without losing what it has reached; why it ended early, if it did."""
        try:
            with self.deadline.running():
                work()
        except KeyboardInterrupt as end:
            return why(end)
        return TIME_LIMIT if self.deadline.passed() else ""

    def certified_end(
        self, network: Network, below: Callable[[Fraction], Formula], inputs: Box, ends: Sequence[Fraction]
    ) -> Certificate | None:
        """The certificate that `below(end)` holds on a box for the first of some ends where it is proved once more by
        branch and bound, in the rest of the time; None if none is asked for."""
        if self.certificate is None:
            return None
        x, _ = variables(network)
        given = box(x, inputs.lower, inputs.upper)

        def at(end: Fraction, clock: Deadline) -> Certificate:
            made = certified(network, below(end), given, clock, certificate=self.certificate, threads=self.threads)
            return replace(made, end=end)

        return first_certified(at, ends, self.whole.limit())

    def certified_radius(self, search: RadiusSearch, that: Formula) -> Certificate | None:
        """The certificate that `that` holds at the lower end that a search has proved; None if none is asked for."""
        if self.certificate is None:
            return None
        x, _ = variables(search.network)

        def given(radius: Fraction) -> Formula:
            ball = search.family.at(radius)
            return box(x, ball.lower, ball.upper)

        options = {"certificate": self.certificate, "threads": self.threads}
        return certify_lower(search, search.network, that, given, self.whole.limit(), **options)
