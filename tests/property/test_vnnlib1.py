"""VNN-LIB 1: what the parser says against a direct evaluation of the formula, errors, and broken texts."""

from __future__ import annotations

import gzip
import random
import re
import time
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from verdict.base.errors import PropertyError
from verdict.network.exact import ExactVector
from verdict.property.vnnlib1 import VnnLib1, parse_vnnlib1, read_vnnlib1
from verdict.property.vnnlib_witness import witness_text

INPUTS, OUTPUTS = 2, 2
VARIABLES = ["X_0", "X_1", "Y_0", "Y_1"]
DECLARATIONS = "".join(f"(declare-const {v} Real)\n" for v in VARIABLES)
BOX = "".join(f"(assert (<= {x} 2))(assert (>= {x} -2))\n" for x in VARIABLES[:2])


def parse(body: str, box: str = BOX) -> VnnLib1:
    return parse_vnnlib1(DECLARATIONS + box + body)


def attempt(whole: str) -> tuple[VnnLib1 | None, str]:
    """The property or the error's text."""
    try:
        return parse_vnnlib1(whole), ""
    except PropertyError as error:
        return None, str(error)


def holds(prop: VnnLib1, x: Sequence[Any], y: Sequence[Any]) -> bool:
    return any(case.holds(ExactVector.of(x), ExactVector.of(y)) for case in prop.cases)


# A formula as nested tuples, and its meaning: the independent reading of the language.
Tree = Any


def text(tree: Tree) -> str:
    return tree if isinstance(tree, str) else f"({' '.join(text(part) for part in tree)})"


def value(tree: Tree, point: dict[str, Fraction]) -> Any:
    if isinstance(tree, str):
        if tree in ("true", "false"):
            return tree == "true"
        return point[tree] if tree in point else Fraction(tree)
    op, *parts = tree
    args = [value(part, point) for part in parts]
    pairs = list(pairwise(args))
    if op in ("+", "*"):
        total = Fraction(op == "*")
        for arg in args:
            total = total + arg if op == "+" else total * arg
        return total
    return {
        "-": lambda: -args[0] if len(args) == 1 else args[0] - sum(args[1:]),
        "/": lambda: args[0] / args[1],
        "and": lambda: all(args),
        "or": lambda: any(args),
        "not": lambda: not args[0],
        "=>": lambda: not args[0] or args[1],
        "<=": lambda: all(a <= b for a, b in pairs),
        ">=": lambda: all(a >= b for a, b in pairs),
        "<": lambda: all(a < b for a, b in pairs),
        ">": lambda: all(a > b for a, b in pairs),
        "=": lambda: all(a == b for a, b in pairs),
    }[op]()


numbers = st.sampled_from(["0", "1", "-1", "0.5", "-0.5", "1.5", "1e-1", "2", ".25", "-2."])
variables = st.sampled_from(VARIABLES)
terms = st.recursive(
    numbers | variables | variables,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from("+-"), inner, inner),
        st.tuples(st.just("+"), inner, inner, inner),
        st.tuples(st.just("-"), inner),
        st.tuples(st.just("*"), numbers, inner),
        st.tuples(st.just("*"), inner, numbers),
        st.tuples(st.just("/"), inner, st.sampled_from(["2", "-3", "0.1"])),
    ),
    max_leaves=4,
)
operators = st.sampled_from(["<=", ">=", "<", ">", "="])
comparisons = st.one_of(
    st.tuples(st.sampled_from(["<=", ">="]), variables, numbers | variables),
    st.tuples(operators, terms, terms),
    st.tuples(operators, terms, terms, terms),
)
formulas = st.recursive(
    comparisons | comparisons | st.sampled_from(["true", "false"]),
    lambda inner: st.one_of(
        st.builds(lambda parts: ("and", *parts), st.lists(inner, min_size=1, max_size=4)),
        st.builds(lambda parts: ("or", *parts), st.lists(inner, min_size=1, max_size=4)),
        st.tuples(st.just("not"), inner),
        st.tuples(st.just("=>"), inner, inner),
    ),
    max_leaves=12,
)
# Few values, the constants among them, so that points often lie exactly on a boundary.
points = st.lists(st.sampled_from([Fraction(n, 4) for n in range(-10, 11)]), min_size=4, max_size=4)


