"""Deciding a query: its cases one by one, then, where closed linear sets say too little, the formula itself.

The cases of a query are closed and linear, so a proof of them proves the query; a witness has to satisfy the formula
as it stands, over the reals and with what ONNX Runtime computes, both without tolerance. Where a strict inequality, an
equation or a product is what is left, Z3 is asked with the formula in exact rationals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol

import numpy as np

from verdict.encoders import smt
from verdict.solvers.z3_session import Session

from ..bounds import Bounds, linear_bounds
from ..certificate.replay import deployable, scores
from ..deadline import Deadline
from ..errors import SolverError
from ..network.exact import ExactVector, FloatArray
from ..network.network import Network
from ..property import Box, Problem
from ..property.cases import Case
from ..property.formula import Formula, comparisons
from ..results import Trust, Witness, weakest
from .heads import refuse_head
from .nearby import around
from .robust import Evidence

# Random points, corners and the centre, that a formula with products is tried on before Z3.
SAMPLES = 64
# How long the formula itself is worked on where no time limit was given.
UNLIMITED_SECONDS = 60.0
_APPROXIMATE = re.compile(r"\(\s*(x[0-9]+)\s+(\(-\s*)?([0-9.]+)\??\)?\s*\)")


class Asked(Protocol):
    """What was asked: a formula over a network's inputs and outputs, and cases that cover its solutions."""

    @property
    def cases(self) -> tuple[Case, ...]: ...

    @property
    def joint_formula(self) -> Formula: ...

    def holds(self, x: Sequence[Fraction], y: Sequence[Fraction]) -> bool: ...


def decide_query(
    asked: Asked,
    network: Network,
    search: Callable[[Problem, Case], Evidence],
    deadline: Deadline,
    thorough: bool = True,
) -> Evidence:
    """Evidence for a witness of `asked`, or for a proof that there is none; `search` decides one case's problem.

    What a search leaves open because a witness is none of the formula's is decided by the formula; with `thorough`,
    so is what it leaves open for another reason than the time.
    """
    total = Evidence()
    proofs, reasons = [Trust.EXACT], []
    for case in asked.cases:
        subject = network.passing_inputs() if case.outputs_with_inputs else network
        refuse_head(subject, case.unsafe)
        problem = Problem(subject, case.inputs, case.unsafe)
        evidence = search(problem, case)
        for stage, seconds in evidence.stages.items():
            total.stages[stage] = total.stages.get(stage, 0.0) + seconds
        if evidence.witness is not None:
            total.witness = accepted(asked, network, evidence.witness)
        if total.witness is None and evidence.proof is None:
            if evidence.witness is None and (deadline.passed() or not thorough):
                reasons.append(evidence.reason)
                continue
            last = _LastResort(asked, network, problem, case.inputs, deadline)
            started = deadline.elapsed()
            last.settle(None if evidence.witness is None else evidence.witness.point)
            total.stages["formula"] = total.stages.get("formula", 0.0) + deadline.elapsed() - started
            total.witness = last.witness
            if last.proved:
                proofs.append(Trust.Z3)
                total.unrecorded = "Z3 decided the query as it stands, where a proof with inequalities closed failed"
            else:
                reasons += filter(None, [evidence.reason, last.reason])
        elif evidence.proof is not None:
            proofs.append(evidence.proof)
            total.unrecorded = total.unrecorded or evidence.unrecorded
        if total.witness is not None:
            return total
    if not reasons:
        total.proof = weakest(*proofs)
    total.reason = "; ".join(dict.fromkeys(reasons))
    return total


def accepted(asked: Asked, network: Network, witness: Witness) -> Witness | None:
    """The witness without appended inputs, if it satisfies the formula exactly, over the reals and as deployed."""
    x = witness.point.fractions()
    outputs = witness.outputs.fractions()[: network.output_size]
    if witness.runtime_outputs is None or not asked.holds(x, outputs):
        return None
    # Of a network that ends in Softmax or ArgMax only the order of outputs is asked, see `refuse_head`.
    deployed = scores(network, witness.runtime_outputs, witness.array())
    if not asked.holds(x, [Fraction(float(v)) for v in deployed]):
        return None
    return replace(witness, outputs=ExactVector.of(outputs))


