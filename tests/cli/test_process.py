"""The commands as a user starts them: exit codes, clean pipes, time limits, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_process import Outcome, finish, start, start_until_engine
from support.hard import EPS, hard

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
Process = Callable[..., Outcome]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """A network whose radius takes every engine for ever, an input and the valid range, as words of a command."""
    network, inputs = hard(tmp_path_factory.mktemp("hard"))
    return [network, "--input", f"{inputs}#0", "--range", -1, 2]


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
def test_timeout_is_kept(asked: list[object], engine: str) -> None:
    result = finish(start("maxeps", *asked, "--timeout", 3, "--engine", engine, "--json"))
    assert result.code == 3
    answer = result.json
    assert answer["status"] == "interval"
    assert "time limit" in answer["reason"]
    # Far beyond what a busy machine adds; one that has told nothing until then has no seconds either.
    assert answer.get("seconds", 0) < 60


def interrupt(child: subprocess.Popen[str], *moments: float) -> Outcome:
    for pause in moments:
        time.sleep(pause)
        # To the whole session, as a terminal does it.
        os.killpg(child.pid, signal.SIGINT)
    return finish(child)


@posix
@pytest.mark.parametrize("engine", ["milp", "smt"])
def test_ctrl_c_prints_the_interval_reached(asked: list[object], tmp_path: Path, engine: str) -> None:
    result = interrupt(start_until_engine(tmp_path, "maxeps", *asked, "--engine", engine), 2)
    assert result.code == 3
    # How far it is is the machine's matter.
    assert re.search(r"  radius +in \[0(\.\d+)?, 0\.\d+\] \(L-infinity\), not closed", result.out), result.out
    assert "interrupted" in result.out
    assert result.err == ""


@posix
def test_second_ctrl_c_keeps_the_answer(asked: list[object], tmp_path: Path) -> None:
    model, option, place, *limits = asked
    words = ["maxeps", model, option, f"{place}:3", *limits, "--json"]
    result = interrupt(start_until_engine(tmp_path, *words), 1, 0.1)
    assert result.code == 3
    assert [answer["reason"] for answer in result.json["results"]] == ["interrupted"]
    assert result.err == ""


@posix
def test_ctrl_c_of_robust_is_unknown(asked: list[object], tmp_path: Path) -> None:
    words = ["robust", *asked, "--eps", EPS, "--engine", "milp", "--json"]
    result = interrupt(start_until_engine(tmp_path, *words), 2)
    assert result.code == 3, result
    assert (result.json["status"], result.json["reason"]) == ("unknown", "interrupted")


@posix
def test_terminal_shows_progress_and_cleans_up(asked: list[object]) -> None:
    import pty

    main, side = pty.openpty()
    child = start("maxeps", *asked, "--json", stderr=side, env={"TERM": "xterm", "COLUMNS": "100"})
    os.close(side)
    shown, pressed = b"", False
    try:
        while piece := os.read(main, 65536):
            shown += piece
            # Modules are still being imported, and one of protobuf's, in C, drops what is raised meanwhile.
            if b"radius in [" in shown and not pressed:
                pressed = True
                os.killpg(child.pid, signal.SIGINT)
    except OSError:  # Linux's way to say that the other side is closed
        pass
    os.close(main)
    assert json.loads(finish(child).out)["status"] == "interval"
    # The line is erased and the cursor is visible again.
    assert shown.rstrip().endswith(b"\x1b[2K")
    assert b"\x1b[?25h" in shown
