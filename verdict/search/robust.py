"""Deciding one problem: attack, then bounds, then MILP or SMT for what they leave open.

Each step is dearer and stronger than the one before and works only on the polytopes of the unsafe set that
are still open. Steps return evidence; the gate turns it into a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from verdict.encoders import smt
from verdict.encoders.milp import Encoding, blur, encode_margin
from verdict.solvers import Solver, Status
from verdict.solvers.z3_session import Session

from ..bounds import Bounds, linear_bounds, output_bounds
from ..bounds.methods import METHODS, TIGHTEN_SECONDS, TIGHTEN_SHARE
from ..certificate.replay import confirm, replay_exactly
from ..deadline import Deadline
from ..device import CPU, Device
from ..errors import SolverError
from ..network.exact import ExactVector, FloatArray
from ..property import Box, Polytope, Problem, UnsafeSet
from ..results import Trust, Witness, weakest
from .attack import attack
from .bab import branch_and_bound
from .region import deepest_in_region, regions_at


@dataclass
class Evidence:
    """What a search has established: a confirmed witness, a full proof's trust, or neither and why."""

    witness: Witness | None = None
    proof: Trust | None = None
    reason: str = ""
    stages: dict[str, float] = field(default_factory=dict)


# A float solver's margin counts as positive only beyond its tolerances, relative to the sizes involved.
MARGIN = 1e-6


def decide(
    problem: Problem,
    box: Box,
    deadline: Deadline,
    solver: Solver | None,
    threads: int,
    report: Callable[[str], object],
    engine: str = "milp",
    bounds: str = "linear",
    device: Device = CPU,
) -> Evidence:
    """Search for a witness or a proof over `box` with one engine: milp (with `solver`), smt, bab or auto.

    `bounds` names the method whose bounds milp and smt encode, see `verdict.bounds.methods`. The attack and the search
    for better bounds run on `device`.
    """
    evidence = Evidence()
    run = _Run(problem, box, deadline, evidence, report, device)
    if not (run.attack() or run.bounds()):
        if deadline.passed():
            evidence.reason = evidence.reason or "the time limit was reached"
        elif engine == "smt":
            if not run.tighten(bounds):
                run.smt()
        elif engine == "milp" and solver is not None:
            if not run.tighten(bounds):
                run.milp(solver, threads)
        else:
            run.bab(threads)
    run.enter("end")
    return evidence