@dataclass
class _LastResort:
    """Decides one case's box by the formula itself: `witness`, `proved`, or neither and the `reason`."""

    asked: Asked
    network: Network
    problem: Problem
    box: Box
    deadline: Deadline
    witness: Witness | None = None
    proved: bool = False
    reason: str = "the point found satisfies the query only with its inequalities closed"

    def __post_init__(self) -> None:
        if self.deadline.limit() is None:
            self.deadline = Deadline(UNLIMITED_SECONDS)

    def settle(self, start: ExactVector | None) -> None:
        """Try points near `start`, which satisfies the closed case if there is one, and all over the box; ask Z3."""
        if self.deadline.passed():
            return
        lower, upper = self.box.floats()
        bounds = linear_bounds(self.problem.network.graph, lower[None], upper[None], self.deadline.passed)
        rng = np.random.default_rng(2)
        random = rng.uniform(lower, upper, (SAMPLES, len(lower)))
        corners = np.where(rng.random((SAMPLES, len(lower))) < 0.5, lower, upper)
        near = [] if start is None else around(self.problem, self.problem.unsafe, start, bounds, self.deadline)
        if self._try(near) or self._try([(lower + upper) / 2, lower, upper, *random, *corners]):
            return
        try:
            self._ask_z3(bounds)
        except SolverError as error:
            self.reason = f"Z3 gave up: {error}"

    def _try(self, candidates: Iterable[ExactVector | FloatArray]) -> bool:
        """Whether some candidate is a witness."""
        for candidate in candidates:
            placed = deployable(self.network, self.box, candidate)
            if placed is None:
                continue
            point = ExactVector.of(placed[0]) if placed[1] is None else placed[1]
            outputs = self.network.evaluate_exact(point)
            if not self.asked.holds(point.fractions(), outputs.fractions()):
                continue
            deployed = self.network.runtime(placed[0])
            witness = Witness(point, outputs, "", None, deployed, placed[1] is not None)
            self.witness = accepted(self.asked, self.network, witness)
            if self.witness is not None:
                return True
            self.reason = "satisfied over the reals at a point where ONNX Runtime does not confirm it"
        return False

    def _ask_z3(self, bounds: Bounds) -> None:
        graph, limit = self.network.graph, self.deadline.limit
        formula = self.asked.joint_formula
        is_linear = all(c.polynomial.degree <= 1 for c in comparisons(formula))
        with Session() as session:
            session.command(smt.prelude("QF_LRA" if is_linear else "QF_NRA"), timeout=limit())
            session.command(smt.inputs_in_box(self.box), timeout=limit())
            for piece in smt.network(graph, bounds):
                session.command(piece, timeout=limit())
            session.command(smt.formula(formula, graph, bounds), timeout=limit())
            answer = session.check(timeout=limit())
            if answer == "unsat":
                self.proved, self.reason = True, ""
            elif answer == "unknown":
                self.reason = f"Z3 gave up: {session.reason_unknown()}"
            else:
                point = _point(session, graph.input_size)
                if not self._try(around(self.problem, self.problem.unsafe, point, bounds, self.deadline)):
                    self.reason = (
                        "satisfied over the reals, but at no point found that ONNX Runtime confirms"
                        if self.asked.holds(point.fractions(), self.network.evaluate_exact(point).fractions())
                        else "Z3's model is irrational, and no rational point near it satisfies the query"
                    )


def _point(session: Session, size: int) -> ExactVector:
    """Z3's model; where a value is irrational, one close to it."""
    names = [smt.name(0, i) for i in range(size)]
    try:
        return ExactVector.of(session.values(names).values())
    except SolverError:
        session.command("(set-option :pp.decimal true)")
        text = session.command(f"(get-value ({' '.join(names)}))")
        found = {name: (-1 if minus else 1) * Fraction(value) for name, minus, value in _APPROXIMATE.findall(text)}
        if len(found) != size:
            raise
        return ExactVector.of([found[name] for name in names])
