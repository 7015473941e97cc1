"""Denormal numbers and hardware that flushes them to zero.

The attack: a weight of 2^-140 is a float32, a denormal one. Over the reals, and on a CPU as it comes, the network
multiplies it back to a score that wins. With flush-to-zero, which ONNX Runtime, PyTorch and most GPUs offer for
speed, the weight is zero and the other class wins. The same with denormal inputs: relu(x) alone can flush them.

The defence: the claim for every float32 evaluation charges, for every operation and every entry that is read, what
flushing can lose (docs/certificate.md); here that is more than the margin, so only the reals are claimed.
"""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from support.handmade import layers, one_leaf
from support.networks import Draft

from verdict.checker import check
from verdict.checker.arithmetic import floats, integers, rationals

RUN = """
import sys, numpy as np, onnxruntime as ort
options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.add_session_config_entry("session.set_denormal_as_zero", sys.argv[2])
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
x = np.array([[float(v) for v in sys.argv[3:]]], np.float32)
print(*session.run(None, {session.get_inputs()[0].name: x})[0].ravel())
"""


def _deployed(model, flush, *x):
    """ONNX Runtime's scores, in a process of its own: the mode belongs to the thread."""
    done = subprocess.run([sys.executable, "-c", RUN, str(model), str(int(flush)), *map(str, x)], capture_output=True,
                          text=True, check=True, timeout=60)
    return [float(v) for v in done.stdout.split()]


@pytest.fixture
def weight(tmp_path):
    """Class 0 scores 2^120 relu(2^-140 x), class 1 always 2^-22: at x = 1 class 0 has four times as much."""
    return layers(tmp_path / "weight.onnx", ([[2.0**-140]], [0]), ([[2.0**120], [0]], [0, 2.0**-22]))


@pytest.fixture
def inputs(tmp_path):
    """The scores are relu of the two inputs, at (1e-40, -1e-40): a tie where denormals are flushed."""
    draft = Draft(np.random.default_rng(0))
    return draft.save(tmp_path / "inputs.onnx", (2,), 2, draft.add("Relu", "x"))


X = {"weight": [1.0], "inputs": [1e-40, -1e-40]}


@pytest.fixture(params=["weight", "inputs"])
def case(request):
    """(model, the point as float32 numbers)"""
    return request.getfixturevalue(request.param), [float(np.float32(v)) for v in X[request.param]]


def test_the_deployed_network_depends_on_the_mode(case):
    model, x = case
    kept, flushed = _deployed(model, False, *x), _deployed(model, True, *x)
    assert kept[0] > kept[1]
    assert flushed[0] <= flushed[1]


@pytest.mark.parametrize("tier", ["exact", "rigorous", "python"])
def test_only_the_reals_are_claimed(case, tier):
    model, x = case
    report = check(one_leaf(model, [Fraction(v) for v in x]), model, tier=tier)
    assert not report.any_order
    assert report.accepted or tier == "rigorous"


@pytest.mark.parametrize("tier", ["exact", "python"])
def test_counting_roundings_alone_would_claim_both(case, tier, monkeypatch):
    """The textbook's gamma_n (|W| a + |b|) knows no underflow."""

    def roundings(node, region):
        return np.zeros((1, node.size)) if node.roundings < 0 else 2.0**-20 * _magnitude(node, region)

    for module in (integers, floats, rationals):
        monkeypatch.setattr(module, "float32_error", roundings)
    model, x = case
    assert check(one_leaf(model, [Fraction(v) for v in x]), model, tier=tier).any_order


def _magnitude(node, region):
    total = np.abs(node.floats[None])
    for linear, source in node.terms:
        total = total + linear.forward(region.size(source), np.abs(linear.weight))
    return total
