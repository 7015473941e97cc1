"""A kind of node that nothing has a rule for is refused everywhere: no part takes it for a ReLU, or for nothing.

A graph does not take such a node; the test forces one in, as one would get there that somebody has half added.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from verdict.base.deadline import Deadline
from verdict.bounds import Bounds, interval_bounds, linear_bounds
from verdict.bounds.alpha import minimiser
from verdict.bounds.backward import backward, output_bounds
from verdict.bounds.dual import dual_bound
from verdict.bounds.layers import target_nodes
from verdict.bounds.reduce import reduce
from verdict.bounds.walk import LinearBound
from verdict.bounds.zonotope import zonotope_bounds
from verdict.certificate.neurons import _floats
from verdict.checker.arithmetic.floats import Floats, FloatSum
from verdict.checker.errors import UnreadableError
from verdict.checker.functions.relu import RELU as CHECKER_RELU
from verdict.checker.kernel.bounds import bounded
from verdict.checker.kernel.region import Pieces, Region
from verdict.checker.kernel.rule import rule
from verdict.checker.network import Affine as CheckerAffine
from verdict.checker.network import Linear
from verdict.checker.network import Network as CheckerNetwork
from verdict.checker.network import Pointwise as CheckerPointwise
from verdict.cli.info import _facts
from verdict.encoders import smt
from verdict.encoders.milp import encode_below, encode_margin
from verdict.network import evaluate as run
from verdict.network.builder import Builder
from verdict.network.exact import Coefficients, ExactVector
from verdict.network.functions import RELU
from verdict.network.graph import Affine, Graph, Input, Pointwise
from verdict.network.maps import Dense
from verdict.ops.importer.selfcheck import products
from verdict.property import Box, Polytope
from verdict.search.neurons.methods import METHODS
from verdict.search.points.affine_region import AffineRegion
from verdict.search.points.region import linear_form, phases_at
from verdict.search.relus.narrow import float32_errors
from verdict.search.settle import coefficients


@dataclass(frozen=True, eq=False)
class Square:
    """x ** 2 of node `source`: a kind of node of a later day."""

    source: int
    size: int

    @property
    def sources(self) -> tuple[int, ...]:
        return (self.source,)


class Steeper(Pointwise):
    """A kind that says it is a ReLU."""


def with_square() -> tuple[Graph, Bounds]:
    """5 - x ** 2 on [-3, -1], which lies in [-4, 4]; the bounds are those with x in the place of x ** 2."""
    weight = Coefficients(np.array([[1.0]]))
    terms = ((Dense(weight), 0),), Coefficients(np.zeros(1))
    last = Affine(((Dense(Coefficients(np.array([[-1.0]]))), 2),), Coefficients(np.array([5.0])))
    graph = Graph((Input(1), Affine(*terms), Pointwise(RELU, 1, 1), last), 3)
    bounds = interval_bounds(graph, np.array([[-3.0]]), np.array([[2.0]]))
    broken = Graph(graph.nodes, 3)
    object.__setattr__(broken, "nodes", (*graph.nodes[:2], Square(1, 1), graph.nodes[3]))
    return broken, bounds


ROWS, LOW, HIGH = np.array([[1.0]]), np.array([[-3.0]]), np.array([[2.0]])
UNSAFE = Polytope(Coefficients(ROWS), Coefficients(np.zeros(1)))


def _built(graph: Graph) -> Graph:
    builder = Builder(1)
    builder.nodes += graph.nodes[1:]
    builder.names += [""] * 3
    return builder.finish(3)


def _minimiser(graph: Graph, bounds: Bounds) -> Any:
    bound = LinearBound(np.zeros((1, 1)), np.ones((1, 1, 1)), np.zeros((1, 1)))
    return minimiser(graph, bounds, bound, {}, 3)


# What reads a graph, by name; methods of bounding come from their registry.
READERS: dict[str, Callable[[Graph, Bounds], Any]] = {
    "evaluate_all": lambda graph, bounds: run.evaluate_all(graph, LOW),
    "evaluate_exact": lambda graph, bounds: run.evaluate_exact(graph, ExactVector.of([-3])),
    "vjp": lambda graph, bounds: run.vjp(graph, [LOW] * 4, LOW),
    "float32_error": lambda graph, bounds: run.running_error(graph, [LOW] * 4, 2.0**-24),
    "look": lambda graph, bounds: run.look(graph, LOW, 2.0**-24, 2.0**-126, 1e38),
    "relus": lambda graph, bounds: graph.pointwise,
    "affine": lambda graph, bounds: graph.affine,
    "builder": lambda graph, bounds: _built(graph),
    "interval": lambda graph, bounds: interval_bounds(graph, LOW, HIGH),
    "zonotope": lambda graph, bounds: zonotope_bounds(graph, LOW, HIGH),
    "linear": lambda graph, bounds: linear_bounds(graph, LOW, HIGH),
    "outputs": lambda graph, bounds: output_bounds(graph, bounds, ROWS),
    "backward": lambda graph, bounds: backward(graph, bounds, 3, ROWS, {}),
    "dual": lambda graph, bounds: dual_bound(graph, bounds, 3, ROWS, {}),
    "minimiser": _minimiser,
    "reduced": lambda graph, bounds: reduce(graph, bounds, 3, ROWS, 2**25),
    "magnitude": lambda graph, bounds: Bounds(bounds.lower, bounds.upper).magnitude(graph, 2),
    "unstable": lambda graph, bounds: bounds.unstable(graph),
    "target_nodes": lambda graph, bounds: target_nodes(graph),
    "float32_errors": lambda graph, bounds: float32_errors(graph, bounds),
    "products": lambda graph, bounds: products(graph),
    "coefficients": lambda graph, bounds: coefficients(graph),
    "facts": lambda graph, bounds: _facts(_Network(graph)),  # type: ignore[arg-type]
    "region": lambda graph, bounds: AffineRegion(graph, {2: np.array([True])}, LOW[0]),
    "phases": lambda graph, bounds: phases_at(graph, LOW[0]),
    "linear_form": lambda graph, bounds: linear_form(graph, {2: np.array([True])}, 3, ExactVector.of([1]), 0),  # type: ignore[arg-type]
    "encode_margin": lambda graph, bounds: encode_margin(graph, bounds, UNSAFE),
    "encode_below": lambda graph, bounds: encode_below(graph, bounds, 3),
    "smt": lambda graph, bounds: list(smt.network(graph, bounds)),
    "smt_unsafe": lambda graph, bounds: smt._always_off(graph, 2, bounds),
}


@dataclass
class _Network:
    graph: Graph
    path = sha256 = operators = head = opset = ""
    inputs = outputs = ()


def test_a_graph_refuses_it() -> None:
    for node, name in ((Square(0, 1), "Square"), (Steeper(RELU, 0, 1), "Steeper")):
        with pytest.raises(Exception, match=f"node 1: a {name}, expected one of Input, Affine, Pointwise"):
            Graph((Input(1), node), 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_refuses_it(reader: str) -> None:
    graph, bounds = with_square()
    with pytest.raises(TypeError, match="there is no rule for a Square"):
        READERS[reader](graph, bounds)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_bounding_refuses_it(method: str) -> None:
    graph, _ = with_square()
    with pytest.raises(TypeError, match="there is no rule for a Square"):
        METHODS[method].run(graph, Box([Fraction(-3)], [Fraction(2)]), Deadline(10))


def _checkers() -> CheckerNetwork:
    """The same network as the checker would see it."""
    linear = Linear(np.zeros((1, 1, 1), int), np.ones((1, 1, 1)), 1)
    affine = CheckerAffine(((linear, 0),), np.array([Fraction(0)], dtype=object))
    last = CheckerAffine(((linear, 2),), np.array([Fraction(5)], dtype=object))
    network = CheckerNetwork(1, (None, affine, CheckerPointwise(CHECKER_RELU, 1, 1), last), 3)
    object.__setattr__(network, "nodes", (None, affine, Square(1, 1), last))
    return network


def _rule(network: CheckerNetwork) -> None:
    region = Region(dict.fromkeys(range(4), LOW), dict.fromkeys(range(4), HIGH), np.zeros(1, bool))
    rule(network, 3, np.ones((1, 1, 1)), FloatSum(Floats(network, np.float64), region, {}, (1, 1)))


CHECKER_READERS: dict[str, Callable[[CheckerNetwork], Any]] = {
    "network": lambda network: CheckerNetwork(1, network.nodes, 3),
    "evaluate": lambda network: network.evaluate([Fraction(-3)]),
    "bounds": lambda network: bounded(network, Floats(network, np.float64), Pieces(LOW, HIGH)),
    "rule": _rule,
    "floats": lambda network: _floats(network, LOW),
}


@pytest.mark.parametrize("reader", CHECKER_READERS)
def test_the_checker_refuses_it(reader: str) -> None:
    with pytest.raises(UnreadableError, match="there is no rule for a node Square"):
        CHECKER_READERS[reader](_checkers())
