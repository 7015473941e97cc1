"""A question whose proof is to be certified: recorded while it is found, then written and checked.

A proof over the reals may leave too little margin for what float32 rounds away, or for how the checker rounds. Then
the question is asked once more about a slightly larger unsafe set, larger by what rounding could cost, and the proof of
that is a certificate of both.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..bounds import Bounds, linear_bounds
from ..bounds.linear import backward
from ..bounds.lines import crown_lines
from ..certificate.draft import Draft, prepare
from ..certificate.recording import Recording
from ..deadline import Deadline
from ..device import CPU, Device
from ..network.exact import Coefficients
from ..network.graph import Affine, Graph
from ..network.network import Network
from ..property import Box, Polytope, Problem, UnsafeSet
from ..results import Certificate
from .robust import Evidence, prove

# Without a time limit, the second proof may take so many seconds, or so many times as long as all before it.
AGAIN_SECONDS, AGAIN_SHARE = 10.0, 2.0
# Bounds of hidden neurons are looser in float32 too.
AMPLE = 1.5


class Certified:
    """The certificate of one question: `claim` as in `certificate.write`, `query` the file that it is about, if any.

    Raises InputError if the file cannot be written.
    """

    def __init__(
        self, path: str | Path, network: Network, claim: dict[str, Any], query: str | Path | None = None
    ) -> None:
        self.path, self.network, self.claim = prepare(path), network, claim
        self.query = None if query is None else Path(query)
        self.draft = self._draft()
        self.problems: list[tuple[Problem, Box]] = []

    def _draft(self) -> Draft:
        return Draft(self.path, self.network, self.claim, self.query)

    def recording(self, problem: Problem, box: Box) -> Recording | None:
        """Where the search for one problem of the question records its proof; None if that is no use."""
        self.problems.append((problem, box))
        return self.draft.recording(box, problem.unsafe)

    def made(
        self,
        evidence: Evidence,
        deadline: Deadline,
        threads: int,
        report: Callable[[str], object],
        device: Device = CPU,
    ) -> Certificate:
        """The certificate of what the search has found; the time that it takes is one more stage of the evidence."""
        if evidence.witness is not None:
            return Certificate(None, reason="a violation needs none, its witness is the evidence")
        if evidence.proof is None:
            return Certificate(None, reason="nothing was proved")
        report("certificate")
        started = deadline.elapsed()
        made = self.draft.finish(deadline, threads, evidence.unrecorded)
        if made.report is not None and not made.any_order and not deadline.passed():
            clock = deadline.share(1.0, max(AGAIN_SECONDS, AGAIN_SHARE * deadline.elapsed()))
            better = self._with_margin(clock, threads, report, device)
            made = better if better.any_order else made
        evidence.stages["certificate"] = deadline.elapsed() - started
        return made

    def _with_margin(
        self, clock: Deadline, threads: int, report: Callable[[str], object], device: Device
    ) -> Certificate:
        draft, reason = self._draft(), ""
        for problem, box in self.problems:
            proof = draft.recording(box, problem.unsafe)
            if proof is not None and not reason:
                reason = prove(for_float32(problem, box), box, clock, threads, report, device, proof)
        return draft.finish(clock, threads, reason, only_float32=True)


def for_float32(problem: Problem, box: Box) -> Problem:
    """The problem with every unsafe polytope larger by what rounding in float32 could cost its rows' bounds."""
    lower, upper = box.floats()
    graph = problem.network.graph
    bounds = linear_bounds(graph, lower[None], upper[None])
    polytopes = tuple(_larger(graph, bounds, polytope) for polytope in problem.unsafe.polytopes)
    return Problem(problem.network, box, UnsafeSet(polytopes, problem.unsafe.outputs))


def _larger(graph: Graph, bounds: Bounds, polytope: Polytope) -> Polytope:
    """The polytope with its offsets raised by what linear bounds lose to float32, whatever the order of the sums."""
    lines = {i: crown_lines(*bounds.of_relu(graph, i)) for i in graph.relus}
    rows = polytope.matrix.values
    found = backward(graph, bounds, graph.output, rows, lines, rigorous=False, keep=True)
    lost = np.abs(rows) @ _errors(graph, bounds, graph.output)
    for relu, nu in found.coefficients.items():
        lost += np.abs(lines[relu].substitute(nu)[0][0]) @ _errors(graph, bounds, graph.nodes[relu].sources[0])
    return Polytope(polytope.matrix, Coefficients(polytope.offset.values + AMPLE * lost), polytope.name)


def _errors(graph: Graph, bounds: Bounds, number: int) -> Any:
    """About how far a float32 evaluation of an affine node may be off in each entry, (size,)."""
    node = graph.nodes[number]
    products = 2 + sum(linear.fan_in + 1 for linear, _ in node.terms) if isinstance(node, Affine) else 0
    return products * 2.0**-24 * bounds.magnitude(graph, number)[0]
