"""Products that are derivatives of tanh and Sigmoid: one function of both readers, and none where they are not."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.seeds import seeds

import verdict
from verdict.bounds import linear_bounds
from verdict.checker.enclosed import enclosed
from verdict.checker.readers.onnx import read_network
from verdict.network.exact import ExactVector

# What is written of t, `first` of z, the last line being the output; and the functions that are read.
WRITTEN: dict[str, tuple[str, list[str], set[str] | None]] = {
    "tanh' by Mul": ("Tanh", ["q=Mul t t", "y=Sub 1 q"], {"Tanh'"}),
    "tanh' by Pow": ("Tanh", ["q=Pow t 2", "y=Sub 1 q"], {"Tanh'"}),
    "tanh' by two brackets": ("Tanh", ["a=Sub 1 t", "b=Add 1 t", "y=Mul a b"], {"Tanh'"}),
    "tanh'' by tanh'": ("Tanh", ["q=Mul t t", "d=Sub 1 q", "e=Mul t d", "y=Mul e -2"], {"Tanh''"}),
    "tanh'' by 2 first": ("Tanh", ["q=Mul t t", "d=Sub q 1", "e=Mul 2 t", "y=Mul e d"], {"Tanh''"}),
    "tanh'''": ("Tanh", ["q=Mul t t", "d=Sub 1 q", "s=Mul d 6", "e=Sub 4 s", "y=Mul d e"], {"Tanh'''"}),
    "tanh^3": ("Tanh", ["q=Mul t t", "y=Mul t q"], {"Tanh", "Tanh''"}),
    "s'": ("Sigmoid", ["a=Sub 1 t", "y=Mul t a"], {"Sigmoid'"}),
    "s''": ("Sigmoid", ["a=Sub 1 t", "d=Mul t a", "e=Mul 2 t", "f=Sub 1 e", "y=Mul d f"], {"Sigmoid''"}),
    "s'''": ("Sigmoid", ["a=Sub 1 t", "d=Mul t a", "e=Mul 6 d", "f=Sub 1 e", "y=Mul f d"], {"Sigmoid'''"}),
    "s^2": ("Sigmoid", ["y=Mul t t"], {"Sigmoid", "Square"}),
    "nearly s''": ("Sigmoid", ["a=Sub 1 t", "d=Mul t a", "e=Mul 2.0000002 t", "f=Sub 1 e", "y=Mul d f"], None),
    "the square of s'": ("Sigmoid", ["a=Sub 1 t", "d=Mul t a", "y=Mul d d"], {"Sigmoid'", "Square"}),
}
# What z is of the three inputs.
SCALES = (0.5, -1.0, 2.0)


def parts(line: str) -> tuple[str, str, list[str]]:
    out, _, rest = line.partition("=")
    op, *given = rest.split()
    return out, op, given


def written(folder: Path, first: str, lines: list[str]) -> Path:
    nodes = [helper.make_node("Mul", ["x", "w"], ["z"]), helper.make_node(first, ["z"], ["t"])]
    numbers: dict[str, Any] = {"w": SCALES}
    for out, op, given in map(parts, lines):
        numbers |= {name: float(name) for name in given if not name.isalpha()}
        nodes.append(helper.make_node(op, given, [out]))
    ports = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3])] for name in "xy"]
    constants = [numpy_helper.from_array(np.array(v, np.float32), name) for name, v in numbers.items()]
    graph, path = helper.make_graph(nodes, "g", *ports, constants), folder / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def by_hand(first: str, lines: list[str], z: Any) -> Any:
    """The same with mpmath, of one number."""
    known = {"t": mpmath.tanh(z) if first == "Tanh" else 1 / (1 + mpmath.exp(-z))}
    for out, op, given in map(parts, lines):
        a, b = (known[g] if g in known else mpmath.mpf(float(np.float32(float(g)))) for g in given)
        known[out] = {"Mul": a * b, "Sub": a - b, "Add": a + b}[op] if op != "Pow" else a**b
    return known["y"]


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_read_by_both(name: str, tmp_path: Path) -> None:
    first, lines, functions = WRITTEN[name]
    path = written(tmp_path, first, lines)
    mine, theirs = verdict.load(path), read_network(path.read_bytes())
    found = [n.function.name for n in mine.graph.nodes if hasattr(n, "function")]
    assert found == [theirs.nodes[i].function.name for i in theirs.pointwise]
    assert functions is None or set(found) == functions
    point = [Fraction(3, 7), Fraction(-5, 3), Fraction(1, 9)]
    ends, own = enclosed(theirs, point, 150), mine.evaluate_enclosed(ExactVector.of(point), 150)
    with mpmath.workprec(300):
        for x, scale, (low, high), centre in zip(point, SCALES, ends, own.centre.fractions(), strict=True):
            true = by_hand(first, lines, mpmath.mpf(x.numerator) / x.denominator * scale)
            for value in (low, high, centre):
                assert abs(mpmath.mpf(value.numerator) / value.denominator - true) < mpmath.mpf(2) ** -120


def test_a_constant_beside_the_right_one_is_no_derivative(tmp_path: Path) -> None:
    """One float32 more than 2."""
    graph = verdict.load(written(tmp_path, *WRITTEN["nearly s''"][:2])).graph
    assert "Sigmoid''" not in {n.function.name for n in graph.nodes if hasattr(n, "function")}


@pytest.mark.parametrize("seed", seeds(3, 60))
def test_bounds_of_derivatives_hold_and_are_close(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    for name in ("tanh'' by tanh'", "tanh'''", "s''", "s'''"):
        network = verdict.load(written(tmp_path, *WRITTEN[name][:2]))
        graph = network.graph
        low = rng.normal(0, 2, (20, 3))
        high = low + np.exp(rng.uniform(-6, 1, (20, 3)))
        bounds = linear_bounds(graph, low, high)
        points = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, 201)[None, :, None]
        values = network.evaluate(points.reshape(-1, 3)).reshape(20, 201, 3)
        least, most = bounds.lower[graph.output], bounds.upper[graph.output]
        assert (values >= least[:, None] - 1e-9).all()
        assert (values <= most[:, None] + 1e-9).all()
        assert (most - least <= np.ptp(values, axis=1) * 1.01 + 1e-4).all()
