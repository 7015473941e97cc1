"""Hostile words on the command line: any of them ends with an exit code that is documented, and an error is one line.

Options come with values that are empty, huge, negative, no numbers, files of another kind, or missing.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.certified import robust
from support.engines import write_query
from support.mutants import KINDS, members

import verdict
from verdict.cli.main import main

VALUES = [
    "", " ", "0", "-1", "1e400", "-1e-400", "nan", "inf", "1/0", "1/3", "0.1", "9" * 400, "abc", "\xe9\n",
    "#", "#1", "#99999999999", "digits#0", "digits#-1", "digits#3:1", "xor#0", "xor", "digits-mlp", "/",
    ".", "/dev/null", "..", "-", "--", "0,1", "1,0", "a=b=c", "N=xor", "auto", "bab", "milp", "smt", "z3",
    "highs", "cpu", "cuda", "all", "linear",
]
OPTIONS = [
    "--input", "--eps", "--norm", "--range", "--label", "--target", "--engine", "--solver", "--bounds",
    "--timeout", "--threads", "--device", "--json", "--network", "--property", "--tier", "--jobs", "--exact",
    "--real-only", "--method", "--verbose", "--nonsense", "-h", "--output", "--output-name", "--shape", "--labels",
    "--header", "--label-column", "--memory", "--that", "--given", "--lead", "--within", "--layer", "--to",
]
COMMANDS = [
    "robust", "maxeps", "verify", "check", "bounds", "models", "info", "nothing", "", "prove", "encode", "general",
    "imitates", "maxdelta", "maxfall", "maxweights", "maxpruning",
]
# Every option here goes with every other one, by turns in each command; with a value that fits and one that does not.
TURNS = [
    ["--output", "logits"], ["--output", "nothing"], ["--shape", "1x2"], ["--shape", "input=2x2"],
    ["--labels", "{labels}"], ["--labels", "{table}"], ["--header", "yes"], ["--header", "maybe"],
    ["--label-column", "1"], ["--label-column", "name"],
    ["--timeout", "0.2"], ["--timeout", "0"], ["--memory", "2"], ["--memory", "-1"],
    ["--json"], ["--label", "1"], ["--that", "y[0] > y[1]"],
]  # fmt: skip
CODES = {0, 1, 2, 3}
FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hostile words name files to write as well, and these are not to lie in the repository."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One of each kind of file, all about the network xor."""
    folder = tmp_path_factory.mktemp("files")
    robust("xor", [Fraction(1, 8), Fraction(7, 8)], Fraction(1, 16), folder, "boxes")
    box = "(>= X_0 0)", "(<= X_0 1)", "(>= X_1 0)", "(<= X_1 1)"
    query = write_query(folder / "q.vnnlib", 2, 2, *box, "(<= Y_0 Y_1)")
    np.save(folder / "x.npy", np.array([0.1, 0.9], np.float32))
    return [str(folder / "boxes.vcert"), str(query), str(folder / "x.npy"), str(verdict.load("xor").path)]


def _end(words: list[str], capsys: pytest.CaptureFixture[str]) -> int:
    code = main(words)
    out, err = capsys.readouterr()
    assert code in CODES, (words, code, err)
    assert "Traceback" not in out + err
    if code == 2:
        # A character that ends a line in a file's name or value is the user's own.
        assert err.startswith("error: "), words
        assert err.count("\n") <= 1 + sum(w.count("\n") for w in words), (words, err)
    return code


def test_any_words(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    words = st.lists(st.one_of(st.sampled_from(OPTIONS), st.sampled_from(VALUES), st.sampled_from(files)), max_size=8)
    codes = set()

    @settings(FUZZ, max_examples=300)
    @given(st.sampled_from(COMMANDS), words)
    def any_words(command: str, more: list[str]) -> None:
        last = [] if command in ("check", "models", "info", "nothing", "", "verify") else ["--timeout", "0.1"]
        codes.add(_end([command, *more, *last], capsys))

    any_words()
    assert 2 in codes


def test_one_wrong_value_in_a_good_call(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    certificate, query, point, model = files
    good = {
        "robust": ["robust", "xor", "--input", point, "--eps", "0.01", "--engine", "auto", "--timeout", "2"],
        "maxeps": ["maxeps", "xor", "--input", point, "--engine", "auto", "--timeout", "2"],
        "verify": ["verify", query, "--network", model, "--engine", "auto", "--timeout", "2"],
        "check": ["check", certificate, "--network", model, "--tier", "exact", "--jobs", "1"],
        "bounds": ["bounds", "xor", "--input", point, "--eps", "0.01", "--method", "linear"],
        "info": ["info", model],
    }
    for words in good.values():
        # A busy machine may need more than the time limit, which is an answer as well.
        assert _end(words, capsys) != 2

    @settings(FUZZ, max_examples=300)
    @given(st.sampled_from(sorted(good)), st.integers(1, 8), st.sampled_from([*VALUES, *files]))
    def one_wrong(command: str, place: int, value: str) -> None:
        words = list(good[command])
        words[1 + (place - 1) % (len(words) - 1)] = value
        _end(words, capsys)

    one_wrong()


def test_every_option_with_every_other(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, query, point, model = files
    (tmp_path / "table.csv").write_text("0,1\n0.25,0.75\n0.75,0.125\n")
    np.save(tmp_path / "labels.npy", np.array([1]))
    names = {"labels": str(tmp_path / "labels.npy"), "table": str(tmp_path / "table.csv")}
    good = [
        ["robust", model, "--input", point, "--eps", "0.01"], ["maxeps", model, "--input", f"{names['table']}#1"],
        ["bounds", model, "--input", point, "--eps", "0.01", "--method", "interval"],
        ["general", model, "--input", point, "--eps", "0.01", "--lead", "0"], ["verify", query, "--network", model],
        ["robust", model, "--input", f"{names['table']}#0:2", "--eps", "0.01"], ["info", model],
        ["imitates", model, model, "--range", "0", "1", "--delta", "1"], ["maxweights", model, "--input", point],
        ["encode", model, "--input", point, "--eps", "0.01", "--to", "smt2"],
    ]  # fmt: skip
    codes = set()
    for number, (one, other) in enumerate(itertools.combinations(TURNS, 2)):
        words = [*good[number % len(good)], *(word.format(**names) for word in (*one, *other))]
        codes.add(_end(words if "--timeout" in words else [*words, "--timeout", "0.2"], capsys))
    assert {0, 2} <= codes


def test_damaged_certificates(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts, codes = members(Path(files[0]).read_bytes()), set()

    @settings(FUZZ, max_examples=150)
    @given(st.sampled_from(sorted(KINDS)), st.integers(0, 2**32))
    def damaged(kind: str, seed: int) -> None:
        (tmp_path / "c.vcert").write_bytes(KINDS[kind](dict(parts), np.random.default_rng(seed)))
        codes.add(_end(["check", str(tmp_path / "c.vcert"), "--network", files[3]], capsys))

    damaged()
    assert codes == {0, 1, 2}
