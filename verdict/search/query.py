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

from ..bounds import linear_bounds
from ..certificate.replay import deployable
from ..deadline import Deadline
from ..errors import SolverError
from ..network.exact import ExactVector, FloatArray
from ..network.network import Network
from ..property import Problem
from ..property.cases import Case
from ..property.formula import Formula, comparisons
from ..results import Trust, Witness, weakest
from .heads import refuse_head
from .nearby import around
from .robust import Evidence

# Random points, corners and the centre, that a formula with products is tried on before Z3.
SAMPLES = 64
_APPROXIMATE = re.compile(r"\(\s*(x[0-9]+)\s+(\(-\s*)?([0-9.]+)\??\)?\s*\)")


class Asked(Protocol):
    """What was asked: a formula over a network's inputs and outputs, and cases that cover its solutions."""

    @property
    def cases(self) -> tuple[Case, ...]: ...

    @property
    def joint_formula(self) -> Formula: ...

    def holds(self, x: Sequence[Fraction], y: Sequence[Fraction]) -> bool: ...


@dataclass
class _Settled:
    witness: Witness | None = None
    proved: bool = False
    reason: str = ""


def decide_query(
    asked: Asked, network: Network, search: Callable[[Problem, Case], Evidence], deadline: Deadline
) -> Evidence:
    """Evidence for a witness of `asked`, or for a proof that there is none; `search` decides one case's problem."""
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
            total.witness = _accepted(asked, network, evidence.witness)
            if total.witness is None and not deadline.passed():
                settled = _settle(asked, network, problem, evidence.witness.point, deadline)
                total.witness = settled.witness
                if settled.proved:
                    proofs.append(Trust.Z3)
                else:
                    reasons.append(settled.reason)
            elif total.witness is None:
                reasons.append("the witness found satisfies the query only with its inequalities closed")
            if total.witness is not None:
                total.reason = ""
                return total
        elif evidence.proof is None:
            reasons.append(evidence.reason)
        else:
            proofs.append(evidence.proof)
    if not reasons:
        total.proof = weakest(*proofs)
    total.reason = "; ".join(dict.fromkeys(reasons))
    return total


def _accepted(asked: Asked, network: Network, witness: Witness) -> Witness | None:
    """The witness without appended inputs, if it satisfies the formula exactly, over the reals and as deployed."""
    x = witness.point.fractions()
    outputs = witness.outputs.fractions()[: network.output_size]
    if witness.runtime_outputs is None or not asked.holds(x, outputs):
        return None
    deployed = [Fraction(float(v)) for v in witness.runtime_outputs]
    # A network that ends in Softmax or ArgMax is only asked for the order of its outputs, see `refuse_head`.
    if network.head is None and not asked.holds(x, deployed):
        return None
    return replace(witness, outputs=ExactVector.of(outputs))


def _settle(asked: Asked, network: Network, problem: Problem, start: ExactVector, deadline: Deadline) -> _Settled:
    """Decide one case's box by the formula itself: points near `start`, then Z3."""
    settled = _Settled()
    lower, upper = problem.inputs.floats()
    bounds = linear_bounds(problem.network.graph, lower[None], upper[None], deadline.passed)
    near: list[ExactVector | FloatArray] = list(around(problem, problem.unsafe, start, bounds, deadline))
    rng = np.random.default_rng(2)
    random = rng.uniform(lower, upper, (SAMPLES, len(lower)))
    corners = np.where(rng.random((SAMPLES, len(lower))) < 0.5, lower, upper)
    if _try(asked, network, problem, [*near, (lower + upper) / 2, lower, upper, *random, *corners], settled):
        return settled
    try:
        _ask_z3(asked, network, problem, deadline, settled)
    except SolverError as error:
        settled.reason = f"Z3 gave up: {error}"
    return settled


def _try(
    asked: Asked, network: Network, problem: Problem, candidates: Iterable[ExactVector | FloatArray], settled: _Settled
) -> bool:
    """Whether some candidate is a witness, which is then `settled.witness`; else `settled.reason` says why not."""
    real_only = False
    for candidate in candidates:
        placed = deployable(network, problem.inputs, candidate)
        if placed is None:
            continue
        point = ExactVector.of(placed[0]) if placed[1] is None else placed[1]
        outputs = network.evaluate_exact(point)
        if not asked.holds(point.fractions(), outputs.fractions()):
            continue
        real_only = True
        witness = Witness(point, outputs, "", None, network.runtime(placed[0]), placed[1] is not None)
        settled.witness = _accepted(asked, network, witness)
        if settled.witness is not None:
            return True
    settled.reason = (
        "satisfied over the reals at a point where ONNX Runtime does not confirm it"
        if real_only
        else "no point was found that satisfies the query strictly"
    )
    return False


def _ask_z3(asked: Asked, network: Network, problem: Problem, deadline: Deadline, settled: _Settled) -> None:
    graph, limit = network.graph, deadline.limit
    is_linear = all(c.polynomial.degree <= 1 for c in comparisons(asked.joint_formula))
    lower, upper = problem.inputs.floats()
    bounds = linear_bounds(graph, lower[None], upper[None], deadline.passed)
    with Session() as session:
        session.command(smt.prelude("QF_LRA" if is_linear else "QF_NRA"), timeout=limit())
        session.command(smt.inputs_in_box(problem.inputs), timeout=limit())
        for piece in smt.network(graph, bounds):
            session.command(piece, timeout=limit())
        session.command(smt.formula(asked.joint_formula, graph, bounds), timeout=limit())
        answer = session.check(timeout=limit())
        if answer == "unsat":
            settled.proved, settled.reason = True, ""
        elif answer == "unknown":
            settled.reason = f"Z3 gave up: {session.reason_unknown()}"
        else:
            point = _point(session, graph.input_size)
            real = asked.holds(point.fractions(), network.evaluate_exact(point).fractions())
            problem_bounds = linear_bounds(problem.network.graph, lower[None], upper[None], deadline.passed)
            near = around(problem, problem.unsafe, point, problem_bounds, deadline)
            if not _try(asked, network, problem, near, settled) and real:
                settled.reason = "satisfied over the reals, but at no float point nearby that ONNX Runtime confirms"


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
