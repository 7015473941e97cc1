"""The networks that benchmarks make, and the questions that are asked of every kind of radius."""

import sys
from pathlib import Path

import numpy as np
import pytest

import verdict

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks.cases.radius_kinds import KINDS
from benchmarks.lattices import write
from benchmarks.made import vgg16_like
from benchmarks.registry import Instance, Options, find
from benchmarks.rows import Row


def test_a_small_network_like_vgg16_is_read(tmp_path):
    vgg16_like(tmp_path / "vgg.onnx", side=32, share=32, hidden=4, classes=3)
    network = verdict.load(tmp_path / "vgg.onnx")
    assert (network.operators["Conv"], network.operators["MaxPool"], network.operators["Gemm"]) == (13, 5, 3)
    x = np.full(network.input_size, 0.5)
    assert np.allclose(network.evaluate(x[None])[0], network.runtime(x.astype(np.float32)), atol=1e-4)


def test_lattice_networks_are_decided_beyond_what_is_sampled_and_are_what_they_are_called(tmp_path):
    (tmp_path / "onnx").mkdir()
    (tmp_path / "vnnlib").mkdir()
    rows = write(tmp_path, 12, 0)
    assert len(rows) == 4
    network = verdict.load(tmp_path / rows[0].partition(",")[0])
    # Four ReLUs for each of the pairs: a lattice's minima and maxima.
    assert (network.input_size, network.output_size, network.operators["Relu"] >= 6) == (2, 1, True)
    x = np.random.default_rng(0).uniform(-2, 2, (500, 2))
    values = network.evaluate(x)[:, 0]
    for row in rows:
        query = tmp_path / row.split(",")[1]
        relation, limit = query.read_text().splitlines()[-1].removeprefix("(assert (").removesuffix("))").split(" Y_0 ")
        assert (values > float(limit)).all() if relation == "<=" else (values < float(limit)).all()
        assert verdict.verify(query, network, timeout=60).status == "robust"


def test_every_kind_is_a_question_of_its_own():
    made = find("radius-kinds").instances(Options(inputs=1))
    assert {i.group for i in made} >= {f"digits-mlp/{kind}" for kind in KINDS} | {"cancer-mlp/l1", "cancer-mlp/whole"}


@pytest.mark.parametrize("kind", ["linf", "scales", "condition", "whole"])
def test_a_kind_has_its_radius(kind):
    outcome = find("radius-kinds").measure(Instance(f"cancer-mlp/{kind}", "#0", "auto", "", 20.0, {"number": 0}))
    assert (outcome.status, outcome.extra["limit"]) == ("closed", "20")
    whole, plain = (0.0245, 0.0246), (0.0324, 0.0325)
    ends = {"linf": plain, "scales": (0.044, 0.0442), "condition": plain, "whole": whole}
    least, most = ends[kind]
    assert outcome.lower is not None
    assert outcome.upper is not None
    assert least < outcome.lower <= outcome.upper < most


def test_a_whole_set_says_how_many_a_second():
    case = find("radius-sets")
    instances = list(case.instances(Options(groups=("digits-linear",), every=200)))
    assert [i.name for i in instances] == ["#0", "#200", "#400"]
    outcome = case.measure(instances[0])
    assert outcome.status in case.solved


def _row(instance, way, seconds, status="closed"):
    engine, _, solver = way.partition("/")
    return Row("auto", "now", "m", instance, engine, solver, status, None, None, "", seconds, seconds, "")


def test_auto_is_measured_against_the_quickest_engine_that_answers() -> None:
    rows = [
        _row("#0", "auto", 1.3), _row("#0", "bab", 1.0), _row("#0", "milp/highs", 0.1, "interval"),
        _row("#1", "auto", 1.4), _row("#1", "bab", 1.0),
        _row("#2", "auto", 9.0, "interval"), _row("#2", "bab", 9.0, "interval"),
        _row("#3", "auto", 9.0, "interval"), _row("#3", "milp/highs", 8.9),
    ]
    agreements, contradictions = find("auto").check(rows)
    assert not contradictions
    assert "auto within 1.15 x best + 0.2 s: 2, not: 2" in agreements
    assert [line for line in agreements if line.startswith("slower")] == ["slower: m #1", "slower: m #3"]
    assert any(line.startswith("bab: 0.74 times the seconds of auto on 2") for line in agreements)
    assert find("auto").summary(rows).row_count == 4
