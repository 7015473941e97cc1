"""Smooth networks with many inputs: lines that climb, neurons split at thresholds, and their certificates."""

from __future__ import annotations

import itertools
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.mutants import with_arrays
from support.seeds import seeds

import verdict
from verdict.base import abreast, blas
from verdict.base.deadline import Deadline
from verdict.base.errors import InputError
from verdict.base.workers import Workers
from verdict.bounds.alpha import Ascent, alpha_bounds, ascend_lines, climbed, climbing
from verdict.bounds.backward import backward
from verdict.bounds.linear import linear_bounds
from verdict.bounds.lines import crown_lines
from verdict.network.evaluate import evaluate_all
from verdict.network.exact import Coefficients
from verdict.network.graph import Graph
from verdict.ops.importer.onnx_import import network_of
from verdict.property import Polytope
from verdict.search.engines.parts import bab
from verdict.search.means import Means
from verdict.search.observer import Watch
from verdict.search.tangents.tangent_split import TangentSplit

SIZES = (6, 10, 10, 10, 3)


def model(seed: int, function: str, gain: float = 1.6) -> bytes:
    rng = np.random.default_rng(seed)
    nodes, weights, last = [], [], "x"
    for k, (n, m) in enumerate(itertools.pairwise(SIZES)):
        matrix, bias = gain * rng.normal(size=(n, m)) / np.sqrt(n), 0.3 * rng.normal(size=m)
        for name, value in ((f"w{k}", matrix), (f"b{k}", bias)):
            weights.append(numpy_helper.from_array(value.astype(np.float32), name))
        nodes.append(helper.make_node("Gemm", [last, f"w{k}", f"b{k}"], [f"z{k}"]))
        last = f"z{k}"
        if k < len(SIZES) - 2:
            # Of several functions in turn, some of them one behind the other.
            names = function.split()
            for i, name in enumerate(names[k % len(names)].split(">")):
                nodes.append(helper.make_node(name, [last], [f"a{k}{i}"]))
                last = f"a{k}{i}"
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", (1, 6)), (last, None))]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    return bytes(made.SerializeToString())


def box(graph: Graph, eps: float) -> Any:
    return linear_bounds(graph, np.full((1, 6), -eps), np.full((1, 6), eps))


def sampled(graph: Graph, eps: float) -> list[Any]:
    x = np.random.default_rng(0).uniform(-eps, eps, (400, 6))
    return evaluate_all(graph, np.concatenate([x, np.sign(x) * eps]))


@pytest.mark.parametrize("function", ["Tanh", "Sigmoid", "Gelu", "Sin", "Tanh Relu"])
def test_lines_that_climb_hold_and_are_no_worse(function: str) -> None:
    """Bounds of hidden neurons and of outputs hold sampled values; hidden ones are inside the linear ones."""
    for seed in seeds(1, 40):
        graph = network_of(model(seed, function), Path("m.onnx")).graph
        plain = box(graph, 0.4)
        better = alpha_bounds(graph, plain, 6)
        for value, low, high, least, most in zip(sampled(graph, 0.4), better.lower, better.upper, plain.lower,
                                                 plain.upper, strict=True):  # fmt: skip
            assert (low <= value + 1e-9).all()
            assert (value - 1e-9 <= high).all()
            assert (low >= least).all()
            assert (high <= most).all()
        lines = {i: crown_lines(graph, better, i) for i in graph.pointwise}
        rows = np.concatenate([np.eye(3), -np.eye(3)])[:, None, :]
        first = backward(graph, better, graph.output, rows, lines).lower[:, 0]
        climbs = climbing(graph, better, lines, len(rows), also_relus=True)
        _, _, states = ascend_lines(graph, better, graph.output, rows, lines, Ascent(12, climbs=climbs))
        found = backward(graph, better, graph.output, rows, climbed(graph, better, states)).lower[:, 0]
        outputs = sampled(graph, 0.4)[graph.output]
        assert (found <= np.concatenate([outputs.min(axis=0), -outputs.max(axis=0)]) + 1e-9).all()
        assert found.sum() >= first.sum() - 1e-9


def polytope(row: Any, limit: float) -> Polytope:
    return Polytope(Coefficients(row), Coefficients(np.array([limit])))


