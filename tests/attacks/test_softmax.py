"""Probabilities in place of scores.

The attack: a Softmax at the end keeps which output is the largest, so verifiers drop it. But 2 p_2 <= p_0 + p_1 is
another question about probabilities than about the scores in front, though its coefficients sum to zero as in a
comparison: scores (1, -10, 0) give probabilities (0.73, 0.00001, 0.27), and the query holds for these only. And in
float32 scores that differ by 1e-9 give equal probabilities, whatever order the sums before were made in.

The defence: only comparisons of two outputs are asked of the scores in front of a Softmax, for all else it is a
function of its own, and nothing is claimed for float32.
"""

from fractions import Fraction

import numpy as np
import pytest
from support.engines import write_query
from support.handmade import one_leaf
from support.networks import Draft

import verdict
from verdict.certificate.proof import Goal, Part, ProofTree
from verdict.certificate.write import unsat_claim, write_certificate
from verdict.checker import UnreadableError, check
from verdict.search import query as deciding


def _softmax(path, *scores):
    draft = Draft(np.random.default_rng(0))
    weight = draft.constant(np.zeros((len(scores), 1), np.float32))
    last = draft.add("Gemm", "x", weight, draft.constant(np.array(scores, np.float32)), transB=1)
    return draft.save(path, (1,), len(scores), draft.add("Softmax", last, axis=1))


@pytest.fixture
def asked(tmp_path):
    model = _softmax(tmp_path / "softmax.onnx", 1, -10, 0)
    box = "(<= X_0 1)", "(>= X_0 0)"
    return model, write_query(tmp_path / "q.vnnlib", 1, 3, *box, "(<= (* 2 Y_2) (+ Y_0 Y_1))")


def test_the_query_has_solutions_and_they_are_found(asked):
    model, query = asked
    network = verdict.load(model)
    p = network.runtime(np.zeros(1))
    assert 2 * p[2] <= p[0] + p[1]
    assert verdict.verify(query, network).status == "violated"


@pytest.mark.parametrize("engine", ["auto", "milp", "smt"])
def test_asking_for_zero_sums_alone_would_prove_that_it_has_none(asked, engine, monkeypatch):
    model, query = asked
    monkeypatch.setattr(deciding, "refuse_head", lambda network, unsafe: None)
    assert verdict.verify(query, verdict.load(model), engine=engine).status == "robust"


def test_the_checker_does_not_read_it_either(asked, tmp_path):
    model, query = asked
    parts = [Part(True, [Goal([0], ProofTree())])]
    path = write_certificate(tmp_path / "c.vcert", unsat_claim(), model.read_bytes(), parts, query=query.read_bytes())
    with pytest.raises(UnreadableError, match="only comparisons"):
        check(path, model, query)


def test_equal_probabilities_of_different_scores(tmp_path):
    model = _softmax(tmp_path / "close.onnx", 1e-9, 0)
    network = verdict.load(model)
    p = network.runtime(np.zeros(1))
    assert p[0] == p[1]
    answer = verdict.robust(network, [0.0], 1, label=0, certificate=tmp_path / "c.vcert")
    assert (answer.status, answer.trust) == ("robust", verdict.Trust.CERTIFIED)
    assert "float32" not in answer.semantics
    report = check(one_leaf(model, [Fraction(0)], Fraction(1)), model)
    assert (report.accepted, report.any_order) == (True, False)
    assert "Softmax" in report.reason
