"""Each command's answers, in words and in JSON, in this process."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from cli_process import Outcome
from PIL import Image
from support.careless import made

import verdict
from verdict.base.device import Device
from verdict.models import data, model

Run = Callable[..., Outcome]

MAXEPS_FIELDS = {
    "model", "sha256", "input", "norm", "range", "true_label", "status", "lower", "upper", "exact", "label",
    "target", "trust", "witness", "witness_radius", "certificate", "float32", "engine", "seconds", "stages", "reason",
    "saved", "unlimited", "ways", "record",
}  # fmt: skip
ROBUST_FIELDS = {
    "model", "sha256", "input", "norm", "range", "true_label", "status", "eps", "label", "target", "trust",
    "semantics", "witness", "certificate", "engine", "seconds", "stages", "reason", "ways", "record",
}  # fmt: skip


def strict(result: Outcome) -> dict[str, object]:
    """The JSON on stdout; NaN and Infinity, which are not JSON, fail."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} in JSON")

    answer: dict[str, object] = json.loads(result.out, parse_constant=refuse)
    return answer


def test_maxeps_json(run: Run) -> None:
    result = run("maxeps", "cancer-mlp", "--input", "cancer#3", "--engine", "milp", "--json")
    answer = strict(result)
    assert (result.code, result.err) == (0, "")
    assert set(answer) == MAXEPS_FIELDS
    assert answer["status"] == "closed"
    assert 0.0429 < answer["lower"] <= answer["upper"] < 0.0430
    assert (answer["label"], answer["target"], answer["true_label"]) == (1, 0, 1)
    assert set(answer["trust"]) == {"lower", "upper"}
    assert answer["range"] == ["0", "1"]
    # The witness is wrong where it counts, and as near as it says.
    entry = model("cancer-mlp")
    session = onnxruntime.InferenceSession(str(entry.path))
    witness = np.array(answer["witness"], dtype=np.float32)
    assert witness.tolist() == answer["witness"]
    assert session.run(None, {"input": witness[None]})[0].argmax() == 0
    distance = np.abs(witness.astype(float) - data("cancer").load()[0][3]).max()
    assert distance <= answer["witness_radius"] == pytest.approx(distance, rel=1e-12)


def test_exact_radius(run: Run) -> None:
    answer = strict(run("maxeps", "xor", "--input", "xor#1", "--engine", "smt", "--json"))
    assert (answer["status"], answer["exact"]) == ("exact", "1/4")
    assert (answer["lower"], answer["upper"]) == (0.25, 0.25)
    assert answer["trust"] == {"lower": "z3-exact", "upper": "replayed"}
    text = run("maxeps", "xor", "--input", "xor#1", "--engine", "smt").out
    assert "radius       exactly 1/4 = 0.25" in text


def test_json_rounds_outward(run: Run) -> None:
    answer = strict(run("maxeps", "digits-linear", "--input", "digits#3", "--engine", "smt", "--json"))
    exact = Fraction(answer["exact"])
    assert Fraction(answer["lower"]) <= exact <= Fraction(answer["upper"])
    assert np.nextafter(answer["lower"], 1) >= answer["upper"]


def test_maxeps_words(run: Run) -> None:
    result = run("maxeps", "cancer-mlp", "--input", "cancer#3", "--engine", "milp")
    assert (result.code, result.err) == (0, "")
    for words in (
        "cancer-mlp.onnx on cancer#3",
        "class        1",
        "radius       in [0.0429",
        "closed: relative gap",
        "the MILP solver's word, within its tolerances",
        "where class 0 catches up with class 1: replayed in exact arithmetic",
        "ONNX Runtime answers class 0 at radius 0.0429",
        "valid range  [0, 1]",
        "search       milp/highs",
    ):
        assert words in result.out


def test_whole_range_is_safe(run: Run) -> None:
    words = ["maxeps", "abs", "--input", "abs#0", "--range", "-1", "-0.75"]
    x = data("abs").load()[0]
    number = int(np.flatnonzero(x[:, 0] <= -0.75)[0])
    words[3] = f"abs#{number}"
    result = run(*words, "--json")
    answer = strict(result)
    assert (result.code, answer["status"], answer["upper"], answer["witness"]) == (0, "safe", None, None)
    assert answer["trust"]["upper"] is None
    assert "no perturbation within the valid range changes the class" in run(*words).out


