"""A question is a value: it turns into JSON and back, has one hash everywhere, and is asked like any call."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import verdict
from verdict.ask.parts import Aim, Domain, ModelFile, NamedFile, Point
from verdict.ask.question import KINDS, Question
from verdict.base.errors import InputError, ModelError, VerdictError
from verdict.network.exact import ExactVector
from verdict.property import LinfBall, NormBall, Perturbation, ScaledBall
from verdict.property.fronts.path import Direction
from verdict.property.fronts.path import Path as Line
from verdict.property.norms import norm_of

X = [0.0, 1.0]
x, y = verdict.variables("xor")
BOX = {"lower": [0, "1/10"], "upper": [1, "0.9"]}

QUESTIONS: dict[str, dict[str, Any]] = {
    "robust": {"x": X, "eps": "0.2"},
    "maxeps": {"x": np.array(X, np.float32), "norm": "l1", "range": (0, 1), "given": x[0] <= "0.5"},
    "bounds": {"x": X, "eps": "1/10", "method": "linear,interval"},
    "encode": {"x": ["0", "1"], "eps": 0.25, "to": "smt2"},
    "prove": {"that": (y[1] > y[0]) | ~(y[0] < 5), "given": "box([0, 0.7], [0.1, 1])", "integers": [1]},
    "imitates": {**BOX, "delta": "0.1"},
    "general": {**BOX, "eps": "0.01", "theta": 3},
    "maxgeneral": {**BOX, "lead": "1/3"},
    "maxdelta": BOX,
    "maxmove": {**BOX, "eps": 0},
    "maxfall": {**BOX, "feature": 0, "output": 1, "step": "0.1"},
    "monotone": {**BOX, "feature": 0, "label": 1, "decreasing": True},
    "maxradius": {"x": X, "scales": [1, None], "lower": [0, 0], "upper": [1, 1], "that": "y[0] < 2"},
    "maxweights": {"x": X, "layer": 0, "relative": True},
    "maxpruning": {**BOX, "lead": 2},
    "residual": {**BOX, "equation": "u + v", "unknowns": ["u", "v"], "variables": ["a", "b"], "tolerance": "0.1"},
}


def made(kind: str) -> Question:
    models = ["xor"] * (KINDS[kind].models or 1)
    return Question.of(kind, models, **QUESTIONS[kind])


def files(tmp_path: Path) -> list[Question]:
    query = tmp_path / "q.vnnlib"
    verdict.prove("xor", y[1] > y[0], (x[0] >= 0) & (x[0] <= "0.1") & (x[1] >= "0.7") & (x[1] <= 1), query=query)
    model = ModelFile.of("xor")
    return [
        Question("verify", (model,), query=NamedFile(str(query))),
        Question("check", (model,), aim=Aim(any_order=False), certificate=NamedFile(str(query))),
    ]


@pytest.mark.parametrize("kind", QUESTIONS)
def test_what_is_written_is_read(kind: str) -> None:
    asked = made(kind)
    data = asked.to_json()
    read = Question.from_json(json.loads(json.dumps(data)))
    assert read.to_json() == data
    assert read.key == asked.key
    assert asked.pinned().to_json() == read.pinned().to_json()
    # The hash is of the bytes of the model, not of its name.
    moved = Question.of(kind, [verdict.load("xor").path] * len(asked.models), **QUESTIONS[kind])
    assert moved.key == asked.key


def test_every_kind_is_written_and_read(tmp_path: Path) -> None:
    asked = files(tmp_path)
    assert {question.kind for question in asked} | set(QUESTIONS) == set(KINDS)
    for question in asked:
        assert Question.from_json(question.pinned().to_json()) == question.pinned()


def test_keys_tell_questions_apart() -> None:
    keys = {made(kind).key for kind in QUESTIONS}
    keys |= {Question.of("robust", ["xor"], X, eps=eps, **more).key for eps in ("0.1", "0.3") for more in (
        {}, {"norm": "l2"}, {"label": 0}, {"target": 0}, {"range": (0, 1)}, {"range": ("0", 2)}, {"integers": [0]},
        {"scales": [1, "1/2"]}, {"mean": ["1/2"]}, {"std": [2]}, {"perturbation": "brightness"}, {"given": "x[0] < 1"},
    )}
    assert len(keys) == len(QUESTIONS) + 24
    same = {Question.of("robust", ["xor"], X, eps=eps, norm="inf").key for eps in ("0.2", Fraction(1, 5), "2/10")}
    assert same == {made("robust").key}
    named = Question.of("robust", ["xor"], Point(X, source="xor#1"), eps="0.2")
    assert named.key == made("robust").key


def test_the_key_is_the_same_in_another_process() -> None:
    code = f"import verdict; print(verdict.Question.of('robust', ['xor'], {X}, eps='0.2').key)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == made("robust").key


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all objects that have members of their own, formulas' variables left out."""
    found = [path] if isinstance(value, dict) and path[-1:] not in (("<=",), ("<",), ("==",), ("!=",), ("x",)) else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [place for key, each in items for place in _places(each, (*path, key))]


