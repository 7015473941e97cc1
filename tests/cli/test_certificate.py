"""`--certificate` and `verdict check` as a user meets them: files, exit codes, text, JSON, limits."""

import json
import re
import signal
import time

import pytest
from cli_process import finish, start_until_engine
from support.hard import hard

DIGITS = ("digits-mlp", "--input", "digits#3")
QUERY = """
(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real) (declare-const Y_1 Real)
(assert (or (and (>= X_0 0) (<= X_0 0.4)) (and (>= X_0 0.9) (<= X_0 0.95))))
(assert (>= X_1 0)) (assert (<= X_1 0.125))
(assert (or (and (<= X_0 0.5) (<= Y_0 (+ Y_1 0.01))) (and (>= X_0 0.6) (>= Y_0 Y_1) (<= Y_1 0.9))))
"""


def test_robust_says_what_the_checker_found(run, process, tmp_path):
    path = tmp_path / "c.vcert"
    result = run("robust", *DIGITS, "--eps", "0.02", "--certificate", path)
    assert result.code == 0
    assert "order, tier exact, 1 leaf" in result.out
    assert "every float32 evaluation order" in result.out
    command = re.search(r"check it +verdict (check .*)", result.out)[1]
    # The command that is shown works, in a process of its own.
    checked = process(*command.split())
    assert checked.code == 0
    assert checked.out.startswith("accepted\n  claim   class 2 stays for every input within 1/50")


def test_json(run, tmp_path):
    path = tmp_path / "c.vcert"
    record = run("robust", *DIGITS, "--eps", "0.02", "--certificate", path, "--json").json
    assert (record["trust"], record["semantics"]) == ("certified", ["real", "float32"])
    made = record["certificate"]
    assert made["file"] == str(path)
    assert made["bytes"] == path.stat().st_size
    assert (made["accepted"], made["tier"], made["leaves"]) == (True, "exact", 1)
    assert run("robust", *DIGITS, "--eps", "0.02", "--json").json["certificate"] is None


def test_verify_speaks_of_it_on_stderr(run, process, tmp_path):
    query, path = tmp_path / "q.vnnlib", tmp_path / "c.vcert"
    query.write_text(QUERY)
    result = run("verify", query, "--network", "xor", "--certificate", path)
    assert (result.code, result.out) == (0, "unsat\n")
    assert "accepted by the checker" in result.err
    words = ("check", path, "--network", "xor")
    assert process(*words, "--property", query, "--jobs", "2").code == 0
    # Without the query, or with another one, it is not accepted.
    assert run(*words).code == 1
    other = tmp_path / "other.vnnlib"
    other.write_text(QUERY.replace("0.95", "0.96"))
    assert run(*words, "--property", other).code == 1
    assert run(*words, "--property", tmp_path / "none.vnnlib").code == 2
    assert run("check", query, "--network", "xor").code == 2


def test_a_sat_query_has_none(run, tmp_path):
    query, path = tmp_path / "q.vnnlib", tmp_path / "c.vcert"
    query.write_text(QUERY.replace("(<= X_0 0.5)", "(<= X_0 2)"))
    result = run("verify", query, "--network", "xor", "--certificate", path)
    assert result.out.startswith("sat\n")
    assert "certificate: none" in result.err
    assert not path.exists()


def test_maxeps_is_exact(run, process, tmp_path):
    path = tmp_path / "c.vcert"
    result = run("maxeps", "xor", "--input", "xor#1", "--certificate", path)
    assert result.code == 0
    assert "exactly 1/4 = 0.25" in result.out
    assert "accepted by the checker" in result.out
    assert "for every float32 evaluation order: " in result.out
    checked = process("check", path, "--network", "xor", "--json").json
    assert (checked["accepted"], checked["semantics"]) == (True, ["real"])
    assert checked["claim"].endswith("below 1/4, and not at 1/4")
    beside = process("check", tmp_path / "c-float32.vcert", "--network", "xor", "--json").json
    assert beside["semantics"] == ["real", "float32"]
    record = run("maxeps", "xor", "--input", "xor#1", "--certificate", path, "--json").json
    assert (record["trust"]["lower"], record["certificate"]["radius"]) == ("certified", "1/4")
    assert record["float32"]["file"] == str(tmp_path / "c-float32.vcert")


@pytest.mark.parametrize("words", [("--input", "digits#3:5"), ("--input", "digits#3:4")])
@pytest.mark.parametrize("command", [("robust", "--eps", "0.01"), ("maxeps",)])
def test_a_range_of_inputs_is_refused(run, tmp_path, command, words):
    name, *rest = command
    result = run(name, "digits-mlp", *words, *rest, "--certificate", tmp_path / "c.vcert")
    assert result.code == 2
    assert "one input" in result.err


@pytest.mark.parametrize("place", ["no/such/folder/c.vcert", "."])
def test_a_place_that_cannot_be_written_ends_it_before_the_search(process, tmp_path, place):
    result = process("maxeps", *DIGITS, "--certificate", tmp_path / place)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: certificate ")


def test_the_time_limit_covers_the_certificate(run, tmp_path, processor_clock):
    path = tmp_path / "c.vcert"
    result = run("maxeps", "digits-resnet", "--input", "digits#1", "--timeout", "3", "--certificate", path, "--json")
    assert result.json["seconds"] < 4
    assert result.json["certificate"]["file"] == (str(path) if path.exists() else None)


def test_ctrl_c_keeps_the_interval(tmp_path):
    network, inputs = hard(tmp_path)
    words = ["maxeps", network, "--input", f"{inputs}#0", "--range", -1, 2, "--json", "--engine", "bab"]
    child = start_until_engine(tmp_path, *words, "--certificate", tmp_path / "c.vcert")
    time.sleep(1)
    child.send_signal(signal.SIGINT)
    result = finish(child)
    record = json.loads(result.out)
    assert 0 <= record["lower"] < record["upper"]
    assert record["certificate"]["file"] or record["certificate"]["reason"]
