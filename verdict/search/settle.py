"""What closed linear sets leave open, decided by the formula itself: points nearby, points all over the box, Z3.

A witness has to satisfy the formula as it stands, strict inequalities, equations and products included, over the reals
and with what ONNX Runtime computes, both without tolerance. Formulas with products are bounded on ever smaller boxes
too. Z3 gets the formula and the network in exact rationals.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from verdict.encoders import smt
from verdict.solvers.z3_session import Session

from ..answer.replay import deployable
from ..answer.results import Trust, Witness
from ..base.deadline import Deadline
from ..base.errors import SolverError
from ..bounds import Bounds, linear_bounds
from ..network.exact import ExactVector, FloatArray
from ..network.graph import Graph
from ..network.network import Network
from ..property import Box, Problem
from ..property.formula import comparisons
from .asked import Asked, accepted
from .boxes.paving import Paving
from .options import DEFAULTS, SearchOptions
from .points.model_point import model_point
from .points.nearby import around

# Random points and corners that are tried before Z3.
SAMPLES = 64
# How long this may take where no time limit was given.
UNLIMITED_SECONDS = 60.0
# A formula with products is hard for Z3 or very easy: share of the time, and most seconds, of a first question, and of
# bounds on ever smaller boxes before the last one.
FIRST_QUESTION = 0.1, 3.0
PAVING = 0.5, 60.0


def coefficients(graph: Graph) -> int:
    """About how many coefficients the linear maps of a graph have."""
    return sum(linear.out_size * linear.fan_in for node in graph.affine.values() for linear, _ in node.terms)


@dataclass
class Settling:
    """Decides one case's box by the formula: `witness`, `proof`, or neither and the `reason`."""

    asked: Asked
    network: Network
    problem: Problem
    box: Box
    deadline: Deadline
    options: SearchOptions = DEFAULTS
    witness: Witness | None = None
    proof: Trust | None = None
    # A solution over the reals that the deployed network does not confirm.
    real: Witness | None = None
    reason: str = "the point found satisfies the query only with its inequalities closed"

    def __post_init__(self) -> None:
        if self.deadline.limit() is None:
            self.deadline = Deadline(UNLIMITED_SECONDS)

    def settle(self, start: ExactVector | None) -> None:
        """Try points near `start`, which satisfies the closed case if there is one, and all over the box; ask Z3."""
        if self.deadline.passed():
            return
        if coefficients(self.network.graph) > self.options.most_coefficients:
            self.reason = "the network is too large to decide the formula itself"
            return
        lower, upper = self.box.floats()
        bounds = linear_bounds(self.problem.network.graph, lower[None], upper[None], self.deadline.passed)
        rng = np.random.default_rng(2)
        random = rng.uniform(lower, upper, (SAMPLES, len(lower)))
        corners = np.where(rng.random((SAMPLES, len(lower))) < 0.5, lower, upper)
        near = [] if start is None else around(self.problem, self.problem.unsafe, start, bounds, self.deadline)
        if self._try(near) or self._try([(lower + upper) / 2, lower, upper, *random, *corners]):
            return
        formula = self.asked.joint_formula
        is_linear = all(c.polynomial.degree <= 1 for c in comparisons(formula))
        if is_linear:
            self._ask_z3(bounds, False, self.deadline)
        elif not self._ask_z3(bounds, True, self.deadline.share(*FIRST_QUESTION)):
            if Paving(self.network, formula, self.box).run(self.deadline.share(*PAVING), self._try):
                self.proof, self.reason = Trust.RIGOROUS, ""
            elif self.witness is None:
                self._ask_z3(bounds, True, self.deadline)

    def _try(self, candidates: Iterable[ExactVector | FloatArray]) -> bool:
        """Whether some candidate is a witness."""
        for candidate in candidates:
            if self.deadline.passed():
                break
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

    def _ask_z3(self, bounds: Bounds, products: bool, clock: Deadline) -> bool:
        """Whether Z3 has said sat or unsat within the time."""
        try:
            return self._z3_decides(bounds, products, clock)
        except SolverError as error:
            self.reason = f"Z3 gave up: {error}"
            return False

    def _z3_decides(self, bounds: Bounds, products: bool, clock: Deadline) -> bool:
        graph, limit = self.network.graph, clock.limit
        with Session() as session:
            session.command(smt.prelude(graph, products), timeout=limit())
            session.command(smt.inputs_in_box(self.box), timeout=limit())
            for piece in smt.network(graph, bounds):
                session.command(piece, timeout=limit())
            session.command(smt.formula(self.asked.joint_formula, graph, bounds), timeout=limit())
            answer = session.check(timeout=limit())
            if answer == "unsat":
                self.proof, self.reason = Trust.Z3, ""
            elif answer == "unknown":
                self.reason = f"Z3 gave up: {session.reason_unknown()}"
            else:
                point = model_point(session, graph.input_size)
                if not self._try(around(self.problem, self.problem.unsafe, point, bounds, self.deadline)):
                    outputs = self.network.evaluate_exact(point)
                    self.reason = "Z3's model is irrational, and no rational point near it satisfies the query"
                    if self.asked.holds(point.fractions(), outputs.fractions()):
                        self.real = Witness(point, outputs, "the query")
                        self.reason = "satisfied over the reals, but at no point found that ONNX Runtime confirms"
            return answer != "unknown"