@pytest.mark.parametrize("kind", QUESTIONS)
def test_an_unknown_member_is_refused_by_name(kind: str) -> None:
    data = made(kind).pinned().to_json()
    for place in _places(data):
        broken = copy.deepcopy(data)
        at = broken
        for key in place:
            at = at[key]
        at["epsilon"] = "1"
        with pytest.raises(InputError, match="epsilon"):
            Question.from_json(broken)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": 2}, "version 2"),
        ({"kind": "robustness"}, "robustness"),
        ({"kind": "maxeps"}, "nothing of eps"),
        ({"kind": "maxdelta"}, "2 models"),
        ({"kind": "prove"}, "nothing of eps|needs"),
        ({"point": {"x": {"": {"dtype": "float32", "shape": [3], "base64": "AAAAAAAAgD8="}}}}, "no array"),
        ({"point": {"x": {"": {"dtype": "exact", "shape": [1], "numbers": ["1/0"]}}}}, "finite number"),
        ({"point": {"x": {"": {"dtype": "object", "shape": [0], "base64": ""}}}}, "no array"),
        ({"domain": {"eps": "-1"}}, "at least 0"),
        ({"domain": {"eps": "1/5", "norm": "l3"}}, "l3"),
        ({"domain": {}}, "needs eps"),
        ({"domain": {"eps": "1", "given": {"nor": []}}}, "nor"),
        ({"domain": {"eps": "1", "given": {"<=": {"Z_0": "1"}}}}, "Z_0"),
        ({"domain": {"eps": "1", "perturbation": {"name": "fog"}}}, "fog"),
        ({"aim": {"label": "1/2"}}, "whole number"),
        ({"models": [{"path": ""}]}, "path"),
        ({"models": []}, "1 models"),
    ],
)
def test_nonsense_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Question.from_json({**made("robust").to_json(), **change})


def test_it_is_answered_like_the_call_that_builds_it() -> None:
    options = verdict.Options(engine="bab", threads=1)
    answer = verdict.ask(made("robust"), options)
    again = verdict.ask(Question.from_json(made("robust").pinned().to_json()), options)
    called = verdict.robust("xor", X, "0.2", engine="bab", threads=1)
    assert answer.status == again.status == called.status == "robust"
    assert answer.engine == called.engine == "bab"
    broken = verdict.ask(Question.of("robust", ["xor"], X, eps="0.3"))
    assert broken.status == "violated"
    assert verdict.ask(made("prove")).status == "robust"
    assert verdict.ask(made("encode"))[0].startswith(";")
    assert verdict.ask(made("bounds"))[1].method == "interval"
    assert verdict.ask(Question.of("maxdelta", ["xor", "xor"], lower=[0, 0], upper=[0, 0])).upper < Fraction(1, 10**6)


