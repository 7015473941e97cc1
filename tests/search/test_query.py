"""VNN-LIB 2 queries decided: against brute force over linear regions; the formula where closed sets say too little."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from support.brute import least_margin
from support.forced import verify
from support.networks import Draft, random_network
from support.queries import polytopes, random_formula, text, true

import verdict
from verdict.base.errors import PropertyError
from verdict.network.join import join
from verdict.ops.importer.onnx_import import load_onnx
from verdict.property.vnnlib2 import parse_vnnlib2
from verdict.search import settle
from verdict.search.options import SearchOptions

# Margins nearer to zero than this are left to the exact side alone.
CLEAR = 1e-6


def _declaration(name: str, letters: str, network, extra: str = "") -> str:
    shape = f"[{','.join(map(str, network.inputs[0].shape))}]"
    return (
        f"(declare-network {name} {extra}(declare-input {letters[0]} float32 {shape})"
        f"(declare-output {letters[1]} float32 [1,{network.output_size}]))\n"
    )


def _names(letter: str, shape) -> list[str]:
    return [f"{letter}[{','.join(map(str, index))}]" for index in np.ndindex(*shape)]


def _box(names, rng: random.Random) -> tuple[str, list[tuple[Fraction, Fraction]]]:
    ends = []
    for _ in names:
        low = Fraction(rng.randint(-8, 4), 8)
        ends.append((low, low + Fraction(rng.randint(1, 6), 8)))
    pairs = zip(names, ends, strict=True)
    return "\n".join(f"(assert (and (>= {n} {float(a)!r}) (<= {n} {float(b)!r})))" for n, (a, b) in pairs), ends


@pytest.mark.parametrize("seed", range(24))
def test_two_networks_against_brute_force(seed, tmp_path):
    """Random linear formulas over the inputs and outputs of two networks, the second sometimes the first again."""
    rng = random.Random(seed)
    numpy_rng = np.random.default_rng(seed)
    (tmp_path / "g").mkdir()
    first = load_onnx(random_network(numpy_rng, "dense", tmp_path))
    second = first if seed % 3 == 0 else load_onnx(random_network(numpy_rng, "dense", tmp_path / "g"))
    inputs = [*_names("X", first.inputs[0].shape), *_names("U", second.inputs[0].shape)]
    outputs = [*_names("Y", (1, first.output_size)), *_names("V", (1, second.output_size))]
    box, ends = _box(inputs, rng)
    formula = random_formula(rng, inputs + outputs, 2, ("<=", "<", ">=", ">"))
    equal = seed % 3 == 0
    query = parse_vnnlib2(
        "(vnnlib-version <2.0>)\n"
        + _declaration("f", "XY", first)
        + _declaration("g", "UV", second, "(equal-to f)" if equal else "")
        + f"{box}\n(assert {text(formula, rng)})"
    )
    models = {"f": first} if equal else {"f": first, "g": second}
    answer = verdict.verify(query, models, timeout=60)
    a, b = first.input_size, second.input_size
    joint = join([first, second], [range(a), range(a, a + b)])
    columns = {name: i for i, name in enumerate([*outputs, *inputs])}
    lower, upper = (np.array([float(end[side]) for end in ends]) for side in (0, 1))
    margin = least_margin(joint.graph, lower, upper, polytopes(formula, columns))
    if margin > CLEAR:
        assert answer.status == "robust"
    elif margin < -CLEAR:
        assert answer.status == "violated"
    if answer.status == "violated":
        x = answer.witness.point.fractions()
        assert all(low <= v <= high for v, (low, high) in zip(x, ends, strict=True))
        y = joint.evaluate_exact(answer.witness.point).fractions()
        assert true(formula, dict(zip(inputs + outputs, x + y, strict=True)))
        deployed = [Fraction(float(v)) for v in joint.runtime(answer.witness.array())]
        assert true(formula, dict(zip(inputs + outputs, x + deployed, strict=True)))


# The shipped network abs: scores (|x|, 1/2).
ABS = """(vnnlib-version <2.0>)
(declare-network f (declare-input X float32 [1]) (declare-output Y float32 [2]))
(assert (and (>= X[0] -1.0) (<= X[0] 1.0)))
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # Strictness: |x| reaches 1 and no more, 0 and no less.
        ("(assert (>= Y[0] 1.0))", "violated"),
        ("(assert (> Y[0] 1.0))", "robust"),
        ("(assert (<= Y[0] 0.0))", "violated"),
        ("(assert (< Y[0] 0.0))", "robust"),
        ("(assert (and (> X[0] 0.5) (< X[0] 0.5)))", "robust"),
        ("(assert (and (> X[0] 0.5) (<= Y[0] 0.5)))", "robust"),
        ("(assert (and (>= X[0] 0.5) (<= Y[0] 0.5)))", "violated"),
        # Equality and inequality.
        ("(assert (== Y[0] 0.25))", "violated"),
        ("(assert (== Y[0] 1.25))", "robust"),
        ("(assert (!= Y[1] 0.5))", "robust"),
        ("(assert (!= Y[0] Y[1]))", "violated"),
        ("(assert (and (!= Y[0] X[0]) (>= X[0] 0.0)))", "robust"),
        ("(assert (!= Y[0] X[0]))", "violated"),
        # Mixed variables: |x| <= x only from 0 on.
        ("(assert (and (<= Y[0] X[0]) (<= X[0] -0.1)))", "robust"),
        ("(assert (and (<= (+ Y[0] X[0]) 0.0) (<= X[0] -0.1)))", "violated"),
        # Products: |x|^2 = x^2, and x |x| = -1/4 at -1/2 alone.
        ("(assert (> (- (* X[0] X[0]) (* Y[0] Y[0])) 0.0))", "robust"),
        ("(assert (== (* X[0] Y[0]) -0.25))", "violated"),
        ("(assert (> (* X[0] Y[0]) 1.0))", "robust"),
        ("(assert (and (>= (* Y[0] Y[1]) 0.5) (<= X[0] 0.0)))", "violated"),
        ("(assert (or (> (* Y[0] Y[0] Y[0]) 1.0) (< X[0] -1.0)))", "robust"),
    ],
)
def test_the_formula_as_it_stands(body, expected):
    answer = verdict.verify(parse_vnnlib2(ABS + body), verdict.load("abs"), timeout=60)
    assert answer.status == expected, answer.reason


