"""A pointwise function that nobody has heard of, added in this one file: every part works with it, or refuses it by the
name of the feature that it does not declare. None takes it for a ReLU.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from support.functions import Vee, Wave

from verdict.base.deadline import Deadline
from verdict.base.errors import UnsupportedError
from verdict.bounds import linear_bounds, output_bounds
from verdict.bounds.dual import dual_bound
from verdict.encoders import smt
from verdict.encoders.milp import encode_margin
from verdict.network.builder import Builder
from verdict.network.evaluate import evaluate, evaluate_all, evaluate_exact, float32_error, vjp
from verdict.network.exact import Coefficients, ExactVector
from verdict.network.functions import Form, Function
from verdict.network.graph import Graph
from verdict.network.maps import Dense
from verdict.property import Box, UnsafeSet
from verdict.property.unsafe import Polytope
from verdict.search.effort import Effort
from verdict.search.engines.parts.bab import branch_and_bound
from verdict.search.neurons.methods import METHODS
from verdict.search.observer import Watch
from verdict.search.points.region import phases_at
from verdict.search.relus.space import Space
from verdict.solvers.z3_session import Session


def network(seed: int, function: Function) -> Graph:
    """Two layers of the function on two inputs, dyadic weights, three outputs."""
    rng = np.random.default_rng(seed)
    builder, node, size = Builder(2), 0, 2
    for width in (5, 4, 3):
        weight = rng.integers(-16, 17, (width, size)) / 8
        node = builder.affine([(Dense(Coefficients(weight)), node)], Coefficients(rng.integers(-8, 9, width) / 8))
        size = width
        if width > 3:
            node = builder.pointwise(function, node)
    return builder.finish(node)


LOW, HIGH = np.array([-1.0, -0.5]), np.array([0.75, 1.0])
BOX = Box([Fraction(-1), Fraction(-1, 2)], [Fraction(3, 4), Fraction(1)])
FUNCTIONS = {"Vee": Vee(), "Wave": Wave()}
# What needs a feature that Vee does not declare.
ON_OFF_METHODS = {"lp", "sharpen", "milp"}


def points(seed: int, count: int = 400) -> Any:
    return np.random.default_rng(seed).uniform(LOW, HIGH, (count, 2))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("method", METHODS)
def test_bounds_contain_or_are_refused(method: str, function: str) -> None:
    for seed in range(4):
        graph = network(seed, FUNCTIONS[function])
        if method in ON_OFF_METHODS:
            with pytest.raises(UnsupportedError, match=f"off or on; {function} is not declared so"):
                METHODS[method].run(graph, BOX, Deadline(20))
            continue
        found = METHODS[method].run(graph, BOX, Deadline(20)).bounds
        for values, low, high in zip(evaluate_all(graph, points(seed)), found.lower, found.upper, strict=True):
            assert (values >= low[0] - 1e-12).all()
            assert (values <= high[0] + 1e-12).all()
        if function == "Vee" and method == "linear":
            plain = METHODS["interval"].run(graph, BOX, Deadline(20)).bounds
            assert (found.upper[-1] - found.lower[-1] < plain.upper[-1] - plain.lower[-1]).all()


@pytest.mark.parametrize("seed", range(4))
def test_evaluation_is_exact_and_has_a_gradient(seed: int) -> None:
    graph = network(seed, Vee())
    x = np.random.default_rng(seed).integers(-32, 33, (3, 2)) / 64
    for point, found, error in zip(x, evaluate(graph, x), float32_error(graph, x), strict=True):
        exact = evaluate_exact(graph, ExactVector.of(point)).floats()
        assert np.allclose(found, exact, rtol=0, atol=1e-12)
        single = evaluate(graph, point[None].astype(np.float32))[0]
        assert (np.abs(single - exact) <= error).all()
    step = 2.0**-20
    near = x[:1] + 2.0**-9
    values = evaluate_all(graph, near)
    gradient = vjp(graph, values, np.eye(3)[:1])[0]
    moved = [(evaluate(graph, near + step * e)[0, 0] - evaluate(graph, near)[0, 0]) / step for e in np.eye(2)]
    assert np.allclose(gradient, moved, atol=1e-6)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("seed", range(4))
def test_any_multipliers_give_a_bound(seed: int, function: str) -> None:
    rng, graph = np.random.default_rng(seed), network(seed, FUNCTIONS[function])
    bounds = linear_bounds(graph, LOW[None], HIGH[None])
    rows = rng.standard_normal((2, 3))
    mu = {i: rng.standard_normal((1, 2, graph.nodes[i].size)) for i in graph.pointwise}
    least = (evaluate(graph, points(seed)) @ rows.T).min(axis=0)
    assert (dual_bound(graph, bounds, graph.output, rows, mu)[0] <= least).all()
    assert (output_bounds(graph, bounds, rows).lower[0] <= least).all()


def test_what_needs_a_feature_says_so() -> None:
    graph = network(0, Vee())
    bounds = linear_bounds(graph, LOW[None], HIGH[None])
    polytope = Polytope(Coefficients(np.eye(3)[:1]), Coefficients(np.zeros(1)))
    for what, call in {
        "linear regions": lambda: phases_at(graph, LOW),
        "the MILP encoding": lambda: encode_margin(graph, bounds, polytope),
        "branch and bound over neurons": lambda: Space(graph, bounds, np.eye(3), np.zeros(3)),
    }.items():
        with pytest.raises(UnsupportedError, match=f"node 2: {what} needs functions that are off or on; Vee is not"):
            call()
    with pytest.raises(UnsupportedError, match="the SMT encoding needs functions that are piecewise polynomial; Wave"):
        list(smt.network(network(0, Wave()), bounds))
    with pytest.raises(UnsupportedError, match="Wave has no exact evaluation: it is not declared piecewise linear"):
        Function.exact(Wave(), ExactVector.of([1]))


@pytest.mark.parametrize("seed", range(3))
def test_a_whole_question_by_input_splits_and_by_z3(seed: int) -> None:
    """Output 0 stays above its least value over the box, less or more a little: proved and refuted."""
    graph = network(seed, Vee())
    bounds = linear_bounds(graph, LOW[None], HIGH[None])
    grid = np.stack(np.meshgrid(*(np.linspace(a, b, 201) for a, b in zip(LOW, HIGH, strict=True))), -1).reshape(-1, 2)
    least = evaluate(graph, grid)[:, 0].min()
    for limit, safe in ((least - 0.1, True), (least + 0.1, False)):
        polytope = Polytope(Coefficients(np.eye(3)[:1]), Coefficients(np.array([np.float32(limit)], np.float64)))
        unsafe = UnsafeSet((polytope,), 3)
        hits: list[Any] = []

        def try_points(found: Any, unsafe: UnsafeSet = unsafe, hits: list[Any] = hits) -> bool:
            hits.extend(found[unsafe.slack(evaluate(graph, found)) <= 0])
            return bool(hits)

        outcome = branch_and_bound(graph, bounds, [polytope], Effort(Deadline(20)), Watch(try_points))
        assert (outcome.proved, bool(hits)) == (safe, not safe)
        for form in Form:
            with Session() as session:
                for text in (smt.prelude(graph), smt.inputs_in_box(BOX), *smt.network(graph, bounds, form)):
                    session.command(text)
                session.command(smt.in_unsafe(graph, unsafe, bounds))
                assert session.check() == ("unsat" if safe else "sat")
