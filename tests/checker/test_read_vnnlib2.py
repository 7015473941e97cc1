"""The checker's reading of VNN-LIB 2: what a formula says, entry by entry, and a refusal of everything else."""

import random
from fractions import Fraction

import numpy as np
import pytest
from support.queries import random_formula, text, true

import verdict
from verdict.checker import UnreadableError, check
from verdict.checker.network import Affine, Linear, Network
from verdict.checker.readers.vnnlib2 import read_query
from verdict.property.vnnlib2 import parse_vnnlib2

HEAD = """(vnnlib-version <2.0>)
(declare-network f
  (declare-input A float32 [1,2,3]) ; row by row
  (declare-input S float32 [])
  (declare-output Y float32 [2])
  (declare-output Z float32 [1,1]))
"""
INPUTS = ["A[0,0,0]", "A[0,0,1]", "A[0,0,2]", "A[0,1,0]", "A[0,1,1]", "A[0,1,2]", "S"]
OUTPUTS = ["Y[0]", "Y[1]", "Z[0,0]"]
BOX = "".join(f"(assert (and (>= {v} -1.0) (<= {v} 1.0)))\n" for v in INPUTS)


def _network():
    linear = Linear(np.arange(7).reshape(1, 1, -1), np.ones((1, 7, 3)), 7)
    node = Affine(((linear, 0),), np.array([Fraction(0)] * 3, dtype=object))
    return Network(7, (None, node), 1, shapes=((2, 3), (1,)), results=((1, 2), (1,)))


def _inside(disjuncts, x, y):
    values = np.array([*y, *x], dtype=object)
    return any(all(a <= v <= b for a, v, b in zip(d.lower, x, d.upper, strict=True))
               and all(v <= limit for v, limit in zip(d.matrix @ values, d.offset, strict=True)) for d in disjuncts)


@pytest.mark.parametrize("seed", range(40))
def test_a_formula_means_what_it_says(seed):
    rng = random.Random(seed)
    formula = random_formula(rng, [*INPUTS, *OUTPUTS], 3, ("<=", ">=", "=="))
    query = HEAD + BOX + f"(assert {text(formula, rng)})"
    found, theirs = read_query(query, _network()), parse_vnnlib2(query)
    for _ in range(60):
        values = {v: Fraction(rng.randint(-10, 10), 10) for v in [*INPUTS, *OUTPUTS]}
        x, y = [values[v] for v in INPUTS], [values[v] for v in OUTPUTS]
        assert _inside(found, x, y) == true(formula, values)
        if theirs.is_plain:
            assert theirs.holds(x, y) == true(formula, values)


def test_strict_inequalities_are_closed():
    (d,) = read_query(HEAD + BOX + "(assert (< Y[1] (- A[0,1,0] 0.5)))", _network())
    assert (d.matrix.tolist(), d.offset) == ([[0, 1, 0, 0, 0, 0, -1, 0, 0, 0]], (Fraction(-1, 2),))


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (HEAD, "(assert (!= Y[0] 1.0))"),
        (HEAD, "(assert (<= Y_0 1.0))"),
        (HEAD, "(assert (<= X_0 1.0))"),
        (HEAD, "(assert (<= Y[2] 1.0))"),
        (HEAD, "(assert (<= Y 1.0))"),
        (HEAD, "(assert (<= S[0] 1.0))"),
        (HEAD, "(assert (<= A[0, 0, 0] 1.0))"),
        (HEAD, "(assert (<= A[00,0,0] 1.0))"),
        (HEAD, "(assert (<= (* Y[0] Y[1]) 1.0))"),
        (HEAD, "(assert (not (<= Y[0] 1.0)))"),
        (HEAD, "(assert (== Y[0] 1.0 2.0))"),
        (HEAD, "(assert)"),
        (HEAD, "(declare-network g (declare-input U float32 [1]) (declare-output V float32 [1]))"),
        (HEAD.replace("(declare-output Z", '(declare-hidden H float32 [2] "inner") (declare-output Z'), ""),
        (HEAD.replace("declare-network f", "declare-network f (equal-to g)"), ""),
        (HEAD.replace("declare-network f", "declare-network"), ""),
        (HEAD.replace("[1,2,3]", "[1,3,2]"), ""),
        (HEAD.replace("[1,2,3]", "[1,2,-3]"), ""),
        (HEAD.replace("[1,2,3]", "[6]"), ""),
        (HEAD.replace("float32 [2]", "float32 [3]"), ""),
        (HEAD.replace("float32 [2]", "float16 [2]"), ""),
        (HEAD.replace("output Z", "output Y"), ""),
        (HEAD.replace("<2.0>", "<2.1>"), ""),
        (HEAD.replace("(vnnlib-version <2.0>)", ""), ""),
        ("(vnnlib-version <2.0>)", ""),
    ],
)
def test_anything_else_is_unreadable(head, body):
    if head is HEAD or "declare-input" not in head:
        assert read_query(HEAD + BOX, _network())
    with pytest.raises(UnreadableError):
        read_query(head + BOX + body, _network())


def test_a_proof_is_certified(tmp_path):
    """And is no proof of a query that differs in one entry."""
    query = """(vnnlib-version <2.0>)
(declare-network f (declare-input X float32 [1,2]) (declare-output Y float32 [1,2]))
(assert (and (>= X[0,0] 0.0) (<= X[0,0] 1.0) (>= X[0,1] 0.0) (<= X[0,1] 0.3)))
(assert (<= Y[0,1] -0.01))"""
    path, network = tmp_path / "q.vnnlib", verdict.load("xor")
    path.write_text(query)
    answer = verdict.verify(path, {"f": network}, certificate=tmp_path / "q.vcert")
    assert (answer.status, answer.trust) == ("robust", "certified")
    for tier in ("exact", "rigorous", "python"):
        assert check(tmp_path / "q.vcert", network.path, path, tier=tier).accepted
    path.write_text(query.replace("(<= Y[0,1] -0.01)", "(<= Y[0,0] -0.01)"))
    assert not check(tmp_path / "q.vcert", network.path, path).accepted
