"""The checker's property reader: exact, strict, and in agreement with Verdict's own."""

import time
from fractions import Fraction
from pathlib import Path

import pytest

from verdict.certificate.proof import Goal, Part, ProofTree
from verdict.certificate.write import unsat_claim, write_certificate
from verdict.checker import UnreadableError, check
from verdict.checker.readers.vnnlib import read_property

HEAD = "(declare-const X_0 Real) (declare-const Y_0 Real) (declare-const Y_1 Real)"
BOX = "(assert (>= X_0 -0.1)) (assert (<= X_0 1e-3))"


def test_decimals_are_exact():
    (d,) = read_property(f"{HEAD}{BOX}(assert (<= (+ (* 2 Y_0) (- 0.5)) (- Y_1 3)))", 1, 2)
    assert (d.lower, d.upper) == ((Fraction(-1, 10),), (Fraction(1, 1000),))
    assert d.matrix.tolist() == [[2, -1, 0]]
    assert d.offset == (Fraction(-5, 2),)


def test_disjuncts_come_in_file_order():
    found = read_property(f"{HEAD}{BOX}(assert (or (<= Y_0 1) (and (>= Y_0 2) (< Y_1 X_0))))(assert (<= X_0 0))", 1, 2)
    assert [d.offset for d in found] == [(1,), (-2, 0)]
    assert all(d.upper == (0,) for d in found)


def test_contradictions_need_no_proof():
    assert read_property(f"{HEAD}{BOX}(assert (>= X_0 0.5))", 1, 2) == []
    assert read_property(f"{HEAD}{BOX}(assert (<= 2 1))", 1, 2) == []


@pytest.mark.parametrize(
    "text",
    [
        "(assert (<= X_0 1))",
        HEAD,
        f"{HEAD}{BOX})",
        f"{HEAD}{BOX}(assert",
        f"{HEAD}{BOX}(assert (<= (* Y_0 Y_1) 1))",
        f"{HEAD}{BOX}(assert (<= Y_0 1.0.0))",
        f"{HEAD}{BOX}(assert (<= Y_0 nan))",
        f"{HEAD}{BOX}(assert (<= Y_0 1e99999))",
        f"{HEAD}{BOX}(assert (<= Y_0 {'1' * 5000}))",
        f"{HEAD}{BOX}(assert (<= Y_0 0.{'1' * 5000}))",
        f"{HEAD}{BOX}(assert (<= Y_00 1))",
        f"{HEAD}{BOX}(assert (<= Y_\u0660 1))",
        f"{HEAD}{BOX}(assert (<= Y_2 1))",
        f"{HEAD}{BOX}(push 1)",
        f"{HEAD}{HEAD}{BOX}",
        HEAD + "(assert " + "(and " * 300 + ")" * 300 + ")",
        HEAD + BOX + "(assert (or (<= Y_0 1) (<= Y_1 1)))" * 20,
        HEAD.replace("Real", "Int") + BOX,
    ],
)
def test_anything_else_is_unreadable(text):
    with pytest.raises(UnreadableError):
        read_property(text, 1, 2)


@pytest.mark.parametrize("end", ["\v", "\f", "\x1c", "\x85", "\u2028"])
def test_an_assertion_behind_a_doubtful_line_break(end):
    """`; note<FF>(assert ...)` is a comment to some readers and a comment and an assertion to others."""
    with pytest.raises(UnreadableError, match="line break"):
        read_property(f"{HEAD}{BOX} ; note{end}(assert (>= Y_0 1000))", 1, 2)


def test_windows_line_ends_are_read():
    assert len(read_property(f"{HEAD}\r\n{BOX} ; note\r\n(assert (>= Y_0 1000))\r\n", 1, 2)) == 1


def same(text, *lines):
    """Whether two texts of assertions ask for the same disjuncts."""
    one, other = (read_property(HEAD + BOX + t, 1, 2) for t in (text, "".join(lines)))
    return [(d.lower, d.upper, d.matrix.tolist(), d.offset) for d in one] == [
        (d.lower, d.upper, d.matrix.tolist(), d.offset) for d in other]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("(assert (not (<= Y_0 1)))", "(assert (>= Y_0 1))"),
        ("(assert (not (or (<= Y_0 1) (> Y_1 2))))", "(assert (>= Y_0 1)) (assert (<= Y_1 2))"),
        ("(assert (not (and (<= Y_0 1) (> Y_1 2))))", "(assert (or (>= Y_0 1) (<= Y_1 2)))"),
        ("(assert (not (not (< Y_0 1))))", "(assert (<= Y_0 1))"),
        ("(assert (=> (<= Y_0 1) (<= Y_1 2)))", "(assert (or (>= Y_0 1) (<= Y_1 2)))"),
        ("(assert (not (=> (<= Y_0 1) (<= Y_1 2))))", "(assert (<= Y_0 1)) (assert (>= Y_1 2))"),
        ("(assert (= Y_0 1))", "(assert (<= Y_0 1)) (assert (>= Y_0 1))"),
        ("(assert (not (= Y_0 1)))", "(assert (or (>= Y_0 1) (<= Y_0 1)))"),
        ("(assert (<= 0 Y_0 Y_1))", "(assert (<= 0 Y_0)) (assert (<= Y_0 Y_1))"),
        ("(assert (not (<= 0 Y_0 Y_1)))", "(assert (or (>= 0 Y_0) (>= Y_0 Y_1)))"),
        ("(assert (or true (<= Y_0 1)))", "(assert (or (<= 0 1) (<= Y_0 1)))"),
        ("(assert (and true (<= Y_0 1)))", "(assert (<= Y_0 1))"),
        ("(assert (or false (<= Y_0 1)))", "(assert (<= Y_0 1))"),
        ("(assert (not true))", "(assert (<= 1 0))"),
        ("(assert (<= (/ Y_0 4 2) 1))", "(assert (<= (* 0.125 Y_0) 1))"),
        ("(set-logic QF_LRA)(set-info :source |a;b \n (|)(assert (<= Y_0 1))(check-sat)(exit)", "(assert (<= Y_0 1))"),
        ('(set-info :source "a ) ; b")(assert (<= Y_0 1))', "(assert (<= Y_0 1))"),
        ("; a comment\r(assert (<= Y_0 1))", "(assert (<= Y_0 1))"),
        ("\t(assert\r\n(<= Y_0 1) ; end\n)", "(assert (<= Y_0 1))"),
    ],
)
def test_all_words_of_version_1(text, plain):
    assert same(text, plain)


