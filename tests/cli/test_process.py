"""The commands as a user starts them: exit codes, clean pipes, time limits, Ctrl-C."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_process import Outcome, finish, start

Process = Callable[..., Outcome]


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose radius takes no engine less than minutes."""
    from onnx import TensorProto, helper, numpy_helper, save

    rng = np.random.default_rng(0)
    sizes, nodes, weights, last = [60, 80, 80, 80, 10], [], [], "x"
    for i, (n, m) in enumerate(itertools.pairwise(sizes)):
        w = (rng.standard_normal((n, m)) / np.sqrt(n) * 1.5).astype(np.float32)
        b = (0.3 * rng.standard_normal(m)).astype(np.float32)
        weights += [numpy_helper.from_array(w, f"w{i}"), numpy_helper.from_array(b, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [last, f"w{i}", f"b{i}"], [f"z{i}"]))
        last = f"z{i}"
        if i < len(sizes) - 2:
            nodes.append(helper.make_node("Relu", [last], [f"h{i}"]))
            last = f"h{i}"
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "hard",
        [value("x", TensorProto.FLOAT, [1, 60])],
        [value(last, TensorProto.FLOAT, [1, 10])],
        weights,
    )
    folder = tmp_path_factory.mktemp("hard")
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "hard.onnx")
    np.save(folder / "x.npy", rng.uniform(0, 1, (3, 60)).astype(np.float32))
    return folder


def test_version(process: Process) -> None:
    result = process("--version")
    assert (result.code, result.out, result.err) == (0, "0.1.0\n", "")


def test_piped_output_has_no_escape_codes(process: Process) -> None:
    for words in (
        ["maxeps", "xor", "--input", "xor#0"],
        ["robust", "xor", "--input", "xor#0:2", "--eps", "0.1"],
        ["models"],
        ["info", "digits-conv"],
    ):
        result = process(*words)
        assert result.code == 0, result
        assert "\x1b" not in result.out
        assert result.err == ""


def test_json_is_all_there_is_on_stdout(process: Process) -> None:
    result = process("maxeps", "cancer-mlp", "--input", "cancer#3", "--json")
    assert result.code == 0
    assert result.err == ""
    assert json.loads(result.out)["status"] in ("closed", "exact")


def test_exit_codes_of_robust(process: Process) -> None:
    assert process("robust", "digits-mlp", "--input", "digits#3", "--eps", "0.03").code == 1
    assert process("robust", "digits-mlp", "--input", "digits#3", "--eps", "0.01").code == 0


def test_bad_input_has_no_traceback(process: Process) -> None:
    result = process("maxeps", "digits-mlp", "--input", "nosuch.npy", "--json")
    assert (result.code, result.out) == (2, "")
    assert result.err == "error: nosuch.npy: no such file\n"


def test_closed_pipe_is_not_a_verdict() -> None:
    child = start("models")
    assert child.stdout is not None
    child.stdout.close()
    assert child.wait(timeout=60) == 141
    assert child.stderr is not None
    assert child.stderr.read() == ""
    child.stderr.close()


@pytest.mark.parametrize("engine", ["milp", "smt"])
def test_timeout_is_kept(hard: Path, engine: str) -> None:
    begin = time.monotonic()
    words = ["--range", 0, 1, "--timeout", 3, "--engine", engine, "--json"]
    result = finish(start("maxeps", hard / "hard.onnx", "--input", f"{hard / 'x.npy'}#0", *words), 30)
    # Interpreter, imports and reading the model come on top.
    assert time.monotonic() - begin < 25
    assert result.code == 3
    answer = result.json
    assert answer["status"] == "interval"
    assert "time limit" in answer["reason"]
    assert answer["seconds"] < 12


def interrupt(child: subprocess.Popen[str], *moments: float) -> Outcome:
    for pause in moments:
        time.sleep(pause)
        # To the whole session, as a terminal does it.
        os.killpg(child.pid, signal.SIGINT)
    return finish(child, 30)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("engine", ["milp", "smt"])
def test_ctrl_c_prints_the_interval_reached(hard: Path, engine: str) -> None:
    words = ["maxeps", hard / "hard.onnx", "--input", f"{hard / 'x.npy'}#0", "--range", 0, 1]
    result = interrupt(start(*words, "--engine", engine), 5)
    assert result.code == 3
    # How far it is after five seconds is the machine's matter.
    assert re.search(r"  radius +in \[0(\.\d+)?, 0\.\d+\] \(L-infinity\), not closed", result.out), result.out
    assert "interrupted" in result.out
    assert result.err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_second_ctrl_c_keeps_the_answer(hard: Path) -> None:
    words = ["maxeps", hard / "hard.onnx", "--input", f"{hard / 'x.npy'}#0:3", "--range", 0, 1, "--json"]
    result = interrupt(start(*words), 5, 0.1)
    assert result.code == 3
    assert [answer["reason"] for answer in result.json["results"]] == ["interrupted"]
    assert result.err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_of_robust_is_unknown(hard: Path) -> None:
    words = ["robust", hard / "hard.onnx", "--input", f"{hard / 'x.npy'}#0", "--range", 0, 1, "--json"]
    words += ["--engine", "milp"]
    # Long enough for the attack: the middle of a wide interval would be violated at once.
    free = finish(start("maxeps", *words[1:], "--timeout", 4)).json
    eps = (free["lower"] + free["upper"]) / 2
    result = interrupt(start(*words, "--eps", eps), 5)
    assert result.code == 3, result
    assert (result.json["status"], result.json["reason"]) == ("unknown", "interrupted")


def test_terminal_shows_progress_and_cleans_up(hard: Path) -> None:
    import pty

    main, side = pty.openpty()
    words = ["maxeps", hard / "hard.onnx", "--input", f"{hard / 'x.npy'}#0", "--range", 0, 1, "--timeout", 4]
    child = subprocess.Popen(
        [sys.executable, "-m", "verdict", *map(str, words), "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=side,
        text=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    out, _ = child.communicate(timeout=60)
    os.close(side)
    shown = b""
    try:
        while piece := os.read(main, 65536):
            shown += piece
    except OSError:  # Linux's way to say that the other side is closed
        pass
    os.close(main)
    assert json.loads(out)["status"] == "interval"
    assert b"radius in [" in shown
    # The line is erased and the cursor is visible again.
    assert shown.rstrip().endswith(b"\x1b[2K")
    assert b"\x1b[?25h" in shown
