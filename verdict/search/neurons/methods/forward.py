"""Forward bounds: two linear functions of the inputs for each neuron, pushed through."""

from __future__ import annotations

from ....base.deadline import Deadline
from ....network.graph import Graph
from ....property.input_set import InputSet
from .method import Result, ends, method


@method("forward", "push two linear functions of the inputs through", cost=18)
def forward(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
    from ....bounds.forward import Forward, forward_bounds

    return Result(forward_bounds(graph, *ends(inputs), Forward(stop=deadline.passed), inputs.ball).bounds)