def test_functions_without_arguments_are_constants():
    head = "(declare-fun X_0 () Real) (declare-fun Y_0 () Real)"
    assert len(read_property(f"{head}(assert (<= 0 X_0 1))(assert (<= Y_0 1))", 1, 1)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "(assert (not (<= Y_0 1) (<= Y_1 1)))", "(assert (not))", "(assert (=> (<= Y_0 1)))", "(assert (and))",
        "(assert (or))", "(assert (<= Y_0))", "(assert ())", "(assert (() Y_0 1))", "(assert Y_0)",
        "(assert (xor true true))",
        "(assert (distinct Y_0 1))", "(assert (<= (ite true Y_0 Y_1) 1))", "(assert (<= (/ 1 Y_0) 1))",
        "(assert (<= (/ Y_0 0) 1))", "(assert (<= (/ Y_0) 1))", "(assert (<= () 1))", "(assert (<= ((+) Y_0) 1))",
        '(assert (<= "Y_0" 1))', "(assert (<= |Y_0| 1))", '(set-info :a "open)', "(set-info :a |open)",
        "(declare-fun Z () Real)",
        "(declare-fun Y_2 (Real) Real)", "(declare-const Y_2)", "(declare-const)", "(define-fun f () Real 1)",
        "(assert true true)", "(assert)", "()", "word", "(assert (<= Y_0 #b1))", "(assert (<= Y_0 0x10))",
        "(assert (<= Y_0 1e9999))", "(assert (<= Y_0 1e-401))", "(assert (<= Y_0 inf))",
        "(assert (let ((a 1)) (<= a Y_0)))",
        "(assert (<= Y_0\xa01))", "(\ufeffassert (<= Y_0 1))", "(Assert (<= Y_0 1))", "(assert (AND (<= Y_0 1)))",
    ],
)
def test_words_that_are_not_in_the_table(text):
    with pytest.raises(UnreadableError) as caught:
        read_property(HEAD + BOX + text, 1, 2)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


OR = "(or (<= Y_0 1) (<= Y_1 1))"


@pytest.mark.parametrize(
    "text",
    [
        f"(assert (<= Y_0 (* {' '.join(['1e400'] * 3000)})))",
        f"(assert (<= Y_0 (* {' '.join(['1.1'] * 30000)})))",
        "(assert (<= Y_0 (/ 1" + " 1.234567" * 30_000 + ")))",
        f"(assert (<= (+ {'Y_0 ' * 10} (* 3 {'Y_1 ' * 2})) 1))",
        f"(assert (or {' '.join(['(<= Y_0 1)'] * 20_001)}))",
        f"(assert (and {OR * 20}))",
        f"(assert (or {''.join(f'(and {OR * 14})' for _ in range(100))}))",
        f"(assert (not (and {' '.join(['(<= Y_0 1)'] * 20_001)})))",
        f"(assert (not (<= {'Y_0 ' * 30_000})))",
        "(assert " + "(not " * 250 + "true" + ")" * 250 + ")",
        "(assert (<= Y_0 " + "(- " * 250 + "1" + ")" * 250 + "))",
        "(" * 10**6,
    ],
)
def test_hostile_queries_end_soon(text):
    started = time.monotonic()
    with pytest.raises(UnreadableError):
        read_property(HEAD + BOX + text, 1, 2)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("tier", ["exact", "rigorous", "python"])
@pytest.mark.parametrize("at_leaves", [True, False])
def test_a_query_without_outputs_asks_for_a_point_of_the_box(tmp_path, tier, at_leaves):
    """The claim that there is none is false, and turned down."""
    query = tmp_path / "q.vnnlib"
    query.write_text("(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)"
                     "(assert (<= 0 X_0 1))(assert (<= 0 X_1 1))")
    model = Path(__file__).parents[2] / "models/xor.onnx"
    path = write_certificate(tmp_path / "c.vcert", unsat_claim(), model.read_bytes(),
                             [Part(at_leaves, [Goal([0], ProofTree())])], query=query.read_bytes())
    report = check(path, model, query, tier=tier)
    assert not report.accepted
    assert "does not exclude" in report.reason
