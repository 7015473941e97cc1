"""A certificate from every engine and for every kind of question, checked again as a stranger would."""

from fractions import Fraction

import numpy as np
import pytest
from support.hard import EPS, hard
from support.networks import KINDS, Draft, random_network, twins

import verdict
from verdict.answer.results import Trust
from verdict.models import data
from verdict.search.engines.registry import engines

ENGINES = tuple(engines())

HEADER = """
(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real) (declare-const Y_1 Real)
"""
# Two boxes, and polytopes of one and of two rows.
SEVERAL = HEADER + """
(assert (or (and (>= X_0 0) (<= X_0 0.4)) (and (>= X_0 0.9) (<= X_0 0.95))))
(assert (>= X_1 0)) (assert (<= X_1 0.125))
(assert (or (and (<= X_0 0.5) (<= Y_0 (+ Y_1 0.01))) (and (>= X_0 0.6) (>= Y_0 Y_1) (<= Y_1 0.9))))
"""
# |a - b| against a: inputs and outputs in one row.
MIXED = HEADER + """
(assert (>= X_0 0)) (assert (<= X_0 1)) (assert (>= X_1 0)) (assert (<= X_1 0.125))
(assert (>= Y_1 (+ X_0 0.5)))
"""


def _checked(made, network, query=None):
    """Accepted by the API's check, in a tier other than the one it was accepted in."""
    assert made.accepted, made.reason
    assert made.size == made.path.stat().st_size
    report = verdict.check(made.path, network, query, tier="rigorous")
    assert report.accepted, report.reason
    return report


@pytest.mark.parametrize("engine", ENGINES)
def test_robust(tmp_path, engine):
    """Linear bounds alone do not prove this."""
    network = verdict.load(twins(tmp_path))
    answer = verdict.robust(network, [0.0], "1", engine=engine, certificate=tmp_path / "c.vcert")
    assert (answer.status, answer.trust) == ("robust", Trust.CERTIFIED)
    report = _checked(answer.certificate, network)
    assert "class 0 stays for every input within 1" in report.claim
    assert report.leaves > 1
    plain = verdict.robust(network, [0.0], "1", engine=engine)
    assert plain.certificate is None
    assert plain.trust is {"milp": Trust.SOLVER, "smt": Trust.Z3}.get(engine, Trust.RIGOROUS)


@pytest.mark.parametrize("engine", ["auto", "milp"])
def test_robust_on_digits(tmp_path, engine):
    network = verdict.load("digits-mlp")
    x = data("digits").load()[0][3]
    answer = verdict.robust(network, x, "0.0293", range=(0, 1), engine=engine, certificate=tmp_path / "c.vcert")
    assert (answer.status, answer.trust) == ("robust", Trust.CERTIFIED)
    assert "class 2 stays for every input within 293/10000" in _checked(answer.certificate, network).claim


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", [SEVERAL, MIXED])
def test_verify(tmp_path, engine, text):
    network, query = verdict.load("xor"), tmp_path / "q.vnnlib"
    query.write_text(text)
    answer = verdict.verify(query, network, engine=engine, certificate=tmp_path / "c.vcert")
    assert (answer.status, answer.trust) == ("robust", Trust.CERTIFIED)
    _checked(answer.certificate, network, query)
    # About another question or another network it says nothing.
    query.write_text(text.replace("0.125", "0.126"))
    assert not verdict.check(answer.certificate.path, network, query).accepted
    assert not verdict.check(answer.certificate.path, verdict.load("abs"), query).accepted


@pytest.mark.parametrize("kind", KINDS)
def test_random_networks(tmp_path, kind):
    certified = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        network = verdict.load(random_network(rng, kind, folder))
        x = rng.integers(-4, 5, network.input_size) / 4
        answer = verdict.robust(network, x, "1/8", engine="bab", certificate=folder / "c.vcert")
        if answer.status != "robust":
            assert answer.certificate.path is None
            continue
        _checked(answer.certificate, network)
        certified += answer.trust is Trust.CERTIFIED
    assert certified >= 2


@pytest.mark.parametrize("engine", ENGINES)
def test_an_exact_radius(tmp_path, engine):
    """xor around (0, 1): the classes tie at radius 1/4."""
    network, path = verdict.load("xor"), tmp_path / "c.vcert"
    answer = verdict.maxeps(network, [0.0, 1.0], range=(0, 1), engine=engine, certificate=path)
    assert (answer.status, answer.exact, answer.lower_trust) == ("exact", Fraction(1, 4), Trust.CERTIFIED)
    assert "below 1/4, and not at 1/4" in verdict.check(path, network).claim
    assert verdict.check(path, network).accepted
    assert verdict.maxeps(network, [0.0, 1.0], range=(0, 1), engine=engine).lower_trust is not Trust.CERTIFIED


