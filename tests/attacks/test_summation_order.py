"""The order of a sum (Zombori et al., ICLR 2021; Jia and Rinard, 2003.03021).

The attack: 2^24 + 1 + ... + 1 - 2^24 is 8 over the reals. In float32 it is 0 if each 1 is added to 2^24 and lost, 8
if the large terms cancel first, and what a library does depends on its version and the machine. A verifier that
evaluates in one order of its own, or that adds up bounds in float64, calls the class safe for every execution.

The defence: the claim over the reals and the claim for every float32 evaluation order are two claims, and the second
is made only if the margin is larger than any order can lose (docs/certificate.md).
"""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from support.engines import statuses
from support.handmade import in_order, layers, one_leaf

import verdict
from verdict.checker import check
from verdict.checker.arithmetic import floats, integers, rationals

WEIGHTS = [2.0**24, *[1.0] * 8, -(2.0**24)]
LIMIT = 4.0


@pytest.fixture
def model(tmp_path):
    """Class 0 scores 8 at (1, ..., 1) over the reals, class 1 always 4."""
    return layers(tmp_path / "sum.onnx", ([WEIGHTS, [0] * 10], [0, LIMIT]))


def test_two_orders_of_the_same_sum_disagree():
    assert in_order(WEIGHTS) < LIMIT < in_order(WEIGHTS, lambda terms: [terms[0], terms[-1], *terms[1:-1]])


def test_engines_answer_for_the_reals_or_with_a_replayed_witness(model):
    """ONNX Runtime's own order may refute the deployed network only together with the reals, which it cannot here."""
    network = verdict.load(model)
    ask = partial(verdict.robust, network, np.ones(10), 0, label=0)
    assert set(statuses(ask).values()) <= {"robust", "unknown"}
    assert statuses(ask)["auto"] == "robust"
    assert "float32" not in ask().semantics


@pytest.mark.parametrize("tier", ["exact", "rigorous", "python"])
def test_no_claim_for_every_order(model, tier):
    report = check(one_leaf(model, [Fraction(1)] * 10), model, tier=tier)
    assert (report.accepted, report.any_order) == (True, False)


@pytest.mark.parametrize("tier", ["exact", "rigorous", "python"])
def test_without_its_charge_the_checker_would_be_fooled(model, tier, monkeypatch):
    for module in (integers, floats, rationals):
        monkeypatch.setattr(module, "float32_error", lambda node, region: np.zeros((1, node.size)))
    assert check(one_leaf(model, [Fraction(1)] * 10), model, tier=tier).any_order


def test_a_margin_that_no_order_can_lose(tmp_path):
    model = layers(tmp_path / "wide.onnx", ([WEIGHTS, [0] * 10], [64, 0]))
    path = one_leaf(model, [Fraction(1)] * 10)
    assert check(path, model).any_order
    rng = np.random.default_rng(0)
    assert all(in_order([64.0, *WEIGHTS], rng.permutation) > 0 for _ in range(100))