def test_wrong_label(run: Run) -> None:
    result = run("maxeps", "digits-mlp", "--input", "digits#3", "--label", 5)
    assert result.code == 0
    assert "radius       0: the network gives class 2 to the input itself" in result.out
    assert "class        5 (the data set says 2)" in result.out
    answer = strict(run("maxeps", "digits-mlp", "--input", "digits#3", "--label", 5, "--json"))
    assert (answer["status"], answer["lower"], answer["upper"], answer["exact"]) == ("wrong-label", 0.0, 0.0, "0")
    result = run("robust", "digits-mlp", "--input", "digits#3", "--label", 5, "--eps", 0)
    assert result.code == 1
    assert "ONNX Runtime answers class 2 at the input itself" in result.out


def test_tie_at_the_input_is_reported_as_a_tie(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "tie.npy", np.array([0.5], dtype=np.float32))
    result = run("maxeps", "abs", "--input", tmp_path / "tie.npy")
    assert "score the same at the input itself, and a tie is unsafe" in result.out


def test_target(run: Run) -> None:
    answer = strict(run("maxeps", "digits-mlp", "--input", "digits#3", "--target", 8, "--json"))
    # Class 1 is nearer, at 0.0293, but is not what was asked for.
    assert answer["lower"] > 0.06
    wrong = run("robust", "digits-mlp", "--input", "digits#3", "--target", 8, "--eps", 0.03)
    assert wrong.code == 0


def test_robust(run: Run) -> None:
    violated = run("robust", "digits-mlp", "--input", "digits#3", "--eps", "0.03", "--json")
    answer = strict(violated)
    assert violated.code == 1
    assert set(answer) == ROBUST_FIELDS
    assert (answer["status"], answer["eps"], answer["target"]) == ("violated", "3/100", 1)
    assert (answer["trust"], answer["semantics"]) == ("replayed", ["real", "deployed"])
    assert len(answer["witness"]) == 64
    robust = run("robust", "digits-mlp", "--input", "digits#3", "--eps", "1/50", "--json")
    answer = strict(robust)
    assert robust.code == 0
    assert (answer["status"], answer["eps"], answer["witness"]) == ("robust", "1/50", None)
    assert (answer["trust"], answer["semantics"]) == ("rigorous", ["real"])
    assert "float32 rounding is not covered" in run("robust", "digits-mlp", "--input", "digits#3", "--eps", 0.02).out


def test_eps_is_the_decimal_that_it_says(run: Run) -> None:
    # The radius of this input is exactly 1/2, and a tie is unsafe.
    at = run("robust", "xor", "--input", "xor#0", "--eps", "0.5")
    under = run("robust", "xor", "--input", "xor#0", "--eps", "0.49999999999999999999", "--engine", "smt")
    assert (at.code, under.code) == (1, 0)


def test_unknown_says_why(run: Run) -> None:
    result = run("robust", "digits-mlp", "--input", "digits#3", "--eps", "0.0293", "--timeout", "0.0001")
    assert result.code == 3
    assert "because      the time limit was reached" in result.out


def test_ranges(run: Run) -> None:
    result = run("maxeps", "xor", "--input", "xor#1:4", "--engine", "smt", "--json")
    results = strict(result)["results"]
    assert [r["input"] for r in results] == ["xor#1", "xor#2", "xor#3"]
    assert [r["exact"] for r in results] == ["1/4", "1/4", "1/2"]
    table = run("maxeps", "xor", "--input", "xor#1:4", "--engine", "smt").out.splitlines()
    assert [line.split()[0] for line in table[:4]] == ["input", "xor#1", "xor#2", "xor#3"]
    assert table[4:][0] == ""
    assert table[5].startswith("3 inputs: 3 exact; ")
    # One input is a range too if it is asked for as one.
    assert len(strict(run("robust", "xor", "--input", "xor#0:1", "--eps", 0.1, "--json"))["results"]) == 1


def test_exit_code_of_a_range_is_the_worst(run: Run) -> None:
    assert run("robust", "xor", "--input", "xor#0:4", "--eps", "0.2").code == 0
    mixed = run("robust", "xor", "--input", "xor#0:4", "--eps", "0.3")
    assert mixed.code == 1
    table = [line.split() for line in mixed.out.splitlines()]
    assert [row[3] for row in table[1:5]] == ["robust", "violated", "violated", "robust"]
    assert " ".join(table[6]).startswith("4 inputs: 2 robust, 2 violated; ")


