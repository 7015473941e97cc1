"""Many cases of one query at once: which of them linear bounds exclude, and which of the others look worst.

A query may have tens of thousands of small boxes, each with its own unsafe outputs; nearly all fall to bounds, which
take a hundred boxes in the time of one. What is left is decided one by one, the most promising for a witness first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..base.deadline import Deadline
from ..bounds.backward import backward
from ..bounds.bounds import Bounds
from ..bounds.combined import combined_bounds
from ..bounds.forward import Forward, forward_first
from ..bounds.linear import linear_bounds
from ..bounds.lines import crown_lines
from ..network.exact import FloatArray
from ..network.graph import Graph
from ..property.cases import Case

# Fewer cases are decided one by one; the numbers in the largest arrays of a batch; the share of the time for all.
FEW, ENTRIES, SHARE = 8, 2**22, 0.5


@dataclass(frozen=True, eq=False)
class Looked:
    """What bounds say of cases: `excluded` (numbers), and all others in the `order` to decide them."""

    excluded: frozenset[int]
    order: tuple[int, ...]


def look(cases: Sequence[Case], graph: Graph, with_inputs: Graph | None, deadline: Deadline) -> Looked:
    """Bound all cases, those about inputs and outputs on the graph that passes the inputs through."""
    slack = dict.fromkeys(range(len(cases)), -math.inf)
    clock = deadline.share(SHARE, math.inf)
    for passes, its in ((False, graph), (True, with_inputs)):
        own = [i for i in slack if cases[i].outputs_with_inputs is passes and cases[i].inputs.ball is None]
        if its is None or len(own) < FEW:
            continue
        size = max(1, ENTRIES // max(1, sum(node.size for node in its.nodes) * _rows(cases[own[0]])))
        for start in range(0, len(own), size):
            if clock.passed():
                break
            some = own[start : start + size]
            slack |= dict(zip(some, _slack(its, [cases[i] for i in some], clock), strict=True))
    excluded = frozenset(i for i, found in slack.items() if found > 0)
    return Looked(excluded, tuple(sorted(slack.keys() - excluded, key=lambda i: (slack[i], i))))


def _rows(case: Case) -> int:
    return sum(len(polytope.offset.values) for polytope in case.unsafe.polytopes)


def _slack(graph: Graph, cases: Sequence[Case], clock: Deadline) -> list[float]:
    """For each case the least over its polytopes of the best row's margin: positive if bounds exclude all of it."""
    ends = [case.inputs.floats() for case in cases]
    low, high = (np.stack([end[side] for end in ends]) for side in (0, 1))
    rows: FloatArray = np.zeros((len(cases), max(map(_rows, cases)), graph.output_size))
    for place, case in enumerate(cases):
        own = np.concatenate([polytope.matrix.values for polytope in case.unsafe.polytopes])
        rows[place, : len(own)] = own
    slack, known = np.full(len(cases), -math.inf), forward_first(graph, low, high, clock.passed)
    if known is not None:
        slack = _least(graph, known, cases, rows)
    left = np.flatnonzero(slack <= 0)
    if len(left) and not clock.passed():
        if known is None:
            bounds = linear_bounds(graph, low[left], high[left], clock.passed)
        else:
            known = known.with_ends([end[left] for end in known.lower], [end[left] for end in known.upper])
            bounds = combined_bounds(graph, known, Forward(known=known), clock.passed).bounds
        slack[left] = _least(graph, bounds, [cases[i] for i in left.tolist()], rows[left])
    found: list[float] = slack.tolist()
    return found


def _least(graph: Graph, bounds: Bounds, cases: Sequence[Case], rows: FloatArray) -> FloatArray:
    """The slack of each case by these bounds of hidden neurons; `rows` (cases, rows, outputs) are the cases' own."""
    lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
    lowest = backward(graph, bounds, graph.output, rows, lines).lower
    return np.array([_of_one(case, own) for case, own in zip(cases, lowest, strict=True)])


def _of_one(case: Case, lowest: FloatArray) -> float:
    """The slack of one case; 0 where a polytope is not excluded although its bounds look so."""
    start, least = 0, math.inf
    for polytope in case.unsafe.polytopes:
        own = lowest[start : start + len(polytope.offset.values)]
        start += len(own)
        margin = float((own - polytope.offset.values).max())
        least = min(least, margin if polytope.excluded_by(own) else min(margin, 0.0))
    return least