@settings(max_examples=300, deadline=None)
@given(st.lists(formulas, min_size=1, max_size=4), st.lists(points, min_size=1, max_size=25))
def test_the_cases_mean_what_the_formula_says(trees: list[Tree], samples: list[list[Fraction]]) -> None:
    tree = ("and", *trees)
    box = [[Fraction(-2), Fraction(2)]] * 2
    prop, _ = attempt(DECLARATIONS + BOX + "".join(f"(assert {text(t)})\n" for t in trees))
    assert prop is not None
    for sample in samples:
        point = dict(zip(VARIABLES, sample, strict=True))
        inside = all(low <= v <= high for v, (low, high) in zip(sample, box, strict=False))
        expected = inside and value(tree, point)
        assert (prop is not None and holds(prop, sample[:2], sample[2:])) == expected


@settings(max_examples=100, deadline=None)
@given(formulas, points)
def test_the_closed_sets_contain_every_witness(tree: Tree, sample: list[Fraction]) -> None:
    """What the engines see, the box and the polytopes, is never less than what the formula says."""
    point = dict(zip(VARIABLES, sample, strict=True))
    assume(all(abs(v) <= 2 for v in sample[:2]) and value(tree, point))
    x, y = ExactVector.of(sample[:2]), ExactVector.of(sample[2:])
    both = ExactVector.of(sample[2:] + sample[:2])
    assert any(
        case.inputs.contains(x) and case.unsafe.containing(both if case.outputs_with_inputs else y)
        for case in parse(f"(assert {text(tree)})").cases
    )


def test_decimals_are_exact() -> None:
    body = "(assert (<= X_0 0.1)) (assert (>= X_1 (- 1e-3))) (assert (<= (* 3 Y_0) 3.991125645861615))"
    (case,) = parse(body).cases
    assert case.inputs.upper == (Fraction(1, 10), Fraction(2))
    assert case.inputs.lower == (Fraction(-2), Fraction(-1, 1000))
    (polytope,) = case.unsafe.polytopes
    assert polytope.matrix.fractions().tolist() == [[1, 0]]
    assert polytope.offset.fractions().tolist() == [Fraction("3.991125645861615") / 3]


def test_one_box_and_one_union_per_product() -> None:
    prop = parse(
        """(assert (or (and (<= X_0 0) (>= X_1 1)) (>= X_0 1)))
        (assert (or (<= Y_0 Y_1) (and (<= Y_0 3) (>= Y_1 4)) (> Y_0 5)))"""
    )
    assert [(c.inputs.lower, c.inputs.upper) for c in prop.cases] == [((-2, 1), (0, 2)), ((1, -2), (2, 2))]
    first, second = prop.cases
    assert first.unsafe is second.unsafe
    assert first.strict == ((False,), (False, False), (True,))
    assert not first.outputs_with_inputs


def test_a_box_of_its_own_in_each_disjunct() -> None:
    body = "(assert (or (and (>= X_0 0) (<= X_0 1) (>= Y_0 0)) (and (>= X_0 3) (<= X_0 4) (>= Y_1 0))))"
    prop = parse(body, box="(assert (and (<= X_1 1) (>= X_1 0)))")
    assert [(c.inputs.lower[0], c.inputs.upper[0]) for c in prop.cases] == [(0, 1), (3, 4)]
    assert [c.unsafe.polytopes[0].matrix.values.tolist() for c in prop.cases] == [[[-1, 0]], [[0, -1]]]


def test_an_empty_disjunct_is_dropped() -> None:
    prop = parse("(assert (or (and (>= X_0 1) (<= X_0 0)) (<= X_0 -1) (>= X_0 3)))")
    assert [c.inputs.upper[0] for c in prop.cases] == [-1]
    assert prop.empty_boxes == 2


def test_mixed_constraints_are_over_outputs_then_inputs() -> None:
    (case,) = parse("(assert (<= (+ X_0 (* 2 Y_1)) (- X_1 1)))").cases
    assert case.outputs_with_inputs
    assert case.unsafe.outputs == 4
    (polytope,) = case.unsafe.polytopes
    assert polytope.matrix.values.tolist() == [[0, 2, 1, -1]]
    assert polytope.offset.values.tolist() == [-1]


def test_strict_ends_of_the_box() -> None:
    (case,) = parse("(assert (not (<= X_0 1)))").cases
    assert case.inputs.lower[0] == 1
    assert case.open_lower == {0}
    assert not holds(parse("(assert (not (<= X_0 1)))"), [1, 0], [0, 0])


def test_outputs_without_constraints_and_without_points() -> None:
    (case,) = parse("").cases
    assert case.unsafe.polytopes[0].slack(np.array([[1e9, -1e9]]))[0] < 0
    assert holds(parse(""), [0, 0], [7, 8])
    assert parse("(assert (<= Y_0 0)) (assert (>= Y_0 1))").cases == ()


