"""CROWN: lines are substituted backwards."""

from __future__ import annotations

from ....base.deadline import Deadline
from ....network.graph import Graph
from ....property.input_set import InputSet
from .method import Result, ends, method


@method("linear", "substitute lines backwards (CROWN)", cost=20)
def linear(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
    from ....bounds.layers import substituted
    from ....bounds.linear import linear_bounds

    bounds = linear_bounds(graph, *ends(inputs), deadline.passed, inputs.ball)
    return Result(substituted(graph, bounds, graph.output))
