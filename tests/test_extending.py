"""What comes new is one file: an operator, a function, a solver, a perturbation, a bound, made up here and asked for.

A norm is made up in property/test_every_norm.py, an engine in search/test_engine.py; network/test_new_function.py has
more of a pointwise function.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, helper
from ops.operator_check import check, single
from support.networks import random_network
from support.tiny import write

import verdict
from verdict import ops, solvers
from verdict.base.deadline import Deadline
from verdict.base.errors import InputError, ModelError
from verdict.bounds.interval import interval_bounds
from verdict.checker.readers import onnx
from verdict.checker.readers.onnx import operators, reader
from verdict.network.evaluate import evaluate_all
from verdict.network.exact import FloatArray
from verdict.network.graph import Graph
from verdict.ops import lowering
from verdict.property import Box
from verdict.property.fronts import Front, names
from verdict.property.fronts import front as fronts
from verdict.property.input_set import InputSet
from verdict.search.neurons import methods
from verdict.search.neurons.methods import METHODS, Result, choose


def beside(package: ModuleType, folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that lies in the package as long as the test runs."""
    (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    monkeypatch.delitem(sys.modules, f"{package.__name__}.{name}", raising=False)


TRILU = '''"""Trilu: a part of a matrix, the rest is zero."""

import numpy as np

from .arithmetic import multiply
from .lowering import Constant, Context, Value, operator
from .signature import flag, since


@operator("Trilu", since(14, "input:T k:int64? -> output:T", upper=flag(1)))
def trilu(ctx: Context) -> list[Value]:
    x, k = ctx.symbol(0), int(ctx.constant(1, "k").array) if ctx.has(1) else 0
    ones = np.ones(x.shape, np.float32)
    return [multiply(ctx, x, Constant(np.triu(ones, k) if ctx.attribute("upper") else np.tril(ones, k)))]
'''


TRIANGLES = '''"""The same for the checker, which takes nothing from the other."""

import numpy as np

from .table import Attribute, Operator


def _trilu(builder, node, x, k=0):
    return builder.times(x, (np.triu if node["upper"] else np.tril)(np.ones(x.shape), int(k)))


OPERATORS = {"Trilu": Operator(_trilu, (14,), ((14, "x n?"),), ((14, "fd"),), {"upper": Attribute("INT", 1, (0, 1))})}
'''


def test_an_operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = single("Trilu", (3, 4), opset=17, upper=0)
    with pytest.raises(ModelError, match=r"\(Trilu\): the operator is not supported"):
        check(model, tmp_path)
    monkeypatch.setattr(lowering, "_REGISTRY", dict(lowering.operators()))
    beside(ops, tmp_path, "trilu", TRILU, monkeypatch)
    assert check(model, tmp_path).output_size == 12
    for k in (-1, 1):
        check(single("Trilu", (2, 3, 3), arguments=("x", np.array(k, np.int64)), upper=1), tmp_path)
    # Every question can be asked of it. The checker has a reader of its own, and says what it lacks.
    network = check(model, tmp_path)
    that = "(y[0] > 0.5) & (y[1] < 0.5)"
    answer = verdict.robust(network, np.eye(3, 4), "0.1", that=that, certificate=tmp_path / "a.vcert")
    assert (answer.status, answer.trust) == ("robust", "rigorous")
    assert answer.certificate is not None
    assert "Trilu" in answer.certificate.reason
    twin = tmp_path / "checker"
    twin.mkdir()
    beside(onnx, twin, "triangles", TRIANGLES, monkeypatch)
    assert set(operators.tables("OPERATORS")) - set(reader.OPERATORS) == {"Trilu"}
    monkeypatch.setattr(reader, "OPERATORS", operators.tables("OPERATORS"))
    answer = verdict.robust(network, np.eye(3, 4), "0.1", that=that, certificate=tmp_path / "a.vcert")
    assert (answer.status, answer.trust) == ("robust", "certified")
    # An operator is in one table: a second one is no way to change what the first says.
    beside(onnx, twin, "triangles_again", TRIANGLES, monkeypatch)
    with pytest.raises(ValueError, match="Trilu stand in another file's table too"):
        operators.tables("OPERATORS")


MINE = '''"""SciPy's way to HiGHS, as a backend."""

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from verdict.solvers.base import Solver
from verdict.solvers.results import Features, Raw, Status


class Mine(Solver):
    name = "mine"
    features = Features(integer=True, continuous=True)
    statuses = {0: Status.OPTIMAL, 1: Status.UNKNOWN, 2: Status.INFEASIBLE, 3: Status.UNBOUNDED}
    asked = 0

    def available(self):
        return None

    def _solve(self, model, request, monitor):
        Mine.asked += 1
        found = milp(
            model.objective, integrality=model.integer.astype(int), bounds=Bounds(model.lower, model.upper),
            constraints=LinearConstraint(model.matrix, model.row_lower, model.row_upper),
            options={} if request.time_limit is None else {"time_limit": request.time_limit},
        )
        return Raw(found.status, point=found.x, bound=found.mip_dual_bound)


BACKENDS = {"mine": Mine}
'''


def test_a_solver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = verdict.load(random_network(np.random.default_rng([1, 31]), "dense", tmp_path))
    x = np.full(network.input_size, 0.25)
    with pytest.raises(Exception, match="there is no solver 'mine'"):
        verdict.robust(network, x, "0.1", engine="milp", solver="mine")
    beside(solvers, tmp_path, "mine", MINE, monkeypatch)
    assert "mine" in solvers.names()
    ours, theirs = (
        verdict.maxeps(network, x, range=(-1, 1), engine="milp", solver=name, timeout=60) for name in ("mine", "highs")
    )
    assert ours.status == theirs.status in ("exact", "closed")
    assert float(ours.lower) == pytest.approx(float(theirs.lower), rel=1e-6)
    assert ours.engine == "milp/mine"
    assert sys.modules["verdict.solvers.mine"].Mine.asked > 0


def test_a_perturbation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fronts, "_REGISTRY", dict(fronts._REGISTRY))

    @fronts.register("tilt")
    class Tilt(Front):
        """The first entry grows by what the last one loses."""

        unit = "moved from the last entry to the first"

        def matrix(self, x: FloatArray, shape: tuple[int, ...], low: float | None, high: float | None) -> FloatArray:
            row = np.zeros((1, len(x)))
            row[0, 0], row[0, -1] = 1, -1
            return row

    assert "tilt" in names()
    network = verdict.load(random_network(np.random.default_rng([2, 31]), "dense", tmp_path))
    x = np.full(network.input_size, 0.25)
    found = verdict.maxeps(network, x, perturbation="tilt", range=(-1, 1), timeout=60)
    assert found.status in ("exact", "closed", "safe")
    label = int(network.evaluate(x[None])[0].argmax())
    grid = np.linspace(-float(found.lower), float(found.lower), 101)[1:-1]
    moved = np.repeat(x[None], len(grid), axis=0)
    moved[:, 0] += grid
    moved[:, -1] -= grid
    assert (network.evaluate(np.clip(moved, -1, 1)).argmax(axis=1) == label).all()
    if found.closest is not None:
        assert abs(found.closest.point.fractions()[0]) == found.upper


