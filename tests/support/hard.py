"""A network that no engine decides, on any machine: a market split problem (Cornuéjols and Dawande, 1998) in ReLUs.

Class 0 leads wherever sum_i min(x_i, 1 - x_i) + |A x - b| > 1/1024, so within [0, 1]^50 a point of class 1 is a 0-1
solution of six equations with random coefficients. Whether there is one takes branch and bound of every kind about
2^50 nodes: the linear relaxation is tight only once nearly all signs are chosen. Class 2 leads over class 0 where the
x_i sum up to more than 60, which is easy to see: so there are a lower end below 1/2 and an upper end of 0.7, and what
is between them stays open.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

ROWS, COLUMNS = 6, 50
# The set with this radius about the center is [0, 1]^50: neither proved nor refuted.
EPS = "0.5"


def hard(folder: Path) -> tuple[Path, Path]:
    """The network and a file of three inputs of class 0, the center of the box each."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 100, (ROWS, COLUMNS)).astype(np.float32)
    middle = np.floor(rows.sum(axis=1) / 2)
    unit = np.eye(COLUMNS, dtype=np.float32)
    # x_i (which is no ReLU: x_i + 1 is not negative in the range), relu(2 x_i - 1), relu(+-(A x - b)).
    first = np.vstack([unit, 2 * unit, rows, -rows]).T
    bias = np.concatenate([np.ones(COLUMNS), -np.ones(COLUMNS), -middle, middle]).astype(np.float32)
    sums = np.concatenate([np.ones(COLUMNS), -np.ones(COLUMNS), np.ones(2 * ROWS)])
    easy = sums + np.concatenate([np.ones(COLUMNS), np.zeros(len(sums) - COLUMNS)])
    last = np.stack([sums, np.zeros_like(sums), easy], axis=1).astype(np.float32)
    offset = np.array([-COLUMNS, 2.0**-10, -COLUMNS - 110], np.float32)
    weights = {"w0": first, "b0": bias, "w1": last, "b1": offset}
    nodes = [
        helper.make_node("Gemm", ["x", "w0", "b0"], ["z"]),
        helper.make_node("Relu", ["z"], ["h"]),
        helper.make_node("Gemm", ["h", "w1", "b1"], ["y"]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "hard",
        [value("x", TensorProto.FLOAT, [1, COLUMNS])],
        [value("y", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "hard.onnx")
    np.save(folder / "x.npy", np.full((3, COLUMNS), 0.5, np.float32))
    return folder / "hard.onnx", folder / "x.npy"