def test_coefficients_that_no_float_holds() -> None:
    (case,) = parse("(assert (<= (+ (* 1e-30 Y_0) (* 1e30 Y_1) (/ Y_0 7)) 1))").cases
    rows = case.unsafe.polytopes[0].matrix.fractions()
    assert rows[0, 1] / rows[0, 0] == Fraction(10**30) / (Fraction(1, 10**30) + Fraction(1, 7))


def test_a_gzipped_file(tmp_path: Path) -> None:
    path = tmp_path / "p.vnnlib.gz"
    path.write_bytes(gzip.compress((DECLARATIONS + BOX).encode()))
    assert read_vnnlib1(path).inputs == 2
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(PropertyError, match="cannot be read"):
        read_vnnlib1(path)
    with pytest.raises(PropertyError, match="cannot be read"):
        read_vnnlib1(tmp_path / "absent.vnnlib")


def test_other_commands_comments_and_declare_fun() -> None:
    prop = parse_vnnlib1(
        """(set-logic QF_LRA) ; (assert (
        (set-info :source |a; (b|)
        (declare-fun X_0 () Real)(declare-const ; here
            Y_0 Real)
        (assert (and (<= ; an ) odd place
          X_0 1) (<= 0 X_0)))(check-sat)"""
    )
    assert prop.cases[0].inputs.upper == (1,)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("(assert (<= Y_0 1)", r"line 7: found the end of the file, expected 1 more '\)'"),
        ("\n(assert (<= Y_0 1))) ", r"line 8: found '\)'"),
        ("(assert (<= Y_2 1))", r"line 7: found 'Y_2', which is not declared"),
        ("(assert (<= 1 Z))", r"line 7: found 'Z', which is not declared"),
        ("(assert (<= Y_0))", r"line 7: found '<=' with 1 operands, expected at least 2"),
        ("(assert (xor (<= Y_0 1)))", r"line 7: found '\(xor', expected one of the operators and or"),
        ("(assert (<= (* Y_0 Y_1) 1))", r"line 7: found a product of two variables"),
        ("(assert (<= (/ 1 Y_1) 1))", r"line 7: found a division"),
        ("(assert (<= (/ 1 0) 1))", r"line 7: found a division"),
        ("(assert (<= Y_0 1.2.3))", r"line 7: found the malformed number '1.2.3'"),
        ("(assert (<= Y_0 nan))", r"line 7: found 'nan', expected a finite number"),
        ("(assert (<= Y_0 -inf))", r"line 7: found '-inf', expected a finite number"),
        ("(assert (<= Y_0 1e999999999999))", r"line 7: found the number '1e9+', expected one in the range"),
        ("(assert (<= Y_0 1e350))", r"line 7: a constant of about 1e350 is outside the range of float64"),
        ("(assert (and (<= Y_0 1) 3))", r"line 7: found '3', expected a formula"),
        ("(assert (and (+ Y_0 1)))", r"line 7: found the number '\(\+', expected a formula"),
        ("(assert (<= (<= Y_0 1) 2))", r"line 7: found the formula '\(<=', expected a number"),
        ("(assert (<= Y_0 1) (<= Y_1 1))", r"line 7: found 'assert' with 2 operands, expected exactly 1"),
        ("(assert (or))", r"line 7: found 'or' with 0 operands"),
        ("(<= Y_0 1)", r"line 7: found the formula"),
        ("(maximize Y_0)", r"line 7: found '\(maximize', expected a command"),
        ("(declare-const X_0 Real)", r"line 7: found a second declaration of X_0"),
        ("(declare-const X_3 Real)", r"found 3 declared inputs.*X_2 is not declared"),
        ("(declare-const X_2 Int)", r"line 7: found a malformed declare-const"),
        ("(declare-const Z Real)", r"line 7: found the variable 'Z'"),
    ],
)
def test_errors_name_the_place(body: str, message: str) -> None:
    with pytest.raises(PropertyError, match=message):
        parse(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("(assert (>= X_0 3))", r"empty: X_0 <= 2 \(line 5\) contradicts X_0 >= 3 \(line 7\)"),
        ("(assert (or (>= X_0 3) (<= X_1 -3)))", r"the input set is empty"),
        ("(assert (<= X_0 -1e350))", r"the input set is empty"),
        ("(assert (> X_0 2))", r"empty: X_0 <= 2 \(line 5\) contradicts X_0 > 2 \(line 7\)"),
        ("(assert (>= Y_0 3))(assert (<= Y_0 2))", r"^$"),
    ],
)
def test_where_no_input_is_asked_about_there_is_no_case(body: str, message: str) -> None:
    prop = parse(body)
    assert prop.cases == ()
    assert re.search(message, prop.empty)


