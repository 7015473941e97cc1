"""A formula becomes the same cases directly as by way of its VNN-LIB 1 text, errors included."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from property.test_language import X, Y, formulas

from verdict.base.errors import PropertyError
from verdict.network.exact import ExactVector
from verdict.property.formula import Comparison, Formula, all_of, any_of
from verdict.property.language import properties as say
from verdict.property.language import sets
from verdict.property.polynomial import Polynomial
from verdict.property.vnnlib1 import VnnLib1, parse_vnnlib1, query_of
from verdict.property.vnnlib1_write import query_text


def parts(asked: VnnLib1) -> tuple[Any, ...]:
    """All that is in a query, without the lines of its text."""
    cases = [
        (
            case.inputs.lower, case.inputs.upper, case.open_lower, case.open_upper, case.outputs_with_inputs,
            [
                (p.name, p.matrix.fractions().tolist(), p.offset.fractions().tolist())
                for p in case.unsafe.polytopes
            ],
            case.strict,
        )
        for case in asked.cases
    ]
    return asked.inputs, asked.outputs, cases, re.sub(r" \(line \d+\)", "", asked.empty)


def of(make: Any, *arguments: Any) -> Any:
    """The parts of a query, or the error without its lines."""
    try:
        return parts(make(*arguments))
    except PropertyError as error:
        return re.sub(r" where line \d+ holds|,? line \d+(?=:)", "", str(error))


@settings(max_examples=150, deadline=None)
@example(all_of([]), True)
@example(any_of([]), True)
@example((Y[0] <= 1) | any_of([]), True)
@example(any_of([all_of([X[0] > 2, Y[0] > 1])]), True)
@example((X[0] > 2) & any_of([X[1] < 0, Y[0] < 1]), True)
@example(X[0] - X[0] > 0, True)
@example(say.stays(Y, 1) & (X == [0, "1/3"]), False)
@given(formulas(), st.booleans())
def test_directly_and_by_its_text(formula: Formula, is_boxed: bool) -> None:
    asked = sets.box(X, -1, "3/2") & formula if is_boxed else formula & (X[0] <= 1) & (X[0] >= "-1/3")
    direct = of(query_of, asked, 2, 3, "it")
    assert direct == of(parse_vnnlib1, query_text(asked, 2, 3), "it")


def test_all_relations_and_no_products() -> None:
    x, y = Polynomial.variable(0), Polynomial.variable(-1)
    row = Polynomial({(0,): Fraction(2), (-1,): Fraction(-1, 3), (): Fraction(1)})
    for relation in ("<=", "<", "==", "!="):
        asked = sets.box(X[:1], 0, 1) & Comparison(row, relation)
        assert parts(query_of(asked, 1, 1, "it")) == parts(parse_vnnlib1(query_text(asked, 1, 1), "it"))
        for value in (Fraction(3), Fraction(7, 2), Fraction(4)):
            holds = Comparison(row, relation).holds([Fraction(0)], [value])
            assert holds != (~Comparison(row, relation)).holds([Fraction(0)], [value])
            found = query_of(asked, 1, 1, "it").holds([Fraction(0)], [value])
            assert found == holds
    with pytest.raises(PropertyError, match="product"):
        query_text(Comparison(x.times(y), "<="), 1, 1)


def test_without_lines_nothing_speaks_of_lines() -> None:
    with pytest.raises(PropertyError) as caught:
        query_of((X[0] <= 1) | (X[0] >= 2), 2, 1, "it")
    assert str(caught.value) == "it: X_0 has no lower bound, expected finite bounds on every input"
    asked = query_of(sets.box(X, 0, 1) & (X[1] > 1), 2, 1, "it")
    assert asked.cases == ()
    assert asked.empty == "the input set is empty: X_1 <= 1 contradicts X_1 > 1"
    assert not asked.holds(ExactVector.of([0, 1]).fractions(), [Fraction(0)])