def test_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(METHODS)

    @methods.method("halves", "interval bounds of both halves of the first input, united", cost=15)
    def halves(graph: Graph, inputs: InputSet, deadline: Deadline) -> Result:
        low, high = (np.repeat(end[None], 2, axis=0) for end in inputs.floats())
        high[0, 0] = low[1, 0] = (low[0, 0] + high[0, 0]) / 2
        both = interval_bounds(graph, low, high)
        return Result(
            type(both)(
                tuple(v.min(axis=0, keepdims=True) for v in both.lower),
                tuple(v.max(axis=0, keepdims=True) for v in both.upper),
            ),
            "two halves",
        )

    try:
        assert list(METHODS)[:3] == ["interval", "zonotope", "halves"]
        network = verdict.load(random_network(np.random.default_rng([3, 31]), "dense", tmp_path))
        x = [Fraction(1, 4)] * network.input_size
        ball = Box([v - Fraction(1, 2) for v in x], [v + Fraction(1, 2) for v in x])
        found = choose("halves")[0].run(network.graph, ball, Deadline())
        for i, values in enumerate(evaluate_all(network.graph, ball.sample(300, np.random.default_rng(0)))):
            assert (found.bounds.lower[i][0] <= values.min(axis=0) + 1e-9).all()
            assert (found.bounds.upper[i][0] >= values.max(axis=0) - 1e-9).all()
        answers = [
            verdict.maxeps(network, [float(v) for v in x], range=(-1, 1), engine="milp", bounds=name, timeout=60)
            for name in ("halves", "linear")
        ]
        assert answers[0].status == answers[1].status
        assert answers[0].upper == answers[1].upper
        results: Sequence[object] = verdict.bounds_of(network, [float(v) for v in x], "0.1", method="halves")
        assert [result.note for result in results] == ["two halves"]  # type: ignore[attr-defined]
    finally:
        METHODS.clear()
        METHODS.update(before)
    with pytest.raises(InputError, match="there is no method 'halves'"):
        choose("halves")


