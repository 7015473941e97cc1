"""Which output is asked about: the one that can hold class scores, or the one that is named; never several joined."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support import tiny

import verdict
from verdict.base.errors import InputError
from verdict.certificate.write import robust_claim, write_certificate
from verdict.network.exact import ExactVector
from verdict.ops.importer.outputs import classes

X = np.array([0.3, 0.6, 0.1, 0.8], np.float32)


def test_of_two_heads_one_is_named(tmp_path: Path) -> None:
    path = tiny.two_heads(tmp_path / "heads.onnx")
    whole = verdict.load(path)
    for name, part in (("y", slice(0, 3)), ("value", slice(3, 5))):
        alone = verdict.load(path, output=name)
        assert [port.name for port in alone.outputs] == [name]
        assert np.allclose(alone.evaluate(X[None]), whole.evaluate(X[None])[:, part])
        assert alone.runtime(X).shape == alone.evaluate(X[None])[0].shape
        by_name = verdict.maxeps(path, X, output=name)
        assert by_name.exact == verdict.maxeps(alone, X).exact
        assert by_name.label == int(alone.evaluate(X[None])[0].argmax())


CLASSES = {
    "robust": lambda m: verdict.robust(m, X, "0.01"),
    "maxeps": lambda m: verdict.maxeps(m, X),
    "bounds_of": lambda m: verdict.bounds_of(m, X, "0.01"),
    "maxweights": lambda m: verdict.maxweights(m, X),
    "maxpruning": lambda m: verdict.maxpruning(m, verdict.region(m, X, "0.01")),
    "general": lambda m: verdict.general(m, verdict.region(m, X), "0.01", lead=0),
    "maxgeneral": lambda m: verdict.maxgeneral(m, verdict.region(m, X), lead=0),
    "imitates": lambda m: verdict.imitates(m, m, verdict.region(m, X), lead=0),
    "stays": lambda m: verdict.robust(m, X, "0.01", that="stays()"),
    "prove": lambda m: verdict.prove(m, "stays(of=1)", "box(0, 1)"),
}


@pytest.mark.parametrize("question", CLASSES)
def test_every_question_about_classes_asks_which(tmp_path: Path, question: str) -> None:
    path = tiny.two_heads(tmp_path / "heads.onnx")
    with pytest.raises(verdict.VerdictError, match=r"'y' of shape \(1, 3\), 'value' of shape \(1, 2\).*--output NAME"):
        CLASSES[question](path)


def test_the_one_that_can_hold_scores_is_taken(tmp_path: Path) -> None:
    path = tiny.two_heads(tmp_path / "heads.onnx", value=1)
    assert verdict.maxeps(path, X).exact == verdict.maxeps(path, X, output="y").exact
    assert classes(verdict.load(path)) == slice(0, 3)
    here = verdict.robust(path, X, 0, that="stays()")
    assert here.status == verdict.robust(path, X, 0, output="y").status == "robust"


def test_numbers_are_those_of_all_outputs(tmp_path: Path) -> None:
    path = tiny.two_heads(tmp_path / "heads.onnx")
    exact = verdict.load(path).evaluate(X[None])[0]
    _, y = verdict.variables(path)
    assert len(y) == 5
    assert verdict.robust(path, X, 0, that=y[4] < float(exact[4]) + 0.01).status == "robust"
    assert len(verdict.variables(path, output="value")[1]) == 2


@pytest.mark.parametrize("shape", [("N", 1, 2), ("N", 2, 1, 1)])
def test_one_long_axis_is_a_vector(tmp_path: Path, shape: tuple[int | str, ...]) -> None:
    path = tiny.picture(tmp_path / "p.onnx", shape)
    assert verdict.robust(path, np.zeros(24), 0, label=0).status in ("robust", "violated")


def test_a_map_is_none(tmp_path: Path) -> None:
    path = tiny.picture(tmp_path / "map.onnx", ("N", 3, 2, 4))
    with pytest.raises(InputError, match=r"'y' of shape \(1, 3, 2, 4\) is no vector"):
        verdict.maxeps(path, np.zeros(24))
    assert verdict.robust(path, np.zeros(24), 0, that="y[7] <= 1").status == "robust"


@pytest.mark.parametrize("columns", [1, 3])
def test_a_batch_is_no_vector_of_classes(tmp_path: Path, columns: int) -> None:
    from onnx import helper

    path = tiny.write(
        tmp_path / "batch.onnx", [helper.make_node("MatMul", ["x", "W"], ["y"])], {"x": [2, 4]}, {"y": [2, columns]},
        {"W": np.ones((4, columns), np.float32)},
    )
    with pytest.raises(InputError, match=r"batch of 2|no vector"):
        verdict.robust(path, np.zeros(8), "0.1")


def test_a_certificate_is_about_one_output_of_the_file(tmp_path: Path) -> None:
    path, file = tiny.two_heads(tmp_path / "heads.onnx"), tmp_path / "a.vcert"
    answer = verdict.robust(path, X, "0.05", output="y", certificate=file, timeout=60)
    assert answer.certificate is not None
    assert answer.certificate.accepted, answer.certificate.reason
    assert answer.certificate.network == path
    report = verdict.check(file, path)
    assert report.accepted
    assert ("part", "its output 'y' alone") in report.statement.lines()
    assert not (tmp_path / "a.vcert.onnx").exists()
    (tmp_path / "one.onnx").write_bytes(verdict.load(path, output="y").data)
    assert not verdict.check(file, tmp_path / "one.onnx").accepted


def test_an_output_that_is_not_there(tmp_path: Path) -> None:
    path = tiny.two_heads(tmp_path / "heads.onnx")
    for name in ("", "r", "Y"):
        with pytest.raises(InputError, match="expected one of 'y', 'value'"):
            verdict.load(path, output=name)
    with pytest.raises(InputError, match="expected a name"):
        verdict.load(path, output=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", ["several", "map"])
def test_the_checker_takes_no_class_of_joined_outputs(tmp_path: Path, shape: str) -> None:
    """A certificate that says so in so many words about all outputs, or all pixels, one after another."""
    several = shape == "several"
    path = tiny.two_heads(tmp_path / "m.onnx") if several else tiny.picture(tmp_path / "m.onnx", ("N", 3, 2, 4))
    point = ExactVector.of([Fraction(1, 2)] * (4 if several else 24)).fractions()
    file = write_certificate(tmp_path / "a.vcert", robust_claim(point, Fraction(1, 100), 0), path.read_bytes(), [])
    with pytest.raises(InputError, match="class"):
        verdict.check(file, path)
