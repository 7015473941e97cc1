"""One box of an input split worked on hard: its ReLUs are split.

That costs as much as bounding some boxes and replaces whole subtrees where halving makes no progress, as around points
where the unsafe set is almost touched: there few ReLUs are unstable, and the slopes and multipliers of a handful of
splits see what many boxes do not. Whether it pays, `input_split` measures as it goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...base.deadline import Deadline
from ...base.workers import Workers
from ...bounds.linear import linear_bounds, output_bounds
from ...certificate.proof import ProofTree
from ...certificate.recording import Recording
from ...network.exact import FloatArray
from ...network.functions import Feature
from ...network.graph import Graph
from ...property import UnsafeSet
from ..relus.mean_row import with_mean
from ..relus.relu_split import ReluSplit
from ..rows import Rows

if TYPE_CHECKING:
    from ...certificate.neurons import NeuronMap


class Turns(Deadline):
    """So many looks at a clock that also shows `deadline`: a limit that other work on the machine does not move."""

    def __init__(self, turns: float, deadline: Deadline) -> None:
        super().__init__(deadline.remaining())
        self.turns = turns

    def passed(self) -> bool:
        self.turns -= 1
        return self.turns < 0 or super().passed()


@dataclass(frozen=True, eq=False)
class ReluProof:
    """What closed a box: a tree of ReLU splits about one polytope, and weights (rows,) of the others' rows.

    The weights that the tree's leaves have are of the rows of `shares` (k, rows of all polytopes), each a mean of rows.
    """

    tree: ProofTree
    shares: FloatArray
    others: FloatArray


@dataclass(frozen=True, eq=False)
class Work:
    """Whether the box is proved safe, points of it that look unsafe, (k, input_size), and the proof if recorded."""

    closed: bool
    points: FloatArray
    proof: ReluProof | None = None


class HardBox:
    """Works on boxes of one network and unsafe set, on which one polytope is left; `neurons` are needed to record."""

    def __init__(self, graph: Graph, unsafe: UnsafeSet, rows: Rows, neurons: NeuronMap | None = None) -> None:
        self.graph, self.unsafe, self.rows, self.neurons = graph, unsafe, rows, neurons

    def work(self, low: FloatArray, high: FloatArray, deadline: Deadline) -> Work:
        """Split neurons on the box [low, high] until it is closed or the time is up, where they can be split."""
        if not self.graph.has(Feature.ON_OFF):
            return Work(False, low[None][:0])
        bounds = linear_bounds(self.graph, low[None], high[None])
        bound = output_bounds(self.graph, bounds, self.rows.matrix)
        margins, weights = self.rows.margins(bound, low[None], high[None])
        left = int(margins[0].argmin())
        points = [low[None][:0]]
        if (np.delete(margins[0], left) <= 0).any():
            return Work(False, points[0])

        def note(suspects: FloatArray) -> bool:
            points.append(suspects)
            return True

        polytope, means = with_mean(self.unsafe.polytopes[left], weights[0, self.rows.of(left)])
        proof = None if self.neurons is None else Recording(self.neurons, [[0]], any_order=True)
        # A linear program costs more than halving the box.
        search = ReluSplit(self.graph, bounds, [polytope], Workers(1), note, proof=proof, programs=False)
        outcome = search.run(deadline)
        found = np.concatenate(points)
        if proof is None or not outcome.proved:
            return Work(outcome.proved, found)
        search.record(deadline, 0.0)
        (goal,) = proof.parts[0].goals
        own = self.rows.of(left)
        shares, others = np.zeros((len(means), len(self.rows.owner))), weights[0]
        shares[:, own], others[own] = means, 0
        # Raw multipliers are those of one disjunct, and this tree becomes part of a goal of any number.
        return Work(not goal.tree.has_raw, found, ReluProof(goal.tree, shares, others))
