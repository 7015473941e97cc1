"""Decimals that are no floats, and boxes between two of them.

The attack: 0.1 in a property file is one tenth. Its nearest float64 is larger by 5.6e-18 and its nearest float32 by
1.5e-9, so a verifier that reads decimals as floats decides about another box: it calls a query with a gap of 1e-18
violated, and its counterexample lies outside of the set that was asked about.

The defence: decimals are exact rationals; a counterexample is a point of the exact set that the deployed network can
be given, and where there is none the answer is unknown.
"""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from support.engines import statuses, write_query
from support.handmade import layers

import verdict
from verdict.property import vnnlib_text

# Between 1/10 and its nearest float64.
ABOVE = "0.100000000000000005"


@pytest.fixture
def identity(tmp_path):
    return verdict.load(layers(tmp_path / "identity.onnx", ([[1], [-1]], [0, 0]), ([[1, -1]], [0])))


def test_a_gap_that_no_float_sees(identity, tmp_path, monkeypatch):
    """x <= 0.1 and y = x >= 0.100...005: nothing; as float64 both are the same number."""
    assert float(ABOVE) == float("0.1")
    query = write_query(tmp_path / "q.vnnlib", 1, 1, "(>= X_0 0)", "(<= X_0 0.1)", f"(>= Y_0 {ABOVE})")
    found = statuses(partial(verdict.verify, query, identity))
    assert set(found.values()) <= {"robust", "unknown"}
    assert found["smt"] == "robust"


def test_reading_decimals_as_floats_would_find_a_solution(identity, tmp_path, monkeypatch):
    query = write_query(tmp_path / "q.vnnlib", 1, 1, "(>= X_0 0)", "(<= X_0 0.1)", f"(>= Y_0 {ABOVE})")
    monkeypatch.setattr(vnnlib_text, "Fraction", lambda text: Fraction(float(np.float32(text))))
    assert verdict.verify(query, identity, engine="smt").status == "violated"


@pytest.mark.parametrize("engine", ["auto", "bab", "milp", "smt"])
def test_the_only_solution_is_no_float(identity, tmp_path, engine):
    """x <= 0.1 and x >= 0.1 as an interval's end: 1/10 is a solution that no float32 network can be given."""
    query = write_query(tmp_path / "q.vnnlib", 1, 1, "(>= X_0 0)", "(<= X_0 0.1)", "(>= Y_0 0.1)")
    answer = verdict.verify(query, identity, engine=engine, timeout=10)
    assert answer.status == "unknown"
    assert answer.witness is None


@pytest.mark.parametrize("engine", ["auto", "bab", "milp", "smt"])
@pytest.mark.parametrize(("asked", "wanted"), [("(>= Y_0 0)", "unknown"), ("(>= Y_0 1)", "robust")])
def test_a_box_without_any_float32(identity, tmp_path, engine, asked, wanted):
    low, high = "0.3333333333333333", "0.3333333333333334"
    assert not Fraction(low) <= Fraction(float(np.float32(1 / 3))) <= Fraction(high)
    query = write_query(tmp_path / "q.vnnlib", 1, 1, f"(>= X_0 {low})", f"(<= X_0 {high})", asked)
    assert verdict.verify(query, identity, engine=engine, timeout=10).status == wanted


def test_eps_is_the_decimal_that_it_says(tmp_path):
    """Class 0 wins below x = 0.1 as a float32 says it, which is above one tenth: at eps 0.1 it still wins."""
    limit = float(np.float32(0.1))
    network = verdict.load(layers(tmp_path / "step.onnx", ([[0], [1]], [limit, 0])))
    assert verdict.robust(network, [0.0], "0.1", label=0).status == "robust"
    assert verdict.robust(network, [0.0], np.float32(0.1).item(), label=0).status == "violated"
