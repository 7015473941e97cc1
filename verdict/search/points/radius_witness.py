"""The upper end of a radius: a near witness by attack, then the nearest of its linear region.

Gradient descent finds some witness on a ladder of radii and moves it inward. Within the linear region around a point
the nearest unsafe input is the solution of a linear program, exactly; it lies on a kink, so the region beyond is looked
at next, for as long as that helps.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from ...answer.replay import too_dear
from ...base.deadline import Deadline, ProcessorTime
from ...network.exact import ExactVector, FloatArray, float_above
from ...network.functions import Feature
from ...property import NormBall, Polytope
from ..radius import RadiusSearch
from .attack import Starts, Within, attack, points_at_once
from .level import along_corners
from .nearest import nearest_candidates, nearest_in_region
from .region import best_in_region, phases_at

# The most that the attack, and after it the polishing of what it found, may take.
ATTACK_SECONDS = 10.0
# The attack takes fewer points than this at once on a large network, and then this share of the time.
FEW_POINTS, LARGE_SHARE = 8, 0.5
# What it may take of the time until there is a first witness.
FIRST_SHARE = 0.5


def seek_witness(search: RadiusSearch) -> None:
    """The attack: find some witness, then move it inward, then to the optimum of its linear region."""
    search.enter("attack")
    # Where one step takes long, bounds take longer, and a violation is the most that there is time for.
    is_large = points_at_once(search.graph) < FEW_POINTS
    share, most = (LARGE_SHARE, math.inf) if is_large else (0.1, ATTACK_SECONDS)
    rng = np.random.default_rng(0)
    # Without a witness nobody knows where to look, so the first one is worth more.
    radius = _first_hit(search, rng, search.deadline.share(FIRST_SHARE, math.inf))
    if radius is None:
        return
    clock = _busy(search, share, most)
    found = _shrink(search, radius, rng, clock)
    if found is None:
        return
    search.offer(search.family.inside(found[1]))
    if too_dear(search.network):
        return
    polish(search, found[1], clock=_busy(search, 0.1, ATTACK_SECONDS))


def _busy(search: RadiusSearch, share: float, most: float) -> Deadline:
    """A share of the time left, of processor time: on a busy machine the same witness is found, only later."""
    return ProcessorTime(min(share * search.deadline.remaining(), most), search.deadline)


def _first_hit(search: RadiusSearch, rng: np.random.Generator, clock: Deadline) -> float | None:
    """A radius at which the attack succeeds, looked for on a ladder of radii up to the cap."""
    top = float_above(search.cap)
    radius = top / 256
    while not clock.passed():
        if len(_attack(search, radius, Starts(rng), clock)):
            return radius
        if radius >= top:
            return None
        radius = min(2 * radius, top)
    return None


def _attack(search: RadiusSearch, radius: float, begin: Starts, clock: Deadline) -> FloatArray:
    """Unsafe points of the set of a radius, as `attack` finds them."""
    within = Within(*search.family.floats(radius), search.family.ball(radius))
    return attack(search.graph, search.unsafe, within, begin, clock, search.device)


def _shrink(
    search: RadiusSearch, radius: float, rng: np.random.Generator, clock: Deadline
) -> tuple[float, FloatArray] | None:
    """The smallest radius up to `radius` at which the attack succeeds, and the point that it found.

    Bisects on the radius, starting each attack from the best points so far moved inward.
    """
    best: tuple[float, FloatArray] | None = None
    low, high, starts = 0.0, radius, None
    for _ in range(24):
        if clock.passed() or high - low <= 1e-3 * high:
            break
        points = _attack(search, high if best is None else (low + high) / 2, Starts(rng, starts), clock)
        if len(points):
            distances = search.family.distances(points)
            nearest = int(distances.argmin())
            best = (float(distances[nearest]), points[nearest])
            high, starts = min(high, best[0]), points[:8]
        elif best is None:
            return None
        else:
            low = (low + high) / 2
    return best


def polish(
    search: RadiusSearch, point: FloatArray, polytope: Polytope | None = None, clock: Deadline | None = None
) -> bool:
    """Offer the best point of the linear region around a float point; repeat while it improves."""
    improved = False
    for _ in range(20):
        if (clock or search.deadline).passed():
            break
        target = polytope or _nearest_polytope(search, point)
        reach = float_above(search.cap) * 1.01 + 1e-6
        better = False
        for candidate in _near(search, target, point, reach):
            if search.offer(candidate):
                better = True
                break
        if not better or search.closest is None:
            break
        improved, before = True, point
        # The optimum sits on a kink; a small step back tells which region continues it.
        point = search.closest.point.floats()
        point = point + 1e-4 * (point - before)
    return improved


def _near(search: RadiusSearch, target: Polytope, point: FloatArray, reach: float) -> Iterator[ExactVector]:
    """Candidates of least radius in the linear region around a point, or near it where there are none, best first."""
    clock, is_linear = search.deadline.share(0.2, 10), search.graph.has(Feature.ON_OFF)
    if isinstance(search.family, NormBall):
        return itertools.chain(
            nearest_in_region(search.graph, search.family, target, point, reach) if is_linear else (),
            nearest_candidates(search.graph, search.family, target, point, clock),
        )
    if not is_linear:
        return along_corners(search.graph, search.family, target, point, reach, clock)
    return best_in_region(search.graph, search.family, target, phases_at(search.graph, point), reach, clock)


def _nearest_polytope(search: RadiusSearch, point: FloatArray) -> Polytope:
    outputs = search.network.evaluate(point[None])
    return min(search.unsafe.polytopes, key=lambda p: float(p.slack(outputs)[0]))
