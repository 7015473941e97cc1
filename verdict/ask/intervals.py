"""The search for a number: an interval that an attack, bounds and an engine tighten until the time is up.

All questions that are answered by an interval share this. What was proved is then proved once more, as a question about
one set, for the checker (`stated`).
"""

from __future__ import annotations

from ..answer.second_look import second_look_along
from ..certificate.places import prepare
from ..network.exact import float_above
from ..network.network import Network
from ..property import Perturbation, UnsafeSet
from ..search.points.radius_witness import seek_witness
from ..search.radius import RadiusSearch
from ..search.reach import tighten
from ..search.tighter import WORTH
from .run import Run


def ready(run: Run) -> None:
    """Refuse options that cannot be, before the work; a certificate is about a composed network and a query."""
    if run.certificate is not None:
        prepare(run.certificate, query=True, network=True)
    run.ready()


def radius(run: Run, network: Network, family: Perturbation, unsafe: UnsafeSet) -> RadiusSearch:
    """The search for the radius at which a set of the family first reaches the unsafe set."""
    run.engine.refuse_functions(network.graph)
    search = RadiusSearch(network, family, unsafe, run.deadline, run.engine.bounds, run.device)
    search.on_progress = run.on_progress
    return search


def seek(run: Run, searches: list[RadiusSearch]) -> None:
    """Compare the import with ONNX Runtime on the sets of the first search, then `close`. Raises ModelError."""
    first = searches[0]
    second_look_along(first.network, first.family, float_above(first.cap))
    close(run, searches)


def close(run: Run, searches: list[RadiusSearch]) -> None:
    """Tighten the interval by attack, bounds and the engine.

    Of several searches for the same radius, in compositions that grow, one that bounds bring clearly farther takes
    the place of the first.
    """
    try:
        seek_witness(searches[0])
        searches[0].prove_by_bounds()
        for other in searches[1:]:
            if searches[0].is_open():
                _try(searches, other)
        tighten(searches[0], lambda search: run.engine.close(search, run.threads), run.search)
    finally:
        searches[0].enter("end")


def _try(searches: list[RadiusSearch], other: RadiusSearch) -> None:
    """Put another composition's search in the first place if its bounds reach clearly farther."""
    first = searches[0]
    first.enter("bounds")
    other.stages = dict(first.stages)
    if first.closest is not None:
        other.offer(first.closest.point)
    try:
        other.prove_by_bounds()
    finally:
        # Stopped in the middle too: what it has proved until then was told as progress.
        if first.lower < WORTH * other.lower:
            searches[0] = other
