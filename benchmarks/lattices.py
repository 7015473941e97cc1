"""Networks like those of tllverifybench, and questions about them: `python -m benchmarks.lattices FOLDER` writes them.

Each is the maximum of minima of linear functions of two inputs, every minimum and maximum of two numbers by four ReLUs
(Ferlez et al. 2111.09293). What is asked lies a little above the most, or below the least, that many samples reach; the
folder is one as `python -m benchmarks run vnncomp --bench FOLDER` reads it.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

import numpy as np

# Inputs, how far they go, and how many samples tell what a network reaches.
INPUTS, REACH, SAMPLES = 2, 2.0, 20_000
# How far beyond that what is asked lies, as a share of the range.
BEYOND = {"near": 0.03, "far": 0.15}
LIMIT = 70


def write(folder: Path, functions: int, seed: int) -> list[str]:
    """Write a network of so many functions and sets of about half of them, and its questions; their instances' rows."""
    import onnx

    rng = np.random.default_rng([functions, seed])
    weight, bias = (rng.normal(0, 1.5, shape).astype(np.float32) for shape in ((INPUTS, functions), (functions,)))
    sets = [np.flatnonzero(rng.random(functions) < 0.5) for _ in range(functions)]
    # A small network may draw an empty set, which has no least.
    sets = [some if len(some) else np.arange(1) for some in sets]
    model = f"onnx/lattice_{functions}_{seed}.onnx"
    onnx.save(_model(weight, bias, sets), str(folder / model))
    linear = rng.uniform(-REACH, REACH, (SAMPLES, INPUTS)) @ weight.astype(float) + bias
    values = np.max([linear[:, some].min(axis=1) for some in sets], axis=0)
    rows = []
    for name, share in BEYOND.items():
        room = share * float(values.max() - values.min())
        for side, relation, limit in (("above", ">=", values.max() + room), ("below", "<=", values.min() - room)):
            query = f"vnnlib/lattice_{functions}_{seed}_{side}_{name}.vnnlib"
            (folder / query).write_text(_query(f"(assert ({relation} Y_0 {float(limit)!r}))\n"), encoding="utf-8")
            rows.append(f"{model},{query},{LIMIT}\n")
    return rows


def _query(asked: str) -> str:
    inputs = range(INPUTS)
    declared = "".join(f"(declare-const X_{i} Real)\n" for i in inputs) + "(declare-const Y_0 Real)\n"
    return declared + "".join(f"(assert (<= X_{i} {REACH}))\n(assert (>= X_{i} -{REACH}))\n" for i in inputs) + asked


def _model(weight: Any, bias: Any, sets: list[Any]) -> Any:
    from onnx import TensorProto, helper

    count, longest = len(sets), max(map(len, sets))
    nodes: list[Any] = []
    weights: list[Any] = []
    at = _layer(nodes, weights, "input", weight, bias)
    # Each set as long as the longest, by repeating its last function.
    chosen = np.concatenate([np.append(some, np.full(longest - len(some), some[-1])) for some in sets])
    picks = np.zeros((len(bias), len(chosen)), np.float32)
    picks[chosen, np.arange(len(chosen))] = 1
    at = _layer(nodes, weights, at, picks, np.zeros(len(chosen)))
    for groups, size, sign in ((count, longest, -1.0), (1, count, 1.0)):
        while size > 1:
            before, behind = _pairs(groups, size, sign)
            at = _layer(nodes, weights, at, before, np.zeros(before.shape[1]))
            nodes.append(helper.make_node("Relu", [at], [f"{at}_relu"]))
            at = _layer(nodes, weights, f"{at}_relu", behind, np.zeros(behind.shape[1]))
            size = (size + 1) // 2
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "lattice", [value("input", TensorProto.FLOAT, [1, INPUTS])],
                              [value(at, TensorProto.FLOAT, [1, 1])], weights)  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def _layer(nodes: list[Any], weights: list[Any], at: str, weight: Any, bias: Any) -> str:
    """Append `at` @ weight + bias."""
    from onnx import helper, numpy_helper

    number = len(weights) // 2
    weights += [numpy_helper.from_array(np.asarray(array, np.float32), f"{name}{number}")
                for name, array in (("w", weight), ("b", bias))]  # fmt: skip
    nodes.append(helper.make_node("MatMul", [at, f"w{number}"], [f"m{number}"]))
    nodes.append(helper.make_node("Add", [f"m{number}", f"b{number}"], [f"a{number}"]))
    return f"a{number}"


def _pairs(groups: int, size: int, sign: float) -> tuple[Any, Any]:
    """What takes sums and differences of neighbours in each group, the last one alone with itself, and what makes
    minima (-1) or maxima (1) of their ReLUs."""
    half = (size + 1) // 2
    before, behind = np.zeros((groups * size, 4 * groups * half)), np.zeros((4 * groups * half, groups * half))
    for pair in range(groups * half):
        group, place = divmod(pair, half)
        one, other = group * size + 2 * place, group * size + min(2 * place + 1, size - 1)
        for column, (a, b) in enumerate(((1, 1), (-1, -1), (1, -1), (-1, 1))):
            before[one, 4 * pair + column] += a
            before[other, 4 * pair + column] += b
        behind[4 * pair : 4 * pair + 4, pair] = 0.5, -0.5, 0.5 * sign, 0.5 * sign
    return before, behind


def main() -> None:
    """Write a VNN-COMP folder `lattice` into the folder of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--functions", type=int, nargs="+", default=[24, 32, 40, 48, 64])
    parser.add_argument("--seeds", type=int, default=2)
    given = parser.parse_args()
    folder = given.folder / "lattice"
    for part in ("onnx", "vnnlib"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    drawn = itertools.product(given.functions, range(given.seeds))
    rows = [row for functions, seed in drawn for row in write(folder, functions, seed)]
    (folder / "instances.csv").write_text("".join(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
