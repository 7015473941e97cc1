"""What a method of bounding is, and the list of those that are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ....answer.results import Trust
from ....base.deadline import Deadline
from ....bounds.bounds import Bounds
from ....network.exact import FloatArray
from ....network.graph import Graph
from ....property.input_set import InputSet


@dataclass(frozen=True, eq=False)
class Result:
    """Bounds on one input set (batch 1), and what else the method has to say."""

    bounds: Bounds
    note: str = ""


Run = Callable[[Graph, InputSet, Deadline], Result]


@dataclass(frozen=True)
class Method:
    """`run(graph, inputs, deadline)` bounds every node on an input set; `trust` is what stands behind the result,
    `idea` one line about it, `cost` its place in the order of the list."""

    name: str
    idea: str
    trust: Trust
    cost: int
    run: Run


METHODS: dict[str, Method] = {}


def method(name: str, idea: str, cost: int, trust: Trust = Trust.RIGOROUS) -> Callable[[Run], Run]:
    """Enter a function as the method of that name."""

    def enter(run: Run) -> Run:
        known = [*(m for m in METHODS.values() if m.name != name), Method(name, idea, trust, cost, run)]
        METHODS.clear()
        METHODS.update((m.name, m) for m in sorted(known, key=lambda m: m.cost))
        return run

    return enter


def ends(inputs: InputSet) -> tuple[FloatArray, FloatArray]:
    """The box around an input set, as a batch of one: each (1, input_size)."""
    lower, upper = inputs.floats()
    return lower[None], upper[None]