def test_default_ranges(run: Run, tmp_path: Path) -> None:
    shipped = model("xor")
    np.save(tmp_path / "x.npy", np.zeros(2, dtype=np.float32))
    by_name = strict(run("robust", "xor", "--input", tmp_path / "x.npy", "--eps", 0.1, "--json"))
    by_path = run("robust", shipped.path, "--input", tmp_path / "x.npy", "--eps", 0.1, "--json")
    given = run("robust", "xor", "--input", tmp_path / "x.npy", "--eps", 0.1, "--range", "-0.5", "3/2", "--json")
    assert by_name["range"] == ["0", "1"]
    assert strict(by_path)["range"] is None
    assert strict(given)["range"] == ["-0.5", "3/2"]
    text = run("robust", shipped.path, "--input", tmp_path / "x.npy", "--eps", 0.1).out
    assert "valid range  unlimited (see --range)" in text


def test_the_commands_are_the_api(run: Run) -> None:
    x = data("xor").load()[0][1]
    radius = verdict.maxeps(verdict.load("xor"), x, range=(0, 1), engine="smt")
    answer = strict(run("maxeps", "xor", "--input", "xor#1", "--engine", "smt", "--json"))
    assert str(radius.exact) == answer["exact"]


@pytest.mark.parametrize(("eps", "status"), [("0.02", "robust"), ("0.05", "violated")])
def test_answers_of_another_device_are_as_good(run: Run, other: Device, eps: str, status: str) -> None:
    answer = strict(run("robust", "digits-mlp", "--input", "digits#3", "--eps", eps, "--device", other.name, "--json"))
    here = strict(run("robust", "digits-mlp", "--input", "digits#3", "--eps", eps, "--json"))
    assert answer["status"] == here["status"] == status
    assert answer["trust"] == here["trust"]


def test_radius_on_another_device(run: Run, other: Device) -> None:
    words = ("maxeps", "digits-mlp", "--input", "digits#3", "--engine", "bab", "--json")
    answer, here = strict(run(*words, "--device", other.name)), strict(run(*words))
    assert (answer["status"], answer["trust"]) == (here["status"], here["trust"])
    # Both intervals are closed and hold the same number.
    assert answer["lower"] <= here["upper"]
    assert here["lower"] <= answer["upper"]


