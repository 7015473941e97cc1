"""The whole way with random models: from an ONNX file with any operators to an answer that nothing contradicts.

A model that is damaged, bit by bit or field by field, is read or refused with one error.
"""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from support.engines import write_query
from support.evidence import fault
from support.random_models import OPERATORS, random_model

import verdict
from verdict.certificate.neurons import NeuronMap
from verdict.cli.main import main
from verdict.network.evaluate import float32_error
from verdict.network.exact import ExactVector

FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
seeds, steps = st.integers(0, 2**32), st.integers(1, 7)


def test_every_operator_occurs(tmp_path: Path) -> None:
    used: set[str] = set()
    for seed in range(300):
        used |= set(random_model(seed, 6, tmp_path / "m.onnx")[1])
    assert used >= set(OPERATORS)


def _loaded(seed: int, steps: int, folder: Path) -> verdict.Network:
    try:
        return verdict.load(random_model(seed, steps, folder / "m.onnx")[0])
    except verdict.ModelError as error:
        # It wants more of pads than ONNX's own inference.
        assume("ONNX Runtime cannot" not in str(error))
        raise


def _unread(network: verdict.Network) -> str:
    """What the checker says of a network that it cannot read, else ""."""
    try:
        NeuronMap(network)
    except verdict.UnsupportedError as error:
        return str(error)
    return ""


@settings(FUZZ, max_examples=60)
@given(seeds, steps)
def test_what_is_read_is_what_runs(tmp_path: Path, seed: int, steps: int) -> None:
    """Verdict's import, ONNX Runtime and, where it reads the operators, the checker compute the same."""
    network = _loaded(seed, steps, tmp_path)
    with contextlib.suppress(verdict.UnsupportedError):
        checked = NeuronMap(network).checked
        x = [Fraction(int(n), 8) for n in np.random.default_rng(seed).integers(-16, 17, network.input_size)]
        assert checked.evaluate(x)[checked.output] == network.evaluate_exact(ExactVector.of(x)).fractions()
    x = np.random.default_rng(seed).uniform(-2, 2, network.input_size).astype(np.float32).astype(float)
    if network.head is None:
        lost = float32_error(network.graph, x[None])[0]
        assert (np.abs(network.runtime(x) - network.evaluate(x[None])[0]) <= lost).all()


@settings(FUZZ, max_examples=40)
@given(seeds, steps, st.sampled_from([-0.5, -0.05, -1e-6, 0.0, 1e-6, 0.05, 0.5]))
def test_answers_agree_and_hold(tmp_path: Path, seed: int, steps: int, margin: float) -> None:
    """A query about the order of two outputs, near what is found by sampling."""
    network = _loaded(seed, steps, tmp_path)
    rng = np.random.default_rng(seed)
    center = rng.integers(-4, 5, network.input_size) / 4
    x = center + rng.uniform(-0.25, 0.25, (300, network.input_size))
    y = network.evaluate(x)
    least = float((y[:, 0] - y[:, 1]).min()) if network.head is None else 0.0
    limit = Fraction(least + margin).limit_denominator(10**9) if network.head is None else Fraction(0)
    box = [f"({op} X_{i} {c + d})" for i, c in enumerate(center) for op, d in ((">=", -0.25), ("<=", 0.25))]
    # Behind a Softmax only the order may be asked for.
    row = "Y_0" if not limit else f"(- Y_0 (/ {limit.numerator} {limit.denominator}))"
    query = write_query(tmp_path / "q.vnnlib", network.input_size, network.output_size, *box, f"(<= {row} Y_1)")
    said = {e: verdict.verify(query, network, engine=e, timeout=5).status for e in ("bab", "smt", "milp")}
    answer = verdict.verify(query, network, timeout=5, certificate=tmp_path / "q.vcert")
    said["auto"] = answer.status
    # The checker reads fewer operators, and says which it does not.
    unread = _unread(network)
    if unread and answer.status == "robust":
        assert unread in answer.certificate.reason
    assert unread or not fault(answer, network, query)
    assert len(set(said.values()) - {"unknown"}) < 2, said
    if "robust" in said.values():
        assert float(limit) < least + 1e-9 * (1 + np.abs(y).max())


def _broken(data: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with one to three bits flipped, cut, or copied; or a field of the model changed."""
    kind = int(rng.integers(4))
    if kind == 0:
        return data[: int(rng.integers(len(data)))]
    if kind == 1:
        at, size = (int(n) for n in rng.integers(len(data), size=2))
        return data[:at] + data[at : at + size % 40] * 2 + data[at:]
    if kind == 2:
        changed = bytearray(data)
        for _ in range(int(rng.integers(1, 4))):
            changed[int(rng.integers(len(changed)))] ^= 1 << int(rng.integers(8))
        return bytes(changed)
    model = onnx.load_model_from_string(data)
    _edit(model, rng)
    return bytes(model.SerializeToString())


def _edit(model: Any, rng: np.random.Generator) -> None:
    graph = model.graph
    node = graph.node[int(rng.integers(len(graph.node)))]
    weight = graph.initializer[int(rng.integers(len(graph.initializer)))] if graph.initializer else None
    choice = int(rng.integers(9))
    if choice == 0:
        node.input[0] = str(rng.choice(["", "x", "nowhere", graph.output[0].name]))
    elif choice == 1:
        node.op_type = str(rng.choice([n.split()[0] for n in OPERATORS]))
    elif choice == 2 and node.attribute:
        attribute = node.attribute[int(rng.integers(len(node.attribute)))]
        attribute.i, attribute.f = int(rng.choice([-(2**63), -1, 0, 2, 2**40])), float(rng.choice([np.nan, np.inf, -1]))
        attribute.ints.append(int(rng.choice([-(2**63), -1, 0, 2, 2**40])))
    elif choice == 3 and weight is not None and weight.dims:
        weight.dims[0] = int(rng.choice([-1, 0, 1, 2, 2**40]))
    elif choice == 4 and weight is not None:
        weight.data_type = int(rng.integers(0, 24))
    elif choice == 5:
        dims = graph.input[0].type.tensor_type.shape.dim
        dims[int(rng.integers(len(dims)))].dim_value = int(rng.choice([-1, 0, 1, 3, 2**40]))
    elif choice == 6:
        model.opset_import[0].version = int(rng.choice([-1, 0, 1, 6, 12, 18, 99]))
    elif choice == 7:
        del graph.node[int(rng.integers(len(graph.node)))]
    elif weight is not None and weight.raw_data:
        values = bytearray(weight.raw_data)
        values[:4] = np.float32(rng.choice([np.nan, np.inf, 1e38, 1e-45])).tobytes()
        weight.raw_data = bytes(values[: len(weight.raw_data)])


@settings(FUZZ, max_examples=150)
@given(seeds, steps)
@example(0, 1)
def test_damaged_models(tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int, steps: int) -> None:
    path, rng = tmp_path / "m.onnx", np.random.default_rng(seed)
    path.write_bytes(_broken(random_model(seed, steps, path)[0].read_bytes(), rng))
    code = main(["info", str(path)])
    _, err = capsys.readouterr()
    assert code in (0, 2), err
    # Unsupported nodes are listed below the error, one on each line.
    first, *others = err.splitlines() or [""]
    assert first.startswith("error: ") == (code == 2)
    assert all(line.startswith(("  ", "docs/your-model.md says ")) for line in others)
