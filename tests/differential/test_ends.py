"""Radii and largest values of any size against exact truths: tiny, huge, and none at all.

Networks with one input, whose layers are scaled by powers of two from 2^-40 to 2^40, so that no absolute tolerance, no
first guess of a radius and no floor of a gap can be right for all of them. `VERDICT_LONG=500` asks 500 of them.
"""

from __future__ import annotations

import itertools
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.line import largest, radius, saved

import verdict
from verdict.answer.results import is_closed

SEEDS = int(os.environ.get("VERDICT_LONG", "16"))


def layers_of(rng: np.random.Generator, widest: int = 40, deepest: int = 2) -> list[tuple[np.ndarray, np.ndarray]]:
    """One or two hidden layers of at most three ReLUs, weights in quarters times a power of two for each layer."""
    sizes = [1, *rng.integers(1, 4, rng.integers(1, deepest + 1)), int(rng.integers(2, 4))]
    found, scale = [], 1.0
    for before, after in itertools.pairwise(sizes):
        factor = 2.0 ** int(rng.integers(-widest, widest + 1))
        scale *= factor
        matrix = rng.integers(-8, 9, (after, before)) / 4 * factor
        bias = rng.integers(-8, 9, after) / 4 * scale * 2.0 ** int(rng.choice([0, 0, -widest // 2, widest // 2]))
        found.append((matrix.astype(np.float32), bias.astype(np.float32)))
    return found


@pytest.mark.parametrize("seed", range(SEEDS))
def test_radii_of_any_size(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng([seed, 1])
    layers = layers_of(rng)
    network = saved(layers, tmp_path / "line.onnx")
    x = np.float32([rng.integers(-2, 3)])
    start = Fraction(float(x[0]))
    limits = None if rng.random() < 0.7 else (start - 2 ** int(rng.integers(-30, 31)), start + 1)
    label = int(network.evaluate(x[None])[0].argmax())
    truth = radius(layers, start, label, limits)
    norm = str(rng.choice(["linf", "l1", "l2"]))
    for engine in ("auto", "smt", "bab", "milp") if seed % 4 == 0 else ("auto",):
        answer = verdict.maxeps(network, x, label=label, range=limits, norm=norm, engine=engine, timeout=20)
        said = engine, norm, answer.status, answer.reason, float(answer.lower), truth
        if truth is None:
            assert answer.upper is None, said
            assert answer.status in ("safe", "interval"), said
            assert engine != "auto" or answer.status == "safe", said
        else:
            assert answer.lower <= truth, said
            assert answer.upper is None or truth <= answer.upper, said
            assert answer.status != "safe", said
            # Float arithmetic alone may end early, and says so; both together do not on the plain balls.
            assert engine != "auto" or norm != "linf" or answer.status != "interval", said
        if answer.status in ("closed", "exact"):
            assert is_closed(answer.lower, answer.upper), said
        assert answer.status != "interval" or answer.reason, said


@pytest.mark.parametrize("seed", range(max(4, SEEDS // 3)))
def test_largest_values_of_any_size_are_certified(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng([seed, 2])
    first = layers_of(rng, widest=6, deepest=1)
    # The same sizes, every number a little off.
    second = [tuple((v * rng.uniform(0.9, 1.1, v.shape)).astype(np.float32) for v in layer) for layer in first]
    networks = [saved(layers, tmp_path / f"{i}.onnx") for i, layers in enumerate((first, second))]
    box = verdict.region(networks[0], [0], range=(-1, 1), eps="1")
    joined = [_beside(*pair, first=i == 0) for i, pair in enumerate(zip(first, second, strict=True))]
    both = saved(joined, tmp_path / "both.onnx")
    truth = max(
        largest(both, joined, Fraction(-1), Fraction(1), sign * row)
        for row in np.eye(both.output_size // 2, both.output_size, dtype=int)
        for row in [row - np.roll(row, both.output_size // 2)]
        for sign in (1, -1)
    )
    answer = verdict.maxdelta(*networks, box, timeout=120, certificate=tmp_path / "apart.vcert")
    said = answer.status, answer.reason, float(answer.lower), float(answer.upper), float(truth), answer.certificate
    assert answer.lower <= truth <= answer.upper, said
    assert answer.status in ("exact", "closed"), said
    made = answer.certificate
    assert made is not None, said
    assert made.accepted, said
    assert made.query is not None, said
    assert made.end is not None, said
    assert made.end > truth, said
    assert verdict.check(tmp_path / "apart.vcert", made.network, made.query).accepted


def _beside(one, other, *, first: bool):
    """A layer of two networks side by side, which read the same input."""
    (a, b), (c, d) = one, other
    if first:
        return np.vstack([a, c]), np.concatenate([b, d])
    zero = np.zeros((len(a), c.shape[1])), np.zeros((len(c), a.shape[1]))
    return np.block([[a, zero[0]], [zero[1], c]]).astype(np.float32), np.concatenate([b, d])
