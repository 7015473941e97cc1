"""Many cases of a query at once: none that has a witness is excluded, and the answer is that of deciding one by one."""

import numpy as np
import pytest
from support.networks import random_network
from support.seeds import seeds

import verdict
from verdict.base.deadline import Deadline
from verdict.network.evaluate import evaluate
from verdict.property.vnnlib import read_query
from verdict.property.vnnlib_bind import bound
from verdict.search import many_cases, query


def _query(rng, network, path, count, limit):
    """Boxes side by side, each with a band of its own that the first output must leave; sometimes a row over inputs."""
    size, outputs = network.input_size, network.output_size
    names = [f"X_{i}" for i in range(size)] + [f"Y_{i}" for i in range(outputs)]
    lines = [f"(declare-const {name} Real)" for name in names]
    cases = []
    for _ in range(count):
        low = rng.integers(-16, 12, size) / 16
        high = low + rng.integers(1, 4, size) / 16
        middle = float(evaluate(network.graph, ((low + high) / 2)[None])[0, 0])
        ends = " ".join(f"(>= X_{i} {a}) (<= X_{i} {b})" for i, (a, b) in enumerate(zip(low, high, strict=True)))
        beyond = f"(or (>= Y_0 {middle + limit:.6f}) (<= Y_0 {middle - limit:.6f}))"
        extra = "(<= (+ Y_0 X_0) 100)" if rng.random() < 0.3 else ""
        cases.append(f"(and {ends} {beyond} {extra})")
    path.write_text("\n".join(lines) + "\n(assert (or\n" + "\n".join(cases) + "))\n")
    return path


@pytest.mark.parametrize("seed", seeds(6, 60))
def test_a_case_with_a_witness_is_not_excluded(seed, tmp_path):
    rng = np.random.default_rng([seed, 83])
    network = verdict.load(random_network(rng, "dense", tmp_path))
    asked = read_query(_query(rng, network, tmp_path / "q.vnnlib", 40, float(rng.uniform(0.05, 2))))
    subject = bound(asked, network)
    passing = subject.passing_inputs()
    looked = many_cases.look(asked.cases, subject.graph, passing.graph, Deadline(60))
    assert sorted([*looked.excluded, *looked.order]) == list(range(len(asked.cases)))
    for number in looked.excluded:
        case = asked.cases[number]
        low, high = case.inputs.floats()
        points = low + rng.uniform(0, 1, (300, len(low))) * (high - low)
        graph = passing.graph if case.outputs_with_inputs else subject.graph
        assert (case.unsafe.slack(evaluate(graph, points)) > 0).all()


def test_one_by_one_gives_the_same_answer(tmp_path, monkeypatch):
    statuses, looks = set(), []

    def look(*given):
        looks.append(many_cases.look(*given))
        return looks[-1]

    for seed in range(8):
        rng = np.random.default_rng([seed, 89])
        network = verdict.load(random_network(rng, "dense", tmp_path))
        path = _query(rng, network, tmp_path / "q.vnnlib", 12, [0.1, 4.0][seed % 2])
        with monkeypatch.context() as patch:
            patch.setattr(query, "look", look)
            together = verdict.verify(path, network, timeout=30)
        with monkeypatch.context() as patch:
            patch.setattr(many_cases, "FEW", 10**9)
            alone = verdict.verify(path, network, timeout=30)
        assert together.status == alone.status
        statuses.add(together.status)
    assert statuses == {"robust", "violated"}
    assert any(found.excluded for found in looks)


@pytest.mark.parametrize("every", [False, True])
def test_cases_that_ask_nothing_of_the_outputs(every, tmp_path):
    """All of their inputs are witnesses."""
    rng = np.random.default_rng(101)
    network = verdict.load(random_network(rng, "dense", tmp_path))
    path = _query(rng, network, tmp_path / "q.vnnlib", 12, 6.0)
    ends = " ".join(f"(>= X_{i} 0.25) (<= X_{i} 0.5)" for i in range(network.input_size))
    text = path.read_text()
    if every:
        text = text[: text.index("(assert")] + "(assert (or\n" + f"(and {ends})\n" * 9 + "))\n"
    else:
        text = text.replace("(assert (or\n", f"(assert (or\n(and {ends})\n")
    path.write_text(text)
    assert verdict.verify(path, network, timeout=60).status == "violated"


def test_cases_excluded_at_once_are_in_the_certificate(tmp_path):
    rng = np.random.default_rng(97)
    network = verdict.load(random_network(rng, "dense", tmp_path))
    path = _query(rng, network, tmp_path / "q.vnnlib", 12, 6.0)
    answer = verdict.verify(path, network, timeout=60, certificate=tmp_path / "proof.vcert")
    assert answer.status == "robust"
    assert verdict.check(tmp_path / "proof.vcert", network, path).accepted
