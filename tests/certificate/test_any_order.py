"""What holds over the reals only, and what holds for every float32 evaluation; boxes halved until it does."""

from fractions import Fraction

import numpy as np
from support.networks import Draft, twins
from support.provers import boxes

import verdict
from verdict.certificate.complete import About, Checking, complete
from verdict.certificate.proof import Goal, Part, ProofTree
from verdict.certificate.subject import subject_of
from verdict.certificate.write import robust_claim, write_certificate
from verdict.checker import check
from verdict.property.unsafe import misclassification


def _single(tmp_path, rows, constants, x, eps=Fraction(0)):
    """A linear network rows @ x + constants, class 0 claimed, a certificate of one leaf."""
    draft = Draft(np.random.default_rng(0))
    weight, bias = draft.constant(np.array(rows, np.float32)), draft.constant(np.array(constants, np.float32))
    last = draft.add("Gemm", "x", weight, bias, transB=1)
    model = draft.save(tmp_path / "linear.onnx", (len(x),), len(rows), last)
    claim = robust_claim(x, eps, 0)
    parts = [Part(True, [Goal(list(range(len(rows) - 1)), ProofTree())])]
    return write_certificate(tmp_path / "linear.vcert", claim, model.read_bytes(), parts), model


def test_a_wide_margin_survives_any_order(tmp_path):
    path, model = _single(tmp_path, [[1, 2, 3], [0, 1, 2]], [1, 0], [Fraction(1, 3)] * 3, Fraction(1, 10))
    assert check(path, model).any_order


def test_a_margin_of_nearly_nothing_is_real_all_the_same(tmp_path):
    """2^-60 between the scores: exact arithmetic sees it, a float32 run need not."""
    path, model = _single(tmp_path, [[1], [1]], [2.0**-60, 0], [Fraction(1, 2)])
    report = check(path, model)
    assert (report.accepted, report.any_order) == (True, False)


def test_absorption_is_seen(tmp_path):
    """x + 2^54 - 2^54 is x over the reals and 0 in floats: a network that hides x behind it."""
    draft = Draft(np.random.default_rng(0))
    h = draft.add("Add", "x", draft.constant(np.float32([2.0**54])))
    h = draft.add("Relu", draft.add("Mul", draft.add("Sub", h, draft.constant(np.float32([2.0**54]))),
                                    draft.constant(np.float32([1]))))
    weight = draft.constant(np.array([[1], [0]], np.float32))
    last = draft.add("Gemm", h, weight, draft.constant(np.array([0, 0.5], np.float32)), transB=1)
    model = draft.save(tmp_path / "absorbed.onnx", (1,), 2, last)
    parts = [Part(True, [Goal([0], ProofTree())])]
    path = write_certificate(tmp_path / "a.vcert", robust_claim([Fraction(1)], Fraction(1, 4), 0), model.read_bytes(),
                             parts)
    report = check(path, model)
    assert report.accepted
    assert not report.any_order


def test_open_boxes_are_halved_until_the_checker_agrees(tmp_path):
    network, path = verdict.load(twins(tmp_path)), tmp_path / "c.vcert"
    box, tree = (np.array([-1.0]), np.array([1.0])), ProofTree()
    parts, claim = [Part(True, [Goal([0], tree)])], robust_claim([Fraction(0)], Fraction(1), 0)
    write_certificate(path, claim, network.data, parts)
    assert not check(path, network.path).accepted
    assert complete(path, About(claim, subject_of(network)[0]), parts, [box], Checking(any_order=True)) == 0
    assert check(path, network.path).any_order
    assert len(tree) > 1
    # What is false stays open however often it is halved.
    false = robust_claim([Fraction(0)], Fraction(1), 1)
    parts = [Part(True, [Goal([0], ProofTree())])]
    assert complete(path, About(false, subject_of(network)[0]), parts, [box], Checking(most=200)) > 0
    assert not check(path, network.path).accepted


def test_a_tree_that_needs_no_help_is_left_alone(tmp_path):
    network = verdict.load("xor")
    claim = robust_claim([Fraction(1, 8), Fraction(7, 8)], Fraction(1, 16), 1)
    low, high = np.array([1 / 16, 13 / 16]), np.array([3 / 16, 15 / 16])
    tree = boxes(network.graph, misclassification(1, 2), low, high)
    size, about = len(tree), About(claim, subject_of(network)[0])
    assert complete(tmp_path / "c.vcert", about, [Part(True, [Goal([0], tree)])], [(low, high)]) == 0
    assert len(tree) == size
