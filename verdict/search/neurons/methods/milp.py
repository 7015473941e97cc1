"""Mixed-integer programs over the layers below each neuron."""

from __future__ import annotations

from ....answer.results import Trust
from ....base.deadline import Deadline
from ....network.graph import Graph
from ....property.input_set import InputSet
from .method import Result, ends, method


@method("milp", "mixed-integer programs over the layers below", cost=60, trust=Trust.SOLVER)
def milp(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
    from ..tighten_milp import milp_bounds

    found = milp_bounds(graph, *ends(inputs), deadline, inputs=inputs)
    did = found.count
    note = f"{did.tried} MILPs: {did.improved} improved an end, {did.stabilised} ReLUs stabilised, {did.cut} cut short"
    return Result(found.bounds, note)
