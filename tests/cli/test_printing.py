"""What reaches a terminal, and what happens where nothing can: names, encodings, closed and full outputs, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_process import Outcome, finish, start_until_engine
from onnx import TensorProto, helper, numpy_helper, save
from support.hard import hard

from verdict.base.visible import visible
from verdict.cli.main import main
from verdict.models import model

Run = Callable[..., Outcome]
# Escape sequences, C1 controls, a change of direction, no width, and lines of their own.
EVIL = "a\x1b[2J\x1b]0;owned\x07\x9b31m‮⁦​\r\n  answer       robust\x85\x7f"
posix = pytest.mark.skipif(os.name == "nt", reason="streams and signals of POSIX")


def evil_model(path: Path, operator: str = "Relu") -> Path:
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", EVIL], [EVIL + "g"], name=EVIL),
         helper.make_node(operator, [EVIL + "g"], ["y"], name=EVIL + "r")],
        "evil",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(np.eye(2, dtype=np.float32), EVIL)],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def harmless(text: str) -> bool:
    return all(c.isprintable() or c == "\n" for c in text) and "\n  answer       robust" not in text


def test_visible() -> None:
    assert visible("plain é 中 x#3 [a]") == "plain é 中 x#3 [a]"
    assert visible("a\x1bb\nc\u202e") == "a\\x1bb\\nc\\u202e"
    assert visible("\udcff") == "\\udcff"


def test_names_in_a_table(run: Run, tmp_path: Path) -> None:
    result = run("info", evil_model(tmp_path / "m.onnx"))
    assert result.code == 0, result
    assert harmless(result.out)
    assert "\\x1b[2J" in result.out


def test_names_in_errors(run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", **{"a\x1b[31m": np.zeros(2), "b\n": np.zeros(2)})
    (tmp_path / "x.csv").write_text("1,\x1b[31m2\n3,4\n")
    (tmp_path / "q.vnnlib").write_text("(assert (\x1b[31m X_0 1))")
    for words in (
        ["info", evil_model(tmp_path / "m.onnx", "Tan")],
        ["info", tmp_path / "nl\nerror: fine\x1b[31m.onnx"],
        ["robust", "xor", "--input", tmp_path / "x.npz", "--eps", "0.1"],
        ["robust", "xor", "--input", f"{tmp_path / 'x.csv'}#0", "--eps", "0.1"],
        ["robust", "xor", "--input", "xor#1", "--eps", "\x1b[31m"],
        ["verify", tmp_path / "q.vnnlib", "--network", "xor"],
        ["\x1b[31m"],
        ["robust", "xor", "--\x1b[31m"],
    ):
        result = run(*words)
        assert result.code == 2, result
        assert harmless(result.err), result.err
        assert "\nerror: fine" not in result.err


def test_a_name_cannot_add_to_a_formula(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "m\n(assert false).onnx"
    path.write_bytes(model("xor").path.read_bytes())
    for form in ("smt2", "vnnlib"):
        result = run("encode", path, "--input", "xor#1", "--eps", "0.1", "--to", form)
        assert result.code == 0, result
        assert "\n(assert false)" not in result.out


def start(*words: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "verdict", *map(str, words)]
    return subprocess.run(command, stderr=subprocess.PIPE, timeout=120, **options)  # type: ignore[call-overload]


ASK = ("robust", "xor", "--input", "xor#1", "--eps", "0.1")


ALL = [ASK, (*ASK, "--json"), ("--version",), ("models",), ("supports", "--vnnlib-versions")]


@posix
@pytest.mark.parametrize("words", ALL)
def test_a_full_or_closed_output(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        result = start(*words, stdout=full)
    assert (result.returncode, result.stderr.count(b"\n")) == (2, 1), result
    assert b"standard output cannot be written: No space left on device" in result.stderr
    result = start(*words, preexec_fn=lambda: os.close(1))
    assert (result.returncode, result.stderr.count(b"\n")) == (2, 1), result
    assert b"standard output is closed" in result.stderr


@posix
def test_a_closed_stderr_is_no_failure() -> None:
    command = [sys.executable, "-m", "verdict", *ASK]
    result = subprocess.run(command, stdout=subprocess.PIPE, preexec_fn=lambda: os.close(2), timeout=120)
    assert result.returncode == 0
    assert b"robust" in result.stdout


@posix
def test_names_that_the_encoding_lacks(tmp_path: Path) -> None:
    data = model("xor").path.read_bytes()
    for name in (b"\xc3\xa9.onnx", b"b\xff.onnx"):
        path = os.fsencode(tmp_path) + b"/" + name
        Path(os.fsdecode(path)).write_bytes(data)
        command = [sys.executable, "-m", "verdict", "robust", path, *ASK[2:], "--range", "0", "1"]
        env = {**os.environ, "PYTHONIOENCODING": "ascii"}
        result = subprocess.run(command, capture_output=True, timeout=120, env=env)
        assert (result.returncode, result.stderr) == (0, b""), result
        assert result.stdout.isascii()


@posix
def test_a_full_disk_leaves_the_answer(run: Run, tmp_path: Path) -> None:
    """No witness fits: the answer is printed, the exit code tells of the file, and nothing is half there."""
    import resource

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    words = ["maxeps", "xor", "--input", "xor#1", "--save", tmp_path / "out"]
    # Python itself would keep bytecode cut short.
    plain = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    result = start(*words, stdout=subprocess.PIPE, preexec_fn=small, env=plain)
    assert result.returncode == 2
    assert b"radius" in result.stdout
    assert b"--save" in result.stderr
    assert result.stderr.count(b"\n") == 1
    assert list((tmp_path / "out").iterdir()) == []


@posix
def test_what_is_saved_replaces_only_its_kind(run: Run, tmp_path: Path) -> None:
    (tmp_path / "xor-1-witness.npy").symlink_to("/dev/full")
    result = run("maxeps", "xor", "--input", "xor#1", "--save", tmp_path)
    assert (result.code, result.out) == (2, "")
    assert "a device" in result.err
    for form, name in (("smt2", "q.vnnlib"), ("lp", "m.onnx")):
        (tmp_path / name).write_text("mine")
        words = ["encode", "xor", "--input", "xor#1", "--eps", "0.2", "--to", form, "-o"]
        assert run(*words, tmp_path / name).code == 2
        assert (tmp_path / name).read_text() == "mine"
        assert [run(*words, tmp_path / f"new.{form}").code for _ in range(2)] == [0, 0]


def test_off_the_main_thread(capsys: pytest.CaptureFixture[str]) -> None:
    codes: list[int] = []
    asked = (list(ASK), ["maxeps", "xor", "--input", "xor#1"], ["maxeps", "xor", "--input", "xor#1", "--timeout", "20"])
    thread = threading.Thread(target=lambda: codes.extend(map(main, asked)))
    thread.start()
    thread.join()
    assert codes == [0, 0, 0], capsys.readouterr()


@posix
def test_sigterm_ends_like_ctrl_c(tmp_path: Path) -> None:
    network, inputs = hard(tmp_path)
    words = ["maxeps", network, "--input", f"{inputs}#0", "--range", -1, 2, "--engine", "milp", "--certificate"]
    child = start_until_engine(tmp_path, *words, tmp_path / "c.vcert", env={"TMPDIR": str(tmp_path)})
    time.sleep(1)
    child.send_signal(signal.SIGTERM)
    result = finish(child)
    assert result.code == 3, result
    assert "radius" in result.out
    assert "Traceback" not in result.err
    assert [p for p in tmp_path.iterdir() if "verdict" in p.name] == []
    with pytest.raises(ProcessLookupError):
        os.killpg(child.pid, 0)
