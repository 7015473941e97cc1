"""How answers show themselves: short in Python, whole in a notebook; and that the API can be found."""

import inspect
import json
import re
import types
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import verdict
from verdict.answer.results import Verdict
from verdict.base import interrupted
from verdict.models import data
from verdict.property.fronts import Brightness

DIGIT = data("digits").load()[0][3]
PATIENT = data("cancer").load()[0][3]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("shown")
    xor = verdict.region("xor", [0, 1], "0.1")
    return {
        "robust": verdict.robust("digits-mlp", DIGIT, "0.02", range=(0, 1), certificate=folder / "a.vcert"),
        "violated": verdict.robust("digits-mlp", DIGIT, "0.03", range=(0, 1)),
        "empty": verdict.robust("xor", [0, 1], "0.1", given="x[0] >= 3"),
        "exact": verdict.maxeps("xor", [0, 1], range=(0, 1), engine="smt"),
        "safe": verdict.maxeps("abs", [0.0], range=(0, "1/4")),
        "patient": verdict.maxeps("cancer-mlp", PATIENT, range=(0, 1), timeout=120),
        "bright": verdict.maxeps("digits-mlp", DIGIT, range=(0, 1), perturbation=Brightness(), timeout=120),
        "largest": verdict.maxmove("xor", xor, "0.01"),
        "pruning": verdict.maxpruning("xor", xor),
        "weights": verdict.maxweights("xor", [0, 1], layer="fc1"),
        "formula": verdict.prove("xor", that="y[0] >= -1", given="(x[0] >= 0) & (x[0] <= 1) & (x[1] == 0)"),
    }


def test_a_repr_is_one_short_line_that_says_the_status(answers: dict[str, object]) -> None:
    for name, answer in answers.items():
        text = repr(answer)
        assert len(text) < 160, name
        assert "\n" not in text
        assert answer.status in text
    certificate = answers["robust"].certificate
    shown = (certificate, certificate.report, answers["violated"].witness, verdict.load("digits-mlp"),
             answers["violated"].witness.point, verdict.region("xor", [0, 1], "0.1"),
             *verdict.bounds_of("xor", [0, 1], "0.1", range=(0, 1)), *verdict.variables("digits-mlp"),
             verdict.Question.of("robust", ["digits-mlp"], DIGIT, eps="0.02", range=(0, 1)))
    for value in shown:
        assert len(repr(value)) < 160
        assert "array(" not in repr(value)
        assert " at 0x" not in repr(value)


def test_a_page_says_the_status_and_the_trust_in_words(answers: dict[str, object]) -> None:
    for name, answer in answers.items():
        page = answer._repr_html_()
        assert answer.status in page or (answer.status == "safe" and "is safe" in page), name
    assert "accepted by the independent checker" in answers["robust"]._repr_html_()
    assert "exactly 1/4" in answers["exact"]._repr_html_()
    assert "the input set is empty" in answers["empty"]._repr_html_()


def test_a_witness_is_images_of_an_image_and_moved_features_of_a_table(answers: dict[str, object]) -> None:
    assert answers["violated"]._repr_html_().count("data:image/png;base64,") == 3
    assert answers["bright"]._repr_html_().count("data:image/png;base64,") == 3
    page = answers["patient"]._repr_html_()
    names = data("cancer").feature_names
    assert sum(name in page for name in names) >= 5
    assert "(benign)" in page
    assert "(malignant)" in page
    assert "<img" not in answers["weights"]._repr_html_()


def test_the_moved_features_are_those_of_the_witness(answers: dict[str, object]) -> None:
    answer = answers["patient"]
    moved = answer.about().moved(answer.witness.array())
    assert [i for i, _, _ in moved] == sorted((i for i, _, _ in moved), key=lambda i: (
        -abs(answer.witness.array()[i] - float(PATIENT[i])), i))
    assert {i for i, _, _ in moved} == set(np.flatnonzero(answer.witness.array() != PATIENT.astype(float)))


def test_names_from_files_are_escaped() -> None:
    from verdict.answer.html import _text

    assert _text("<script>\x1b") == "&lt;script&gt;\\x1b"


