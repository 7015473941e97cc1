"""Zonotopes (DeepZ): an affine form for each neuron is pushed through."""

from __future__ import annotations

from ....base.deadline import Deadline
from ....network.graph import Graph
from ....property.input_set import InputSet
from .method import Result, ends, method


@method("zonotope", "push a zonotope through (DeepZ)", cost=10)
def zonotope(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
    from ....bounds.zonotope import zonotope_bounds

    return Result(zonotope_bounds(graph, *ends(inputs), inputs.ball))
