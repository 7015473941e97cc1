"""`verdict check` tells the whole claim: nobody may take it for a larger one."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from cli_process import Outcome

import verdict
from verdict.checker.readers.ball import Ball
from verdict.checker.statement import Statement
from verdict.models import data, model

Run = Callable[..., Outcome]
X = data("digits").load()[0][3]


def certify(path: Path, **asked: object) -> None:
    made = verdict.robust("digits-mlp", X, certificate=path, **{"eps": "0.01", "range": (0, 1), **asked})
    assert made.certificate is not None and made.certificate.accepted  # noqa: PT018


def checked(run: Run, path: Path, *words: object) -> tuple[str, dict[str, object]]:
    command = ("check", path, "--network", "digits-mlp", *words)
    text, record = run(*command), run(*command, "--json")
    assert text.code == record.code == 0, text
    return text.out, record.json


def test_all_of_a_claim(run: Run, tmp_path: Path) -> None:
    certify(tmp_path / "c.vcert", target=3)
    text, record = checked(run, tmp_path / "c.vcert")
    numbers = [str(Fraction(float(v))) for v in X]
    digest = hashlib.sha256("".join(f"{v}\n" for v in numbers).encode()).hexdigest()
    own = hashlib.sha256(model("digits-mlp").path.read_bytes()).hexdigest()
    for words in ("class 2 against 3", f"64 numbers: 0, 0, {numbers[2]}", digest, "within 1/100 (L-infinity)",
                  "64 of 64 numbers can move", "[0, 1] for every number", "digits-mlp.onnx", own):
        assert words in text, words
    wanted = {"kind": "robust", "label": 2, "target": 3, "norm": "linf", "eps": "1/100", "moving": 64, "set": None,
              "range": {"low": "0", "high": "1"}, "query": None, "upper": None}
    assert {name: record[name] for name in wanted} == wanted
    assert record["input"] == {"size": 64, "sha256": digest, "values": numbers}
    assert record["model"] == {"file": str(model("digits-mlp").path), "sha256": own}


def test_a_claim_about_a_point_says_so(run: Run, tmp_path: Path) -> None:
    certify(tmp_path / "c.vcert", eps="0", range=None)
    text, record = checked(run, tmp_path / "c.vcert")
    assert "a single point" in text
    assert "0 of 64 numbers can move" in text
    assert "range   unlimited" in text
    assert (record["set"], record["moving"]) == ("a single point", 0)
    assert "a single point" in str(record["claim"])


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_the_norm_of_a_ball(run: Run, tmp_path: Path, norm: str) -> None:
    certify(tmp_path / "c.vcert", norm=norm)
    text, record = checked(run, tmp_path / "c.vcert")
    assert norm.upper() in text
    assert record["norm"] == norm


def test_a_range_that_hides_what_is_claimed() -> None:
    """A ball and a range that meet in a point, in a face, or not at all."""
    center, free = (Fraction(1, 2), Fraction(1, 2)), (None, None)

    def statement(low: tuple[Fraction | None, ...], high: tuple[Fraction | None, ...], norm: str = "linf") -> Statement:
        ball = Ball(center, Fraction(10**6), low, high, norm)
        return Statement("robust", "class 0 stays", ("m", "0"), label=0, ball=ball, boxes=(ball.ends(ball.radius),))

    texts = dict(statement(center, center).lines())
    assert "a single point" in texts["claim"]
    assert "SHA-256" not in texts["range"]
    face = dict(statement((center[0], None), (center[0], None)).lines())
    assert "1 of 2 numbers can move" in face["set"]
    assert "one for each number" in face["range"]
    assert statement(free, free).size == ""
    far = Fraction(2 * 10**6)
    assert statement((far, far), free, "l2").size == "the empty set"
    # Its corner lies in the box around the ball, and not in the ball.
    near = Fraction(9, 10) * 10**6
    assert statement((near, near), free, "l2").size == "the empty set"
    assert statement((near, near), free).size == ""


def test_a_query_is_named(run: Run, tmp_path: Path) -> None:
    query = tmp_path / "q.vnnlib"
    query.write_text(
        "(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real) (declare-const Y_1 Real)\n"
        "(assert (and (>= X_0 0) (<= X_0 0.125) (>= X_1 0.9) (<= X_1 0.9) (>= Y_0 Y_1)))\n"
    )
    assert run("verify", query, "--network", "xor", "--certificate", tmp_path / "c.vcert").out == "unsat\n"
    result = run("check", tmp_path / "c.vcert", "--network", "xor", "--property", query)
    assert result.code == 0, result
    assert f"{query}, SHA-256 {hashlib.sha256(query.read_bytes()).hexdigest()}" in result.out
    assert "a box of 2 inputs, of which 1 can move" in result.out


def test_a_limit_for_the_whole_command(run: Run, tmp_path: Path) -> None:
    certify(tmp_path / "c.vcert")
    result = run("check", tmp_path / "c.vcert", "--network", "digits-mlp", "--timeout", "0.000001")
    assert result.code == 3, result
    assert "time limit" in result.out
    assert run("check", tmp_path / "c.vcert", "--network", "digits-mlp", "--timeout", "60").code == 0


@pytest.mark.parametrize("name", ["missing.vcert", "folder", "text.vcert"])
def test_what_is_no_certificate(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.vcert").write_text("hello")
    result = run("check", tmp_path / name, "--network", "xor")
    assert (result.code, result.out) == (2, "")
    assert name in result.err
    assert "Errno" not in result.err


def test_another_place_is_as_good(run: Run, tmp_path: Path) -> None:
    certify(tmp_path / "c.vcert")
    (tmp_path / "away").mkdir()
    shutil.move(tmp_path / "c.vcert", tmp_path / "away" / "d.vcert")
    np.save(tmp_path / "x.npy", X)
    assert run("check", tmp_path / "away" / "d.vcert", "--network", "digits-mlp").code == 0
