"""Every method of bounding, by name: the one list that commands, engines and benchmarks read.

A method takes an input set and a deadline and bounds every node, the output included; what does not fit in the time
keeps looser bounds. Adding a method is a file of its own and an entry here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ...answer.results import Trust
from ...base.arguments import word
from ...base.deadline import Deadline
from ...base.errors import InputError
from ...bounds.bounds import Bounds
from ...network.exact import FloatArray
from ...network.graph import Graph
from ...property.input_set import InputSet

# What an engine's formula gets unless told otherwise, by measurement (`benchmarks run engine-bounds`: Z3 gains
# nothing from numbers that are a little tighter, MILP does on wider networks), and the time that it may take: a
# part of what is left, at most so many seconds.
ENCODER_BOUNDS = {"smt": "linear", "milp": "alpha"}
TIGHTEN_SHARE, TIGHTEN_SECONDS = 0.3, 60.0
# Splits for each unstable neuron, and threads.
SHARPEN_ROUNDS, SHARPEN_THREADS = 32, 2


@dataclass(frozen=True, eq=False)
class Result:
    """Bounds on one input set (batch 1), and what else the method has to say."""

    bounds: Bounds
    note: str = ""


@dataclass(frozen=True)
class Method:
    """`run(graph, inputs, deadline)` bounds every node on an input set; `trust` is what stands behind the result,
    `idea` one line about it."""

    name: str
    idea: str
    trust: Trust
    run: Callable[[Graph, InputSet, Deadline], Result]


def _ends(inputs: InputSet) -> tuple[FloatArray, FloatArray]:
    """The box around an input set, as a batch of one: each (1, input_size)."""
    lower, upper = inputs.floats()
    return lower[None], upper[None]


def _interval(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
    from ...bounds.linear import first_layer_bounds

    return Result(first_layer_bounds(graph, *_ends(inputs), deadline.passed, inputs.ball))


def _zonotope(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
    from ...bounds.zonotope import zonotope_bounds

    return Result(zonotope_bounds(graph, *_ends(inputs), inputs.ball))


def _linear(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
    from ...bounds.layers import substituted
    from ...bounds.linear import linear_bounds

    bounds = linear_bounds(graph, *_ends(inputs), deadline.passed, inputs.ball)
    return Result(substituted(graph, bounds, graph.output))


def _alpha(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
    from ...bounds.alpha import alpha_bounds
    from ...bounds.alpha_output import optimised_output

    bounds = alpha_bounds(graph, _linear(graph, inputs, deadline).bounds, stop=deadline.passed)
    return Result(optimised_output(graph, bounds, deadline))


def _lp(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
    from .triangle import triangle_bounds

    return Result(triangle_bounds(graph, *_ends(inputs), deadline, inputs))


def _sharpen(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
    from ...base.workers import Workers
    from ...bounds.alpha_output import optimised_output
    from .sharpen import sharpen

    with Workers(SHARPEN_THREADS) as workers:
        bounds = sharpen(
            graph, _linear(graph, inputs, deadline).bounds, SHARPEN_ROUNDS, workers, deadline.passed
        )
    return Result(optimised_output(graph, bounds, deadline))


def _milp(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
    from .tighten_milp import milp_bounds

    found = milp_bounds(graph, *_ends(inputs), deadline, inputs=inputs)
    did = found.count
    note = f"{did.tried} MILPs: {did.improved} improved an end, {did.stabilised} ReLUs stabilised, {did.cut} cut short"
    return Result(found.bounds, note)


METHODS = {
    method.name: method
    for method in (
        Method("interval", "push the box through", Trust.RIGOROUS, _interval),
        Method("zonotope", "push a zonotope through (DeepZ)", Trust.RIGOROUS, _zonotope),
        Method("linear", "substitute lines backwards (CROWN)", Trust.RIGOROUS, _linear),
        Method("alpha", "the same with optimised lines", Trust.RIGOROUS, _alpha),
        Method("lp", "triangle relaxation, one linear program per end", Trust.RIGOROUS, _lp),
        Method("sharpen", "branch and bound on single neurons", Trust.RIGOROUS, _sharpen),
        Method("milp", "mixed-integer programs over the layers below", Trust.SOLVER, _milp),
    )
}


def choose(names: str | Iterable[str]) -> list[Method]:
    """The methods of a comma-separated list, in its order; "all" is every one. Raises InputError."""
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    chosen: list[Method] = []
    for name in wanted:
        if name == "all":
            chosen += METHODS.values()
        elif name in METHODS:
            chosen.append(METHODS[name])
        else:
            close = difflib.get_close_matches(name, METHODS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else "."
            raise InputError(f"there is no method {name!r}{hint} Known: {', '.join(METHODS)}, all")
    return list(dict.fromkeys(chosen))


def encoder_bounds(name: str | None, engine: str) -> str:
    """The method whose bounds an engine encodes, checked. Raises InputError."""
    if name is None:
        # `auto` ends in MILP.
        return ENCODER_BOUNDS.get(engine, ENCODER_BOUNDS["milp"])
    method = choose([word(name, "bounds")])[0]
    if name == "all":
        raise InputError("the encoder takes one method's bounds, not all")
    if engine not in ("milp", "smt"):
        raise InputError(f"the {engine} engine encodes no bounds; --bounds goes with --engine milp or smt")
    if method.trust is Trust.SOLVER and engine != "milp":
        raise InputError(f"the bounds of {name} are a solver's word, which the {engine} engine does not take")
    return method.name
