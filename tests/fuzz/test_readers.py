"""Both readers of ONNX files against each other and against ONNX Runtime, on legal models and on damaged ones.

Three outcomes only: both readers compute what ONNX Runtime computes, or who does not has refused the file, with one
error of the one kind. `VERDICT_LONG=10000 pytest -n 0 tests/fuzz/test_readers.py` takes 10,000 of each.
"""

from __future__ import annotations

import os
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.importers import Refused, read_network
from support.model_damage import damaged
from support.random_models import random_model

from verdict.checker.errors import UnreadableError
from verdict.errors import VerdictError
from verdict.network.exact import ExactVector
from verdict.network.onnx_import import network_of

COUNT = int(os.environ.get("VERDICT_LONG", "150"))
FUZZ = settings(
    deadline=None, max_examples=COUNT, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
seeds, steps = st.integers(0, 2**32), st.integers(1, 6)


def point(seed: int, size: int) -> list[Fraction]:
    return [Fraction(int(n), 8) for n in np.random.default_rng(seed).integers(-16, 17, size)]


def engine(data: bytes, seed: int) -> Any:
    """(network's input size, head, exact outputs), or why it is not read."""
    try:
        network = network_of(data, Path("model.onnx"))
    except VerdictError as error:
        return Refused(str(error))
    x = ExactVector.of(point(seed, network.input_size))
    return network.input_size, network.head, network.evaluate_exact(x).fractions()


def checker(data: bytes, seed: int) -> Any:
    try:
        network = read_network(data)
    except UnreadableError as error:
        return Refused(str(error))
    x = point(seed, network.input_size)
    return network.input_size, network.head, network.evaluate(x)[network.output]


def runtime(data: bytes, seed: int) -> Any:
    """What ONNX Runtime computes at the same point, or why it does not."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(data, options, ["CPUExecutionProvider"])
        shapes = [tuple(d if isinstance(d, int) else 1 for d in port.shape) for port in session.get_inputs()]
        sizes = [int(np.prod(shape)) for shape in shapes]
        x = np.array([float(v) for v in point(seed, sum(sizes))])
        parts = np.split(x, np.cumsum(sizes)[:-1])
        kinds = [np.float64 if port.type == "tensor(double)" else np.float32 for port in session.get_inputs()]
        feed = {
            port.name: part.reshape(shape).astype(kind)
            for port, part, shape, kind in zip(session.get_inputs(), parts, shapes, kinds, strict=True)
        }
        return np.concatenate([np.asarray(y, dtype=np.float64).ravel() for y in session.run(None, feed)])
    except Exception as error:  # noqa: BLE001 - its errors have no common kind
        return Refused(f"{type(error).__name__}: {error}")


def agree(data: bytes, seed: int) -> bool:
    """Whether somebody reads the model; fails unless all who do compute the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = {"engine": engine(data, seed), "checker": checker(data, seed)}
        found = {name: outcome for name, outcome in ours.items() if not isinstance(outcome, Refused)}
        if not found:
            return False
        there = runtime(data, seed)
    if isinstance(ours["engine"], Refused):
        assert "disagrees with ONNX Runtime" not in ours["engine"].reason
        assert "internal" not in ours["engine"].reason
    if len(found) == 2:
        assert ours["engine"] == ours["checker"]
    assert not isinstance(there, Refused), (list(found), there)
    for name, (_, head, values) in found.items():
        # What overflows in floats does not over the reals, of which both speak.
        if head is None and np.isfinite(there).all():
            expected = np.array([float(v) for v in values])
            assert expected.shape == there.shape, name
            lost = 1e-4 * (1 + np.abs(expected).max(initial=0))
            assert not (np.abs(expected - there) > lost).any(), (name, expected, there)
    return True


@FUZZ
@given(seeds, steps)
@example(50307, 3)  # an AveragePool with auto_pad, whose windows leave out entries: ONNX Runtime does not run it
def test_legal_models(tmp_path: Path, seed: int, steps: int) -> None:
    agree(random_model(seed, steps, tmp_path / "m.onnx")[0].read_bytes(), seed)


@FUZZ
@given(seeds, steps)
@example(0, 1)
def test_damaged_models(tmp_path: Path, seed: int, steps: int) -> None:
    model = onnx.load(random_model(seed, steps, tmp_path / "m.onnx")[0])
    agree(damaged(model, np.random.default_rng(seed))[0], seed)
