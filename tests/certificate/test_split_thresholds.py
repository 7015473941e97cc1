"""A neuron split beside its kink, several times on one path: sound, checked in every tier, new in version 2."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.handmade import layers
from support.mutants import members, packed

from verdict.certificate.proof import Goal, Part, ProofTree
from verdict.certificate.write import robust_claim, write_certificate
from verdict.checker import check

TIERS = ("exact", "rigorous", "python")


def proof(folder: Path, margin: float, ends: tuple[float, float] = (-0.5, 0.5)) -> tuple[Path, Path]:
    """Class 0 leads by 2 relu(x) - x + margin, which is least at 0; CROWN's line below relu(x) loses 1 on [-1, 1], that
    on [-1/2, 1/2] loses 1/2 (the network is relu(x), relu(x + 2) and their combination)."""
    model = layers(folder / "model.onnx", ([[1], [1]], [0, 2]), ([[2, -1], [0, 0]], [2 + margin, 0]))
    tree = ProofTree([0])
    (on,), off = tree.split_neurons(0, 0, ends[0])
    tree.close([*off, *np.concatenate(tree.split_neurons(on, 0, ends[1]))], betas=np.ones((3, 1)))
    claim, part = robust_claim([Fraction(0)], Fraction(1), 0), Part(False, [Goal([0], tree)])
    return write_certificate(folder / "c.vcert", claim, model.read_bytes(), [part]), model


@pytest.mark.parametrize("tier", TIERS)
def test_splits_beside_the_kink_are_case_splits(tmp_path: Path, tier: str) -> None:
    path, model = proof(tmp_path, 0.625)
    report = check(path, model, tier=tier)
    assert report.accepted
    assert report.any_order


@pytest.mark.parametrize("tier", TIERS)
def test_they_prove_no_more_than_they_should(tmp_path: Path, tier: str) -> None:
    """With less margin the middle piece is open; with splits at 1/4 it is closed, and -1/8 is never proved."""
    # Plain arithmetic takes the least of the bracket itself, at the kink, where the others take a line's.
    report = check(*proof(tmp_path, 0.375), tier=tier)
    assert report.accepted if tier == "python" else "leaf 1 does not exclude" in report.reason
    assert check(*proof(tmp_path, 0.375, (-0.25, 0.25)), tier=tier).accepted
    for at in (0.5, 0.25, 0.0078125):
        assert "does not exclude" in check(*proof(tmp_path, -0.125, (-at, at)), tier=tier).reason


@pytest.mark.parametrize(("ends", "reason"), [
    ((-0.5, np.nan), "no split of its domain"), ((-np.inf, 0.5), "no split of its domain"),
    ((0.5, 0.5), "split twice at one threshold"),
])
def test_thresholds_are_finite_and_new(tmp_path: Path, ends: tuple[float, float], reason: str) -> None:
    assert reason in check(*proof(tmp_path, 0.625, ends)).reason


def test_version_1_has_none(tmp_path: Path) -> None:
    path, model = proof(tmp_path, 0.625)
    parts = members(path.read_bytes())
    manifest = json.loads(parts["manifest.json"])
    assert (manifest["version"], manifest.pop("splits")) == (2, "thresholds")
    manifest["version"] = 1
    path.write_bytes(packed({**parts, "manifest.json": json.dumps(manifest).encode()}))
    assert "no split of its domain" in check(path, model).reason
