"""The test that proofs by bounds rest on: when do lower bounds of the rows exclude a polytope?"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from verdict.network.exact import Coefficients
from verdict.property import Polytope


def polytope(rows: list[list[Fraction]], offset: list[Fraction]) -> Polytope:
    matrix = Coefficients.from_fractions(np.array(rows, dtype=object))
    return Polytope(matrix, Coefficients.from_fractions(np.array(offset, dtype=object)))


@pytest.mark.parametrize(
    ("lowest", "expected"),
    [([1.0, -9.0], False), ([np.nextafter(1.0, 2.0), -9.0], False), ([1.0 + 1e-15, -9.0], True), ([-9.0, -1.0], True)],
)
def test_one_row_above_its_offset_is_enough_and_a_tie_is_not(lowest: list[float], expected: bool) -> None:
    found = polytope([[Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]], [Fraction(1), Fraction(-2)])
    assert found.excluded_by(np.array(lowest)) is expected


def test_a_rounded_offset_is_kept_clear_of() -> None:
    third = polytope([[Fraction(1)]], [Fraction(1, 3)])
    assert float(Fraction(1, 3)) < Fraction(1, 3)
    between = np.nextafter(1 / 3, 1.0)
    assert Fraction(float(between)) > Fraction(1, 3)
    assert not third.excluded_by(np.array([1 / 3]))
    assert not third.excluded_by(np.array([between]))
    assert third.excluded_by(np.array([np.nextafter(between, 1.0)]))


def test_rows_that_no_floats_equal_exclude_nothing() -> None:
    assert not polytope([[Fraction(1, 3)]], [Fraction(0)]).excluded_by(np.array([100.0]))


def test_a_bound_that_is_no_number_excludes_nothing() -> None:
    assert not polytope([[Fraction(1)]], [Fraction(0)]).excluded_by(np.array([np.nan]))
