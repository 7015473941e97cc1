"""The SMT-LIB session: what it answers, how it dies, and that it says so."""

from __future__ import annotations

import random
import threading
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verdict.base.errors import SolverError
from verdict.solvers import sexpr, z3_session
from verdict.solvers.z3 import Session


def hard(seed: int = 1, columns: int = 40, rows: int = 5) -> str:
    rng = random.Random(seed)
    text = "".join(f"(declare-const b{i} Int)(assert (<= 0 b{i} 1))" for i in range(columns))
    for _ in range(rows):
        a = [rng.randrange(100) for _ in range(columns)]
        text += f"(assert (= {sum(a) // 2} (+ {' '.join(f'(* {c} b{i})' for i, c in enumerate(a))})))"
    return text


def test_push_pop_and_assumptions() -> None:
    with Session() as session:
        session.command(
            "(declare-const x Real)(declare-const p Bool)(assert (=> p (< x 0.0)))(assert (> x 1.0))"
        )
        assert session.check() == "sat"
        assert session.check(["p"]) == "unsat"
        assert session.check(["(not p)"]) == "sat"
        session.push()
        session.command("(assert p)")
        assert session.check() == "unsat"
        session.pop()
        assert session.check() == "sat"


def test_exact_values() -> None:
    with Session() as session:
        session.command(
            "(declare-const x Real)(declare-const n Int)(declare-const |a b.0| Real)"
            "(assert (= x (/ 1.0 3.0)))(assert (= n (- 7)))(assert (= (* 7.0 |a b.0|) (- 2.0)))"
        )
        assert session.check() == "sat"
        expected = {"x": Fraction(1, 3), "n": Fraction(-7), "|a b.0|": Fraction(-2, 7)}
        assert session.values(list(expected)) == expected
        assert session.values([]) == {}


def test_an_algebraic_number_is_refused_and_the_session_goes_on() -> None:
    with Session() as session:
        session.command("(declare-const x Real)(assert (= (* x x) 2.0))")
        assert session.check() == "sat"
        with pytest.raises(SolverError, match=r"root-obj.*not a rational"):
            session.values(["x"])
        assert session.check() == "sat"


def test_objectives() -> None:
    with Session() as session:
        session.command("(declare-const x Real)(declare-const n Int)(assert (>= (* 3 x) 1))(assert (>= n x))")
        session.push()
        session.command("(minimize (+ x n))")
        assert session.check() == "sat"
        assert session.objectives() == [Fraction(4, 3)]
        session.pop()
        session.command("(minimize (- x))")
        session.check()
        assert session.objectives() == [None]


def test_errors_are_errors_and_never_verdicts() -> None:
    with Session() as session:
        for text in ("(assert (> y 0))", "(frobnicate)"):
            with pytest.raises(SolverError, match="Z3 reported"):
                session.command(text)
        with pytest.raises(SolverError, match=r"Z3 reported.*unknown constant q"):
            session.check(["q"])
        assert session.check() == "sat"
        with pytest.raises(SolverError, match="Z3 reported"):
            session.values(["nothing"])
    with Session() as session:
        session.command("(declare-const x Real)(assert (< x x))")
        assert session.check() == "unsat"
        with pytest.raises(SolverError, match="Z3 reported"):
            session.values(["x"])


def test_an_incomplete_command_does_not_hang() -> None:
    with Session() as session:
        with pytest.raises(SolverError, match=r"no answer within 0\.3 s"):
            session.command("(assert", timeout=0.3)
        with pytest.raises(SolverError, match="session is dead: no answer"):
            session.check()


def test_the_soft_limit() -> None:
    with Session() as session:
        session.command(hard())
        started = time.monotonic()
        assert session.check(timeout=0.3) == "unknown"
        assert time.monotonic() - started < 20
        assert "timeout" in session.reason_unknown() or "canceled" in session.reason_unknown()
        if session.dead is None:
            # The limit does not stick.
            session.command("(reset-assertions)")
            assert session.check() == "sat"


