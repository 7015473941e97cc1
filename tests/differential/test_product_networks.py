"""Random small networks with products of two tensors: verdicts against a dense grid, certificates, and damaged ones."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.certified import claiming
from support.products import product_network
from support.seeds import seeds

import verdict
from verdict.checker import check


def grid(center: Any, eps: float) -> Any:
    line = np.linspace(-eps, eps, 41)
    return center + np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)


@pytest.mark.parametrize("seed", seeds(7, 600))
def test_verdicts_against_a_grid(seed: int, tmp_path: Path) -> None:
    model = verdict.load(product_network(seed, tmp_path))
    rng = np.random.default_rng(seed)
    x, eps = rng.uniform(-1, 1, 2).astype(np.float32).astype(float), float(rng.choice([0.01, 0.1, 0.3, 1.0]))
    label = int(model.evaluate(x[None])[0].argmax())
    found = verdict.robust(model, x, eps=eps, label=label, timeout=20, certificate=tmp_path / "c.vcert")
    scores = model.evaluate(grid(x, eps))
    margins = scores[:, [label]] - np.delete(scores, label, axis=1)
    assert found.status != "unknown"
    if found.status == "robust":
        assert margins.min() > 0
        assert found.certificate is not None
        assert found.trust == "certified", found.certificate.reason
        # Nobody says how a library computes a Sigmoid; products alone are rounded as float32 says.
        is_said = {function.name for function in model.graph.functions.values()} <= {"Relu"}
        assert found.semantics == (("real", "float32") if is_said else ("real",))
        for tier in ("exact", "rigorous", "python")[: 2 + (seed % 10 == 9)]:
            assert check(tmp_path / "c.vcert", model.path, tier=tier).accepted
        far = str(Fraction(eps) * 40)
        damaged(tmp_path / "c.vcert", tmp_path / "d.vcert", model, {"eps": far}, margins_at(model, x, label, far))
    else:
        assert found.witness is not None
        assert found.witness.deployed
        enclosed = model.evaluate_enclosed(found.witness.point, 100)
        y = enclosed.centre.fractions()
        assert y[label] - Fraction(2 * enclosed.radius.max()) <= max(v for i, v in enumerate(y) if i != label)


def margins_at(model: Any, x: Any, label: int, eps: str) -> float:
    scores = model.evaluate(grid(x, float(Fraction(eps))))
    return float((scores[:, [label]] - np.delete(scores, label, axis=1)).min())


def damaged(path: Path, other: Path, model: Any, change: dict[str, Any], least: float) -> None:
    """A certificate whose claim a point of the grid refutes is not accepted."""
    if least > 0:
        return
    assert not check(claiming(path, other, change), model.path).accepted


@pytest.mark.parametrize("seed", seeds(1, 60))
def test_a_radius_closes_and_its_certificate_cannot_be_stretched(seed: int, tmp_path: Path) -> None:
    model = verdict.load(product_network(seed + 4, tmp_path, smooth=seed % 2 == 1))
    x, path = np.random.default_rng(seed + 4).uniform(-1, 1, 2).round(2), tmp_path / "c.vcert"
    found = verdict.maxeps(model, x, range=(-3, 3), timeout=30, certificate=path)
    assert found.status in ("closed", "safe") or "time limit" in found.reason
    assert found.lower_trust == "certified" or found.status == "interval"
    if found.upper is not None:
        assert found.upper - found.lower > 0
        assert found.status != "closed" or found.upper - found.lower <= found.upper / 10**6
        damaged(path, tmp_path / "d.vcert", model, {"eps": str(found.upper * Fraction(101, 100))}, -1)
        damaged(path, tmp_path / "e.vcert", model, {"upper": str(found.lower * Fraction(9, 10))}, -1)


@pytest.mark.parametrize("seed", seeds(4, 200))
def test_z3_agrees_with_branch_and_bound_on_polynomials(seed: int, tmp_path: Path) -> None:
    model = verdict.load(product_network(seed, tmp_path, outputs=2, smooth=False))
    rng = np.random.default_rng(seed)
    x, eps = rng.integers(-4, 5, 2) / 4, float(rng.choice([0.125, 0.5]))
    found = {engine: verdict.robust(model, x, eps=eps, timeout=10, engine=engine) for engine in ("smt", "bab")}
    assert len({answer.status for answer in found.values()} - {"unknown"}) <= 1
    assert found["bab"].status != "unknown"
