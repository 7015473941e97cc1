"""What several cases ask: the shipped models' correctly classified inputs, and the radius as an outcome."""

from __future__ import annotations

import functools
import itertools
import tempfile
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.clock import Clock
from benchmarks.registry import Instance, Outcome, Row

RADIUS_ANSWERS = frozenset({"exact", "closed", "safe", "wrong-label"})


@functools.cache
def network(model: str) -> Any:
    """The network of a shipped name or a path, loaded once."""
    import verdict

    return verdict.load(model)


def correct_inputs(model: str, count: int) -> list[int]:
    """The numbers of the first `count` held-out inputs that a shipped model classifies correctly."""
    from verdict import models

    entry = models.model(model)
    x, labels = models.data(str(entry.data)).load()
    outputs = network(model).evaluate(x.reshape(len(x), -1).astype(np.float64))
    return [int(i) for i in np.flatnonzero(outputs.argmax(axis=1) == labels)[:count]]


def shipped_input(model: str, number: int) -> tuple[npt.NDArray[np.float32], tuple[float, float]]:
    """One held-out input of a shipped model and its valid range."""
    from verdict import models

    entry = models.model(model)
    return models.data(str(entry.data)).load()[0][number], entry.input_range


def radius_outcome(clock: Clock, radius: Any) -> Outcome:
    """A `verdict.Radius` as an outcome; the ends rounded outward."""
    from verdict.network.exact import float_above, float_below

    return Outcome(
        radius.status,
        clock.seconds,
        clock.cpu,
        float_below(radius.lower),
        None if radius.upper is None else float_above(radius.upper),
        "" if radius.exact is None else str(radius.exact),
        "" if radius.status != "interval" else radius.reason[:200],
    )


def ask_radius(instance: Instance, model: str, x: npt.ArrayLike, valid: tuple[float, float]) -> Outcome:
    """`verdict.maxeps` with the instance's engine, solver and time limit; loading is not counted."""
    import verdict

    loaded = network(model)
    with Clock() as clock:
        radius = verdict.maxeps(
            loaded, x, range=valid, engine=instance.engine, solver=instance.solver or None, timeout=instance.timeout
        )
    return radius_outcome(clock, radius)


@functools.cache
def warmed(engine: str, solver: str) -> None:
    """Import what the engine needs, so that the first instance does not pay for it."""
    import verdict

    verdict.maxeps(network("abs"), [0.25], range=(-1, 1), engine=engine, solver=solver or None, timeout=20)


