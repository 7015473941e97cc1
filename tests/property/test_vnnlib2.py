"""VNN-LIB 2: what a query says is what is read, exactly; what cannot be read is one error with its place."""

from __future__ import annotations

import contextlib
import gzip
import random
from fractions import Fraction

import numpy as np
import pytest
from support.queries import decimal, random_formula, text, true

from verdict.base.errors import PropertyError
from verdict.property.vnnlib import read_query
from verdict.property.vnnlib1 import VnnLib1
from verdict.property.vnnlib2 import VnnLib2, parse_vnnlib2, read_vnnlib2

HEAD = """(vnnlib-version <2.0>)
(declare-network f
  (declare-input X float32 [1,2])
  (declare-input S float32 [])
  (declare-hidden H float32 [2] "inner")
  (declare-output Y float32 [2])
)
"""
BOX = "".join(f"(assert (and (>= {v} -1.0) (<= {v} 1.0)))\n" for v in ("X[0,0]", "X[0,1]", "S"))
NAMES = ["X[0,0]", "X[0,1]", "S", "Y[0]", "Y[1]", "H[0]", "H[1]"]


def _parse(body: str, box: str = BOX) -> VnnLib2:
    return parse_vnnlib2(HEAD + box + body)


def _values(rng: random.Random) -> dict[str, Fraction]:
    return {name: Fraction(rng.randint(-10, 10), 10) for name in NAMES}


def _holds(query: VnnLib2, values: dict[str, Fraction]) -> bool:
    x, y = [values[n] for n in NAMES[:3]], [values[n] for n in NAMES[3:]]
    return query.holds(x, y)


def _error(body: str, head: str = HEAD, box: str = "") -> str:
    with pytest.raises(PropertyError) as error:
        _ = parse_vnnlib2(head + box + body, "q.vnnlib").cases
    return str(error.value)


@pytest.mark.parametrize(
    ("body", "inside", "outside"),
    [
        ("(<= X[0,0] 0.5)", {"X[0,0]": "0.5"}, {"X[0,0]": "0.6"}),
        ("(< X[0,0] 0.5)", {"X[0,0]": "0.4"}, {"X[0,0]": "0.5"}),
        ("(>= S -0.5)", {"S": "-0.5"}, {"S": "-0.6"}),
        ("(> S -0.5)", {"S": "-0.4"}, {"S": "-0.5"}),
        ("(== Y[1] 0.1)", {"Y[1]": "0.1"}, {"Y[1]": "0.11"}),
        ("(!= Y[1] 0.1)", {"Y[1]": "0.11"}, {"Y[1]": "0.1"}),
        ("(<= Y[0] Y[1])", {"Y[0]": "0.1", "Y[1]": "0.1"}, {"Y[0]": "0.2", "Y[1]": "0.1"}),
        ("(<= (- Y[0]) 0.0)", {"Y[0]": "0.1"}, {"Y[0]": "-0.1"}),
        ("(<= (- Y[0] Y[1] H[0]) 0.0)", {"Y[0]": "0.3", "Y[1]": "0.1", "H[0]": "0.2"}, {"Y[0]": "0.3"}),
        ("(<= (+ Y[0] Y[1] H[1]) 0.5)", {"H[1]": "0.5"}, {"H[1]": "0.5", "Y[1]": "0.1"}),
        ("(<= (* 2.0 Y[0] 3.0) 0.6)", {"Y[0]": "0.1"}, {"Y[0]": "0.2"}),
        ("(<= (* Y[0] Y[1]) 0.1)", {"Y[0]": "0.2", "Y[1]": "0.5"}, {"Y[0]": "0.3", "Y[1]": "0.5"}),
        ("(== (* S S S) 0.125)", {"S": "0.5"}, {"S": "-0.5"}),
        ("(<= (+ X[0,0] Y[0]) H[0])", {"X[0,0]": "-1"}, {"X[0,0]": "1"}),
        ("(or (<= S -0.5) (and (>= S 0.5) (<= Y[0] 0.0)))", {"S": "0.6"}, {"S": "0.6", "Y[0]": "0.1"}),
        ("(and (or (<= S 0.0)))", {"S": "0"}, {"S": "0.1"}),
        ("(<= Y[0] 0.30000000000000000000000000000000001)", {"Y[0]": "0.3"}, {"Y[0]": "0.300000000000000000001"}),
    ],
)
def test_each_construct(body, inside, outside):
    query = _parse(f"(assert {body})")
    for values, expected in ((inside, True), (outside, False)):
        point = dict.fromkeys(NAMES, Fraction(0)) | {name: Fraction(v) for name, v in values.items()}
        assert _holds(query, point) == expected


@pytest.mark.parametrize("seed", range(40))
def test_random_formulas_mean_what_they_say(seed):
    """The formula, and the cases that it is searched in, against the generator's own meaning."""
    rng = random.Random(seed)
    formula = random_formula(rng, NAMES, 3)
    query = _parse(f"(assert {text(formula, rng)})")
    for _ in range(60):
        values = _values(rng)
        expected = true(formula, values)
        assert _holds(query, values) == expected
        covered = any(_in_case(case, values) for case in query.cases)
        # A case remembers strictness beside its closed sets, so cases are exact as well.
        assert covered == expected


