"""Bad input of every kind ends with exit code 2 and one clear error, never with a traceback or half an answer."""

from __future__ import annotations

import gzip
import pickle
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_process import Outcome
from onnx import TensorProto, helper, numpy_helper, save
from PIL import Image

from verdict.models import model

Run = Callable[..., Outcome]
X = "digits-mlp", "--input", "digits#3"


def write_npy(name: str, array: np.ndarray) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / name, array)


def write_text(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


def write_bytes(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(data) and None


def write_png(name: str, array: np.ndarray) -> Callable[[Path], None]:
    return lambda folder: Image.fromarray(array).save(folder / name)


def write_npz(name: str, **arrays: np.ndarray) -> Callable[[Path], None]:
    return lambda folder: np.savez(folder / name, **arrays)


class Evil:
    def __reduce__(self):
        return (exec, ("raise SystemExit('pickled code was run')",))


def pickled(folder: Path) -> None:
    np.save(folder / "x.npy", np.array([Evil()], dtype=object), allow_pickle=True)


def bare_pickle(folder: Path) -> None:
    (folder / "x.npy").write_bytes(pickle.dumps(Evil()))


def pickled_npz(folder: Path) -> None:
    np.savez(folder / "x.npz", X=np.array([Evil()], dtype=object))


def zip_of_text(folder: Path) -> None:
    with zipfile.ZipFile(folder / "x.npz", "w") as archive:
        archive.writestr("a.txt", "hello")


def cut(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        data = model("digits-mlp").path.read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2])

    return make


def cut_gzip(folder: Path) -> None:
    (folder / "m.onnx.gz").write_bytes(gzip.compress(model("digits-mlp").path.read_bytes())[:-100])


def onnx_with(operator: str, opset: int = 17) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        graph = helper.make_graph(
            [helper.make_node(operator, ["x"], ["y"], name="odd")],
            "odd",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        save(made, folder / "m.onnx")

    return make


def nan_weights(folder: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "nan",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(np.full((3, 2), np.nan, np.float32), "w")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(made, folder / "m.onnx")


def nothing(folder: Path) -> None:
    pass


def a_directory(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).mkdir()


ok = np.full(64, 0.5, dtype=np.float32)
nan, high = ok.copy(), ok.copy()
nan[7], high[5] = np.nan, 1.5

# name: (what to write, the words after `maxeps`, what the error must say). {} stands for the folder.
CASES: dict[str, tuple[Callable[[Path], None], tuple[str, ...], tuple[str, ...]]] = {
    # the model
    "model missing": (nothing, ("{}/no.onnx", "--input", "digits#0"), ("no.onnx", "No such file")),
    "model name unknown": (nothing, ("digits-mpl", "--input", "digits#0"), ("Did you mean 'digits-mlp'?", "xor")),
    "model is a directory": (a_directory("m.onnx"), ("{}/m.onnx", "--input", "digits#0"), ("m.onnx", "directory")),
    "model empty": (write_bytes("m.onnx", b""), ("{}/m.onnx", "--input", "digits#0"), ("m.onnx", "empty")),
    "model is text": (write_text("m.onnx", "hello\n"), ("{}/m.onnx", "--input", "digits#0"), ("m.onnx", "ONNX")),
    "model cut short": (cut("m.onnx"), ("{}/m.onnx", "--input", "digits#0"), ("m.onnx", "ONNX")),
    "model gzip cut short": (cut_gzip, ("{}/m.onnx.gz", "--input", "digits#0"), ("m.onnx.gz", "gzip")),
    "model name too long": (nothing, ("m" * 400, "--input", "digits#0"), ("too long",)),
    "operator unsupported": (onnx_with("Asinh"), ("{}/m.onnx", "--input", "digits#0"), ("odd (Asinh)", "supported")),
    "operator set too new": (
        onnx_with("Relu", 99), ("{}/m.onnx", "--input", "digits#0"), ("operator set 99", "7 to ")
    ),
    "weights NaN": (nan_weights, ("{}/m.onnx", "--input", "digits#0"), ("'w'", "NaN")),
    "device unknown": (nothing, ("digits-mlp", "--input", "digits#0", "--device", "tpu"), ("'tpu'", "cpu, cuda")),
    # the input: place and index
    "file missing": (nothing, ("digits-mlp", "--input", "{}/x.npy"), ("x.npy: no such file",)),
    "file is a directory": (a_directory("x.npy"), ("digits-mlp", "--input", "{}/x.npy"), ("is a directory",)),
    "file kind unknown": (write_text("x.json", "[]"), ("digits-mlp", "--input", "{}/x.json"), ("x.json", ".npy, .npz")),
    "data set unknown": (nothing, ("digits-mlp", "--input", "digit#0"), ("Did you mean 'digits'?", "cancer")),
    "data set needs an index": (nothing, ("digits-mlp", "--input", "digits"), ("holds 450 inputs", "digits#0")),
    "data set of another size": (nothing, ("digits-mlp", "--input", "cancer#0"), ("(143, 30)", "64 numbers")),
    "batch needs an index": (
        write_npy("x.npy", np.stack([ok] * 3)), ("digits-mlp", "--input", "{}/x.npy"), ("holds 3 inputs", "x.npy#0")
    ),
    "index out of range": (nothing, ("digits-mlp", "--input", "digits#450"), ("no input 450", "0 to 449")),
    "index negative": (nothing, ("digits-mlp", "--input", "digits#-1"), ("'-1'", "#I or #I:J")),
    "index a word": (nothing, ("digits-mlp", "--input", "digits#three"), ("'three'", "#I or #I:J")),
    "index missing": (nothing, ("digits-mlp", "--input", "digits#"), ("''", "#I or #I:J")),
    "range empty": (nothing, ("digits-mlp", "--input", "digits#3:3"), ("3:3 is empty",)),
    "range backwards": (nothing, ("digits-mlp", "--input", "digits#5:3"), ("5:3 is empty",)),
    "range too long": (nothing, ("digits-mlp", "--input", "digits#440:460"), ("no input 459", "0 to 449")),
    "index of a single input": (
        write_npy("x.npy", ok), ("digits-mlp", "--input", "{}/x.npy#1"), ("no input 1", "0 to 0")
    ),
    # the input: contents
    "npy of another shape": (
        write_npy("x.npy", np.zeros((8, 9))), ("digits-mlp", "--input", "{}/x.npy"), ("(8, 9)", "64 numbers")
    ),
    "npy empty array": (write_npy("x.npy", np.zeros((0, 64))), ("digits-mlp", "--input", "{}/x.npy"), ("no numbers",)),
    "npy empty file": (write_bytes("x.npy", b""), ("digits-mlp", "--input", "{}/x.npy"), ("x.npy", "not a valid .npy")),
    "npy is text": (write_text("x.npy", "hello"), ("digits-mlp", "--input", "{}/x.npy"), ("x.npy", "not a valid .npy")),
    "npy cut short": (
        write_bytes("x.npy", b"\x93NUMPY\x01\x00\x76\x00{'descr'"),
        ("digits-mlp", "--input", "{}/x.npy"), ("x.npy", "not a valid .npy"),
    ),
    "npy pickled object": (pickled, ("digits-mlp", "--input", "{}/x.npy"), ("x.npy", "pickled objects")),
    "npy is a pickle": (bare_pickle, ("digits-mlp", "--input", "{}/x.npy"), ("x.npy", "pickled objects")),
    "npy of words": (
        write_npy("x.npy", np.array(["a"] * 64)), ("digits-mlp", "--input", "{}/x.npy"), ("<U1", "real numbers")
    ),
    "npy complex": (write_npy("x.npy", ok + 1j), ("digits-mlp", "--input", "{}/x.npy"), ("complex", "real numbers")),
    "npy holds NaN": (write_npy("x.npy", nan), ("digits-mlp", "--input", "{}/x.npy"), ("nan at position 7",)),
    "npy holds infinity": (
        write_npy("x.npy", np.full((2, 64), np.inf)), ("digits-mlp", "--input", "{}/x.npy#1"), ("x.npy#1", "inf at")
    ),
    "input outside the valid range": (
        write_npy("x.npy", high), ("digits-mlp", "--input", "{}/x.npy"), ("coordinate 5 is 1.5", "0 and 1", "--range")
    ),
    "npz without a known key": (
        write_npz("x.npz", a=ok, b=ok), ("digits-mlp", "--input", "{}/x.npz"), ("the arrays a, b", "x.npz[KEY]")
    ),
    "npz without this key": (
        write_npz("x.npz", a=ok, b=ok), ("digits-mlp", "--input", "{}/x.npz[c]"), ("the arrays a, b", "'c'")
    ),
    "npz is no zip": (write_text("x.npz", "hello"), ("digits-mlp", "--input", "{}/x.npz"), ("not a valid .npz",)),
    "npz of text": (zip_of_text, ("digits-mlp", "--input", "{}/x.npz"), ("x.npz",)),
    "npz pickled": (pickled_npz, ("digits-mlp", "--input", "{}/x.npz"), ("x.npz", "pickled objects")),
    "csv cell is a word": (
        write_text("x.csv", "1,2\n0.5,oops\n"), ("xor", "--input", "{}/x.csv#1"), ("line 2, column 2 is 'oops'",)
    ),
    "csv cell is empty": (write_text("x.csv", "1,,2\n"), ("xor", "--input", "{}/x.csv"), ("line 1, column 2 is ''",)),
    "csv rows differ": (
        write_text("x.csv", "1,2\n1,2,3\n"), ("xor", "--input", "{}/x.csv#1"), ("line 2 has 3 numbers", "have 2")
    ),
    "csv too wide": (write_text("x.csv", "1,2,3\n"), ("xor", "--input", "{}/x.csv"), ("(1, 3)", "2 numbers")),
    "csv only a header": (write_text("x.csv", "a,b\n"), ("xor", "--input", "{}/x.csv"), ("holds no numbers",)),
    "csv holds NaN": (write_text("x.csv", "0.1,nan\n"), ("xor", "--input", "{}/x.csv"), ("nan at position 1",)),
    "csv is binary": (write_bytes("x.csv", b"\xff\xfe\x00"), ("xor", "--input", "{}/x.csv"), ("not a text file",)),
    "png of another size": (
        write_png("x.png", np.zeros((28, 28), np.uint8)), ("digits-conv", "--input", "{}/x.png"),
        ("28 x 28 pixels", "shape (8, 8)"),
    ),
    "png coloured": (
        write_png("x.png", np.eye(8, dtype=np.uint8)[..., None] * np.array([9, 8, 7], np.uint8)),
        ("digits-mlp", "--input", "{}/x.png"), ("x.png: the image is coloured", "grey"),
    ),
    "png transparent": (
        write_png("x.png", np.full((8, 8, 4), 100, np.uint8)), ("digits-mlp", "--input", "{}/x.png"), ("transparent",)
    ),
    "png is text": (write_text("x.png", "hello"), ("digits-mlp", "--input", "{}/x.png"), ("not a readable PNG",)),
    "png for a table": (
        write_png("x.png", np.zeros((8, 8), np.uint8)), ("cancer-mlp", "--input", "{}/x.png"), ("takes 30 values",)
    ),
    # the options
    "label too large": (nothing, (*X, "--label", "10"), ("label 10", "0 to 9")),
    "label negative": (nothing, (*X, "--label", "-1"), ("label -1", "0 to 9")),
    "label a word": (nothing, (*X, "--label", "two"), ("--label", "expected one of the classes 0, 1")),
    "target too large": (nothing, (*X, "--target", "99"), ("target 99", "0 to 9")),
    "target is the label": (nothing, (*X, "--target", "2"), ("target 2 is the label",)),
    "range reversed": (nothing, (*X, "--range", "1", "0"), ("range is empty",)),
    "range not a number": (nothing, (*X, "--range", "0", "one"), ("--range", "'one'")),
    "range infinite": (nothing, (*X, "--range", "0", "inf"), ("--range", "'inf'")),
    "range half given": (nothing, (*X, "--range", "0"), ("--range",)),
    "norm unknown": (nothing, (*X, "--norm", "l3"), ("'l3'", "linf, l1, l2")),
    "engine unknown": (nothing, (*X, "--engine", "magic"), ("'magic'", "milp", "smt")),
    "solver unknown": (nothing, (*X, "--engine", "milp", "--solver", "hihgs"), ("did you mean 'highs'",)),
    "solver of the other engine": (nothing, (*X, "--engine", "smt", "--solver", "scip"), ("z3", "scip")),
    "solver for linear models only": (nothing, (*X, "--engine", "milp", "--solver", "glop"), ("glop", "highs")),
    "timeout zero": (nothing, (*X, "--timeout", "0"), ("--timeout is 0", "positive")),
    "timeout NaN": (nothing, (*X, "--timeout", "nan"), ("--timeout is nan", "positive")),
    "timeout a word": (nothing, (*X, "--timeout", "soon"), ("--timeout", "valid")),
    "threads zero": (nothing, (*X, "--threads", "0"), ("--threads is 0", "at least 1")),
    "option unknown": (nothing, (*X, "--epz", "1"), ("--epz", "maxeps --help")),
    "input missing": (nothing, ("digits-mlp",), ("--input", "maxeps --help")),
    "folder cannot be made": (
        write_text("f", "a file"), (*X, "--save", "{}/f/x"), ("--save", "f/x", "cannot be written")
    ),
}  # fmt: skip


def check(result: Outcome, *expected: str) -> None:
    assert result.code == 2, result
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert "Traceback" not in result.err
    assert result.err.count("error: ") == 1
    for words in expected:
        assert words in result.err


@pytest.mark.parametrize("json", [False, True], ids=["words", "json"])
@pytest.mark.parametrize("case", CASES)
def test_maxeps(run: Run, tmp_path: Path, case: str, json: bool) -> None:
    make, words, expected = CASES[case]
    make(tmp_path)
    result = run("maxeps", *(word.replace("{}", str(tmp_path)) for word in words), *["--json"] * json)
    check(result, *expected)
    # One line, but for the list of a network's unsupported nodes.
    if case != "operator unsupported":
        assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize("eps", ["-0.1", "much", "nan", "inf", "1/0", "", "0.1.2", "3%", "1e999999999", "1e-99999"])
def test_eps(run: Run, eps: str) -> None:
    check(run("robust", "digits-mlp", "--input", "digits#3", "--eps", eps), "eps", eps)


@pytest.mark.parametrize("words", [("robust", "--eps", "0.1"), ("maxeps",)], ids=["robust", "maxeps"])
def test_device_without_its_extra(run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    command, *rest = words
    result = run(command, "digits-mlp", "--input", "digits#3", *rest, "--device", "cuda")
    check(result, "--device cuda needs PyTorch: pip install 'verdict-nn[gpu]'")
    assert len(result.err.splitlines()) == 1


def test_robust_needs_eps(run: Run) -> None:
    check(run("robust", "digits-mlp", "--input", "digits#3"), "--eps")


def test_unknown_command(run: Run) -> None:
    check(run("maxepz", "digits-mlp"), "maxepz", "verdict --help")
    check(run("--frobnicate"), "--frobnicate")


@pytest.mark.parametrize("command", ["info", "robust"])
def test_other_commands_read_models_alike(run: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "m.onnx").write_text("hello")
    rest = [] if command == "info" else ["--input", "digits#0", "--eps", "0"]
    check(run(command, tmp_path / "m.onnx", *rest), "m.onnx")


def test_pictures_without_pillow(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "x.png")
    monkeypatch.setitem(sys.modules, "PIL", None)
    check(run("maxeps", "digits-mlp", "--input", tmp_path / "x.png"), "Pillow", "pip install pillow")


def test_unreadable_file(run: Run, tmp_path: Path) -> None:
    shutil.copy(model("digits-mlp").path, tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", ok)
    (tmp_path / "x.npy").chmod(0)
    try:
        (tmp_path / "x.npy").read_bytes()
    except OSError:
        check(run("maxeps", tmp_path / "m.onnx", "--input", tmp_path / "x.npy"), "x.npy", "Permission denied")
    else:
        pytest.skip("this user may read everything")
