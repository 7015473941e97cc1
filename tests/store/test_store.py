"""A store: what is written is what is read, answers come back as they were, and other files are refused."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import pytest

import verdict
from verdict.answer.recalled import about_json, recalled
from verdict.store import summary
from verdict.store.entry import COLUMNS, Entry
from verdict.store.export import export

X, Y = [[0, 0], [0, 1], [1, 1], [1, 0]], [0, 1, 1, 1]
SAID = {"range": (0, 1), "progress": False}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "a.db"
    verdict.certify("xor", X, Y, eps=["0.3", "0.1"], store=path, certificate=True, **SAID)
    verdict.radii("xor", X, Y, store=path, engine="smt", **SAID)
    return path


def test_answers_come_back_as_they_were(path: Path):
    with verdict.Store(path) as store:
        rows = list(store)
        assert len(rows) == len(store) == 12
    for row in rows:
        assert row.answer is not None
        assert row.record is not None
        said = row.answer.to_dict()
        # Another reading of the same files' names.
        assert said == {name: row.record[name] for name in said}
        assert row.answer.statement("json")
        assert "<table>" in row.answer._repr_html_()


def test_every_kind_of_answer_is_recalled(tmp_path: Path):
    asked = [
        verdict.robust("xor", X[1], "0.3", range=(0, 1)),
        verdict.robust("xor", X[1], "0.1", scales=["1", "1/2"], that="y[1] > y[0]", certificate=tmp_path / "a.vcert"),
        verdict.maxeps("xor", X[1], range=(0, 1), certificate=tmp_path / "b.vcert"),
        verdict.maxeps("xor", X[1], perturbation="brightness", engine="smt"),
        verdict.robust("xor", X[1], "0.24999", engine="bab", range=(0, 1), target=0),
    ]
    for answer in asked:
        question = answer.about().claim.models and {"models": [{}], "point": {"x": {"": _array(answer)}}}
        data = json.loads(json.dumps({**answer.to_dict(), "question": question}))
        again = recalled(data, json.loads(json.dumps(about_json(answer.about()))))
        assert again.to_dict() == answer.to_dict()
        assert again.statement() == answer.statement()
        assert repr(again) == repr(answer)
        assert again._repr_html_() == answer._repr_html_()


def _array(answer) -> dict:
    from verdict.base.array import Array

    return Array.of(answer.about().x, "x").to_json()


def test_what_is_known_is_not_asked_again(path: Path, monkeypatch: pytest.MonkeyPatch):
    def never(*words):
        raise AssertionError("asked again")

    monkeypatch.setattr("verdict.ask.pool.keep.answer", never)
    table = verdict.certify("xor", X, Y, eps=["0.3", "0.1"], store=path, certificate=True, **SAID)
    assert [share.proved for share in table.accuracy] == [3, 1]
    assert verdict.radii("xor", X, Y, store=path, engine="smt", **SAID).mean == pytest.approx(0.25)


def test_a_larger_radius_is_refuted_by_the_same_witness(path: Path):
    with verdict.Store(path) as store:
        wrong = [row for row in store if row.kind == "robust" and row.name == "2"]
    assert [row.status for row in wrong] == ["wrong-label", "wrong-label"]
    assert wrong[1].reason == "refuted at the smaller radius 1/10"
    assert wrong[1].record["evidence"] == wrong[0].record["evidence"]
    said = wrong[1].answer.statement()
    assert "3/10" in said
    assert "1/10 (" not in said


def test_certificates_lie_beside_it(path: Path):
    with verdict.Store(path) as store:
        made = [row.certificate["file"] for row in store if row.certificate and row.certificate["file"]]
        assert len(made) == 4
        for name in made:
            assert verdict.check(store.certificates / name, "xor").accepted


def test_other_options_have_a_certificate_of_their_own(tmp_path: Path):
    for engine in ("bab", "auto"):
        said = {"store": tmp_path / "b.db", "certificate": True, "engine": engine, **SAID}
        verdict.certify("xor", X[:1], Y[:1], eps="0.1", **said)
    with verdict.Store(tmp_path / "b.db") as store:
        assert len({row.certificate["file"] for row in store}) == 2
        assert len(list(store.certificates.glob("*.vcert"))) == 2


@pytest.mark.parametrize(("column", "value", "why"), [
    ("record", "{", "holds no JSON as record"), ("record", "[]", "no record of an answer"),
    ("asked", "{}", "no question and options"), ("record", '{"answer": {"kind": "radius"}}', "no record of an answer"),
])
def test_damaged_rows_are_one_clear_error(path: Path, tmp_path: Path, column: str, value: str, why: str):
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(path.read_bytes())
    data = sqlite3.connect(damaged)
    data.execute(f"UPDATE answers SET {column} = ? WHERE place = 0", (value,))
    data.commit()
    data.close()
    with pytest.raises(verdict.InputError, match=why):
        verdict.write_report(damaged, tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()


def test_a_store_is_a_table(path: Path, tmp_path: Path):
    with verdict.Store(path) as store:
        frame = store.to_pandas()
        assert list(frame.columns) == list(COLUMNS)
        assert list(frame["status"]) == [row.status for row in store]
        store.to_csv(tmp_path / "a.csv")
        store.to_json_lines(tmp_path / "a.jsonl")
        pytest.importorskip("pyarrow")
        from pyarrow import parquet

        store.to_parquet(tmp_path / "a.parquet")
        assert parquet.read_table(tmp_path / "a.parquet").column("status").to_pylist() == list(frame["status"])
    with (tmp_path / "a.csv").open(newline="") as stream:
        assert [row["status"] for row in csv.DictReader(stream)] == list(frame["status"])
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert verdict.Question.from_json(lines[0]["asked"]["question"]).key == lines[0]["question"]
    with pytest.raises(verdict.InputError, match="ends in"):
        export([], tmp_path / "a.txt")
    (tmp_path / "mine.csv").write_text("a,b\n")
    with pytest.raises(verdict.InputError, match="another file"):
        export([], tmp_path / "mine.csv")


def test_a_spreadsheet_gets_no_formula(tmp_path: Path):
    asked = {"question": {"kind": "robust", "models": [{"path": "=1+1"}]}, "options": {}}
    export([Entry("k", "o", asked, "@b", 0, "=cmd()\x1b[2J", "crashed", "-x")], tmp_path / "a.csv")
    [row] = csv.DictReader((tmp_path / "a.csv").open(newline=""))
    assert (row["case"], row["model"], row["batch"], row["reason"]) == ("'=cmd()\\x1b[2J", "'=1+1", "'@b", "'-x")


def test_other_files_are_no_stores(path: Path, tmp_path: Path):
    (tmp_path / "text.db").write_text("mine, and longer than a header of SQLite" * 100)
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t (x)").connection.close()
    for name, why in (("none.db", "no such store"), ("text.db", "not a database"), ("other.db", "no store of answers"),
                      (".", "a directory")):
        for create in (False, True):
            if name != "none.db" or not create:
                with pytest.raises(verdict.InputError, match=why):
                    verdict.Store(tmp_path / name, create=create)
    newer = tmp_path / "newer.db"
    newer.write_bytes(path.read_bytes())
    data = sqlite3.connect(newer)
    data.execute("PRAGMA user_version = 99")
    data.close()
    with pytest.raises(verdict.InputError, match="version 99"):
        verdict.Store(newer)


def test_a_summary_counts_each_input_once(path: Path):
    with verdict.Store(path) as store:
        rows = list(store)
    by_name = {each.batch: each for each in summary.summaries([*rows, *rows])}
    robust = by_name["robust xor"]
    assert [(share.proved, share.refuted, share.count) for share in robust.shares] == [(3, 1, 4), (1, 3, 4)]
    assert robust.certificates == 8  # of rows that were given twice
    assert all(share.count == 4 for share in by_name["maxeps xor"].shares)
    assert "certified accuracy 75.0%" in "\n".join(robust.lines())


def test_a_certificate_needs_a_place(tmp_path: Path):
    for said in ({"store": tmp_path / "b.db", "certificate": tmp_path / "c"}, {"certificate": True},
                 {"certificate": True, "workers": 1}):
        with pytest.raises(verdict.InputError, match=r"expected certificate=True|goes with a store"):
            verdict.radii("xor", X, Y, **SAID, **said)
    with pytest.raises(verdict.InputError, match="at least 1"):
        verdict.radii("xor", X, Y, workers=0, **SAID)