SOFTSIGN = '''"""z / (1 + |z|): convex up to 0, concave from there."""

from typing import Any

from .formula import Formula
from .onnx_operator import Operator, Scaled


class Softsign(Formula):
    name = "Softsign"
    steepest = 1.0
    inflections = ((0.0, 0.0),)

    def value_in(self, a: Any, z: Any) -> Any:
        return z / (1 + a.size(z))

    def slope_in(self, a: Any, z: Any) -> Any:
        return 1 / ((1 + a.size(z)) * (1 + a.size(z)))


SOFTSIGN = Softsign()
OPERATORS = (Operator("Softsign", 1, lambda: Scaled(SOFTSIGN)),)
'''
ITS_TWIN = '''"""z / (1 + |z|): convex up to 0, concave from there."""

from typing import Any

from .balls import Ball
from .formula import Formula
from .onnx import Form


class Softsign(Formula):
    name = "Softsign"
    pairs = ((0.0, 0.0),)

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return z / (kind.ball(abs(at)) + 1)

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        rest = kind.ball(abs(at)) + 1
        return 1 / (rest * rest)


SOFTSIGN = Softsign()
FORMS = {"Softsign": Form((1, 22), lambda: SOFTSIGN)}
'''
# In a process of its own, with a copy of the package: tables of operators are made when they are imported.
ASKED = """
import sys
import verdict
for how in ({}, {"assume_ulp": 4}):
    found = verdict.robust(sys.argv[1], [0.5, -0.25], "0.1", label=0, certificate=sys.argv[2], timeout=60, **how)
    print(found.status, found.trust, *found.semantics)
print(verdict.check(sys.argv[2], sys.argv[1], tier="python").any_order)
radius = verdict.maxeps(sys.argv[1], [0.5, -0.25], label=0, range=(-2, 2), timeout=60)
print(radius.status, float(radius.lower))
"""


W, V, C = np.float32([[1, 2], [-1, 1]]), np.float32([[2, -1], [1, -1]]), np.float32([0.5, 0])


def closed_in_on(tmp_path: Path, files: tuple[str, str], between: list[NodeProto], bias: NDArray[np.float32]) -> float:
    """The radius of (0.5, -0.25) in a network of two layers with these nodes, from a to b, between them; the function's
    file and its twin are all that is new in the package."""
    package = tmp_path / "copy" / "verdict"
    shutil.copytree(Path(verdict.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder, text in zip(("network", "checker"), files, strict=True):
        (package / folder / "functions" / "made_up.py").write_text(text)
    nodes = [
        helper.make_node("Gemm", ["x", "w", "d"], ["a"]),
        *between,
        helper.make_node("Gemm", ["b", "v", "c"], ["y"]),
    ]
    weights = {"w": W, "d": bias, "v": V, "c": C, "e": np.float32(-3)}
    model = write(tmp_path / "m.onnx", nodes, {"x": [1, 2]}, {"y": [1, 2]}, weights)
    words = [sys.executable, "-c", ASKED, str(model), str(tmp_path / "c.vcert")]
    place = {**os.environ, "PYTHONPATH": str(package.parent)}
    said = subprocess.run(words, capture_output=True, text=True, check=True, env=place, cwd=tmp_path).stdout
    lines = said.splitlines()
    assert lines[:3] == ["robust certified real", "robust certified real float32", "True"]
    status, radius = lines[3].split()
    assert status == "closed"
    return float(radius)


def ties_at(radius: float, function: Callable[[FloatArray], FloatArray], bias: NDArray[np.float32]) -> None:
    """The two classes tie where a ray of equal changes leaves the safe side, by a fine grid."""
    line = np.linspace(-radius * 1.001, radius * 1.001, 201)
    points = np.array([0.5, -0.25]) + np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    y = function(points @ W + bias) @ V + C
    margin = y[:, 0] - y[:, 1]
    assert margin.min() < 0.01
    inside = abs(points - [0.5, -0.25]).max(axis=1) < radius
    assert margin[inside].min() > 0


def test_a_pointwise_function(tmp_path: Path) -> None:
    """Its file and its twin, and nothing else: it loads, is bounded, decided, certified, and closed in on."""
    node, bias = helper.make_node("Softsign", ["a"], ["b"]), np.float32([0, 0])
    radius = closed_in_on(tmp_path, (SOFTSIGN, ITS_TWIN), [node], bias)
    ties_at(radius, lambda z: z / (1 + abs(z)), bias)


INVERSE_CUBE = '''"""Pow by -3."""

from fractions import Fraction

from .power import CUBE
from .{reciprocal} import RECIPROCAL

POWERS = {{Fraction(-3): (CUBE, RECIPROCAL)}}
'''


def test_a_power(tmp_path: Path) -> None:
    """Of what another exponent is one file says it, and its twin."""
    node, bias = helper.make_node("Pow", ["a", "e"], ["b"]), np.float32([-3, 2])
    files = INVERSE_CUBE.format(reciprocal="reciprocal"), INVERSE_CUBE.format(reciprocal="positive")
    ties_at(closed_in_on(tmp_path, files, [node], bias), lambda z: z**-3, bias)
