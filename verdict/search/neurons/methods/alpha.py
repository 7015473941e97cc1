"""Alpha-CROWN: the same with optimised lines."""

from __future__ import annotations

from ....base.deadline import Deadline
from ....network.graph import Graph
from ....property.input_set import InputSet
from .linear import linear
from .method import Result, method


@method("alpha", "the same with optimised lines", cost=30)
def alpha(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
    from ....bounds.alpha import alpha_bounds
    from ....bounds.alpha_output import optimised_output

    bounds = alpha_bounds(graph, linear(graph, inputs, deadline).bounds, stop=deadline.passed)
    return Result(optimised_output(graph, bounds, deadline))