class _Run:
    def __init__(
        self,
        problem: Problem,
        box: Box,
        deadline: Deadline,
        evidence: Evidence,
        report: Callable[[str], object],
        device: Device,
    ) -> None:
        self.problem, self.box, self.deadline, self.evidence = problem, box, deadline, evidence
        self.network, self.graph, self.unsafe = problem.network, problem.network.graph, problem.unsafe
        self.report, self.stage, self.trusts = report, "", [Trust.EXACT]
        self.device, self.since = device, deadline.elapsed()
        self.open: list[Polytope] = list(problem.unsafe.polytopes)
        self.node_bounds: Bounds | None = None

    def enter(self, stage: str) -> None:
        stages, now = self.evidence.stages, self.deadline.elapsed()
        if self.stage:
            stages[self.stage] = stages.get(self.stage, 0.0) + now - self.since
        self.stage, self.since = stage, now
        self.report(stage)

    def _confirm(self, candidates: Iterable[ExactVector | FloatArray]) -> bool:
        witness, reason = confirm(self.network, self.unsafe, self.box, candidates)
        if witness is None:
            self.evidence.reason = reason
            return False
        self.evidence.witness, self.evidence.reason = witness, ""
        return True

    def attack(self) -> bool:
        self.enter("attack")
        lower, upper = self.box.floats()
        rng = np.random.default_rng(0)
        points = attack(self.graph, self.unsafe, lower, upper, rng, deadline=self.deadline, device=self.device)
        return len(points) > 0 and self._confirm(list(points[:8]))

    def bounds(self) -> bool:
        """Drop the polytopes that linear bounds exclude; True if none is left."""
        self.enter("bounds")
        lower, upper = self.box.floats()
        self.node_bounds = linear_bounds(self.graph, lower[None], upper[None], self.deadline.passed)
        return self._exclude(self.node_bounds, Trust.RIGOROUS)

    def tighten(self, name: str) -> bool:
        """Bounds by another method, for the encoders; True if they leave no polytope."""
        if name == "linear":
            return False
        self.enter(f"bounds/{name}")
        method, (lower, upper) = METHODS[name], self.box.floats()
        clock = self.deadline.share(TIGHTEN_SHARE, TIGHTEN_SECONDS)
        try:
            self.node_bounds = method.run(self.graph, lower[None], upper[None], clock).bounds
        except SolverError as error:
            # The linear bounds are at hand; tighter ones are only a help.
            self.evidence.reason = f"bounds by {name}: {error}"
            return False
        return self._exclude(self.node_bounds, method.trust)

    def _exclude(self, bounds: Bounds, trust: Trust) -> bool:
        """Drop the polytopes that bounds exclude; True if none is left."""
        still = []
        for polytope in self.open:
            lowest = output_bounds(self.graph, bounds, polytope.matrix.values).lower[0]
            limit = np.nextafter(polytope.offset.values, np.inf)
            if not (polytope.matrix.is_dyadic and (lowest > limit).any()):
                still.append(polytope)
        if len(still) < len(self.open):
            self.trusts.append(trust)
        self.open = still
        if not still:
            self.evidence.proof = weakest(*self.trusts)
            self.evidence.reason = ""
        return not still

    def bab(self, threads: int) -> None:
        self.enter("bab")
        if self.node_bounds is None:
            return
        # The attack looks for witnesses of all polytopes; so does every minimiser of a bound.
        outcome = branch_and_bound(
            self.graph,
            self.node_bounds,
            self.open,
            self.deadline,
            lambda points: self._confirm(list(points[:4])),
            lambda lower, waiting, visited: self.report(f"bab: {visited} domains, {waiting} open"),
            threads,
            self.device,
        )
        if outcome.proved:
            self.trusts.append(Trust.RIGOROUS)
            self.evidence.proof, self.evidence.reason = weakest(*self.trusts), ""
        elif self.evidence.witness is None:
            self.evidence.reason = "; ".join(filter(None, [outcome.reason, self.evidence.reason]))

    def milp(self, solver: Solver, threads: int) -> None:
        self.enter(f"milp/{solver.name}")
        if self.node_bounds is None:
            return
        failures = []
        for polytope in self.open:
            if self.deadline.passed():
                failures.append("the time limit was reached")
                break
            encoding = encode_margin(self.graph, self.node_bounds, polytope)
            lost = blur(self.graph, self.node_bounds, polytope)
            try:
                outcome = self._margin(solver, threads, encoding, polytope, lost)
            except SolverError as error:
                outcome = str(error)
            if self.evidence.witness is not None:
                return
            if outcome:
                failures.append(f"{polytope.name}: {outcome}")
        if not failures:
            self.trusts.append(Trust.SOLVER)
            self.evidence.proof, self.evidence.reason = weakest(*self.trusts), ""
        else:
            self.evidence.reason = "; ".join([*filter(None, [self.evidence.reason]), *failures])

    def _margin(self, solver: Solver, threads: int, encoding: Encoding, polytope: Polytope, lost: float) -> str:
        """Solve one margin model, where rounding may lose `lost`. Returns "" when the solver excludes the polytope,
        else why not."""
        scale = max(1.0, float(np.abs(polytope.offset.values).max(initial=0.0)))
        needed = max(MARGIN * scale, lost)
        solution = solver.solve(
            encoding.model,
            time_limit=self.deadline.limit(),
            threads=threads if solver.features.threads else 1,
            target_bound=needed if solver.features.progress else None,
        )
        if solution.status is Status.INFEASIBLE:
            # The network has an output on every input, so this can only be a numerical failure.
            return f"{solver.name} calls a model infeasible that has a point by construction"
        if solution.bound >= needed:
            return ""
        if solution.point is not None and (solution.objective or 0.0) <= needed:
            x = np.asarray(solution.point[: encoding.input_size])
            if self._confirm([x, *self._nearby(x)]):
                return "a witness"
            found = self.evidence.reason
            return f"the least margin is {solution.objective:.3g}, but {found}"
        if math.isfinite(solution.bound):
            return f"{solver.name}: {solution.status.value}, margin at least {solution.bound:.3g}"
        return f"{solver.name}: {solution.status.value} {solution.message}".strip()

    def _nearby(self, x: FloatArray) -> Iterator[FloatArray]:
        """Points that a short attack reaches from a solver's point: a repair of tolerance artefacts."""
        lower, upper = self.box.floats()
        rng = np.random.default_rng(1)
        yield from attack(
            self.graph, self.unsafe, lower, upper, rng, starts=x[None], restarts=2, deadline=self.deadline
        )[:4]

    def _around(self, point: ExactVector, bounds: Bounds) -> Iterator[ExactVector | FloatArray]:
        """An exact point, which often is a vertex that rounding falls off, then points deeper inside its polytope."""
        yield point
        polytope = self.unsafe.containing(self.network.evaluate_exact(point))
        if polytope is not None:
            for phases in regions_at(self.graph, point):
                deepest = deepest_in_region(self.graph, bounds, polytope, phases, self.deadline)
                if deepest is not None:
                    yield deepest
                    yield from self._nearby(deepest)
        yield from self._nearby(point.floats())

    def smt(self) -> None:
        self.enter("smt/z3")
        if self.node_bounds is None:
            return
        try:
            self._ask_z3(self.node_bounds)
        except SolverError as error:
            # Killed by a limit, or broken down: never a verdict.
            self.evidence.reason = f"Z3 gave up: {error}"

    def _ask_z3(self, bounds: Bounds) -> None:
        unsafe, limit = UnsafeSet(tuple(self.open), self.unsafe.outputs), self.deadline.limit
        with Session() as session:
            session.command(smt.prelude(), timeout=limit())
            session.command(smt.inputs_in_box(self.box), timeout=limit())
            for piece in smt.network(self.graph, bounds):
                session.command(piece, timeout=limit())
            session.command(smt.in_unsafe(self.graph, unsafe, bounds), timeout=limit())
            answer = session.check(timeout=self.deadline.limit())
            if answer == "unsat":
                self.trusts.append(Trust.Z3)
                self.evidence.proof, self.evidence.reason = weakest(*self.trusts), ""
            elif answer == "sat":
                names = [smt.name(0, i) for i in range(self.graph.input_size)]
                point = ExactVector.of(session.values(names).values())
                if not self._confirm(self._around(point, bounds)):
                    real = replay_exactly(self.network, self.unsafe, point) is not None
                    what = "violated over the reals" if real else "Z3's model failed its exact replay"
                    self.evidence.reason = f"{what}: {self.evidence.reason}"
            else:
                self.evidence.reason = f"Z3 gave up: {session.reason_unknown()}"