def test_the_hard_limit_kills_and_says_so(tmp_path: Path) -> None:
    deaf = tmp_path / "z3"
    deaf.write_text('#!/bin/sh\ntrap "" INT TERM\nwhile true; do sleep 0.1; done\n')
    deaf.chmod(0o755)
    with Session(path=str(deaf)) as session:
        started = time.monotonic()
        assert session.check(timeout=0.2) == "unknown"
        assert time.monotonic() - started < 20
        assert "ignored" in session.reason_unknown()
        assert session.dead is not None
        for use in (session.check, session.push, lambda: session.values(["x"])):
            with pytest.raises(SolverError, match="session is dead: Z3 ignored its time limit"):
                use()


def test_interrupting() -> None:
    with Session() as session:
        session.command(hard())
        threading.Timer(0.3, session.interrupt).start()
        started = time.monotonic()
        assert session.check(timeout=30) == "unknown"
        assert time.monotonic() - started < 25
        assert session.dead is None
        flag = threading.Event()
        threading.Timer(0.3, flag.set).start()
        assert session.check(timeout=30, watch=flag.is_set) == "unknown"


def test_a_check_that_says_it_was_canceled_is_unknown(tmp_path: Path) -> None:
    """In some phases, of optimisation above all, Z3 ends at an interrupt with an error."""
    said, z3 = tmp_path / "said", tmp_path / "z3"
    echo = """'(echo "'*) m=${line#'(echo "'}; echo "${m%'")'}";;"""
    z3.write_text(f'#!/bin/sh\nwhile read -r line; do case "$line" in "(check-sat)") cat {said};; {echo} esac; done\n')
    z3.chmod(0o755)
    canceled = '(error "line 241 column 10: canceled")\n'
    with Session(path=str(z3)) as session:
        said.write_text(canceled)
        assert session.check() == "unknown"
        assert session.reason_unknown() == "canceled"
        for other in (f"sat\n{canceled}", canceled + '(error "line 1 column 1: unknown constant x")\n'):
            said.write_text(other)
            with pytest.raises(SolverError, match="canceled"):
                session.check()
        said.write_text('(error "line 241 column 10: push canceled")\n')
        assert session.check() == "unknown"
        assert session.reason_unknown() == "canceled"
        with pytest.raises(SolverError, match="while it did a push"):
            session.pop()


def test_keyboard_interrupt_kills_the_process() -> None:
    def press() -> bool:
        raise KeyboardInterrupt

    session = Session()
    session.command(hard())
    with pytest.raises(KeyboardInterrupt):
        session.check(watch=press)
    assert session._child.poll() is not None
    with pytest.raises(SolverError, match="session is dead"):
        session.check()


def test_a_closed_session_and_a_killed_one() -> None:
    session = Session()
    session.close()
    session.close()
    with pytest.raises(SolverError, match="the session is closed"):
        session.command("(check-sat)")
    with Session() as victim:
        victim._child.kill()
        with pytest.raises(SolverError, match="z3 ended with code -9"):
            victim.check()


def test_the_memory_limit() -> None:
    with Session(memory=10) as session, pytest.raises(SolverError, match="memory"):
        session.command(hard(columns=300, rows=60) + "(check-sat)", timeout=20)


def test_without_a_binary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(z3_session, "binary", lambda: None)
    with pytest.raises(SolverError, match="pip install 'z3-solver"):
        Session()
    with pytest.raises(SolverError, match="cannot start"):
        Session(path="/nonexistent/z3")


@given(st.fractions())
def test_literals_are_read_back(value: Fraction) -> None:
    [expression] = sexpr.parse(sexpr.literal(value))
    assert sexpr.rational(expression) == value


@pytest.mark.parametrize(
    "text", ["oo", "(* (- 1) oo)", "epsilon", "true", "(/ 1 0)", "1e5", "(- 1 2 3)", "()"]
)
def test_what_is_not_a_rational_is_refused(text: str) -> None:
    [expression] = sexpr.parse(text)
    with pytest.raises(SolverError, match="not a rational"):
        sexpr.rational(expression)


@pytest.mark.parametrize("text", ["(a", "a)", "((a)"])
def test_unbalanced_answers_are_refused(text: str) -> None:
    with pytest.raises(SolverError, match="unbalanced"):
        sexpr.parse(text)