def test_a_radius_of_digits_is_a_rational_number(tmp_path):
    network = verdict.load("digits-mlp")
    x = data("digits").load()[0][3]
    answer = verdict.maxeps(network, x, range=(0, 1), certificate=tmp_path / "c.vcert")
    assert answer.status == "exact"
    assert answer.lower == answer.upper == answer.exact
    assert answer.lower_trust is Trust.CERTIFIED
    report = verdict.check(answer.certificate.path, network)
    assert report.accepted
    assert f"below {answer.exact}, and not at {answer.exact}" in report.claim
    # Rounding leaves nothing of the margin at a tie, but a smaller radius holds in float32 too.
    assert not report.any_order
    assert Fraction(9, 10) * answer.lower < answer.float32.radius < answer.lower
    assert verdict.check(answer.float32.path, network).any_order


def test_a_range_that_is_safe_as_a_whole(tmp_path):
    network = verdict.load("digits-mlp")
    x = np.full(64, 0.5)
    answer = verdict.maxeps(network, x, range=("0.499", "0.501"), certificate=tmp_path / "c.vcert")
    assert (answer.status, answer.lower_trust) == ("safe", Trust.CERTIFIED)
    assert "up to 1/1000" in _checked(answer.certificate, network).claim
    assert answer.float32.path == answer.certificate.path


def test_a_wrong_label_has_no_certificate(tmp_path):
    network = verdict.load("xor")
    answer = verdict.maxeps(network, [0.25, 0.75], range=(0, 1), label=0, certificate=tmp_path / "c.vcert")
    assert answer.status == "wrong-label"
    assert answer.certificate.path is None
    assert "no radius is safe" in answer.certificate.reason
    assert not list(tmp_path.iterdir())


def test_a_violation_and_an_open_question_have_none(tmp_path):
    network = verdict.load("digits-mlp")
    x = data("digits").load()[0][3]
    path = tmp_path / "c.vcert"
    # Only a certificate would ever be replaced.
    assert verdict.robust(network, x, "0.001", range=(0, 1), certificate=path).certificate.accepted
    older = path.read_bytes()
    violated = verdict.robust(network, x, "0.03", range=(0, 1), certificate=path)
    assert violated.status == "violated"
    assert "witness" in violated.certificate.reason
    model, inputs = hard(tmp_path)
    center = np.load(inputs)[0]
    open_ = verdict.robust(model, center, EPS, range=(-1, 2), engine="smt", timeout=1, certificate=path)
    assert open_.status == "unknown"
    assert open_.certificate.reason == "nothing was proved"
    assert path.read_bytes() == older


def test_an_operator_that_the_checker_does_not_read(tmp_path):
    draft = Draft(np.random.default_rng(0))
    h = draft.gemm("x", 2, 2)
    thirds = draft.add("Div", draft.constant(np.float32([1, 4])), draft.constant(np.float32(3)))
    sums = draft.add("CumSum", thirds, draft.constant(np.array(0)))
    last = draft.add("Add", draft.add("Mul", h, sums), draft.constant(np.float32([100, 0])))
    network = verdict.load(draft.save(tmp_path / "root.onnx", (2,), 2, last))
    answer = verdict.robust(network, [0.0, 0.0], "0.01", certificate=tmp_path / "c.vcert")
    assert (answer.status, answer.trust) == ("robust", Trust.RIGOROUS)
    assert answer.certificate.path is None
    assert "CumSum" in answer.certificate.reason


def test_a_perturbation_is_certified_with_the_network_that_it_makes(tmp_path):
    network = verdict.load("digits-mlp")
    x = data("digits").load()[0][3]
    path = tmp_path / "c.vcert"
    answer = verdict.robust(network, x, "0.05", range=(0, 1), perturbation="brightness", certificate=path)
    assert (answer.status, answer.trust) == ("robust", Trust.CERTIFIED)
    assert answer.certificate.network == tmp_path / "c.vcert.onnx"
    assert verdict.check(path, answer.certificate.network).accepted
    assert not verdict.check(path, network).accepted


@pytest.mark.parametrize(("third", "certified"), [("(/ 1 3)", True), ("(/ 1 3000000000000000000007)", False)])
def test_coefficients_that_no_float_equals(tmp_path, third, certified):
    """Short ones are scaled to integers; what bounds cannot use, a MILP solver rounds, and that is not certified."""
    query, network = tmp_path / "q.vnnlib", verdict.load("xor")
    query.write_text(SEVERAL.replace("(<= Y_0 (+ Y_1 0.01))", f"(<= (* {third} Y_0) (+ (* (/ 1 7) Y_1) -1))"))
    answer = verdict.verify(query, network, engine="milp", certificate=tmp_path / "c.vcert")
    assert (answer.trust is Trust.CERTIFIED) == certified
    assert (answer.certificate.path is not None) == certified
    assert certified or answer.certificate.reason
