"""Limits of whole commands: what ignores the clock is answered for, what takes too much memory is ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_process import finish, start

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="a parent needs fork")

# The command with a step that proves something and then goes on and on inside one operation that lets nobody in.
STUCK = """
import sys, time
import verdict.search.points.radius_witness as step
from verdict.cli.backstop import CHILD

def stuck(search):
    search.prove_by_bounds()
    time.sleep(0.3)
    search.report()
    # However long the machine took to come here, the limit is near now.
    CHILD.limits(0.5, None)
    3 ** (1 << 40)

step.seek_witness = stuck
from verdict.__main__ import run
sys.exit(run())
"""
# And one that takes more and more memory.
GREEDY = """
import sys, time
import numpy
import verdict.search.points.radius_witness as step

def greedy(search):
    kept = []
    while True:
        kept.append(numpy.ones(2**20))
        time.sleep(0.01)

step.seek_witness = greedy
from verdict.__main__ import run
sys.exit(run())
"""


def _run(code: str, folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, words)]
    environment = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


@posix
def test_a_command_that_ignores_its_limit_is_answered_for_with_what_it_held(tmp_path: Path) -> None:
    done = _run(STUCK, tmp_path, "maxeps", "cancer-mlp", "--input", "cancer#3", "--timeout", 600, "--json")
    assert done.returncode == 3, done
    answer = json.loads(done.stdout)
    assert (answer["status"], answer["reason"]) == ("interval", "the time limit was reached")
    assert answer["lower"] > 0
    assert answer["upper"] is None
    assert done.stderr == ""
    # Nothing is left of a process that was ended.
    assert list(tmp_path.iterdir()) == []


# The same where a yes or no is asked for, in the search that follows bounds.
STUCK_LATER = """
import sys, time
from verdict.cli.backstop import CHILD
from verdict.search.decision import Decision

def stuck(run, clock=None):
    time.sleep(0.3)
    run.enter("bab")
    CHILD.limits(0.5, None)
    3 ** (1 << 40)

Decision.bab = stuck
from verdict.__main__ import run
sys.exit(run())
"""


@posix
def test_a_question_that_ignores_its_limit_is_answered_for_with_where_it_was(tmp_path: Path) -> None:
    query = tmp_path / "q.vnnlib"
    size, least = 64, "(assert (>= Y_0 42.0))"
    names = [f"(declare-const X_{i} Real)(assert (>= X_{i} 0.0))(assert (<= X_{i} 1.0))" for i in range(size)]
    query.write_text("\n".join([*names, *(f"(declare-const Y_{i} Real)" for i in range(10)), least]))
    reason = "the time limit was reached in bab"
    done = _run(STUCK_LATER, tmp_path, "verify", "digits-mlp", query, "--timeout", 600)
    assert (done.stdout, done.stderr, done.returncode) == ("timed-out\n", f"note: {reason}\n", 3)
    words = ["robust", "digits-mlp", "--input", "digits#3", "--eps", "0.0293", "--timeout", "600", "--json"]
    done = _run(STUCK_LATER, tmp_path, *words)
    assert json.loads(done.stdout) == {"status": "unknown", "reason": reason}


@posix
def test_more_memory_than_its_budget_ends_a_command(tmp_path: Path) -> None:
    done = _run(GREEDY, tmp_path, "maxeps", "cancer-mlp", "--input", "cancer#3", "--memory", "0.4")
    assert done.returncode == 2, done
    assert done.stderr == "error: it needs more than 0.4 GiB of memory (--memory, else most of what is free)\n"
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["maxeps", "xor", "--input", "xor#0", "--json"], {"status": "interval", "lower": 0.0, "upper": None}),
        (["robust", "xor", "--input", "xor#0", "--eps", "0.1", "--json"], {"status": "unknown"}),
        (["maxdelta", "xor", "xor", "--range", "0", "1", "--json"], {"status": "unknown"}),
        (["bounds", "xor", "--input", "xor#0", "--eps", "0.1", "--json"], None),
        (["encode", "xor", "--input", "xor#0", "--eps", "0.1", "--to", "smt2"], None),
    ],
)
def test_no_time_at_all_is_an_answer(words: list[str], said: dict[str, object] | None) -> None:
    done = finish(start(*words, "--timeout", "0.000001"))
    assert done.code == 3, done
    if said is None:
        assert (done.out, done.err) == ("", "error: the time limit was reached before there was anything to write\n")
    else:
        answer = done.json
        assert {name: answer[name] for name in said} == said
        assert "the time limit was reached" in answer["reason"]


@pytest.mark.parametrize("memory", ["0", "nan", "-1"])
def test_a_budget_is_a_positive_number(memory: str) -> None:
    done = finish(start("robust", "xor", "--input", "xor#0", "--eps", "0.1", "--memory", memory))
    assert done.code == 2
    assert done.err.startswith("error: --memory is")


def test_every_command_with_a_time_limit_has_one_of_memory() -> None:
    from verdict.cli.declared import declared
    from verdict.cli.main import COMMANDS

    limited = [name for name, command in COMMANDS.items() if "timeout" in {p.name for p, _, _ in declared(command)}]
    assert {"robust", "maxeps", "verify", "prove", "bounds", "encode", "maxdelta", "maxpruning"} <= set(limited)
    for name in limited:
        assert "memory" in {p.name for p, _, _ in declared(COMMANDS[name])}


# A child that holds an answer and is stuck on its way to say another one. Its time is up once it is stuck.
HALFWAY = """
import sys, time
from verdict.cli import backstop, limits, printing
backstop.GRACE = backstop.PRINTING = 0.1

def stuck():
    backstop.CHILD.limits(0.1, None)
    time.sleep(100)

code = backstop.watched(["--timeout"])
if code is None:
    backstop.CHILD.hold("held\\n")
    {step}
    stuck()
sys.exit(code)
"""


@posix
@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("pass", "held\n"),
        ("backstop.CHILD.printing()", "held\n"),
        ("printing.console()", "held\n"),
        ("limits.printed(lambda: (printing.put('kept'), stuck()))", "held\n"),
        ("printing.put('said')", "said\n"),
        ("printing.print_json([1], None)", "[1]\n"),
        ("printing.put('said'); backstop.CHILD.hold('next\\n')", "said\nnext\n"),
        ("limits.say()", "held\n"),
    ],
)
def test_an_answer_is_said_once(tmp_path: Path, step: str, said: str) -> None:
    """However far it had come when it was ended: what was held, or what was written, and never nothing."""
    done = _run(HALFWAY.format(step=step), tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == (said, "", 3)
