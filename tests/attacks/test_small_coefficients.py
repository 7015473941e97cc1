"""Coefficients and columns that a solver drops.

The attack: HiGHS takes matrix entries below 1e-9 for zero, and its presolve takes a column between 0 and 4e-10 for a
constant. A layer that scales its input by 1e-10 and a next layer that scales it back by 1e10 disappear from the
model, and with them the violation that they carry: the solver proves a network that is not the one in the file.

The defence: neurons with tiny bounds are written in units of their own (`encoders/milp.py`), and what is small all
the same is replaced by what it can contribute, so the model only ever gets more points (`solvers/guard.py`).
"""

from functools import partial

import pytest
from support.engines import bare, statuses, write_query
from support.handmade import layers

import verdict
from verdict.encoders import writer
from verdict.solvers import base

SMALL, LARGE = 1e-10, 1e10


@pytest.fixture
def asked(tmp_path):
    """y = 1e10 relu(1e-10 x) on [-4, 4] reaches 4; the query asks for y >= 2."""
    network = verdict.load(layers(tmp_path / "small.onnx", ([[SMALL]], [0]), ([[LARGE]], [0])))
    query = write_query(tmp_path / "q.vnnlib", 1, 1, "(>= X_0 -4)", "(<= X_0 4)", "(>= Y_0 2)")
    return network, query


@pytest.mark.parametrize("alone", [False, True])
def test_no_engine_proves_it(asked, alone, monkeypatch):
    network, query = asked
    if alone:
        bare(monkeypatch)
    found = statuses(partial(verdict.verify, query, network))
    assert set(found.values()) <= {"violated", "unknown"}
    assert found["smt"] == found["bab"] == found["auto"] == "violated"


@pytest.mark.parametrize("solver", ["highs", "scip", "cbc"])
def test_without_units_of_their_own_solvers_prove_what_is_false(asked, solver, monkeypatch):
    network, query = asked
    bare(monkeypatch)
    monkeypatch.setattr(writer, "TINY", 0.0)
    assert verdict.verify(query, network, engine="milp", solver=solver).status == "robust"


def test_a_small_entry_beside_a_large_one(tmp_path, monkeypatch):
    """relu(1e-10 x_0 + x_1) with x_0 up to 2e10: no column is tiny, but one entry is, and HiGHS drops it."""
    network = verdict.load(layers(tmp_path / "mixed.onnx", ([[SMALL, 1]], [-1]), ([[1]], [0])))
    box = "(>= X_0 0)", "(<= X_0 20000000000)", "(>= X_1 0)", "(<= X_1 0.5)"
    query = write_query(tmp_path / "q.vnnlib", 2, 1, *box, "(>= Y_0 1)")
    bare(monkeypatch)
    found = statuses(partial(verdict.verify, query, network))
    assert set(found.values()) <= {"violated", "unknown"}
    monkeypatch.setattr(base, "guarded", lambda model, drops_below: (model, False))
    assert verdict.verify(query, network, engine="milp").status == "robust"
