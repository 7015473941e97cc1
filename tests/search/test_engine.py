"""An engine is one class: a test registers one, and commands, help pages and tables know it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

import verdict
from verdict.answer.results import Trust
from verdict.base.errors import InputError
from verdict.cli.main import main
from verdict.search.engines.engine import REGISTRY, SETS, Engine, Features, register
from verdict.search.engines.registry import engine_class, engines, find_engine

X = [0.0, 1.0]
TRUSTS = [str(trust) for trust in (Trust.SOLVER, Trust.RIGOROUS, Trust.Z3)]


@pytest.fixture
def halver(monkeypatch: pytest.MonkeyPatch) -> type[Engine]:
    """An engine that is branch and bound under another name, on boxes only, without radii."""
    for name, cls in engines().items():
        monkeypatch.setitem(REGISTRY, name, cls)

    class Halver(Engine):
        name = "halver"
        idea = "halves"
        features = Features(exactness="rigorous", sets=("box",), radius=False)

        def decide(self, run: Any) -> None:
            run.bab()

    monkeypatch.setitem(REGISTRY, "halver", Halver)
    return register(Halver)


def test_what_engines_declare() -> None:
    for name, cls in engines().items():
        features = cls.features
        assert cls.name == name
        assert cls.idea
        assert features.exactness in TRUSTS
        assert features.sets
        assert set(features.sets) <= set(SETS)
        assert features.encodes is None or cls.method(None) == features.encodes
    assert next(iter(engines())) == "auto"


def test_an_engine_of_ones_own(halver: type[Engine], capsys: pytest.CaptureFixture[str]) -> None:
    assert engine_class("halver") is halver
    assert isinstance(find_engine("halver"), halver)
    answer = verdict.robust("xor", X, "0.2", engine="halver")
    assert (answer.status, answer.engine) == ("robust", "halver")
    assert verdict.robust("xor", X, "0.3", engine="halver").status == "violated"
    assert verdict.prove("xor", "y[1] > y[0]", "box([0, 0.7], [0.1, 1])", engine="halver").status == "robust"
    assert main(["robust", "xor", "--input", "xor#1", "--eps", "0.2", "--engine", "halver"]) == 0
    assert main(["supports", "--engines"]) == 0
    assert main(["robust", "--help"]) == 0
    said = capsys.readouterr().out
    assert "halver * box; proofs: rigorous" in said
    assert "halver" in said[said.index("--engine") :]


@pytest.mark.usefixtures("halver")
def test_what_an_engine_has_not_is_refused() -> None:
    with pytest.raises(InputError, match="looks for no radius"):
        verdict.maxeps("xor", X, engine="halver")
    with pytest.raises(InputError, match="takes box, and the set is: ball"):
        verdict.robust("xor", X, Fraction(1, 5), norm="l1", engine="halver")
    with pytest.raises(InputError, match="takes no solver"):
        verdict.robust("xor", X, "0.2", engine="halver", solver="highs")
    with pytest.raises(InputError, match="encodes no bounds"):
        verdict.robust("xor", X, "0.2", engine="halver", bounds="lp")
    with pytest.raises(InputError, match="is not one of auto, bab, halver, milp, smt"):
        verdict.robust("xor", X, "0.2", engine="third")


def test_a_name_that_is_gone(halver: type[Engine]) -> None:
    del REGISTRY[halver.name]
    with pytest.raises(InputError, match="not one of auto, bab, milp, smt"):
        find_engine("halver")