@pytest.mark.parametrize("name", ["violated", "patient", "exact", "largest", "pruning", "safe"])
def test_an_answer_is_drawn(answers: dict[str, object], name: str) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    axes = np.atleast_1d(answers[name].plot())
    assert all(ax.has_data() for ax in axes)
    pyplot.close("all")


def test_what_has_nothing_to_draw_says_so(answers: dict[str, object]) -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(verdict.InputError, match="nothing to draw"):
        answers["robust"].plot()


def test_the_api_is_found() -> None:
    assert set(verdict.__all__) == set(dir(verdict))
    assert "maxeps" in dir(verdict)


def test_every_public_name_is_documented() -> None:
    for name in sorted(set(verdict.__all__) - {"__version__"}):
        thing = getattr(verdict, name)
        assert len(inspect.getdoc(thing) or "") > 40, name
        if inspect.isclass(thing):
            own = {k: v for k, v in vars(thing).items() if not k.startswith("_")}
            methods = {k: v for k, v in own.items() if isinstance(v, types.FunctionType | classmethod | property)}
            short = ("name", "head", "input_size", "output_size")
            for method, value in methods.items():
                assert method in short or inspect.getdoc(value), f"{name}.{method}"


def test_an_interrupted_search_ends_the_cell_that_it_is_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook the first question keeps what it has, and the next one in the same cell does not begin."""
    shell = types.SimpleNamespace(execution_count=7)
    monkeypatch.setitem(__import__("sys").modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(interrupted, "_cell", None)

    def press(news: object) -> None:
        raise KeyboardInterrupt

    first = verdict.maxeps("digits-mlp", DIGIT, range=(0, 1), on_progress=press)
    assert first.reason == "interrupted"
    with pytest.raises(KeyboardInterrupt, match="in this cell"):
        verdict.maxeps("xor", [0, 1], range=(0, 1))
    shell.execution_count = 8
    assert verdict.maxeps("xor", [0, 1], range=(0, 1)).status == "closed"


def test_outside_of_a_notebook_the_next_question_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(__import__("sys").modules, "IPython", raising=False)
    monkeypatch.setattr(interrupted, "_cell", None)

    def press(news: object) -> None:
        raise KeyboardInterrupt

    assert verdict.maxeps("digits-mlp", DIGIT, range=(0, 1), on_progress=press).reason == "interrupted"
    assert verdict.maxeps("xor", [0, 1], range=(0, 1)).lower > 0


def test_to_dict_is_json_without_what_is_only_shown(answers: dict[str, object]) -> None:
    import json

    for answer in answers.values():
        assert "about" not in json.dumps(answer.to_dict(), allow_nan=False)


def test_another_folder_does_not_matter(answers: dict[str, object], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "<img" in answers["violated"]._repr_html_()


def test_what_has_scales_is_far_where_it_is_far_for_its_scale() -> None:
    answer = verdict.maxeps("xor", [0, 1], scales=[1, "1/8"], engine="smt")
    assert [i for i, _, _ in answer.about().moved(np.array([0.25, 0.9]))] == [1, 0]
    assert [i for i, _, _ in answer.about().moved(np.array([0.25, 0.99]))] == [0, 1]


def test_a_statement_claims_no_more_than_the_answer(answers: dict[str, object]) -> None:
    network = verdict.load("xor")
    sha = network.sha256
    closed = verdict.maxeps(network, [0, 1], range=(0, 1))
    said = closed.statement()
    assert f"xor.onnx (SHA-256 {sha})" in said
    assert "is known to abide by" in said
    claimed = re.search(r"up to a threshold of ([\d./]+) \(L-infinity\), over the input range \[0, 1\]", said)
    assert Fraction(claimed[1]) <= closed.lower
    assert Fraction(claimed[1]) > closed.lower - Fraction(1, 10**9)
    assert "class 1 catches" not in said
    assert "a certificate that" not in said
    assert "Not shown" in said
    certified = answers["robust"].statement()
    assert "accepted by the independent checker" in certified
    assert "every float32 evaluation order" in certified
    assert "up to a threshold of 1/50 (L-infinity)" in certified


def test_a_statement_of_what_is_not_proved_says_so(answers: dict[str, object]) -> None:
    assert "is known to break" in answers["violated"].statement()
    wrong = verdict.maxeps("xor", [0, 1], label=0, range=(0, 1)).statement()
    assert "known to break" in wrong
    assert "known to abide" not in wrong
    unknown = Verdict("unknown", 1, "bab", 0.1, reason="no time", about=answers["violated"].about).statement()
    assert "is not known to abide by or to break" in unknown
    assert "no time" in unknown


def test_a_statement_names_what_narrows_the_question() -> None:
    target = verdict.robust("digits-mlp", DIGIT, "0.01", range=(0, 1), target=7).statement()
    assert "class 2 scores more than class 7" in target
    assert "every input is given" not in target
    given = verdict.maxeps("xor", [0, 1], given="x[0] <= 1/2", that="margin(0.3)", scales=[1, 2], engine="smt")
    said = given.statement()
    assert "the property margin(0.3)" in said
    assert "of the inputs with x[0] <= 1/2" in said
    assert "scales with the SHA-256" in said
    assert "all real inputs" in said
    front = verdict.maxeps("digits-mlp", DIGIT, range=(0, 1), perturbation="blur")
    assert "of the perturbation blur" in front.statement()


def test_every_answer_makes_a_statement(answers: dict[str, object]) -> None:
    said = {name: answers[name].statement() for name in ("largest", "pruning", "formula", "weights")}
    for text in said.values():
        assert "The submitted model xor.onnx (SHA-256 " in text
        assert "is known to abide by" in text
        assert "Not shown" in text
    # The threshold of a largest value is what none is above, that of the others what nothing below breaks.
    largest, weights = answers["largest"], answers["weights"]
    assert Fraction(_threshold(said["largest"])) >= largest.upper
    assert Fraction(_threshold(said["weights"])) <= weights.lower
    assert "for every x of the set and every x' within 1/100 of it, in the set or not, no" in said["largest"]
    assert "that the input is given class 1" in said["weights"]
    assert "changes of the weights of layer fc1" in said["weights"]
    assert "the property of y[0] >= -1, over all inputs with (x[0] >= 0)" in said["formula"]
    assert json.loads(largest.statement("json"))["statement"] == said["largest"].splitlines()[0]
    with pytest.raises(verdict.InputError, match="expected md or json"):
        largest.statement("html")


def _threshold(text: str) -> str:
    return re.search(r"up to a threshold of ([\d./]+) ", text)[1]


def test_a_certificate_that_was_checked_makes_a_statement(answers: dict[str, object]) -> None:
    from verdict.answer.statement import statement

    certificate = answers["robust"].certificate
    made = statement(certificate.report)
    assert (made.known, made.trust) == ("abides", "certified")
    # The search and the checker name the input by the same hash.
    digest = certificate.report.statement.members()["input"]["sha256"]
    assert digest in answers["robust"].statement()
    assert digest in made.markdown()
    assert "class 2 stays for every input within 1/50" in made.markdown()
    assert statement(replace(certificate.report, accepted=False, reason="broken")).known == "open"


def test_where_nothing_is_proved_a_radius_says_so_in_a_sentence() -> None:
    from verdict.answer.gate import judge_always
    from verdict.answer.lines import proved

    safe = judge_always(None, 1, "auto", 0.0)
    assert proved(safe, "safe") == "safe at every radius: exact arithmetic"
    some = replace(safe, lower=Fraction(1, 4), is_unlimited=False, status="interval", reason="no time")
    assert proved(some, "holds") == "holds below 0.25: exact arithmetic"
    assert proved(replace(some, lower=Fraction(0)), "safe") == "nothing: no radius above 0 is known to be safe"
    # A range that is one point.
    assert proved(replace(some, lower=Fraction(0), status="safe"), "safe") == "safe at every radius: exact arithmetic"
