"""What `encode` writes is what the engines decide: Z3 and HiGHS, given the files alone, come to the same answer."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.networks import KINDS, random_network
from support.queries import random_formula, text
from support.smooth import smooth_network

import verdict
from verdict.ask import encode
from verdict.ask.question import Question
from verdict.base.errors import InputError
from verdict.cli.main import main
from verdict.encoders.text import write_lp, write_mps
from verdict.property.formula import Comparison, Connective
from verdict.property.polynomial import Polynomial
from verdict.property.vnnlib import read_query
from verdict.property.vnnlib2 import Declared, DeclaredNetwork, declared_names, parse_vnnlib2
from verdict.property.vnnlib2_write import decimal, query_text
from verdict.property.vnnlib_bind import bound
from verdict.solvers.z3_session import Session

# HiGHS's margins nearer to zero than this are left to the exact side.
CLEAR = 1e-5


def _z3(script: str) -> str:
    lines = [line for line in script.splitlines() if not line.startswith("(get-model")]
    with Session() as session:
        return session.command("\n".join(lines), timeout=60)


def _highs(path: Path) -> float:
    """The least margin of a file, by the HiGHS that SciPy ships."""
    core = pytest.importorskip("scipy.optimize._highspy._core")
    solver = core._Highs()
    solver.setOptionValue("output_flag", False)
    # A warning is about coefficients that HiGHS takes for zero.
    assert solver.readModel(str(path)) != core.HighsStatus.kError
    assert solver.run() == core.HighsStatus.kOk
    assert solver.modelStatusToString(solver.getModelStatus()) == "Optimal"
    return float(solver.getObjectiveValue())


def _same_answers(question: encode.Question, status: str, folder: Path) -> None:
    answer = _z3(encode.smt2(question, None))
    assert {"robust": answer == "unsat", "violated": answer == "sat", "unknown": True}[status]
    for write, name in ((write_mps, "model.mps"), (write_lp, "model.lp")):
        margins = []
        for _, names, comments, model in encode.models(question, None):
            assert len(set(names)) == len(names)
            write(model, names, comments, folder / name)
            margins.append(_highs(folder / name))
        least = min(margins, default=np.inf)
        if status == "violated":
            assert least <= CLEAR
        elif status == "robust" and "<" not in {c.relation for c in _strict(question.formula)}:
            assert least >= -CLEAR


def _strict(formula):
    from verdict.property.formula import comparisons

    return [c for c in comparisons(formula) if c.relation in ("<", "!=")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("eps", ["0.05", "1/3", "1"])
def test_robustness(kind, eps, tmp_path):
    network = verdict.load(random_network(np.random.default_rng(4), kind, tmp_path))
    x = np.random.default_rng(5).integers(-4, 5, network.input_size) / 8
    status = verdict.robust(network, x, eps, timeout=60).status
    question = encode.formulated(Question.of("encode", [network], x, eps=eps, to="smt2"))
    _same_answers(question, status, tmp_path)
    again = parse_vnnlib2(encode.vnnlib(question))
    assert verdict.verify(again, network, timeout=60).status == status


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize(("share", "status"), [(Fraction(99, 100), "robust"), (Fraction(101, 100), "violated")])
def test_balls_of_other_norms(norm, share, status, tmp_path):
    # The xor network at (1/4, 1) keeps its class up to a step of 1/4 in L1 and of sqrt(2)/8 in L2.
    network, x = verdict.load("xor"), [0.25, 1.0]
    eps = share * (Fraction(1, 4) if norm == "l1" else Fraction(2**0.5 / 8))
    assert verdict.robust(network, x, eps, norm=norm).status == status
    question = encode.formulated(Question.of("encode", [network], x, eps=eps, norm=norm, to="smt2"))
    if norm == "l1":
        _same_answers(question, status, tmp_path)
        with pytest.raises(InputError, match="absolute values"):
            encode.vnnlib(question)
    else:
        assert _z3(encode.smt2(question, None)) == {"robust": "unsat", "violated": "sat"}[status]
        with pytest.raises(InputError, match="no linear model"):
            list(encode.models(question, None))
        again = parse_vnnlib2(encode.vnnlib(question))
        assert verdict.verify(again, network, timeout=60).status == status


def test_inputs_before_normalisation(capsys):
    # The xor network at twice (0, 1) keeps its class while the entries, before they are doubled, are 1/4 apart.
    for eps, answer in (("0.37", "unsat"), ("0.38", "sat")):
        words = ["encode", "xor", "--input", "xor#1", "--std", "1/2", "--range", "0", "1"]
        assert main([*words, "--eps", eps, "--to", "smt2"]) == 0
        assert _z3(capsys.readouterr().out) == answer


@pytest.mark.parametrize("seed", range(8))
def test_queries_over_two_networks(seed, tmp_path):
    rng = random.Random(seed)
    network = verdict.load(random_network(np.random.default_rng(seed), "dense", tmp_path))
    size, outputs = network.input_size, network.output_size
    sizes = {"X": size, "Y": outputs, "V": outputs}
    names = [f"{letter}[0,{i}]" for letter, count in sizes.items() for i in range(count)]
    near = "".join(f"(assert (and (<= U[0,{i}] (+ X[0,{i}] 0.25)) (>= U[0,{i}] X[0,{i}])))" for i in range(1, size))
    query = parse_vnnlib2(
        f"""(vnnlib-version <2.0>)
        (declare-network f (declare-input X float32 [1,{size}]) (declare-output Y float32 [1,{outputs}]))
        (declare-network g (equal-to f) (declare-input U float32 [1,{size}]) (declare-output V float32 [1,{outputs}]))
        {"".join(f"(assert (and (>= {n} -0.5) (<= {n} 0.5)))" for n in names[:size])}
        (assert (== U[0,0] X[0,0])) {near}
        (assert {text(random_formula(rng, names, 2, ("<=", ">=", "<", ">")), rng)})"""
    )
    status = verdict.verify(query, {"f": network}, timeout=60).status
    question = encode.of_query(query, bound(query, {"f": network}))
    _same_answers(question, status, tmp_path)
    again = parse_vnnlib2(encode.vnnlib(question))
    assert again.shared == query.shared
    assert verdict.verify(again, {"f": network}, timeout=60).status == status


def test_a_query_of_version_1_becomes_one_of_version_2(tmp_path):
    path = tmp_path / "q.vnnlib"
    path.write_text(
        "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)"
        "(assert (or (and (<= 0 X_0 0.1) (<= 0 X_1 0.3)) (and (<= 0.5 X_0 1) (<= 0 X_1 0.2))))(assert (< Y_0 Y_1))"
    )
    network = verdict.load("xor")
    question = encode.of_query(read_query(path), network)
    again = parse_vnnlib2(encode.vnnlib(question))
    assert verdict.verify(again, network).status == verdict.verify(path, network).status == "violated"
    assert _z3(encode.smt2(question, "interval")) == "sat"
    assert len(list(encode.models(question, None))) == 2


def test_strictness_equality_and_products_reach_z3():
    head = """(vnnlib-version <2.0>)(declare-network f (declare-input X float32 [1]) (declare-output Y float32 [2]))
    (assert (and (>= X[0] -1.0) (<= X[0] 1.0)))"""
    network = verdict.load("abs")
    for body, expected in (
        ("(> Y[0] 1.0)", "unsat"),
        ("(>= Y[0] 1.0)", "sat"),
        ("(== (* 3.0 Y[0]) 1.0)", "sat"),
        ("(!= Y[1] 0.5)", "unsat"),
        ("(> (* X[0] Y[0]) 1.0)", "unsat"),
        ("(== (* X[0] X[0]) 0.5)", "sat"),
        ("(and (> X[0] 2.0) (< X[0] 2.0))", "unsat"),
    ):
        question = encode.of_query(parse_vnnlib2(f"{head}(assert {body})"), network)
        assert _z3(encode.smt2(question, None)) == expected


def test_every_column_has_a_name_that_says_what_it_is(tmp_path):
    network = verdict.load(random_network(np.random.default_rng(1), "residual", tmp_path))
    question = encode.formulated(Question.of("encode", [network], np.zeros(network.input_size), eps=1, to="smt2"))
    for _, names, _, model in encode.models(question, "interval"):
        assert names[: network.input_size] == [f"x{i}" for i in range(network.input_size)]
        assert names[-1] == "margin"
        assert {name[0] for name, whole in zip(names, model.integer, strict=True) if whole} <= {"a"}
        assert sum(name[0] == "a" for name in names) == model.integer.sum()
        assert sum(name[0] == "y" for name in names) == model.integer.sum()


FRACTIONS = st.builds(Fraction, st.integers(-30, 30), st.sampled_from([1, 2, 3, 7, 10, 32]))
VECTORS = (Declared("X", "input", "float32", (3,)), Declared("Y", "output", "float32", (1, 2)))
DECLARED = DeclaredNetwork("f", VECTORS)
VARIABLES = st.integers(min_value=-2, max_value=2)
POLYNOMIALS = st.dictionaries(
    st.lists(VARIABLES, max_size=3).map(lambda v: tuple(sorted(v))), FRACTIONS.filter(bool), max_size=4
).map(Polynomial)
COMPARISONS = st.builds(Comparison, POLYNOMIALS, st.sampled_from(["<=", "<", "==", "!="]))
FORMULAS = st.recursive(
    COMPARISONS,
    lambda inner: st.builds(Connective, st.booleans(), st.lists(inner, max_size=3).map(tuple)),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(FORMULAS, st.lists(st.lists(FRACTIONS, min_size=5, max_size=5), min_size=4, max_size=4))
def test_a_formula_written_and_read_again_means_the_same(formula, points):
    """Whatever is connected to whatever, with rationals that are no decimals and products of three variables."""
    again = parse_vnnlib2(query_text([DECLARED], formula, declared_names([DECLARED]), ["a round trip"]))
    for point in points:
        x, y = point[:3], point[3:]
        for i, first in enumerate(again.shared):
            x[i] = x[first]
        values = dict(enumerate(x)) | {-1 - i: v for i, v in enumerate(y)}
        joint = [x[i] for i in again.joint]
        expected = formula.holds_for(values.__getitem__)
        assert again.holds(joint, y) == expected or any(x[i] != point[i] for i in range(3))


def test_decimals():
    assert [decimal(Fraction(v)) for v in ("1", "-1/2", "1/8", "-7/50", "1000")] == [
        "1.0", "-0.5", "0.125", "-0.14", "1000.0",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="1/3"):
        decimal(Fraction(1, 3))


def test_the_command(tmp_path, capsys):
    words = ["encode", "xor", "--input", "xor#1", "--eps", "0.2"]
    assert main([*words, "--to", "smt2"]) == 0
    assert _z3(capsys.readouterr().out) == "unsat"
    assert main([*words, "--to", "vnnlib", "-o", str(tmp_path / "q.vnnlib")]) == 0
    assert main(["verify", str(tmp_path / "q.vnnlib"), "--network", str(verdict.load("xor").path)]) == 0
    assert capsys.readouterr().out == "unsat\n"
    assert main(["encode", str(tmp_path / "q.vnnlib"), "--network", "xor", "--to", "lp"]) == 0
    (tmp_path / "m.lp").write_text(capsys.readouterr().out)
    assert _highs(tmp_path / "m.lp") > 0
    several = ["encode", "digits-mlp", "--input", "digits#0", "--eps", "0.01", "--to", "mps"]
    assert main([*several, "-o", str(tmp_path / "d.mps")]) == 0
    assert len(list(tmp_path.glob("d-*.mps"))) == 9


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["xor", "--to", "smt2"], "--input and --eps"),
        (["xor", "--input", "xor#1", "--eps", "0.3", "--to", "cnf"], "--to cnf"),
        (["digits-mlp", "--input", "digits#0", "--eps", "0.01", "--to", "lp"], "-o FILE"),
        (["xor", "--input", "xor#1", "--eps", "0.3", "--to", "smt2", "-o", "/nowhere/x"], "cannot be written"),
        (["q.vnnlib", "--to", "smt2"], "cannot be read"),
        (["xor", "--input", "xor#1", "--eps", "0.3", "--to", "smt2", "--bounds", "milp"], "solver's word"),
    ],
)
def test_bad_input(words, expected, capsys):
    assert main(["encode", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert expected in err


def test_a_network_without_formulas_is_written_as_a_relaxation_that_says_so(tmp_path):
    """Unsat of the file is a proof; what is violated is sat."""
    network = verdict.load(smooth_network(tmp_path, 2))
    x = np.random.default_rng(2).uniform(-1, 1, 2).round(3)
    answers = {}
    for eps in ("0.02", "3"):
        script = encode.smt2(encode.formulated(Question.of("encode", [network], x, eps=eps, to="smt2")), None)
        assert "; A RELAXATION: the value of each" in script
        assert "; sat:" not in script
        answers[verdict.robust(network, x, eps).status] = _z3(script)
        question = encode.formulated(Question.of("encode", [network], x, eps=eps, to="lp"))
        for _, names, comments, model in encode.models(question, None):
            assert len(set(names)) == len(names)
            assert any("A RELAXATION" in comment for comment in comments)
            write_lp(model, names, comments, tmp_path / "model.lp")
            assert (_highs(tmp_path / "model.lp") > CLEAR) is (eps == "0.02")
    assert answers == {"robust": "unsat", "violated": "sat"}
