"""What closes a domain that branch and bound has left open: more splits, a linear program, or HiGHS's MILP on it.

The search over ReLU splits runs for a few seconds just below the radius; then some of its open domains are closed in
each way. `seconds` are the mean of one domain; `note` says how many were closed, and how many ReLUs they had left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from benchmarks.clock import Clock
from benchmarks.questions import correct_inputs, network, shipped_input
from benchmarks.registry import Case, Instance, Options, Outcome, register

MODELS = ("digits-mlp", "digits-conv", "digits-resnet")
WAYS = ("split", "lp", "milp")
# Seconds of the search, domains closed in each way, and the most seconds for one of them.
SEARCH, SAMPLE, LIMIT = 2.0, 6, 10.0


@register
class Residual(Case):
    name = "residual"
    idea = "open domains just below the radius: closed by more splits, by a linear program, by MILP"

    def instances(self, options: Options) -> Iterable[Instance]:
        for model in options.choose(MODELS):
            for number in correct_inputs(model, options.inputs or 3):
                for way, _ in options.solvers(WAYS):
                    yield Instance(model, f"#{number}", way, "", options.timeout or LIMIT, {"number": number})

    def measure(self, instance: Instance) -> Outcome:
        from verdict.base.workers import Workers

        with Workers(1) as workers:
            search, domains = _open_domains(instance.group, int(instance.data["number"]), workers)
            if not domains:
                return Outcome("closed", 0.0, 0.0, note="the search closed every domain")
            ways: dict[str, Callable[[Any, Any, float], bool]] = {"split": _split, "lp": _program, "milp": _milp}
            way = ways[instance.engine]
            with Clock() as clock:
                closed = sum(way(search, domain, instance.timeout) for domain in domains)
        left = sorted(int((domain.signs == 0).sum()) for domain in domains)
        note = f"{closed}/{len(domains)} closed, {left[0]} to {left[-1]} ReLUs left"
        return Outcome("ok", clock.seconds / len(domains), clock.cpu / len(domains), note=note)


def _open_domains(model: str, number: int, workers: Any) -> tuple[Any, list[Any]]:
    """A search just below the radius, without linear programs, and some of the domains that it left open."""
    import verdict
    from verdict.base.deadline import Deadline
    from verdict.bounds import linear_bounds
    from verdict.network.exact import ExactVector
    from verdict.property import LinfBall, misclassification
    from verdict.search.means import Means
    from verdict.search.relus.relu_split import ReluSplit

    loaded, (x, valid) = network(model), shipped_input(model, number)
    flat = np.asarray(x, np.float64).ravel()
    found = verdict.maxeps(loaded, flat, range=valid, engine="milp", solver="highs", timeout=60)
    family = LinfBall(ExactVector.of(flat), *map(Fraction, valid))
    lower, upper = family.floats(float(found.lower) * (1 - 1e-6))
    unsafe = misclassification(int(loaded.evaluate(flat[None])[0].argmax()), loaded.output_size)
    bounds = linear_bounds(loaded.graph, lower[None], upper[None])
    search = ReluSplit(loaded.graph, bounds, list(unsafe.polytopes), means=Means(workers))
    search._programs._reach = 0
    search.run(Deadline(SEARCH))
    batch = search._queue.pop(len(search._queue)) if len(search._queue) else None
    if batch is None:
        return search, []
    chosen = np.random.default_rng(0).permutation(len(batch))[:SAMPLE]
    return search, [batch.take(slice(i, i + 1)) for i in chosen]


def _split(search: Any, domain: Any, limit: float) -> bool:
    from verdict.base.deadline import Deadline

    search._queue.push(domain)
    search._final = None
    proved = bool(search.run(Deadline(limit)).proved)
    if len(search._queue):
        search._queue.pop(len(search._queue))
    return proved


def _program(search: Any, domain: Any, limit: float) -> bool:
    from verdict.search.relus.leaf import close_leaf

    return close_leaf(search.space, domain.signs[0], search._polytope(domain.row[0]))[0] is not None


def _milp(search: Any, domain: Any, limit: float) -> bool:
    from verdict.base.errors import SolverError
    from verdict.encoders.milp import encode_margin
    from verdict.search.relus.leaf import phases_of
    from verdict.solvers import Status, solver

    space, polytope = search.space, search._polytope(domain.row[0])
    encoding = encode_margin(space.graph, space.bounds, polytope, phases_of(space, domain.signs[0]))
    try:
        solution = solver("highs", isolate=False).solve(encoding.model, time_limit=limit, target_bound=1e-7)
    except SolverError:
        return False
    return solution.status is Status.INFEASIBLE or solution.bound >= 1e-7
