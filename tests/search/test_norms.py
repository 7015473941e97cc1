"""L1 and L2: radii against closed forms and brute force over linear regions, honest errors elsewhere."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, linprog, minimize
from support.brute import regions
from support.networks import KINDS, random_network
from support.seeds import seeds

import verdict
from verdict.base.errors import InputError
from verdict.models import data
from verdict.property import NormBall


@pytest.mark.parametrize(("norm", "order"), [("l1", np.inf), ("l2", 2)])
def test_a_linear_network_in_closed_form(norm: str, order: float) -> None:
    network = verdict.load("digits-linear")
    x = data("digits").load()[0][3].astype(np.float64).ravel()
    scores, slopes = network.evaluate(x[None])[0], network.evaluate(np.eye(64)) - network.evaluate(np.zeros((1, 64)))
    label = int(scores.argmax())
    truth = min(
        (scores[label] - scores[t]) / np.linalg.norm(slopes[:, label] - slopes[:, t], order)
        for t in range(10) if t != label
    )
    radius = verdict.maxeps(network, x, norm=norm, timeout=60)
    assert float(radius.lower) <= truth * (1 + 1e-9)
    assert radius.upper is not None
    assert float(radius.upper) >= truth * (1 - 1e-9)
    assert radius.upper - radius.lower <= Fraction(1, 10**5) * radius.upper
    assert verdict.robust(network, x, Fraction(truth * 0.999), norm=norm).status == "robust"
    assert verdict.robust(network, x, Fraction(truth * 1.001), norm=norm).status == "violated"


def least(network: verdict.Network, x: np.ndarray, label: int, norm: str) -> float:
    """The least distance to another class within [-1, 1]^n, by a convex program for every linear region."""
    size, best = network.input_size, np.inf
    for region in regions(network.graph, -np.ones(size), np.ones(size)):
        for rival in range(network.output_size):
            if rival == label:
                continue
            row = region.matrix[label] - region.matrix[rival]
            rows = np.vstack([region.rows, row])
            limits = np.append(region.limits, region.constant[rival] - region.constant[label])
            # L1: x = center + up - down.
            found = linprog(
                np.ones(2 * size), np.hstack([rows, -rows]), limits - rows @ x,
                bounds=[*((0, 1 - v) for v in x), *((0, v + 1) for v in x)],
            )
            if found.status != 0:
                continue
            if norm == "l1":
                best = min(best, found.fun)
                continue
            start = x + found.x[:size] - found.x[size:]
            closest = minimize(
                lambda z: float(((z - x) ** 2).sum()), start, jac=lambda z: 2 * (z - x), method="SLSQP",
                bounds=[(-1, 1)] * size, constraints=[LinearConstraint(rows, -np.inf, limits)],
                options={"ftol": 1e-14, "maxiter": 300},
            )
            best = min(best, float(np.sqrt(min(closest.fun, ((start - x) ** 2).sum()))))
    return best


@pytest.mark.parametrize("engine", ["auto", "bab", "milp", "smt"])
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("seed", seeds(4, 6))
def test_brute_force_lies_in_the_interval(seed: int, norm: str, engine: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    network = verdict.load(random_network(rng, KINDS[seed % len(KINDS)], tmp_path))
    x = np.round(rng.uniform(-1, 1, network.input_size) * 16) / 16
    scores = np.sort(network.evaluate(x[None])[0])
    if scores[-1] - scores[-2] < 1e-3:
        pytest.skip("a tie at the centre")
    label = int(network.evaluate(x[None])[0].argmax())
    truth = least(network, x, label, norm)
    # Of a solver's engine the certificate is branch and bound's too.
    path = tmp_path / "radius.vcert" if engine == "bab" else None
    radius = verdict.maxeps(network, x, norm=norm, range=(-1, 1), engine=engine, timeout=20, certificate=path)
    # SLSQP may stop a little above the least value.
    assert float(radius.lower) <= truth * (1 + 1e-6)
    if np.isfinite(truth):
        assert radius.upper is not None
        assert float(radius.upper) >= truth * (1 - 1e-3)
        assert radius.closest is not None
        assert network.evaluate_exact(radius.closest.point) is not None
        assert NormBall(norm, radius.closest.point).norm.name == norm
        assert engine == "bab" or radius.status == "closed"
        for share, status in ((0.99, "robust"), (1.01, "violated")):
            answer = verdict.robust(network, x, truth * share, norm=norm, range=(-1, 1), engine=engine, timeout=20)
            assert answer.status == status or (engine, answer.status) == ("bab", "unknown")
    else:
        assert radius.upper is None
    if engine == "bab":
        assert radius.lower_trust == "certified", radius.certificate
        assert radius.certificate is not None
        assert radius.certificate.path is not None
        for tier in ("exact", "rigorous", "python"):
            assert verdict.check(radius.certificate.path, network, tier=tier).accepted, tier


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_witnesses_are_inside(norm: str) -> None:
    network, x = verdict.load("digits-mlp"), data("digits").load()[0][3]
    eps = "0.6" if norm == "l1" else "0.25"
    answer = verdict.robust(network, x, eps, norm=norm, range=(0, 1), timeout=30)
    assert answer.status == "violated"
    assert answer.witness is not None
    steps = [p - Fraction(float(c)) for p, c in zip(answer.witness.point.fractions(), x.ravel(), strict=True)]
    length = sum(map(abs, steps)) if norm == "l1" else sum(s * s for s in steps)
    assert length <= (Fraction(eps) if norm == "l1" else Fraction(eps) ** 2)
    safe = verdict.robust(network, x, "0.3" if norm == "l1" else "0.13", norm=norm, range=(0, 1), timeout=60)
    assert safe.status == "robust"


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize(("name", "which"), [("digits-mlp", 3), ("digits-conv", 0)])
def test_a_proof_is_certified(norm: str, name: str, which: int, tmp_path: Path) -> None:
    network, x = verdict.load(name), data("digits").load()[0][which]
    eps = "0.3" if norm == "l1" else "0.1"
    answer = verdict.robust(network, x, eps, norm=norm, range=(0, 1), timeout=60, certificate=tmp_path / "a.vcert")
    assert (answer.status, answer.trust) == ("robust", "certified")
    assert answer.certificate is not None
    assert answer.certificate.path is not None
    assert answer.certificate.report is not None
    assert norm in answer.certificate.report.claim
    for tier in ("exact", "rigorous", "python"):
        assert verdict.check(answer.certificate.path, network, tier=tier).accepted


def test_what_is_not_supported_says_so(tmp_path: Path) -> None:
    network, x = verdict.load("xor"), np.array([0.0, 1.0], np.float32)
    with pytest.raises(InputError, match="linf, l1, l2"):
        verdict.robust(network, x, "0.1", norm="l7")