@pytest.mark.parametrize("name", ["digits-mlp", "digits-conv"])
def test_save(run: Run, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "new" / "out"
    answer = strict(run("maxeps", name, "--input", "digits#3", "--timeout", 120, "--save", folder, "--json"))
    kinds = ["witness.npy", "original.png", "witness.png", "difference.png"]
    assert answer["saved"] == [str(folder / f"digits-3-{kind}") for kind in kinds]
    witness = np.load(folder / "digits-3-witness.npy")
    assert witness.dtype == np.float32
    assert witness.shape == (1, *model(name).input_shape)
    assert witness.ravel().tolist() == answer["witness"]
    for kind in kinds[1:]:
        with Image.open(folder / f"digits-3-{kind}") as picture:
            assert picture.size == (256, 256)
    # The saved witness can be asked about.
    again = run("robust", name, "--input", folder / "digits-3-witness.npy", "--label", 2, "--eps", 0)
    assert again.code == 1


def test_save_without_an_image(run: Run, tmp_path: Path) -> None:
    result = run("maxeps", "xor", "--input", "xor#0", "--save", tmp_path)
    assert f"saved        {tmp_path / 'xor-0-witness.npy'}" in result.out
    assert [path.name for path in tmp_path.iterdir()] == ["xor-0-witness.npy"]


def test_save_without_pillow(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    result = run("maxeps", "digits-linear", "--input", "digits#3", "--save", tmp_path, "--timeout", 120)
    assert result.err == "note: the pictures need Pillow: pip install pillow\n"
    assert [path.name for path in tmp_path.iterdir()] == ["digits-3-witness.npy"]


def test_models(run: Run) -> None:
    result = run("models")
    assert result.code == 0
    for name in ("abs", "square", "xor", "digits-mlp", "digits-resnet", "cancer-mlp", "97.9%"):
        assert name in result.out
    listed = strict(run("models", "--json"))
    assert {"name", "architecture", "relus", "accuracy", "data", "description", "sha256"} <= set(listed["models"][0])
    assert [d["name"] for d in listed["data"]] == ["abs", "cancer", "digits", "square", "xor"]
    assert all(Path(item["path"]).is_file() for item in listed["models"] + listed["data"])


def test_info(run: Run) -> None:
    result = run("info", "digits-linear")
    assert result.code == 0
    for words in ("float32 (1, 64)", "Softmax", "opset      17", model("digits-linear").sha256):
        assert words in result.out
    facts = strict(run("info", "digits-resnet", "--json"))
    assert facts["relus"] == model("digits-resnet").relus
    assert facts["inputs"] == [{"name": "input", "shape": [1, 1, 8, 8], "dtype": "float32"}]
    assert facts["operators"]["Conv"] > 2
    assert facts["layers"][0]["kind"] == "Input"
    assert (facts["features"], facts["origin"]) == ([], None)
    facts = strict(run("info", "cancer-mlp", "--json"))
    assert (facts["features"][0], facts["classes"]) == ("mean radius", ["malignant", "benign"])
    assert "malignant, benign" in run("info", "cancer-mlp").out


def test_neurons_are_called_what_they_are(run: Run, tmp_path: Path) -> None:
    nodes = [("Gemm", "x w", "z", {}), ("Sigmoid", "z", "s", {}), ("Relu", "z", "r", {}), ("Add", "s r", "y", {})]
    made_of = {"w": np.array([[0.5, 1, -1], [1, -0.25, 2]], np.float32)}
    onnx.save(made(nodes, [1, 2], made_of), tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", np.array([0.25, 0.5], np.float32))
    assert strict(run("info", tmp_path / "m.onnx", "--json"))["neurons"] == {"Sigmoid": 3, "Relu": 3}
    assert "neurons    6: 3 Sigmoid, 3 Relu" in run("info", tmp_path / "m.onnx").out
    point = ("--input", tmp_path / "x.npy", "--eps", "0.1", "--method", "interval")
    assert "all neurons  unstable" in run("bounds", tmp_path / "m.onnx", *point).out
    assert "ReLUs      40\n" in re.sub(" +\n", "\n", run("info", "digits-mlp").out)
    assert "all ReLUs" in run("bounds", "xor", "--input", "xor#0", "--eps", "0.1", "--method", "interval").out


def test_help_and_nothing(run: Run) -> None:
    assert run().code == run("--help").code == run("maxeps", "-h").code == 0


def test_internal_error_is_not_a_verdict(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*words: object, **options: object) -> None:
        raise RuntimeError("out of cheese")

    monkeypatch.setattr("verdict.ask.radius.answer", broken)
    result = run("maxeps", "xor", "--input", "xor#0", "--json")
    assert (result.code, result.out) == (4, "")
    assert result.err.startswith("error: internal error: RuntimeError: out of cheese (this is a defect, please")
    assert len(result.err.splitlines()) == 1
    assert "Traceback" in run("--debug", "maxeps", "xor", "--input", "xor#0").err


def test_scales_formulas_and_whole_numbers(run: Run) -> None:
    asked = ("maxeps", "xor", "--input", "xor#1", "--engine", "smt", "--json")
    assert run(*asked, "--scales", "1,1/2").json["exact"] == "1/3"
    assert run(*asked, "--given", "x[0] <= 0.1").json["exact"] == "2/5"
    stated = run(*asked, "--that", "margin(0.3)").json
    assert (stated["exact"], stated["label"], stated["that"]) == ("7/40", None, "margin(0.3)")
    assert run(*asked, "--integers", "0").json["exact"] == "1/2"
    words = run("maxeps", "xor", "--input", "xor#1", "--that", "margin(0.3)", "--engine", "smt")
    assert (words.code, "exactly 7/40" in words.out, "class" in words.out.split("refuted")[0]) == (0, True, False)
    held = run("robust", "xor", "--input", "xor#1", "--eps", "0.39", "--given", "x[0] <= 0.1")
    assert (held.code, "robust at eps 0.39" in held.out) == (0, True)
    asked = ("robust", "xor", "--input", "xor#1", "--eps", "0.1")
    patched = run("robust", "digits-mlp", "--input", "digits#5", "--patch", "1")
    assert (patched.code, "robust for any 1 x 1 patch" in patched.out) == (0, True)
    broken = run("robust", "digits-mlp", "--input", "digits#3", "--patch", "2", "--json").json
    assert (broken["status"], broken["label"], broken["patch"]) == ("violated", 2, "2")
    center = verdict.models.data("digits").load()[0][3].ravel()
    moved = [divmod(i, 8) for i, (a, b) in enumerate(zip(center, broken["witness"], strict=True)) if a != b]
    assert max(max(rows) - min(rows) for rows in zip(*moved, strict=True)) <= 1
    few = run("robust", "digits-mlp", "--input", "digits#5", "--pixels", "1", "--json").json
    assert (few["status"], few["pixels"]) == ("robust", "1")
    assert run("robust", "digits-mlp", "--input", "digits#5").err.startswith("error: expected one of --eps, --patch")
    assert "no norm" in run("robust", "xor", "--input", "xor#1", "--patch", "1", "--norm", "l1").err
    assert run(*asked, "--scales", "1,b").err.startswith("error: a scale is")
    assert "--given: column 1" in run(*asked, "--given", "z > 0").err
