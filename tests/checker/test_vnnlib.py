"""The checker's property reader: exact, strict, and in agreement with Verdict's own."""

from fractions import Fraction

import pytest

from verdict.checker import UnreadableError
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
