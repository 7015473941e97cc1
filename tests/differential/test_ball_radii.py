"""Balls of L1 and L2 around inputs of tiny networks: branch and bound alone closes the radius, as brute force does."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.nearest import least_distance

import verdict

# A long run takes more, say VERDICT_BALLS=300.
CASES = int(os.environ.get("VERDICT_BALLS", "12"))


def tiny_network(rng: np.random.Generator, path: Path) -> Path:
    """2 to 3 inputs, 2 to 6 ReLUs in one or two layers, 2 to 3 classes; round numbers every other time, which meet in
    kinks and ties."""
    hidden = [int(rng.integers(2, 7))] if rng.random() < 0.6 else [int(n) for n in rng.integers(1, 4, 2)]
    sizes = [int(rng.integers(2, 4)), *hidden, int(rng.integers(2, 4))]
    is_round, nodes, constants, value = rng.random() < 0.5, [], [], "x"
    for k, (a, b) in enumerate(itertools.pairwise(sizes)):
        weights, bias = rng.normal(size=(a, b)), rng.normal(size=b)
        if is_round:
            weights, bias = np.round(2 * weights) / 2, np.round(2 * bias) / 2
        constants += [
            numpy_helper.from_array(weights.astype(np.float32), f"w{k}"),
            numpy_helper.from_array(bias.astype(np.float32), f"b{k}"),
        ]
        nodes.append(helper.make_node("Gemm", [value, f"w{k}", f"b{k}"], [f"z{k}"]))
        value = f"z{k}"
        if k < len(hidden):
            nodes.append(helper.make_node("Relu", [value], [f"y{k}"]))
            value = f"y{k}"
    first, last = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])
        for name, size in (("x", sizes[0]), (value, sizes[-1]))
    )
    graph = helper.make_graph(nodes, "tiny", [first], [last], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("seed", range(CASES))
def test_the_radius_closes_where_brute_force_says(seed: int, norm: str, tmp_path: Path) -> None:
    rng = np.random.default_rng([seed, 1971])
    network = verdict.load(tiny_network(rng, tmp_path / "tiny.onnx"))
    x = np.round(rng.uniform(-1, 1, network.input_size) * 8) / 8
    scores = network.evaluate(x[None])[0]
    label = int(scores.argmax())
    if np.sort(scores)[-1] - np.sort(scores)[-2] < 1e-3:
        pytest.skip("a tie at the centre")
    truth = least_distance(network.graph, x, label, norm, -2, 2)
    radius = verdict.maxeps(network, x, norm=norm, range=(-2, 2), engine="bab", timeout=60)
    if not np.isfinite(truth):
        assert radius.upper is None
        assert radius.status == "safe"
        return
    assert radius.upper is not None
    assert radius.status == "closed", radius.reason
    assert float(radius.lower) <= truth * (1 + 1e-7)
    assert float(radius.upper) >= truth * (1 - 1e-7)
    # Where the unsafe set is only touched, at a tie that no float reaches, there is nothing to replay.
    shares = ((0.999, "robust"), (1.001, "violated")) if radius.witness else ((0.999, "robust"),)
    for share, status in shares:
        answer = verdict.robust(network, x, truth * share, norm=norm, range=(-2, 2), engine="bab", timeout=60)
        assert answer.status == status, answer.reason