@pytest.mark.parametrize("function", ["Tanh", "Gelu", "Relu Tanh", "Relu Sigmoid>Tanh"])
def test_splits_of_neurons_prove_what_holds(function: str) -> None:
    """Of a bound between what linear bounds prove and what samples reach, splits find a proof; beyond samples none."""
    for seed in seeds(1, 40):
        graph = network_of(model(seed, function), Path("m.onnx")).graph
        bounds = alpha_bounds(graph, box(graph, 0.4), 6)
        reached = sampled(graph, 0.4)[graph.output][:, 0].min()
        lowest = float(bounds.lower[graph.output][0, 0])
        row = np.array([[1.0, 0.0, 0.0]])
        easy = polytope(row, lowest + 0.4 * (reached - lowest))
        outcome = TangentSplit(graph, bounds, [easy], Watch()).run(Deadline(20.0))
        assert outcome.proved
        assert not TangentSplit(graph, bounds, [polytope(row, reached + 1e-6)], Watch()).run(Deadline(0.3)).proved


def test_copies_and_threads_find_what_one_core_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of domains side by side: the same tree but for roundings, and no point is offered that is safe."""
    monkeypatch.setattr(abreast, "COPIED", 0.0)
    split = 0
    for seed in seeds(2, 20):
        graph = network_of(model(seed, "Tanh"), Path("m.onnx")).graph
        bounds = alpha_bounds(graph, box(graph, 0.4), 6)
        reached = sampled(graph, 0.4)[graph.output][:, 0].min()
        lowest = float(bounds.lower[graph.output][0, 0])
        unsafe = polytope(np.array([[1.0, 0.0, 0.0]]), lowest + 0.7 * (reached - lowest))
        visited, offered = list[int](), list[Any]()
        for count, is_own in ((1, False), (2, False), (2, True)):
            monkeypatch.setattr(blas, "is_own", is_own)
            with Workers(count) as workers:
                watch = Watch(lambda points, offered=offered: bool(offered.append(points)))
                search = TangentSplit(graph, bounds, [unsafe], watch, Means(workers))
                outcome = search.run(Deadline(60.0))
            assert outcome.proved
            assert (search._abreast.copies is not None) == (workers.count > 1 and outcome.domains > 1)
            visited.append(outcome.domains)
        assert max(visited) <= 1.2 * min(visited)
        assert not offered
        split += visited[0] > 20
    assert split


def test_what_looks_unsafe_is_offered() -> None:
    graph = network_of(model(3, "Tanh"), Path("m.onnx")).graph
    outputs = sampled(graph, 0.4)[graph.output][:, 0]
    unsafe = polytope(np.array([[1.0, 0.0, 0.0]]), float(np.quantile(outputs, 0.3)))
    offered: list[Any] = []
    watch = Watch(lambda points: bool(offered.extend(points) or len(offered)))
    assert TangentSplit(graph, alpha_bounds(graph, box(graph, 0.4), 6), [unsafe], watch).run(Deadline(20.0)).refuted
    values = evaluate_all(graph, np.array(offered))[graph.output][:, 0]
    assert (values <= unsafe.offset.values[0] + 1e-3).all()


@pytest.mark.parametrize("function", ["Tanh", "Tanh Relu", "Tanh>Tanh Relu"])
def test_a_proof_by_splits_is_certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    """With lemmas, thresholds, betas and slopes of both lines."""
    monkeypatch.setattr(bab, "splits_inputs", lambda *_: False)
    path = tmp_path / "m.onnx"
    path.write_bytes(model(6, function))
    answer = verdict.robust(path, np.zeros(6), eps=0.12, certificate=tmp_path / "a.vcert")
    assert (answer.status, answer.trust) == ("robust", "certified")
    assert answer.ways["relus"].closed > 0
    with zipfile.ZipFile(tmp_path / "a.vcert") as archive:
        names = set(archive.namelist())
    assert {"p0.l0.above.npy", "p0.g0.above.npy", "p0.g0.betas.npy"} <= names


@pytest.mark.parametrize(("change", "match"), [
    (lambda a: a[:, :-1], "slopes above do not fit"), (lambda a: a + np.float32(np.inf), "outside their range"),
    (lambda a: a * np.nan, "outside their range"), (lambda a: a + 10, ""),
])  # fmt: skip
def test_other_slopes_above_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any, match: str
) -> None:
    """Or prove nothing, if they are numbers that fit."""
    monkeypatch.setattr(bab, "splits_inputs", lambda *_: False)
    (tmp_path / "m.onnx").write_bytes(model(6, "Tanh"))
    a, b = tmp_path / "a.vcert", tmp_path / "b.vcert"
    verdict.robust(tmp_path / "m.onnx", np.zeros(6), eps=0.12, certificate=a)
    with_arrays(a, b, lambda name: "g" in name and name.endswith(".above.npy"), change)
    if match:
        with pytest.raises(InputError, match=match):
            verdict.check(b, tmp_path / "m.onnx")
    else:
        assert not verdict.check(b, tmp_path / "m.onnx").accepted