def compare_intervals(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """Whether all intervals for the same input overlap, and hold the exact radius where one is known."""
    agreements, contradictions = [], []
    inputs: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.lower is not None:
            inputs.setdefault((row.group, row.instance), []).append(row)
    held: dict[str, int] = {}
    for (group, name), answers in inputs.items():
        exact = [(row.way, Fraction(row.exact)) for row in answers if row.exact]
        for row in answers:
            for way, value in exact:
                if way == row.way:
                    continue
                if _contains(row, value):
                    held[f"{row.way} holds {way}'s"] = held.get(f"{row.way} holds {way}'s", 0) + 1
                else:
                    ends = f"[{row.lower!r}, {row.upper!r}]"
                    contradictions.append(f"{group} {name}: {row.way} {ends}, but {way} has {float(value)!r} exactly")
        highest = max(answers, key=lambda row: row.lower or 0.0)
        lowest = min(answers, key=lambda row: np.inf if row.upper is None else row.upper)
        if lowest.upper is not None and (highest.lower or 0.0) > lowest.upper:
            contradictions.append(
                f"{group} {name}: {highest.way} proves {highest.lower!r}, {lowest.way} refutes {lowest.upper!r}"
            )
    for what, count in sorted(held.items()):
        agreements.append(f"agreement: {what} exact radius on {count} inputs")
    several = sum(len(answers) > 1 for answers in inputs.values())
    agreements.append(f"agreement: {several} inputs with several intervals, {len(contradictions)} contradictions")
    return agreements, contradictions


def _contains(row: Row, value: Fraction) -> bool:
    above = row.upper is None or Fraction(row.upper) >= value
    return Fraction(row.lower or 0.0) <= value and above


SMALL = ("abs", "xor", "digits-linear", "cancer-mlp", "random")


def small_questions(groups: Sequence[str], inputs: int) -> list[tuple[str, int]]:
    """(group, number) of the questions on which Z3 finishes: inputs of small shipped models, random networks."""
    pairs: list[tuple[str, int]] = []
    for group in groups:
        numbers = range(inputs) if group == "random" else correct_inputs(group, inputs)
        pairs += [(group, number) for number in numbers]
    return pairs


def compare_in_smt(instance: Instance, **choice: Any) -> Outcome:
    """The radius by `search_smt` with the given form or strategy, everything else as `verdict.maxeps` does."""
    from verdict.answer.gate import judge_radius
    from verdict.base.deadline import Deadline
    from verdict.network.evaluate import classify
    from verdict.network.exact import ExactVector
    from verdict.property import LinfBall, misclassification
    from verdict.search.engines.parts.radius_smt import Way, search_smt
    from verdict.search.points.radius_witness import seek_witness
    from verdict.search.radius import RadiusSearch

    number = int(instance.data["number"])
    if instance.group == "random":
        loaded, x = random_network(number), np.random.default_rng(number).uniform(-1, 1, 5).astype(np.float32)
        valid: tuple[float, float] = (-1.0, 1.0)
    else:
        loaded = network(instance.group)
        x, valid = shipped_input(instance.group, number)
    center = ExactVector.of(np.asarray(x, dtype=np.float64).ravel())
    label = classify(loaded.evaluate(center.floats()[None])[0])
    unsafe = misclassification(label, loaded.output_size, None)
    family = LinfBall(center, Fraction(valid[0]), Fraction(valid[1]))
    with Clock() as clock:
        search = RadiusSearch(loaded, family, unsafe, Deadline(instance.timeout))
        seek_witness(search)
        search.prove_by_bounds()
        if search.open_polytopes():
            search_smt(search, Way(**choice))
        radius = judge_radius(search, label, "smt/z3")
    return radius_outcome(clock, radius)


@functools.cache
def random_network(seed: int, sizes: tuple[int, ...] = (5, 12, 8, 3)) -> Any:
    """A dense network with layers of these sizes and float32 weights drawn at random."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    import verdict

    rng = np.random.default_rng(1000 + seed)
    nodes, weights, last = [], [], "x"
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
        matrix = rng.normal(0, fan_in**-0.5, (fan_out, fan_in)).astype(np.float32)
        bias = rng.normal(0, 0.1, fan_out).astype(np.float32)
        weights += [numpy_helper.from_array(matrix, f"W{layer}"), numpy_helper.from_array(bias, f"b{layer}")]
        nodes.append(helper.make_node("Gemm", [last, f"W{layer}", f"b{layer}"], [f"z{layer}"], transB=1))
        last = f"z{layer}"
        if layer < len(sizes) - 2:
            nodes.append(helper.make_node("Relu", [last], [f"a{layer}"]))
            last = f"a{layer}"
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])
        for name, size in (("x", sizes[0]), (last, sizes[-1]))
    ]
    graph = helper.make_graph(nodes, "random", ports[:1], ports[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"random-{seed}.onnx")
        onnx.save(model, str(path))
        return verdict.load(path)


def timed(work: Callable[[], object], repeat: int) -> Outcome:
    """The median of `repeat` runs after one that does not count."""
    work()
    clocks = []
    for _ in range(repeat):
        with Clock() as clock:
            work()
        clocks.append((clock.seconds, clock.cpu))
    seconds, cpu = np.median(np.array(clocks), axis=0).tolist()
    return Outcome("ok", seconds, cpu, note=f"median of {repeat}")