def test_a_missing_bound_is_named() -> None:
    with pytest.raises(PropertyError, match="X_1 has no upper bound"):
        parse("", box="(assert (<= X_0 1 ))(assert (>= X_0 0))(assert (>= X_1 0))")
    with pytest.raises(PropertyError, match="X_0 has no lower bound"):
        parse("(assert (or (>= X_0 0) (>= Y_0 0)))", box="(assert (<= X_0 1 ))(assert (<= 0 X_1 1))")


def test_deep_nesting_needs_no_recursion() -> None:
    depth = 100_000
    for opening in ("(and ", "(not (not ", "(or (and "):
        count = opening.count("(")
        prop = parse(f"(assert {opening * (depth // count)}(<= Y_0 1){')' * depth})")
        assert holds(prop, [0, 0], [1, 0])
    prop = parse(f"(assert (<= {'(- ' * depth}Y_0{')' * depth} 1))")
    assert not holds(prop, [0, 0], [2, 0])
    for broken in ("(" * depth, "(assert " + "(and " * depth, ")" * depth):
        with pytest.raises(PropertyError):
            parse(broken)


def test_many_disjuncts_in_linear_time() -> None:
    boxes = " ".join(f"(and (>= X_0 {i}e-4) (<= X_0 {i + 1}e-4))" for i in range(4000))
    outputs = " ".join(f"(>= Y_0 {i})" for i in range(1000))
    start = time.process_time()
    prop = parse(f"(assert (or {boxes})) (assert (or {outputs}))")
    assert len(prop.cases) == 4000
    assert len({id(case.unsafe) for case in prop.cases}) == 1
    assert time.process_time() - start < 2


def test_what_repeats_or_is_implied_does_not_multiply() -> None:
    clauses = "".join(f"(assert (or (>= Y_0 0) (>= Y_1 {i})))" for i in range(200))
    prop = parse(clauses + 10 * "(assert (or (<= X_0 0) (<= X_1 1)))")
    assert len(prop.cases) == 2
    assert [len(case.unsafe.polytopes) for case in prop.cases] == [2, 2]


def test_an_inherently_exponential_file_is_refused() -> None:
    names = [f"Y_{i}" for i in range(2, 42)]
    declared = "".join(f"(declare-const {y} Real)" for y in names)
    start = time.process_time()
    with pytest.raises(PropertyError, match="too many cases"):
        parse(declared + "".join(f"(assert (or (>= {y} 1) (<= {y} 0)))" for y in names))
    with pytest.raises(PropertyError, match="thousands of digits"):
        parse(f"(assert (<= {'(* 1e300 ' * 100}Y_0{')' * 100} 1))")
    assert time.process_time() - start < 20


def test_a_file_of_784_inputs() -> None:
    """How fast this is read is a benchmark: `python -m benchmarks run vnnlib`."""
    lines = [f"(declare-const X_{i} Real)" for i in range(784)] + ["(declare-const Y_0 Real)"]
    for i in range(784):
        lines += [f"(assert (<= X_{i} 0.{i + 100}29999999329447746))", f"(assert (>= X_{i} 0.0{i + 100}))"]
    (case,) = parse_vnnlib1("\n".join([*lines, "(assert (or (and (>= Y_0 0))))"])).cases
    assert case.inputs.lower[783] == Fraction("0.0883")
    assert case.inputs.upper[783] == Fraction("0.88329999999329447746")


def test_broken_texts_give_property_errors_only() -> None:
    valid = DECLARATIONS + BOX + (
        "(assert (or (and (<= Y_0 (* 2 Y_1)) (not (= Y_1 0.5)))\n"
        "  (=> (< X_0 1e-1) (>= (- X_1 (/ Y_0 3)) -1))))\n"
        "; a comment\n(assert (and (>= Y_0 -1.5) (<= 0 (+ Y_1 Y_0 1) 5)))\n"
    )
    pieces = [*"()|;\".=-0 \né\0", "<=", "1e9", "X_0", "Y_9", "or", "not"]
    rng = random.Random(5)
    parsed = 0
    for _ in range(3000):
        text = valid
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(text))
            text = text[:at] + rng.choice(["", *pieces]) + text[at + rng.choice([0, 0, 1, 1, 5]) :]
        prop, error = attempt(text)
        assert prop is not None or error.startswith("<text>")
        parsed += prop is not None
    assert parsed > 50


def test_a_counterexample_as_text() -> None:
    text = witness_text(np.array([[0.1, -2.0]]), [Fraction(1, 3), np.float32(0.1)])
    assert text == "((X_0 0.1)\n(X_1 -2.0)\n(Y_0 0.3333333333333333)\n(Y_1 0.10000000149011612))"
    with pytest.raises(PropertyError, match="Y_0 of the counterexample is nan"):
        witness_text([], [float("nan")])
