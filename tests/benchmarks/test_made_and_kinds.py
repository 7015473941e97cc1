"""The networks that benchmarks make, and the questions that are asked of every kind of radius."""

import sys
from pathlib import Path

import numpy as np
import pytest

import verdict

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks.cases.radius_kinds import KINDS
from benchmarks.made import vgg16_like
from benchmarks.registry import Instance, Options, find


def test_a_small_network_like_vgg16_is_read(tmp_path):
    vgg16_like(tmp_path / "vgg.onnx", side=32, share=32, hidden=4, classes=3)
    network = verdict.load(tmp_path / "vgg.onnx")
    assert (network.operators["Conv"], network.operators["MaxPool"], network.operators["Gemm"]) == (13, 5, 3)
    x = np.full(network.input_size, 0.5)
    assert np.allclose(network.evaluate(x[None])[0], network.runtime(x.astype(np.float32)), atol=1e-4)


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