def test_a_question_with_an_input_tells_its_formulas() -> None:
    """A formula as text speaks of the question's own input."""
    asked = Question.of("prove", ["xor"], X, that="stays()", given="near(0.2) & box(0, 1)")
    read = Question.from_json(json.loads(json.dumps(asked.to_json())))
    assert verdict.ask(read).status == "robust"
    wider = Question.of("prove", ["xor"], X, that="stays()", given="near(0.3) & box(0, 1)")
    assert verdict.ask(wider).status == "violated"


def test_perturbations_and_families_are_written_and_read() -> None:
    for front in ("brightness", Line([1.0, 1.0]), Direction(["1", "-1"])):
        asked = Question.of("maxeps", ["xor"], X, perturbation=front, range=(0, 1))
        read = Question.from_json(json.loads(json.dumps(asked.to_json())))
        assert read.to_json() == asked.to_json()
        assert verdict.ask(read).upper == verdict.ask(asked).upper
    center = ExactVector.of([Fraction(0), Fraction(1)])
    families: list[Perturbation] = [
        LinfBall(center),
        NormBall(norm_of("l2"), center, Fraction(0), Fraction(1)),
        ScaledBall(center, [Fraction(1), None], [None, Fraction(0)], [None, Fraction(1)]),
    ]
    for family in families:
        assert verdict.maxradius("xor", family, "y[0] < 2").status in ("closed", "exact", "interval", "safe")


def test_what_has_no_json_says_so() -> None:
    class Fog(Line):
        def __init__(self, thickness: float) -> None:
            super().__init__([1.0, 1.0])

    with pytest.raises(InputError, match="does not keep its thickness"):
        Question.of("maxeps", ["xor"], X, perturbation=Fog(1)).to_json()

    class Own(LinfBall):
        pass

    own = Question.of("maxradius", ["xor"], family=Own(ExactVector.of([0, 1])), that="y[0] < 2")
    with pytest.raises(InputError, match="Own"):
        own.to_json()


def test_another_file_is_not_answered_about(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(verdict.load("xor").path.read_bytes())
    asked = Question.of("robust", [path], X, eps="0.2").pinned()
    assert verdict.ask(asked).status == "robust"
    path.write_bytes(verdict.load("digits-mlp").path.read_bytes())
    with pytest.raises(ModelError, match="has changed"):
        verdict.ask(asked)


@pytest.mark.parametrize("options", [{"engin": "auto"}, {"timeout": 0}, {"memory": -1}, {"threads": "2.5"}, 3, None])
def test_options_are_closed(options: Any) -> None:
    with pytest.raises(InputError):
        verdict.Options.from_json(options)


def test_options_are_values(tmp_path: Path) -> None:
    some = verdict.Options(engine="milp", timeout="2.5", memory=1, certificate=tmp_path / "c.vcert")
    assert verdict.Options.from_json(json.loads(json.dumps(some.to_json()))) == some
    assert some.timeout == 2.5
    assert verdict.Options().to_json() == {}
    assert len({some.key, verdict.Options().key, verdict.Options(threads=1).key}) == 3
    with pytest.raises(VerdictError):
        verdict.ask(made("robust"), verdict.Options(engine="other"))


def test_a_member_cannot_be_changed() -> None:
    for value, name in ((made("robust"), "kind"), (Domain(eps="1"), "eps"), (verdict.Options(), "engine")):
        with pytest.raises(AttributeError):
            setattr(value, name, "x")
    values = np.array(X)
    asked = Question.of("robust", ["xor"], values, eps="0.2")
    values[0] = 0.5
    assert asked == made("robust")


numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**20), 10**20), st.fractions().map(str)
)


@settings(max_examples=50, deadline=None)
@given(st.lists(numbers, max_size=5))
def test_numbers_keep_their_value(values: list[Any]) -> None:
    asked = Question.of("maxeps", ["xor"], np.array([*values, None], dtype=object)[:-1])
    read = Question.from_json(json.loads(json.dumps(asked.to_json())))
    assert read.point is not None
    assert [Fraction(v) for v in read.point.values().tolist()] == [Fraction(v) for v in values]
