"""The triangle relaxation, solved by linear programs."""

from __future__ import annotations

from ....base.deadline import Deadline
from ....network.graph import Graph
from ....property.input_set import InputSet
from .method import Result, ends, method


@method("lp", "triangle relaxation, one linear program per end", cost=40)
def lp(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
    from ..triangle import triangle_bounds

    return Result(triangle_bounds(graph, *ends(inputs), deadline, inputs))
