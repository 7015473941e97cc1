"""Tables of answers about many inputs: what is proved, refuted and open, and what ends the loop."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import verdict
from verdict.answer.table import Row, Share
from verdict.ask import batch, many
from verdict.base import interrupted

X, Y = [[0, 0], [0, 1], [1, 1], [1, 0]], [0, 1, 1, 1]


@pytest.fixture(scope="module")
def certified():
    return verdict.certify("xor", X, Y, eps=["0.3", "0.1"], range=(0, 1), target=None)


@pytest.fixture(scope="module")
def radii():
    return verdict.radii("xor", X, Y, range=(0, 1), engine="smt")


def test_each_row_says_what_robust_says(certified):
    assert [row.eps for row in certified[:2]] == [Fraction(1, 10), Fraction(3, 10)]
    for row in certified:
        alone = verdict.robust("xor", X[row.number], row.eps, range=(0, 1), label=Y[row.number])
        assert row.answer.status == alone.status
    # The third input is not of its class at all, whatever the radius.
    assert {row.status for row in certified if row.number == 2} == {"wrong-label"}
    assert certified.accuracy == [Share(Fraction(1, 10), 3, 1, 4), Share(Fraction(3, 10), 1, 3, 4)]
    assert certified.accuracy[0].accuracy == 0.75


def test_the_shares_of_radii_are_those_of_decisions(certified, radii):
    assert [radii.at(share.eps) for share in certified.accuracy] == certified.accuracy
    assert radii.mean == pytest.approx((0.5 + 0.25 + 0 + 0.25) / 4)
    assert radii.at(0).proved == 3


def test_a_table_is_kept_and_shown(certified, radii, tmp_path: Path):
    for table, columns in ((certified, {"eps"}), (radii, {"lower", "upper"})):
        table.to_csv(tmp_path / "t.csv")
        with (tmp_path / "t.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == len(table) == len(table.records())
        assert columns < set(rows[0])
        assert "wrong-label" in table._repr_html_()
        (tmp_path / "t.csv").unlink()
    assert "mean proved radius 0.25" in repr(radii)
    (tmp_path / "mine.csv").write_text("a,b\n")
    with pytest.raises(verdict.InputError, match="another file"):
        radii.to_csv(tmp_path / "mine.csv")


def test_pandas_has_the_same_columns(radii):
    pandas = pytest.importorskip("pandas")
    frame = radii.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == list(radii.records()[0])


def test_what_is_not_asked_counts_as_open(monkeypatch: pytest.MonkeyPatch):
    table = verdict.radii("xor", X, Y, range=(0, 1), timeout_all="1e-9")
    assert (len(table), table.count, table.reason) == (0, 4, "the time limit was reached")
    assert table.at("0.1") == Share(Fraction(1, 10), 0, 0, 4)

    def interrupting(question, options):
        interrupted.remember()
        return verdict.ask(question, options)

    monkeypatch.setattr(many, "ask", interrupting)
    monkeypatch.setattr(interrupted, "_cell", None)
    table = verdict.radii("xor", X, Y, range=(0, 1), engine="smt")
    assert (len(table), table.reason) == (1, "interrupted")
    assert table.at("0.1").open == 3


def test_ctrl_c_between_searches_keeps_what_is_done():
    def answer(case):
        if case == 2:
            raise KeyboardInterrupt
        return -case

    assert list(batch.answered(range(5), answer)) == [(0, 0), (1, -1)]
    with pytest.raises(KeyboardInterrupt):
        list(batch.answered([2], answer))
    assert list(batch.answered(range(5), lambda case: case, lambda: True)) == [(0, 0)]


def test_answers_may_come_from_a_store():
    asked = many.Batch("robust", "xor", X, Y, {"range": (0, 1)})
    store = {}

    def remembered(question, options):
        key = question.key, options.key
        if key not in store:
            store[key] = verdict.ask(question, options)
        return store[key]

    first = [row for _, row in asked.answers([(0, Fraction(1, 10))], remembered)]
    again = [row for _, row in asked.answers([(0, Fraction(1, 10))], remembered)]
    assert first[0].answer is again[0].answer
    assert len(store) == 1


def test_certificates_go_to_a_folder(tmp_path: Path):
    table = verdict.certify("xor", X[:1], eps="0.1", range=(0, 1), certificate=tmp_path / "proofs")
    [row] = table
    assert row.answer.certificate.accepted
    assert [path.name for path in (tmp_path / "proofs").iterdir()] == ["0-1_10.vcert"]


@pytest.mark.parametrize(("said", "message"), [
    ({"y": [0]}, "y has 1 classes, expected one for each of 4 inputs"),
    ({"y": [0, 1, 2, 0]}, r"y\[2\] is 2, expected a class from 0 to 1"),
    ({"y": ["a", "0", "0", "0"]}, r"y\[0\] is 'a', expected one of the classes"),
    ({"X": [0, 1]}, r"X has shape \(2,\)"),
    ({"X": [[0, 1], [np.nan, 0]]}, "X: the input 1 is not finite"),
    ({"colour": 3}, "the option 'colour' is not known"),
    ({"eps": -1}, "eps|radius"),
])
def test_mistakes_are_told_before_the_work(said, message):
    with pytest.raises(verdict.InputError, match=message):
        verdict.certify("xor", said.pop("X", X), **{"eps": 1, **said})


def test_labels_that_are_numbers_of_their_own():
    network = verdict.load("xor", classes=["3", "7"])
    assert [row.label for row in verdict.radii(network, X[:2], [3, 7.0], range=(0, 1), timeout=9)] == [0, 1]
    with pytest.raises(verdict.InputError, match="expected one of the classes 3, 7"):
        verdict.radii(network, X[:2], [0, 1])


def test_an_open_row_is_neither():
    assert Row(0, 0, 0, "unknown", None, Fraction(1)).state() == "open"
