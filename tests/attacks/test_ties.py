"""Ties, and scores that differ in the last place.

The attack: two outputs that are equal, or one unit in the last place apart. A verifier that compares within a
tolerance, takes an arg-max that breaks ties by index, or asks for `<` where the property says `<=`, calls a tie
robust or a strict win violated.

The defence: a tie is unsafe, everywhere; robust is a strict inequality in exact arithmetic.
"""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from support.engines import bare, statuses, write_query
from support.handmade import layers, one_leaf

import verdict
from verdict.checker import check

ULP = 2.0**-23


def _constants(folder, *scores):
    """A network whose scores do not depend on its input, which they hide behind relu(x) - relu(x)."""
    rows = [[1, -1]] * len(scores)
    return layers(folder / "constants.onnx", ([[1], [1]], [0, 0]), (rows, list(scores)))


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize(
    ("scores", "truth"), [((1, 1), "violated"), ((1 + ULP, 1), "robust"), ((1, 1 + ULP), "violated")]
)
def test_one_unit_in_the_last_place_decides(tmp_path, scores, truth, alone, monkeypatch):
    network = verdict.load(_constants(tmp_path, *scores))
    assert np.isclose(*scores), "what a tolerance would say"
    if alone:
        bare(monkeypatch)
    found = statuses(partial(verdict.robust, network, [0.25], 1, label=0))
    assert set(found.values()) <= {truth, "unknown"}
    assert found["smt"] == truth
    assert alone or found["auto"] == truth


def test_the_arg_max_of_a_tie_is_not_an_answer(tmp_path):
    """All three scores are equal: the network's own class is the first, and it is not robust even at radius 0."""
    network = verdict.load(_constants(tmp_path, 1, 1, 1))
    assert int(network.runtime(np.zeros(1)).argmax()) == 0
    assert verdict.robust(network, [0.0], 0).status == "violated"
    radius = verdict.maxeps(network, [0.0])
    assert (radius.exact, radius.status) == (0, "wrong-label")


def test_a_query_for_less_or_equal_is_not_one_for_less(tmp_path):
    network = verdict.load(_constants(tmp_path, 1, 1))
    for sign, truth in (("<=", "violated"), ("<", "robust")):
        query = write_query(tmp_path / "q.vnnlib", 1, 2, "(<= X_0 1)", "(>= X_0 0)", f"({sign} Y_0 Y_1)")
        found = statuses(partial(verdict.verify, query, network))
        assert set(found.values()) <= {truth, "unknown"}, sign


@pytest.mark.parametrize("tier", ["exact", "rigorous", "python"])
def test_the_checker_wants_more_than_zero(tmp_path, tier):
    center = [Fraction(1, 4)]
    tie, win = (one_leaf(_constants(tmp_path, *s), center) for s in ((1, 1), (1, 1)))
    model = tmp_path / "constants.onnx"
    assert not check(tie, model, tier=tier).accepted
    win = one_leaf(_constants(tmp_path, 1 + ULP, 1), center)
    assert check(win, model, tier=tier).accepted
