"""Interval arithmetic: the box is pushed through."""

from __future__ import annotations

from ....base.deadline import Deadline
from ....network.graph import Graph
from ....property.input_set import InputSet
from .method import Result, ends, method


@method("interval", "push the box through", cost=0)
def interval(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
    from ....bounds.linear import first_layer_bounds

    return Result(first_layer_bounds(graph, *ends(inputs), deadline.passed, inputs.ball))
