"""The SMT formula must agree with exact evaluation, in both forms of the ReLU and with any sound bounds."""

from fractions import Fraction

import numpy as np
import pytest
from support.networks import KINDS, random_network

from verdict.bounds import interval_bounds, linear_bounds
from verdict.encoders import smt
from verdict.network.evaluate import evaluate_exact
from verdict.network.exact import ExactVector
from verdict.network.functions import Form
from verdict.ops.importer.onnx_import import load_onnx
from verdict.property import Box, misclassification
from verdict.solvers.z3_session import Session


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_the_exact_ones(kind, form, tmp_path):
    rng = np.random.default_rng(11)
    graph = load_onnx(random_network(rng, kind, tmp_path)).graph
    center = [Fraction(int(n), 3) for n in rng.integers(-6, 7, graph.input_size)]
    box = Box([c - 1 for c in center], [c + 1 for c in center])
    for method in (interval_bounds, linear_bounds):
        bounds = method(graph, *(side[None] for side in box.floats()))
        with Session() as session:
            session.command(smt.prelude(None))
            session.command(smt.inputs_in_box(box))
            for piece in smt.network(graph, bounds, form):
                session.command(piece)
            for i, c in enumerate(center):
                session.command(f"(assert (= x{i} {smt.number(c)}))")
            assert session.check(timeout=30) == "sat"
            names = [smt.name(graph.output, i) for i in range(graph.output_size)]
            values = list(session.values(names).values())
        assert values == evaluate_exact(graph, ExactVector.of(center)).fractions()


def test_lemmas_are_rounded_outward():
    for value in (0.1, -0.1, 1e-9, 12345.678, -1e20):
        below = smt._lemma("z", "<=", value, down=True)
        above = smt._lemma("z", ">=", value, down=False)
        with Session() as session:
            session.command("(declare-const z Real)")
            session.command(f"(assert (= z {smt.number(Fraction(value))}))\n{below}\n{above}")
            assert session.check(timeout=10) == "sat"


def test_numbers():
    assert smt.number(Fraction(-1, 3)) == "(- (/ 1.0 3.0))"
    assert smt.number(Fraction(5)) == "5.0"
    assert smt.linear([], Fraction(0)) == "0.0"


def test_ties_are_unsafe(tmp_path):
    """Two equal outputs everywhere: the negated property must be satisfiable."""
    from verdict.network.exact import Coefficients
    from verdict.network.graph import Affine, Graph, Input
    from verdict.network.maps import Dense

    graph = Graph((Input(1), Affine(((Dense(Coefficients([[1.0], [1.0]])), 0),), Coefficients([0.0, 0.0]))), 1)
    box = Box([Fraction(0)], [Fraction(1)])
    bounds = interval_bounds(graph, *(side[None] for side in box.floats()))
    with Session() as session:
        session.command(smt.prelude(None) + "\n" + smt.inputs_in_box(box))
        for piece in smt.network(graph, bounds):
            session.command(piece)
        session.command(smt.in_unsafe(graph, misclassification(0, 2), bounds))
        assert session.check(timeout=10) == "sat"
