"""LinearModel: validation, and the exact answers."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from verdict.base.errors import SolverError
from verdict.solvers import LinearModel, mps

INF = np.inf


def model(**changes: object) -> LinearModel:
    fields: dict[str, object] = {
        "objective": np.array([1.0, 2.0]),
        "matrix": sparse.csr_array(np.array([[1.0, 1.0], [1.0, -1.0]])),
        "row_lower": np.array([1.0, -INF]),
        "row_upper": np.array([INF, 0.5]),
        "lower": np.array([0.0, 0.0]),
        "upper": np.array([10.0, 10.0]),
        "integer": np.array([False, True]),
    }
    return LinearModel(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": np.ones(3)}, "objective has shape"),
        ({"lower": np.array([0.0, np.nan])}, "lower holds a NaN at index 1"),
        ({"lower": np.array([0.0, 11.0])}, "column 1 has bounds"),
        ({"row_lower": np.array([INF, 0.0])}, "row 0 has bounds"),
        ({"upper": np.array([-INF, 1.0])}, "column 0 has bounds"),
        ({"objective": np.array([INF, 1.0])}, "must be finite"),
        ({"offset": float("nan")}, "must be finite"),
        ({"matrix": sparse.csr_array(np.array([[np.nan, 1.0], [1.0, 1.0]]))}, "matrix holds a NaN"),
        ({"integer": np.array([True])}, "integer has shape"),
        ({"names": ("a", "a")}, "names"),
    ],
)
def test_what_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SolverError, match=message):
        model(**changes)


def test_other_sparse_formats_and_duplicates_are_normalised() -> None:
    doubled = sparse.coo_array((np.ones(3), ([0, 0, 1], [0, 0, 1])), shape=(2, 2))
    assert model(matrix=doubled).matrix.toarray().tolist() == [[2, 0], [0, 1]]


def test_helpers_leave_the_original_alone() -> None:
    first = model()
    assert first.relaxed().is_lp
    assert not first.is_lp
    fixed = first.fixed([1], [3.0])
    assert (fixed.lower[1], fixed.upper[1], first.upper[1]) == (3, 3, 10)
    assert first.with_objective(np.zeros(2), 4.0).value(np.ones(2)) == 4


def test_violation() -> None:
    first = model()
    assert first.violation(np.array([1.0, 1.0])) == 0
    assert first.violation(np.array([0.0, 0.0])) == 1
    assert first.violation(np.array([1.0, 1.25])) == 0.25
    assert first.violation(np.array([-2.0, 4.0])) == 2
    with pytest.raises(SolverError, match="finite numbers"):
        first.violation(np.array([np.nan, 0.0]))


def test_satisfies_has_no_tolerance() -> None:
    first = model(row_lower=np.array([0.1, -INF]), integer=np.array([False, False]))
    tenth = Fraction(0.1)
    assert first.satisfies([tenth, Fraction(0)])
    assert not first.satisfies([tenth - Fraction(1, 10**40), Fraction(0)])
    # 1/10 is less than the float 0.1.
    assert not first.satisfies([Fraction(1, 10), Fraction(0)])
    assert not model().satisfies([Fraction(1), Fraction(3, 2)])
    with pytest.raises(SolverError, match="2 numbers"):
        first.satisfies([Fraction(1)])


def test_lower_bound_is_exact_and_sound_for_any_multipliers() -> None:
    first = model().relaxed()
    assert first.lower_bound(np.array([1.5, -0.5])) == Fraction(5, 4)
    # A wrong sign points at an absent side.
    assert first.lower_bound(np.array([-1.0, 0.0])) is None
    assert first.lower_bound(np.zeros(2)) == 0


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_multipliers_ever_pass_a_point(data: st.DataObject) -> None:
    number = st.integers(-8, 8).map(lambda k: k / 4)
    n, m = 3, 2
    rows = np.array([[data.draw(number) for _ in range(n)] for _ in range(m)])
    x = [Fraction(data.draw(number)) for _ in range(n)]
    activity = [float(sum(Fraction(a) * v for a, v in zip(row, x, strict=True))) for row in rows.tolist()]
    some = LinearModel(
        objective=np.array([data.draw(number) for _ in range(n)]),
        matrix=sparse.csr_array(rows),
        row_lower=np.array(activity) - 0.25,
        row_upper=np.array(activity) + 0.5,
        lower=np.full(n, -2.0),
        upper=np.full(n, 2.0),
        integer=np.zeros(n, dtype=bool),
    )
    assert some.satisfies(x)
    y = np.array([data.draw(st.floats(-100, 100)) for _ in range(m)])
    bound = some.lower_bound(y)
    assert bound is not None
    assert bound <= some.exact_value(x)
    assert not some.excludes(y)


def test_excludes() -> None:
    contradiction = model(
        matrix=sparse.csr_array(np.array([[1.0, 1.0], [1.0, 1.0]])),
        row_lower=np.array([2 + 2**-40, -INF]),
        row_upper=np.array([INF, 2.0]),
    )
    assert contradiction.excludes(np.array([1.0, -1.0]))
    assert not contradiction.excludes(np.array([1.0, -0.5]))
    assert not contradiction.excludes(np.zeros(2))


def test_mps_keeps_every_digit(tmp_path: Path) -> None:
    third, tiny = 1 / 3, 5e-324
    path = tmp_path / "m.mps"
    first = model(
        objective=np.array([third, 0.0]),
        matrix=sparse.csr_array(np.array([[tiny, 0.1 + 0.2], [1.0, 1e300]])),
        row_lower=np.array([-third, 0.7]),
        row_upper=np.array([third, 0.7]),
        lower=np.array([-INF, -1.0]),
    )
    assert mps.write(first, path) == [0, 0, 1]
    words = path.read_text().split()
    for number in (third, tiny, 0.1 + 0.2, 1e300, -third, 0.7):
        assert any(word == repr(number) for word in words)
    assert mps.fold(np.array([1.0, 2.0, 4.0]), [0, 0, 1], 2).tolist() == [3, 4]
