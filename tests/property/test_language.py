"""Formulas say what they seem to: against brute force on points, through the VNN-LIB text, and in writing."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verdict.base.errors import EmptySetError, PropertyError
from verdict.network.exact import ExactVector
from verdict.property.language import Formula, all_of, any_of, inputs, outputs, query_text, sets
from verdict.property.language import properties as say
from verdict.property.language.words import words
from verdict.property.language.written import read_formula
from verdict.property.vnnlib1 import read_vnnlib1

X, Y = inputs(2), outputs(3)
GRID = [Fraction(n, 2) for n in range(-2, 4)]


def points() -> list[tuple[tuple[Fraction, ...], tuple[Fraction, ...]]]:
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, len(GRID), (200, 5))
    return [(tuple(GRID[i] for i in row[:2]), tuple(GRID[i] for i in row[2:])) for row in chosen]


def formulas() -> st.SearchStrategy[Formula]:
    numbers = st.sampled_from([Fraction(0), Fraction(1), Fraction(-1, 2), Fraction(1, 3), Fraction(-2)])
    entries = st.sampled_from([*X, *Y])
    linear = st.builds(lambda a, c, b, d: a * c + b + d, entries, numbers, entries, numbers)
    simple = st.builds(
        lambda e, r, n: [e <= n, e < n, e >= n, e > n, e == n, e != n][r], linear, st.integers(0, 5), numbers
    )
    return st.recursive(
        simple,
        lambda inner: st.one_of(
            st.builds(lambda a, b: a & b, inner, inner),
            st.builds(lambda a, b: a | b, inner, inner),
            st.builds(lambda a, b: a >> b, inner, inner),
            st.builds(lambda a: ~a, inner),
        ),
        max_leaves=6,
    )


@settings(max_examples=60, deadline=None)
@given(formulas())
def test_the_text_asks_what_the_formula_says(tmp_path_factory: pytest.TempPathFactory, formula: Formula) -> None:
    boxed = sets.box(X, -1, "3/2") & formula
    path = tmp_path_factory.mktemp("language") / "query.vnnlib"
    path.write_text(query_text(boxed, 2, 3, "a question\nin two lines"))
    try:
        cases = read_vnnlib1(path).cases
    except EmptySetError:
        # A contradiction among inputs is an error there: then nothing may satisfy it.
        cases = ()
    for x, y in points():
        if all(-1 <= v <= Fraction(3, 2) for v in x):
            asked = any(case.holds(ExactVector.of(list(x)), ExactVector.of(list(y))) for case in cases)
            assert asked == boxed.holds(x, y)
            assert (~boxed).holds(x, y) != boxed.holds(x, y)


def test_properties_by_brute_force() -> None:
    for x, y in points():
        ranked = sorted(y, reverse=True)
        for label in range(3):
            others = [v for i, v in enumerate(y) if i != label]
            assert say.stays(Y, label).holds(x, y) == (y[label] > max(others))
            assert say.margin(Y, label, "1/2").holds(x, y) == (y[label] - max(others) > Fraction(1, 2))
            for k in (1, 2):
                # In the top k with ties against it: fewer than k others score at least as high.
                assert say.top(Y, label, k).holds(x, y) == (sum(v >= y[label] for v in others) < k)
            assert say.beats(Y, label, (label + 1) % 3).holds(x, y) == (y[label] > y[(label + 1) % 3])
        assert say.moves(Y, [0, 1, 0], 1).holds(x, y) == (max(abs(y[0]), abs(y[1] - 1), abs(y[2])) <= 1)
        assert say.between(Y, -1, ranked[0]).holds(x, y) == (ranked[-1] >= -1)


def test_sets_by_brute_force() -> None:
    image, shape = [Fraction(0), Fraction(1), Fraction(1), Fraction(0), Fraction(1), Fraction(0)], (1, 2, 3)
    pixels = inputs(6)
    squares = [{0, 1, 3, 4}, {1, 2, 4, 5}]
    spread = itertools.product([Fraction(0), Fraction(1)], repeat=6)
    for x in spread:
        moved = {i for i in range(6) if x[i] != image[i]}
        assert sets.patch(pixels, image, shape, 2, 0, 1).holds(x, ()) == any(moved <= s for s in squares)
        assert sets.fixed(pixels, image, [2, 5]).holds(x, ()) == (not moved & {2, 5})
        assert sets.few(pixels, image, shape, 2, 0, 1).holds(x, ()) == (len(moved) <= 2)
        assert sets.few(pixels, image, (3, 1, 2), 1, 0, 1).holds(x, ()) == (len({i % 2 for i in moved}) <= 1)
        assert sets.one_hot(pixels).holds(x, ()) == (sum(x) == 1)
        reach = sets.near(pixels, image, 1, [1, 0, 1, 1, 0, 1])
        assert reach.holds(x, ()) == (not moved & {1, 4})
    assert sets.one_of(X[0], ["1/3", 2]).holds((Fraction(1, 3), Fraction(0)), ())


def test_numbers_are_exact() -> None:
    tenth, float_tenth = X[0] <= "0.1", X[0] <= 0.1
    between = (Fraction(1, 10) + Fraction(0.1)) / 2
    assert not tenth.holds((between, Fraction(0)), ())
    assert float_tenth.holds((between, Fraction(0)), ())
    text = query_text((X[0] / 3 <= 1) & (X[1] <= np.float32(0.1)), 2, 1)
    assert "(<= X_0 3)" in text
    assert "0.100000001490116119384765625" in text


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: X[0] * X[1], "product of two variables"),
        (lambda: X[0] / X[1], "division"),
        (lambda: bool(X[0] <= 1), "no truth value"),
        (lambda: 0 <= X[0] <= 1, "no truth value"),
        (lambda: X[2], "no entry 2"),
        (lambda: X <= [1, 2, 3], "3"),
        (lambda: X[0] <= "zero", "zero"),
        (lambda: X[0] <= float("nan"), "nan"),
        (lambda: (X[0] <= 1) & 3, "formula"),
        (lambda: say.stays(Y, 3), "out of range"),
        (lambda: say.top(Y, 0, 3), "top 3"),
        (lambda: say.beats(Y, 0, 0), "itself"),
        (lambda: sets.near(X, [0, 0], -1), "below 0"),
        (lambda: sets.patch(X, [0, 0], (1, 2), 3, 0, 1), "patch"),
        (lambda: sets.few(X, [0, 0], (1, 2), 3, 0, 1), "3 of 2 pixels"),
    ],
)
def test_nonsense_is_refused(make: object, why: str) -> None:
    with pytest.raises(PropertyError, match=why):
        make()  # type: ignore[operator]


NAMES = words(X, Y, [Fraction(0), Fraction(1)], 2, (1, 1, 1, 2))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("x[0] + 2*x[1] <= 0.1", X[0] + 2 * X[1] <= "0.1"),
        ("near(1/3) & box(0, 1)", sets.near(X, [0, 1], "1/3") & sets.box(X, 0, 1)),
        ("stays() | ~(y[:2] > 1e-3)", say.stays(Y, 2) | ~(Y[:2] > "0.001")),
        ("stays(of=0)", say.stays(Y, 0)),
        ("top(2)", say.top(Y, 2, 2)),
        ("margin(-1/2)", say.margin(Y, 2, "-1/2")),
        ("abs(y[0] - y[1]) >= 1", ~((Y[0] - Y[1] < 1) & (Y[1] - Y[0] < 1))),
        ("(x[0] <= 1) >> (y[0] > y[label])", (X[0] > 1) | (Y[0] > Y[2])),
        ("one_of(x[0], 0, 1) & one_hot(x)", sets.one_of(X[0], [0, 1]) & sets.one_hot(X)),
        ("patch(1, 0, 1)", sets.patch(X, [0, 1], (1, 2), 1, 0, 1)),
        ("moves([0, 0, 1], 1/2)", say.moves(Y, [0, 0, 1], "1/2")),
        ("x == center", X == [0, 1]),
        ("fixed([1]) & box(0, 1)", (X[1] == 1) & sets.box(X, 0, 1)),
        ("pixels([[0], [1]], 0, 1/2)", sets.pixels(X, [0, 1], [[0], [1]], 0, "1/2")),
        ("any_of(x[0] < 0, x[1] < 0) & all_of(y[0] < 1)", any_of([X[0] < 0, X[1] < 0]) & all_of([Y[0] < 1])),
    ],
)
def test_what_is_written_is_what_is_meant(text: str, meant: Formula) -> None:
    read = read_formula(text, NAMES, "--that")
    for x, y in points():
        assert read.holds(x, y) == meant.holds(x, y)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "column"),
        ("x[0] <= ", "column"),
        ("1 + 1", "no formula"),
        ("x[0] < x[1] < 1", "one comparison"),
        ("x[0] < 1 and x[1] < 1", "vocabulary"),
        ("__import__('os').system('true')", "vocabulary|not known"),
        ("x.__class__", "vocabulary"),
        ("(lambda: 1)()", "vocabulary"),
        ("stays(7)", "makes no sense"),
        ("y[9] > 0", "no entry 9"),
        ("y[0.5] > 0", "no index"),
        ("x[0] <= 'a'", "no number"),
        ("x[0] ** 2 <= 1", "operator"),
        ("near(wide) & box(0,1)", "not known"),
        ("~x[0]", "vocabulary"),
        ("(" * 300 + "x[0]" + ")" * 300, "read|column"),
        ("x[0] <= 1" + "0" * 200_000, "characters"),
    ],
)
def test_bad_writing_is_one_clear_error(text: str, why: str) -> None:
    with pytest.raises(PropertyError, match=why) as caught:
        read_formula(text, NAMES, "--that")
    assert str(caught.value).startswith("--that")
    assert "\n" not in str(caught.value)


def test_words_about_an_input_need_one(tmp_path: Path) -> None:
    with pytest.raises(PropertyError, match="--input"):
        read_formula("near(1)", words(X, Y), "--given")
    with pytest.raises(PropertyError, match="of=CLASS"):
        read_formula("stays()", words(X, Y), "--that")