def test_irrational_solutions_are_unknown_and_say_why():
    """x^2 = 1/2 has a real solution and no rational one, let alone a float."""
    answer = verdict.verify(parse_vnnlib2(ABS + "(assert (== (* X[0] X[0]) 0.5))"), verdict.load("abs"), timeout=60)
    assert answer.status == "unknown"
    assert "irrational" in answer.reason


def test_a_real_solution_without_a_float_is_unknown_and_says_why():
    """3 |x| = 1 has the solution 1/3, which is no float."""
    answer = verdict.verify(parse_vnnlib2(ABS + "(assert (== (* 3.0 Y[0]) 1.0))"), verdict.load("abs"), timeout=60)
    assert answer.status == "unknown"
    assert "real" in answer.reason


def test_products_are_refuted_where_z3_says_nothing(monkeypatch):
    monkeypatch.setattr(settle.Settling, "_ask_z3", lambda self, *rest: False)
    query = parse_vnnlib2(ABS + "(assert (> (* X[0] Y[0] Y[0]) 1.1))")
    answer = verdict.verify(query, verdict.load("abs"), timeout=60)
    assert (answer.status, answer.trust) == ("robust", "rigorous")


def test_a_large_network_is_not_given_to_z3():
    query, options = parse_vnnlib2(ABS + "(assert (> Y[0] 1.0))"), SearchOptions(most_coefficients=0)
    answer = verify(query, verdict.load("abs"), options, timeout=60)
    assert (answer.status, "too large" in answer.reason) == ("unknown", True)


def test_a_network_equals_itself_and_its_monotone_part_is_monotone():
    two = """(vnnlib-version <2.0>)
    (declare-network f (declare-input X float32 [1]) (declare-output Y float32 [2]))
    (declare-network g (equal-to f) (declare-input U float32 [1]) (declare-output V float32 [2]))
    (assert (and (>= X[0] 0.0) (<= X[0] 1.0) (<= U[0] 1.0)))
    """
    model = {"f": verdict.load("abs")}
    same = parse_vnnlib2(two + "(assert (== X[0] U[0]))(assert (!= Y[0] V[0]))")
    assert verdict.verify(same, model, timeout=60).status == "robust"
    rising = parse_vnnlib2(two + "(assert (<= X[0] U[0]))(assert (> Y[0] V[0]))")
    assert verdict.verify(rising, model, timeout=60).status == "robust"
    far = parse_vnnlib2(two + "(assert (<= X[0] (- U[0] 0.25)))(assert (< (- V[0] Y[0]) 0.25))")
    assert verdict.verify(far, model, timeout=60).status == "robust"
    near = parse_vnnlib2(two + "(assert (<= X[0] (- U[0] 0.25)))(assert (<= (- V[0] Y[0]) 0.25))")
    assert verdict.verify(near, model, timeout=60).status == "violated"


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("(or (<= Y[0,0] Y[0,1]) (<= Y[0,1] Y[0,0]))", "violated"),
        ("(<= (+ Y[0,0] Y[0,1]) (* 2.0 Y[0,2]))", None),
        ("(<= Y[0,0] X[0,0])", None),
        ("(<= Y[0,0] 0.5)", None),
        ("(<= (+ X[0,0] X[0,1]) 1.0)", "violated"),
    ],
)
def test_a_log_softmax_is_only_asked_for_the_order_of_two_outputs(body, answer, tmp_path):
    """The graph has the values before it: to compare them with inputs, or in sums, would answer wrongly. (A Softmax is
    read as a function then.)"""
    draft = Draft(np.random.default_rng(0))
    last = draft.add("LogSoftmax", draft.gemm("x", 2, 3), axis=-1)
    network = load_onnx(draft.save(tmp_path / "soft.onnx", (2,), 3, last))
    box = "".join(f"(assert (and (>= X[0,{i}] 0.0) (<= X[0,{i}] 1.0)))" for i in range(2))
    query = parse_vnnlib2(f"(vnnlib-version <2.0>)\n{_declaration('f', 'XY', network)}{box}(assert {body})")
    if answer is None:
        with pytest.raises(PropertyError, match="only comparisons of two outputs"):
            verdict.verify(query, network)
    else:
        assert verdict.verify(query, network).status == answer


@pytest.mark.parametrize("engine", ["bab", "milp", "smt"])
def test_engines_agree(engine):
    network = verdict.load("abs")
    for body, expected in (("(assert (>= Y[0] 0.75))", "violated"), ("(assert (>= (- Y[0] X[0]) 2.5))", "robust")):
        assert verdict.verify(parse_vnnlib2(ABS + body), network, engine=engine, timeout=60).status == expected
