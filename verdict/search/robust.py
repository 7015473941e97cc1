"""Deciding one problem: attack, then bounds, then branch and bound, MILP or SMT for what they leave open.

Each step is dearer and stronger than the one before and works only on the polytopes of the unsafe set that
are still open. Steps return evidence; the gate turns it into a verdict. For a certificate, what linear bounds exclude
is one leaf, branch and bound records its trees, and what anything else has proved it proves once more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from verdict.encoders import smt
from verdict.encoders.milp import Encoding, blur, encode_margin
from verdict.solvers import Solver, Status
from verdict.solvers import solver as find_solver
from verdict.solvers.z3_session import Session

from ..bounds import Bounds, linear_bounds, output_bounds
from ..bounds.methods import METHODS, TIGHTEN_SECONDS, TIGHTEN_SHARE
from ..certificate.proof import Goal, Part, ProofTree
from ..certificate.recording import Recording
from ..certificate.replay import confirm, replay_exactly
from ..deadline import Deadline
from ..device import CPU, Device
from ..errors import SolverError
from ..network.exact import ExactVector, FloatArray
from ..property import Box, Polytope, Problem, UnsafeSet
from ..results import Trust, Witness, weakest
from .attack import attack
from .bab import branch_and_bound
from .nearby import around, reached_from
from .relu_split import Outcome


@dataclass
class Evidence:
    """What a search has established: a confirmed witness, a full proof's trust, or neither and why.

    `unrecorded` says why a proof that was to be recorded is not, or not all of it; `real` is a violation over the reals
    that the deployed network does not confirm.
    """

    witness: Witness | None = None
    proof: Trust | None = None
    reason: str = ""
    unrecorded: str = ""
    real: Witness | None = None
    stages: dict[str, float] = field(default_factory=dict)


# A float solver's margin counts as positive only beyond its tolerances, relative to the sizes involved.
MARGIN = 1e-6
# Without a time limit, a solver's proof is proved again for at most so many seconds, or so many times the seconds that
# it has taken.
AGAIN_SECONDS, AGAIN_SHARE = 60.0, 2.0


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
    proof: Recording | None = None,
) -> Evidence:
    """Search for a witness or a proof over `box` with one engine: milp (with `solver`), smt, bab or auto.

    `bounds` names the method whose bounds milp and smt encode, see `verdict.bounds.methods`. The attack and the search
    for better bounds run on `device`. With `proof`, a recording for the problem's polytopes, a proof is recorded.
    """
    evidence = Evidence()
    run = _Run(problem, box, deadline, evidence, report, device, proof)
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
            if engine == "auto" and box.ball is not None and run.is_undecided():
                # Where splits end at a region that they can neither exclude nor enter.
                run.milp(find_solver("highs"), threads)
    if evidence.proof is not None:
        run.record_rest(threads)
    run.enter("end")
    return evidence


def prove(
    problem: Problem,
    box: Box,
    deadline: Deadline,
    threads: int,
    report: Callable[[str], object],
    device: Device,
    proof: Recording,
) -> str:
    """Record a proof by linear bounds and branch and bound; returns "", or why there is none.

    Looks for no witness, so that a box may be proved which has a tie at its edge (`Recording.close_tie`).
    """
    evidence = Evidence()
    run = _Run(problem, box, deadline, evidence, report, device, proof)
    run.looking = False
    if not run.bounds():
        run.bab(threads)
    return evidence.reason


class _Run:
    def __init__(
        self,
        problem: Problem,
        box: Box,
        deadline: Deadline,
        evidence: Evidence,
        report: Callable[[str], object],
        device: Device,
        proof: Recording | None,
    ) -> None:
        self.problem, self.box, self.deadline, self.evidence = problem, box, deadline, evidence
        self.network, self.graph, self.unsafe = problem.network, problem.network.graph, problem.unsafe
        self.report, self.stage, self.trusts = report, "", [Trust.EXACT]
        self.device, self.since = device, deadline.elapsed()
        # Numbers of the polytopes that are not excluded yet, and of those whose proof is not recorded.
        self.open = list(range(len(problem.unsafe.polytopes)))
        self.proof, self.unrecorded = proof, set(self.open)
        # Whether candidates are replayed.
        self.looking = True
        self.node_bounds: Bounds | None = None

    def _polytopes(self, numbers: Iterable[int]) -> list[Polytope]:
        return [self.unsafe.polytopes[i] for i in numbers]

    def enter(self, stage: str) -> None:
        stages, now = self.evidence.stages, self.deadline.elapsed()
        if self.stage:
            stages[self.stage] = stages.get(self.stage, 0.0) + now - self.since
        self.stage, self.since = stage, now
        self.report(stage)

    def _confirm(self, candidates: Iterable[ExactVector | FloatArray]) -> bool:
        if not self.looking:
            return False
        witness, reason = confirm(self.network, self.unsafe, self.box, candidates)
        if witness is None:
            self.evidence.reason = reason
            return False
        self.evidence.witness, self.evidence.reason = witness, ""
        return True

    def is_undecided(self) -> bool:
        """Whether there is neither a witness nor a proof, and time to look for one."""
        return self.evidence.witness is None and self.evidence.proof is None and not self.deadline.passed()

    def attack(self) -> bool:
        self.enter("attack")
        lower, upper = self.box.floats()
        rng = np.random.default_rng(0)
        points = attack(
            self.graph, self.unsafe, lower, upper, rng, deadline=self.deadline, device=self.device, ball=self.box.ball
        )
        return len(points) > 0 and self._confirm(list(points[:8]))

    def bounds(self) -> bool:
        """Drop the polytopes that linear bounds exclude; True if none is left."""
        self.enter("bounds")
        lower, upper = self.box.floats()
        self.node_bounds = linear_bounds(self.graph, lower[None], upper[None], self.deadline.passed, self.box.ball)
        done = self._exclude(self.node_bounds, Trust.RIGOROUS)
        excluded = self.unrecorded.difference(self.open)
        if self.proof is not None and excluded:
            disjuncts = [d for i in sorted(excluded) for d in self.proof.disjuncts[i]]
            self.proof.parts.append(Part(True, [Goal(disjuncts, ProofTree())]))
            self.unrecorded -= excluded
        return done

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
        for number in self.open:
            polytope = self.unsafe.polytopes[number]
            lowest = output_bounds(self.graph, bounds, polytope.matrix.values).lower[0]
            limit = np.nextafter(polytope.offset.values, np.inf)
            if not (polytope.matrix.is_dyadic and (lowest > limit).any()):
                still.append(number)
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
        outcome = self._branch_and_bound(self.node_bounds, self.open, self.deadline, threads)
        if outcome.proved:
            self.trusts.append(Trust.RIGOROUS)
            self.evidence.proof, self.evidence.reason = weakest(*self.trusts), ""
        elif self.evidence.witness is None:
            self.evidence.reason = "; ".join(filter(None, [outcome.reason, self.evidence.reason]))

    def _branch_and_bound(self, bounds: Bounds, numbers: list[int], clock: Deadline, threads: int) -> Outcome:
        """Exclude these polytopes, recorded where a recording is asked for."""
        outcome = branch_and_bound(
            self.graph,
            bounds,
            self._polytopes(numbers),
            clock,
            # The attack looks for witnesses of all polytopes; so does every minimiser of a bound.
            lambda points: self._confirm(list(points[:4])),
            lambda lower, waiting, visited: self.report(f"{self.stage}: {visited} domains, {waiting} open"),
            threads,
            self.device,
            None if self.proof is None else self.proof.of(numbers),
        )
        if outcome.proved:
            self.unrecorded.difference_update(numbers)
        return outcome

    def record_rest(self, threads: int) -> None:
        """Prove by branch and bound what was proved otherwise, so that all of the proof is recorded."""
        if self.proof is None or self.node_bounds is None or not self.unrecorded:
            return
        self.enter("certificate/bab")
        most = max(AGAIN_SECONDS, AGAIN_SHARE * self.deadline.elapsed())
        try:
            outcome = self._branch_and_bound(
                self.node_bounds, sorted(self.unrecorded), self.deadline.share(1.0, most), threads
            )
            reason = outcome.reason
        except KeyboardInterrupt:
            reason = "interrupted"
        if self.evidence.witness is not None:
            # Exact replays outweigh a solver's word.
            self.evidence.proof = None
        elif not self.unrecorded:
            # Nothing rests on a solver any more.
            self.evidence.proof = Trust.RIGOROUS
        else:
            self.evidence.unrecorded = f"the proof ({self.evidence.proof}) was not found again by splitting: {reason}"

    def milp(self, solver: Solver, threads: int) -> None:
        self.enter(f"milp/{solver.name}")
        if self.node_bounds is None:
            return
        failures = []
        for polytope in self._polytopes(self.open):
            if self.deadline.passed():
                failures.append("the time limit was reached")
                break
            try:
                outcome = self._margin(solver, threads, self.node_bounds, polytope)
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

    def _margin(self, solver: Solver, threads: int, bounds: Bounds, polytope: Polytope) -> str:
        """Solve margin models, again while a solution shows what rows the input set lacks. Returns "" when the solver
        excludes the polytope, else why not."""
        scale = max(1.0, float(np.abs(polytope.offset.values).max(initial=0.0)))
        needed = max(MARGIN * scale, blur(self.graph, bounds, polytope))
        while True:
            encoding = encode_margin(self.graph, bounds, polytope, inputs=self.box)
            outcome, point = self._solve_margin(solver, threads, encoding, needed)
            if point is None or self.deadline.passed() or not self.box.refine(ExactVector.of(point)):
                return outcome

    def _solve_margin(
        self, solver: Solver, threads: int, encoding: Encoding, needed: float
    ) -> tuple[str, FloatArray | None]:
        """As `_margin`, and a solution that could not be confirmed, or None."""
        solution = solver.solve(
            encoding.model,
            time_limit=self.deadline.limit(),
            threads=threads if solver.features.threads else 1,
            target_bound=needed if solver.features.progress else None,
        )
        if solution.status is Status.INFEASIBLE:
            # The network has an output on every input, so this can only be a numerical failure.
            return f"{solver.name} calls a model infeasible that has a point by construction", None
        if solution.bound >= needed:
            return "", None
        if solution.point is not None and (solution.objective or 0.0) <= needed:
            x = np.asarray(solution.point[: encoding.input_size])
            if self._confirm([x, *reached_from(self.problem, x, self.deadline)]):
                return "a witness", None
            found = self.evidence.reason
            return f"the least margin is {solution.objective:.3g}, but {found}", x
        if math.isfinite(solution.bound):
            return f"{solver.name}: {solution.status.value}, margin at least {solution.bound:.3g}", None
        return f"{solver.name}: {solution.status.value} {solution.message}".strip(), None

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
        unsafe, limit = UnsafeSet(tuple(self._polytopes(self.open)), self.unsafe.outputs), self.deadline.limit
        with Session() as session:
            session.command(smt.prelude(), timeout=limit())
            session.command(smt.inputs_in_box(self.box), timeout=limit())
            for piece in smt.network(self.graph, bounds):
                session.command(piece, timeout=limit())
            session.command(smt.in_unsafe(self.graph, unsafe, bounds), timeout=limit())
            said = set(smt.set_rows(self.box))
            while (answer := session.check(timeout=limit())) == "sat":
                names = [smt.name(0, i) for i in range(self.graph.input_size)]
                point = ExactVector.of(session.values(names).values())
                if self._confirm_solution(point, bounds) or not self.box.refine(point):
                    break
                rows = [row for row in smt.set_rows(self.box) if row not in said]
                said.update(rows)
                session.command("\n".join(rows), timeout=limit())
            if answer == "unsat":
                self.trusts.append(Trust.Z3)
                self.evidence.proof, self.evidence.reason = weakest(*self.trusts), ""
            elif answer == "unknown":
                self.evidence.reason = f"Z3 gave up: {session.reason_unknown()}"

    def _confirm_solution(self, point: ExactVector, bounds: Bounds) -> bool:
        """Whether Z3's point, or one near it, is a witness; if not, why is said."""
        if not self.box.contains(point):
            # A solution of the rows that the set has so far.
            return self._confirm([point])
        if self._confirm(around(self.problem, self.unsafe, point, bounds, self.deadline)):
            return True
        self.evidence.real = replay_exactly(self.network, self.unsafe, point)
        what = "violated over the reals" if self.evidence.real else "Z3's model failed its exact replay"
        self.evidence.reason = f"{what}: {self.evidence.reason}"
        return False
