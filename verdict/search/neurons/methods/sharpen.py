"""Branch and bound on single neurons."""

from __future__ import annotations

from ....base.deadline import Deadline
from ....network.functions import Feature
from ....network.graph import Graph
from ....property.input_set import InputSet
from .linear import linear
from .method import Result, method

# Splits for each unstable neuron, and threads.
SHARPEN_ROUNDS, SHARPEN_THREADS = 32, 2


@method("sharpen", "branch and bound on single neurons", cost=50)
def sharpened(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
    from ....base.workers import Workers
    from ....bounds.alpha_output import optimised_output
    from ...means import Means
    from ..sharpen import Round, sharpen

    graph.require(Feature.ON_OFF, "branch and bound over neurons")
    with Workers(SHARPEN_THREADS) as workers:
        start = linear(graph, inputs, deadline).bounds
        bounds = sharpen(graph, start, Round(SHARPEN_ROUNDS), Means(workers), deadline.passed)
    return Result(optimised_output(graph, bounds, deadline))
