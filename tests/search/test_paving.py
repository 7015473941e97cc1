"""Paving: no box that holds a solution is ever ruled out, and formulas with products are refuted without a solver."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import numpy as np
import pytest
from support.networks import random_network
from support.queries import decimal

import verdict
from verdict.base.deadline import Deadline
from verdict.network.exact import ExactVector
from verdict.ops.importer.onnx_import import load_onnx
from verdict.property import Box
from verdict.property.vnnlib2 import parse_vnnlib2
from verdict.search.boxes.options import BoxOptions
from verdict.search.boxes.paving import Interval, Paving

XOR = """(vnnlib-version <2.0>)
(declare-network f (declare-input X float32 [1,2]) (declare-output Y float32 [1,2]))
(assert (and (>= X[0,0] 0.0) (<= X[0,0] 1.0) (>= X[0,1] 0.0) (<= X[0,1] 1.0)))
"""


def _nothing(points: np.ndarray) -> bool:
    return False


def _pave(network, query, candidates=_nothing) -> bool:
    return Paving(network, query.joint_formula, query.cases[0].inputs).run(Deadline(60), candidates)


@pytest.mark.parametrize(
    "body",
    [
        "(> (* Y[0,0] Y[0,1]) 0.27)",
        "(> (* X[0,0] X[0,0]) 1.01)",
        "(< (* X[0,0] X[0,0] X[0,0] X[0,0]) -0.01)",
        "(== (* X[0,0] X[0,1] Y[0,1]) 0.5)",
        "(or (> (* Y[0,0] Y[0,0]) 1.1) (and (<= X[0,0] 0.25) (<= X[0,1] 0.25) (>= (* 4.0 Y[0,1] Y[0,1]) 0.5)))",
    ],
)
def test_refuted(body):
    assert _pave(verdict.load("xor"), parse_vnnlib2(f"{XOR}(assert {body})"))


def test_an_input_fixed_at_a_decimal_is_not_halved():
    """Between the neighbours of 0.3 there is no float, so only the other input can be cut."""
    query = XOR.replace("(>= X[0,1] 0.0) (<= X[0,1] 1.0)", "(>= X[0,1] 0.3) (<= X[0,1] 0.3)")
    assert _pave(verdict.load("xor"), parse_vnnlib2(f"{query}(assert (> (* Y[0,0] Y[0,1]) 0.2501))"))


def test_a_solution_is_offered_as_a_candidate():
    """|a - b| (1 - |a - b|) reaches 1/4 only where |a - b| = 1/2, and is above 0.249 in a narrow band."""
    found = []

    def candidates(points):
        gap = abs(points[:, 0] - points[:, 1])
        found.extend(points[gap * (1 - gap) > 0.249])
        return bool(found)

    query = parse_vnnlib2(f"{XOR}(assert (> (* Y[0,0] Y[0,1]) 0.249))")
    assert not _pave(verdict.load("xor"), query, candidates)
    assert found


def test_the_search_ends_with_its_boxes_and_its_time():
    query = parse_vnnlib2(f"{XOR}(assert (> (* Y[0,0] Y[0,1]) 0.2501))")
    formula, box = query.joint_formula, query.cases[0].inputs
    assert not Paving(verdict.load("xor"), formula, box, BoxOptions(paved_most=200)).run(Deadline(60), _nothing)
    assert not Paving(verdict.load("xor"), formula, box).run(Deadline(0), _nothing)


@pytest.mark.parametrize("seed", range(30))
def test_boxes_around_solutions_are_never_ruled_out(seed, tmp_path):
    """Random polynomials of degree up to 3 whose value at an exact point is a little on the right side of 0, or 0."""
    rng = random.Random(seed)
    network = load_onnx(random_network(np.random.default_rng(seed), "dense", tmp_path))
    size, outputs = network.input_size, network.output_size
    names = [f"X[0,{i}]" for i in range(size)] + [f"Y[0,{i}]" for i in range(outputs)]
    x = [Fraction(rng.randint(-8, 8), 8) for _ in range(size)]
    values = dict(zip(names, x + network.evaluate_exact(ExactVector.of(x)).fractions(), strict=True))
    monomials = [[rng.choice(names) for _ in range(rng.randint(1, 3))] for _ in range(3)]
    terms = [(monomial, Fraction(rng.randint(-9, 9), 10)) for monomial in monomials]
    total = sum((c * np.prod([values[n] for n in monomial]) for monomial, c in terms), Fraction(0))
    relation = rng.choice(["<=", "==", "<", "!="])
    limit = total + (Fraction(1, 2**60) if relation in ("<", "!=") else 0)
    left = "(+ " + " ".join(f"(* {decimal(c)} {' '.join(monomial)})" for monomial, c in terms) + ")"
    box = "".join(f"(assert (and (>= {n} -2.0) (<= {n} 2.0)))" for n in names[:size])
    shape = f"(declare-input X float32 [1,{size}]) (declare-output Y float32 [1,{outputs}])"
    query = parse_vnnlib2(
        f"(vnnlib-version <2.0>)(declare-network f {shape}){box}(assert ({relation} {left} {decimal(limit)}))"
    )
    assert query.holds(x, list(values.values())[size:])
    paver = Paving(network, query.joint_formula, Box([Fraction(-2)] * size, [Fraction(2)] * size))
    point = np.array([float(v) for v in x])
    for radius in (0.0, 1e-9, 0.01, 1.0):
        assert paver._possible(point[None] - radius, point[None] + radius).all()


@pytest.mark.parametrize("exponent", [1, 2, 3, 4])
def test_interval_powers_hold_every_power(exponent):
    ends = [-2.0, -0.3, 0.0, 0.7, 1.9]
    for low, high in itertools.combinations_with_replacement(ends, 2):
        power = Interval(np.array([low]), np.array([high])).power(exponent)
        for share in np.linspace(0, 1, 9):
            value = Fraction(min(max(low + share * (high - low), low), high)) ** exponent
            assert power.lower[0] <= value <= power.upper[0]
        assert exponent % 2 or power.lower[0] >= 0
