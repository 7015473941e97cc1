"""One rule for arguments in every public function: what stands for a number, a network or a formula, and what not."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verdict
from verdict.network.exact import ExactVector
from verdict.property import LinfBall

X = np.array([0.1, 0.9], np.float32)
XOR = verdict.load("xor")
SET = verdict.region("xor", X, "0.01")
BALL = LinfBall(ExactVector.of([Fraction(1, 10), Fraction(9, 10)]), Fraction(0), Fraction(1))
# Each public question with a network, one number, and the options of its search.
ASK: dict[str, Callable[..., Any]] = {
    "robust": lambda n, v, **o: verdict.robust(n, X, v, **o),
    "maxeps": lambda n, v, **o: verdict.maxeps(n, X, range=(v, 1), **o),
    "region": lambda n, v, **o: verdict.region(n, X, v, **o),
    "bounds_of": lambda n, v, **o: verdict.bounds_of(n, X, v, **o),
    "general": lambda n, v, **o: verdict.general(n, SET, v, theta=2, **o),
    "maxgeneral": lambda n, v, **o: verdict.maxgeneral(n, SET, theta=v, **o),
    "maxmove": lambda n, v, **o: verdict.maxmove(n, SET, v, **o),
    "maxfall": lambda n, v, **o: verdict.maxfall(n, SET, 0, 0, v, **o),
    "imitates": lambda n, v, **o: verdict.imitates(n, n, SET, delta=v, **o),
    "maxpruning": lambda n, v, **o: verdict.maxpruning(n, SET, lead=v, **o),
    "residual": lambda n, v, **o: verdict.residual(
        n, "u - w", unknown="u,w", variables="a,b", domain={"a": (0, 1)}, at={"b": 0}, tolerance=v, **o),
}
# Those that take no number, or one of another kind.
MORE: dict[str, Callable[..., Any]] = {
    "maxdelta": lambda n, **o: verdict.maxdelta(n, n, SET, **o),
    "maxweights": lambda n, **o: verdict.maxweights(n, X, layer=0, **o),
    "prove": lambda n, **o: verdict.prove(n, "y[0] < 9", "box(0, 1)", **o),
    "maxradius": lambda n, **o: verdict.maxradius(n, BALL, "y[0] < 9", **o),
    "variables": lambda n, **o: verdict.variables(n, **o),
}
SEARCHES = [name for name in (*ASK, *MORE) if name not in ("region", "bounds_of", "variables")]
GOOD = ["0", "0/7", 0, 0.0, Fraction(0), Decimal("0.00"), np.float32(0), np.float64(0), np.int8(0), np.array(0.0)]
BAD = [None, True, np.True_, "", "x", "1/0", "nan", "inf", float("nan"), float("inf"), -float("inf"), np.float32("nan"),
       [1], {}, b"1", 1j, object(), "1e400", "1e99999999", 10**400, Decimal("1e400"), Decimal("nan"), "²", "-1", -1]


def ask(name: str, network: Any = "xor", number: Any = 0, **options: Any) -> Any:
    return ASK[name](network, number, **options) if name in ASK else MORE[name](network, **options)


def soon(name: str) -> dict[str, float]:
    """The options of an answer that need not be a good one."""
    return {"timeout": 0.3} if name in ("maxgeneral", "maxmove", "maxfall") else {}


@pytest.mark.parametrize("name", [*ASK, *MORE])
def test_networks(name: str) -> None:
    for network in ("xor", XOR, XOR.path, str(XOR.path)):
        ask(name, network, **soon(name))
    for bad in (None, 3, "", "no-such-model", Path("/nowhere.onnx"), b"xor", ["xor"], "\0"):
        with pytest.raises(verdict.VerdictError):
            ask(name, bad)


@pytest.mark.parametrize("name", ASK)
def test_numbers(name: str) -> None:
    for number in GOOD:
        ask(name, number=number, **soon(name))


@pytest.mark.parametrize("name", ASK)
@pytest.mark.parametrize("number", BAD, ids=lambda v: repr(v)[:12])
def test_what_is_no_number(name: str, number: Any) -> None:
    if name == "maxeps" and str(number) == "-1":
        return  # a range may begin below 0
    if number is None and name in ("general", "maxgeneral", "imitates"):
        return  # nothing is asked then, which is an error of its own
    if number is None and name == "residual":
        return  # the tolerance is the usual one
    with pytest.raises(verdict.InputError):
        ask(name, number=number)


@pytest.mark.parametrize("name", SEARCHES)
def test_limits(name: str) -> None:
    for timeout in (-1, 0, "0", float("nan"), float("inf"), "x", True, [1], "1e400"):
        with pytest.raises(verdict.InputError, match="timeout"):
            ask(name, timeout=timeout)
    for threads in (0, -1, 1.5, "x", None, True, 10**9):
        with pytest.raises(verdict.InputError, match="threads"):
            ask(name, threads=threads)
    for option in ("engine", "solver", "device", "bounds"):
        with pytest.raises(verdict.VerdictError):
            ask(name, **{option: 3})
    for place in (3, "", b"a"):
        with pytest.raises(verdict.InputError, match="certificate"):
            ask(name, certificate=place)
    ask(name, timeout=np.float32(60), threads=np.int64(1))


@pytest.mark.parametrize("option", ["label", "target"])
def test_classes(option: str) -> None:
    other = {"label": "target", "target": "label"}[option]
    for ask_about in (
        lambda **o: verdict.robust("xor", X, "0.01", **o),
        lambda **o: verdict.maxeps("xor", X, range=(0, 1), **o),
        lambda **o: verdict.maxweights("xor", X, layer=0, **o),
        lambda **o: verdict.bounds_of("xor", X, "0.01", **o),
    ):
        for value in (1, "1", 1.0, np.int64(1), Fraction(1)):
            ask_about(**{option: value, other: 0})
        for bad in (2, -1, 0.5, "x", True, [1], 10**400):
            with pytest.raises(verdict.VerdictError):
                ask_about(**{option: bad})


def test_formulas() -> None:
    _, y = verdict.variables("xor")
    for that in (y[1] > y[0], "y[1] > y[0]", "stays()", "stays(of=1)"):
        assert verdict.robust("xor", X, "0.01", that=that).status == "robust"
        assert verdict.maxeps("xor", X, range=(0, 1), that=that, engine="smt").exact is not None
    for bad in (3, True, ["y"], lambda: y[0] > 0, "y", "", "y[9] > 0"):
        for question in (
            lambda: verdict.robust("xor", X, "0.01", that=bad),  # noqa: B023
            lambda: verdict.maxeps("xor", X, given=bad),  # noqa: B023
            lambda: verdict.prove("xor", bad, "box(0, 1)"),  # noqa: B023
            lambda: verdict.prove("xor", "y[0] > 0", bad),  # noqa: B023
            lambda: verdict.maxradius("xor", BALL, bad),  # noqa: B023
        ):
            with pytest.raises((verdict.InputError, verdict.PropertyError)):
                question()


NO_INPUTS = ["ab", None, [0.1], [[0.1, 0.9], [0.2]], [np.nan, 0], [1e39, 0], ["a", "b"], {"z": [0, 1]}, 3]


@pytest.mark.parametrize("x", NO_INPUTS)
def test_what_is_no_input(x: Any) -> None:
    questions = [
        lambda: verdict.robust("xor", x, "0.1"), lambda: verdict.maxeps("xor", x), lambda: verdict.maxweights("xor", x),
    ]
    # A region without an input is the whole range.
    for question in [*questions, lambda: verdict.region("xor", x, 0, (0, 1))][: 3 if x is None else 4]:
        with pytest.raises(verdict.InputError):
            question()


def test_inputs() -> None:
    name = XOR.inputs[0].name
    for x in (X, X[None], X[:, None], X.tolist(), [Fraction(1, 8), Fraction(7, 8)], ["0.1", "0.9"], {name: X}):
        assert verdict.robust("xor", x, "0.01").status == "robust"


@pytest.mark.parametrize("bad", [None, 3, "xor", [0, 1], (0, 1)])
def test_what_is_no_set(bad: Any) -> None:
    for question in (
        lambda: verdict.maxdelta("xor", "xor", bad), lambda: verdict.maxmove("xor", bad, 0),
        lambda: verdict.maxfall("xor", bad, 0, 0, 0), lambda: verdict.imitates("xor", "xor", bad, lead=0),
        lambda: verdict.general("xor", bad, 0, lead=0), lambda: verdict.maxgeneral("xor", bad, lead=0),
        lambda: verdict.maxpruning("xor", bad), lambda: verdict.maxradius("xor", bad, "y[0] < 9"),
    ):
        with pytest.raises(verdict.InputError):
            question()


def test_an_answer_is_neither_true_nor_false(tmp_path: Path) -> None:
    file = tmp_path / "a.vcert"
    answer = verdict.robust("xor", X, "0.3", certificate=file, range=(0, 1))
    proved = verdict.robust("xor", X, "0.01", certificate=file, range=(0, 1))
    report = verdict.check(file, "xor")
    assert (answer.status, proved.status, report.accepted) == ("violated", "robust", True)
    pruned = verdict.maxpruning("xor", SET)
    for each in (answer, proved, proved.certificate, report, pruned, verdict.maxeps("xor", X), ask("maxmove")):
        with pytest.raises(TypeError, match="neither true nor false"):
            bool(each)


@pytest.mark.parametrize("engine", ["auto", "bab", "milp", "smt"])
def test_an_empty_set_is_an_answer(engine: str) -> None:
    for given in ("x[0] >= 5", "x[0] >= 1 & x[0] <= 0".replace(" & ", ") & (").join("()"), "(y[0] > 1) & (y[0] < 0)"):
        answer = verdict.robust("xor", X, "0.01", label=0, given=given, engine=engine)
        assert (answer.status, answer.trust) == ("robust", verdict.Trust.EXACT)
        assert answer.reason.startswith("the input set is empty")


def test_what_always_holds_is_safe() -> None:
    for options in ({}, {"range": (0, 1)}, {"engine": "milp"}):
        always = verdict.maxeps("xor", X, that="y[0] >= y[0] - 1", **options)
        assert (always.status, always.upper, always.lower_trust) == ("safe", None, verdict.Trust.EXACT)
        assert verdict.robust("xor", X, 1, that="y[0] >= y[0] - 1", **options).reason
    never = verdict.maxeps("xor", X, that="y[0] >= y[0] + 1")
    assert (never.status, never.exact) == ("wrong-label", 0)


def test_a_label_beside_a_formula_is_used_or_refused() -> None:
    _, y = verdict.variables("xor")
    assert verdict.robust("xor", X, "0.01", that="stays()", label=0).status == "violated"
    assert verdict.maxeps("xor", X, that="margin(0)", label=0).status == "wrong-label"
    assert verdict.robust("xor", X, "0.01", that="y[1] > 0", given="x[0] <= label", label=1).status == "robust"
    for that in ("y[1] > 0", "stays(of=1)", y[1] > 0):
        with pytest.raises(verdict.InputError, match="label"):
            verdict.robust("xor", X, "0.01", that=that, label=1)
    with pytest.raises(verdict.InputError, match="target"):
        verdict.robust("xor", X, "0.01", that="stays()", target=0)