def _in_case(case, values):
    from verdict.network.exact import ExactVector

    x, y = [values[n] for n in NAMES[:3]], [values[n] for n in NAMES[3:]]
    return case.holds(ExactVector.of(x), ExactVector.of(y))


def test_products_are_left_out_of_the_cases_and_kept_in_the_formula():
    query = _parse("(assert (and (>= (* S S) 0.5) (<= Y[0] 0.0)))")
    assert not query.is_linear
    (case,) = query.cases
    assert [p.name for p in case.unsafe.polytopes] == ["Y[0] <= 0"]
    assert not _holds(query, dict.fromkeys(NAMES, Fraction(0)))


def test_literals_are_the_decimals_that_they_say():
    query = _parse("(assert (<= X[0,0] 0.1))", BOX)
    assert query.cases[0].inputs.upper[0] == Fraction(1, 10)


def test_the_order_of_declaration_and_the_order_of_outputs():
    query = _parse("(assert (<= H[1] Y[0]))")
    assert [v.name for v in query.networks[0].variables] == ["X", "S", "H", "Y"]
    # In y the outputs come first, then the hidden values, as the importer appends them.
    assert query.names == {0: "X[0,0]", 1: "X[0,1]", 2: "S", -1: "Y[0]", -2: "Y[1]", -3: "H[0]", -4: "H[1]"}


TWO = """(vnnlib-version <2.0>)
(declare-network f (declare-input X float32 [2]) (declare-output Y float32 [1]))
(declare-network g (equal-to f) (declare-input U float32 [2]) (declare-output V float32 [1]))
(assert (and (>= X[0] 0.0) (<= X[0] 1.0) (>= X[1] 0.0) (<= X[1] 1.0)))
"""


def test_equal_inputs_become_one_coordinate():
    equal = "(assert (== X[0] U[0]))(assert (and (<= U[1] X[1]) (>= U[1] X[1])))"
    query = parse_vnnlib2(TWO + equal + "(assert (< Y[0] V[0]))")
    assert query.shared == (0, 1, 0, 1)
    (case,) = query.cases
    assert case.inputs.size == 2
    assert not case.outputs_with_inputs


def test_inputs_are_equal_only_where_that_is_asserted():
    query = parse_vnnlib2(
        TWO + "(assert (and (>= U[0] 0.0) (<= U[0] 1.0) (>= U[1] 0.0) (<= U[1] 1.0)))"
        "(assert (or (== X[0] U[0]) (< Y[0] V[0])))(assert (<= X[1] U[1]))"
    )
    assert query.shared == (0, 1, 2, 3)


def test_bounds_follow_from_linear_constraints():
    """U lies within 1/10 of X, so its box is X's widened by 1/10; and bounds chain through several variables."""
    near = "".join(f"(assert (and (<= U[{i}] (+ X[{i}] 0.1)) (<= (- X[{i}] 0.1) U[{i}])))" for i in range(2))
    (case,) = parse_vnnlib2(TWO + near).cases
    assert case.inputs.lower == (0, 0, Fraction(-1, 10), Fraction(-1, 10))
    assert case.inputs.upper == (1, 1, Fraction(11, 10), Fraction(11, 10))
    chain = "(assert (<= (* 2.0 U[0]) (+ X[0] X[1])))(assert (>= U[0] 0.0))(assert (== (+ U[1] U[0]) 3.0))"
    (case,) = parse_vnnlib2(TWO + chain).cases
    assert (case.inputs.lower[2:], case.inputs.upper[2:]) == ((0, 2), (1, 3))


def test_real_as_the_standards_converter_writes_it():
    query = parse_vnnlib2((HEAD + BOX + "(assert (<= Y[0] 0.0))").replace("float32", "Real"))
    assert query.is_real
    assert not _parse("(assert (<= Y[0] 0.0))").is_real


def test_contradictions_have_no_case():
    for body in ("(assert (<= X[0,0] -2.0))", "(assert (and (< Y[0] 0.0) (> Y[0] 0.0)))", "(assert (!= S S))"):
        assert _parse(body).cases == ()


