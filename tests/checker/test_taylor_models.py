"""The checker's Taylor models: expansions of every function that they go through, and of whole networks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.pinns import pinn
from support.seeds import IS_LONG, seeds

from verdict import load
from verdict.bounds.taylor import taylor_models
from verdict.checker.functions import exp, positive, relu, sigmoid, silu, sine, softplus, square, tanh, times
from verdict.checker.functions.base import exponent_of
from verdict.checker.functions.power import power
from verdict.checker.models.expansions import expansion, is_expanded
from verdict.checker.models.polynomials import can_model, lower_ends, moving_in
from verdict.checker.readers.onnx import read_network
from verdict.compose.equation import Names, residual_of
from verdict.network.evaluate import evaluate
from verdict.property.language.equation import read

FUNCTIONS = [
    tanh.TANH, sigmoid.SIGMOID, softplus.SOFTPLUS, positive.LOG, positive.RECIPROCAL, sine.SIN, sine.COS,
    silu.SILU, times.TIMES_TANH,
]  # fmt: skip
MIDDLES = np.array([0.0, 1e-300, -0.3, 0.7, 1.6, -2.5, 9.0, -40.0])
REACHES = np.array([0.0, 1e-12, 1e-3, 0.2, 1.0, 3.0])


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_expansions(function: object) -> None:
    m, r = (a.ravel() for a in np.meshgrid(MIDDLES, REACHES))
    if hasattr(function, "inside"):
        inside = function.inside(m - 2 * r - 1e-9, m + 2 * r + 1e-9)
        m, r = m[inside], r[inside]
    for degree in (2, 6):
        coefficients, wrong = expansion(function, m, r, degree)
        assert len(coefficients) == degree + 1
        assert np.isfinite(wrong).all()
        for i in range(degree % 5, len(m), 1 if IS_LONG else 5):
            for share in (-1, Fraction(3, 8), 1):
                step = Fraction(float(r[i])) * share
                value = sum(Fraction(float(c[i])) * step**k for k, c in enumerate(coefficients))
                low, high = function.rational(Fraction(float(m[i])) + step, 60)
                assert low - Fraction(float(wrong[i])) <= value <= high + Fraction(float(wrong[i]))
        # Close where the interval is short.
        assert (wrong[(r == 1e-3) & (np.abs(m) > 0.5)] < (1e-7 if degree == 2 else 1e-10)).all()


def test_what_is_expanded() -> None:
    assert exponent_of(square.SQUARE) == 2
    assert exponent_of(power(5)) == 5
    assert is_expanded(exp.EXP)
    assert not is_expanded(relu.RELU)
    _, wrong = expansion(tanh.TANH, np.array([0.0, np.nan, 1.0]), np.array([np.inf, 1.0, 1e-3]), 3)
    assert np.isnan(wrong).tolist() == [True, True, False]


def test_rows_hold_the_network(tmp_path: Path) -> None:
    """Below every sample, and about where the prover's models are."""
    for seed in seeds(2, 40):
        path, _ = pinn(tmp_path / f"{seed}.onnx", seed, [("Tanh", "Sigmoid"), ("Sin", "Square", "Tanh")][seed % 2])
        composed = residual_of(load(path), read("u_t + u*u_x - 0.3*u_xx + u^3"), Names(("u",), ("t", "x")))
        network, rng = read_network(composed.data), np.random.default_rng(seed)
        low = rng.normal(size=(20, 2))
        high = low + 10.0 ** rng.uniform(-4, 0, (20, 2))
        assert can_model(network, low[0], high[0])
        ends = lower_ends(network, low, high, moving_in(low[0], high[0]))[:, 0]
        theirs = taylor_models(composed.graph, low, high, [0, 1], 5)[0].ends()[0][:, 0]
        for _ in range(40):
            value = evaluate(composed.graph, rng.uniform(low, high))[:, 0]
            assert not (ends > value + 1e-12 * (1 + np.abs(value))).any()
        small = (high - low).max(axis=1) < 0.1
        assert small.any()
        assert ends[small] == pytest.approx(theirs[small], abs=1e-4 * (1 + np.abs(theirs[small])).max())
    assert not can_model(read_network(load("xor").data), np.zeros(2), np.ones(2))
