"""Queries about the numbers behind a Sigmoid at the end: it is read as a function then, by both readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.seeds import seeds

import verdict
from verdict.base.errors import PropertyError
from verdict.ops.importer.numbers import with_numbers


def sigmoid_model(seed: int, outputs: int, path: Path, last: str = "Sigmoid") -> Path:
    rng, info = np.random.default_rng(seed), helper.make_tensor_value_info
    weights = {"a": (2, 5), "b": (5,), "c": (5, outputs)}
    nodes = [
        helper.make_node("Gemm", ["x", "a", "b"], ["u"]),
        helper.make_node("Relu", ["u"], ["r"]),
        helper.make_node("Gemm", ["r", "c"], ["z"]),
        helper.make_node(last, ["z"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "g", [info("x", TensorProto.FLOAT, [1, 2])], [info("y", TensorProto.FLOAT, [1, outputs])],
        [numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name) for name, shape in weights.items()],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def query(path: Path, outputs: int, *rows: str) -> Path:
    names = [*(f"X_{i}" for i in range(2)), *(f"Y_{i}" for i in range(outputs))]
    lines = [f"(declare-const {name} Real)" for name in names]
    lines += [f"(assert (and (<= X_{i} 1.0) (>= X_{i} -1.0)))" for i in range(2)]
    path.write_text("\n".join([*lines, *(f"(assert {row})" for row in rows)]), encoding="utf-8")
    return path


@pytest.mark.parametrize("seed", seeds(3, 60))
def test_a_threshold_of_a_probability(seed: int, tmp_path: Path) -> None:
    outputs = 1 + seed % 2
    path = sigmoid_model(seed, outputs, tmp_path / "m.onnx")
    line = np.linspace(-1, 1, 31)
    points = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    numbers = with_numbers(verdict.load(path))
    assert numbers.head is None
    assert numbers.output_size == outputs
    most = float(numbers.evaluate(points)[:, -1].max())
    for above, status in ((0.02, "robust"), (-0.02, "violated")):
        asked = query(tmp_path / "q.vnnlib", outputs, f"(>= Y_{outputs - 1} {most + above:.6f})")
        found = verdict.verify(asked, path, timeout=20, certificate=tmp_path / "c.vcert")
        assert found.status == status
        if status == "robust":
            assert found.trust == "certified"
        else:
            assert found.witness is not None
            assert numbers.runtime(found.witness.array())[-1] >= most + above - 1e-6


def test_the_order_of_two_still_needs_no_numbers_and_a_label_has_none(tmp_path: Path) -> None:
    path = sigmoid_model(0, 2, tmp_path / "m.onnx")
    found = verdict.verify(query(tmp_path / "q.vnnlib", 2, "(>= Y_0 Y_1)"), path, timeout=20)
    assert found.status == "violated"
    soft = sigmoid_model(0, 2, tmp_path / "soft.onnx", "LogSoftmax")
    with pytest.raises(PropertyError, match="only comparisons of two outputs"):
        verdict.verify(query(tmp_path / "q.vnnlib", 2, "(>= Y_0 0.5)"), soft, timeout=20)