def test_files_plain_and_compressed_of_either_version(tmp_path):
    two, packed, one = tmp_path / "a.vnnlib", tmp_path / "b.vnnlib.gz", tmp_path / "c.vnnlib"
    two.write_text("; a comment (with parentheses\n" + HEAD + BOX)
    packed.write_bytes(gzip.compress((HEAD + BOX).encode()))
    one.write_text("(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= 0 X_0 1))(assert (<= Y_0 0))")
    assert isinstance(read_query(two), VnnLib2)
    assert isinstance(read_query(packed), VnnLib2)
    assert isinstance(read_query(one), VnnLib1)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", "syntax error"),
        ("(assert (<= X[0,0] 1.0)", "syntax error"),
        ("(assert (<= X[0,7] 1.0))", "Index 7 is out of bounds"),
        ("(assert (<= X[0] 1.0))", "line 8"),
        ("(assert (<= Z[0] 1.0))", "Z"),
        ("(assert (<= X[0,0.9] 1.0))", "found '[0,0.9]', expected integers"),
        ("(assert (<= X[0,-1] 1.0))", "found '[0,-1]', expected integers"),
        ("(assert (<= X[0,99999999999999999999] 1.0))", "expected integers"),
        ("(assert (= X[0,0] 1.0))", "syntax error"),
        ("(assert (<= X[0,0] 1e3))", "syntax error"),
        ("(assert (<= X[0,0] 1))", "Type mismatch"),
        (f"(assert (<= X[0,0] {'9' * 400}.0))", "cannot hold"),
        ("(assert (<= X[0,0] 1.0)) \0 (assert (<= X[0,0] -9.0))", "NUL"),
        ("(assert (<= X[0,0] 1.0)) trailing", "trailing"),
        ("(assert " + "(and " * 300 + "(<= X[0,0] 1.0)" + ")" * 300 + ")", "nested"),
        ("(assert (<= " + "(- " * 300 + "X[0,0]" + ")" * 300 + " 1.0))", "nested"),
        ("(assert (<= (* " + "X[0,0] " * 40 + ") 1.0))", "product too large"),
    ],
)
def test_what_cannot_be_read_is_one_error(body, expected):
    assert expected in _error(body)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (HEAD.replace("<2.0>", "<2.1>"), "found version 2.1"),
        (HEAD.replace("<2.0>", "<1.0>"), "found version 1.0"),
        (HEAD.replace("(vnnlib-version <2.0>)", ""), "no version command"),
        (HEAD.replace("float32", "float31"), "unknown element type"),
        (HEAD.replace("[1,2]", "[1.5,2]"), "expected integers"),
        (HEAD.replace("[1,2]", "[0,2]"), "Dimensions"),
        (HEAD.replace("[1,2]", "[100000,100000]"), "at most"),
        (HEAD.replace("declare-output Y", "declare-output X"), "X"),
        (HEAD.replace("(declare-network f", "(declare-network f (equal-to g)"), "g"),
    ],
)
def test_declarations_that_make_no_sense(head, expected):
    assert expected in _error("(assert (<= Y[0] 1.0))", head)


def test_without_bounds_the_type_is_the_bound():
    """An input of float32 is a float; one of another type needs bounds."""
    body = "(assert (<= X[0,0] 1.0))(assert (>= X[0,0] 0.0))"
    (case,) = parse_vnnlib2(HEAD + body + "(assert (<= X[0,1] 2.0))").cases
    largest = Fraction(float(np.finfo(np.float32).max))
    assert (case.inputs.lower[:2], case.inputs.upper[:2]) == ((0, -largest), (1, 2))
    for head in (HEAD.replace("float32", "real"), HEAD.replace("float32", "float64")):
        assert "X[0,1] has no lower bound" in _error(body, head)


def test_many_disjunctions_are_refused_instead_of_expanded():
    parts = (f"(<= (+ Y[0] (* {i}.5 Y[1])) 0.0) (>= (+ Y[1] (* {i}.5 H[0])) 0.0)" for i in range(40))
    body = "".join(f"(assert (or {part}))" for part in parts)
    assert "too many cases" in _error(body, box=BOX)


PIECES = ["(", ")", "[", "]", "and", "or", "<=", "==", "(assert", "X[0,0]",
    "Y[0]", "Z", "-1", "0.5", "1", '"', "\\", ";", "\0"]  # fmt: skip


@pytest.mark.parametrize("seed", range(10))
def test_damaged_queries_are_read_or_refused(seed):
    """Whatever is done to a file, the reader ends with a query or with one PropertyError."""
    rng = random.Random(seed)
    whole = HEAD + BOX + "(assert (or (<= (* 2.0 Y[0] Y[1]) (- H[1])) (and (!= S 0.5) (> X[0,1] Y[1]))))"
    for _ in range(30):
        damaged = whole
        for _ in range(rng.randint(1, 3)):
            i = rng.randrange(len(damaged))
            damaged = damaged[:i] + rng.choice([*PIECES, ""]) + damaged[i + rng.randint(0, 6) :]
        with contextlib.suppress(PropertyError):
            _ = parse_vnnlib2(damaged).cases


def test_unreadable_files(tmp_path):
    with pytest.raises(PropertyError, match="cannot be read"):
        read_vnnlib2(tmp_path / "absent.vnnlib")
    path = tmp_path / "binary.vnnlib"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(PropertyError):
        read_query(path)


def test_decimals_of_the_generator():
    assert [decimal(Fraction(v)) for v in ("1/2", "-3/20", "7", "0")] == ["0.5", "-0.15", "7.0", "0.0"]
