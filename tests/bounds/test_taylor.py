"""Taylor models hold what they say: expansions of every function, products, whole networks of derivatives."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from support.pinns import pinn
from support.seeds import IS_LONG, seeds

from verdict import load
from verdict.bounds.taylor import Monomials, taylor_models
from verdict.compose.equation import Names, residual_of
from verdict.network.evaluate import evaluate
from verdict.network.functions import registry
from verdict.network.functions.expansion import Around
from verdict.property.language.equation import read

# Middles and reaches, from tiny to where most functions are flat.
MIDDLES = np.array([0.0, 1e-300, -0.3, 0.7, 1.6, -2.5, 9.0, -40.0, 300.0])
REACHES = np.array([0.0, 1e-12, 1e-3, 0.2, 1.0, 3.0])
STEP = 1 if IS_LONG else 9


def test_every_expansion_holds_its_function() -> None:
    """In rationals, at the ends and inside."""
    m, r = (a.ravel() for a in np.meshgrid(MIDDLES, REACHES))
    low, high = m - r, m + r
    around = Around(m, low, high, np.nextafter(np.maximum(high - m, m - low), np.inf))
    tried = [function for function in registry.functions() if hasattr(function, "at")]
    assert len(tried) >= 20
    for number, function in enumerate(tried):
        for degree in (1, 3, 6):
            with np.errstate(all="ignore"):
                coefficients, wrong = function.expansion(around, degree)
                parts = [np.broadcast_to(c, m.shape) for c in coefficients]
            known = np.isfinite(wrong) & np.isfinite(np.array(parts)).all(axis=0)
            assert len(parts) <= degree + 1
            # In turn, since rationals are slow.
            start = (number + degree) % STEP
            for i in np.flatnonzero(known & function.inside(low, high))[start::STEP]:
                for share in (0, 0.375, 1):
                    z = Fraction(float(low[i])) * Fraction(1 - share) + Fraction(float(high[i])) * Fraction(share)
                    # Both ends of what is computed hold f, and the polynomial is close to all of that.
                    if abs(z) > 50:
                        continue
                    value = sum(Fraction(float(c[i])) * (z - Fraction(float(m[i]))) ** k for k, c in enumerate(parts))
                    least, most = function.at(z, 60)
                    assert least - Fraction(float(wrong[i])) <= value <= most + Fraction(float(wrong[i])), function.name


def test_monomials() -> None:
    space = Monomials(2, 3)
    t = np.array([[0.5, -2.0]])
    assert len(space) == 10
    assert space.starts == [0, 1, 3, 6, 10]
    x, y = t[0]
    assert sorted(space.at(t)[0]) == sorted([1, x, y, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3])


def test_models_hold_the_network(tmp_path: Path) -> None:
    names = Names(("u",), ("t", "x"))
    for seed in seeds(2, 40):
        kinds = [("Tanh", "Sigmoid"), ("Sin", "Square", "Tanh"), ("Softplus",)][seed % 3]
        path, _ = pinn(tmp_path / f"{seed}.onnx", seed, kinds)
        graph = residual_of(load(path), read("u_t + u*u_x - 0.3*u_xx + u^3"), names).graph
        rng = np.random.default_rng(seed)
        width = 10.0 ** rng.uniform(-4, 0.5, (20, 2))
        low = rng.normal(size=(20, 2))
        for degree in (1, 2, 4):
            model, centre, radius = taylor_models(graph, low, low + width, [0, 1], degree)
            bottom, top = (end[:, 0] for end in model.ends())
            for t in rng.uniform(-1, 1, (20, 1, 2)):
                x = np.clip(centre + radius * t, low, low + width)
                value = evaluate(graph, x)[:, 0]
                near = 1e-12 * (1 + np.abs(value))
                assert (bottom - near <= value).all()
                assert (value <= top + near).all()
                here = np.einsum("bm,mb->b", model.monomials.at(np.tile(t, (20, 1))[:, :]), model.terms[:, :, 0])
                inside = evaluate(graph, centre + radius * t)[:, 0]
                assert (np.abs(inside - here) <= model.error[:, 0] + 1e-11 * (1 + np.abs(value))).all()


def test_they_converge(tmp_path: Path) -> None:
    """A box that is half as wide has an error smaller by a power of two."""
    path, _ = pinn(tmp_path / "n.onnx", 4, ("Tanh", "Tanh"))
    graph = residual_of(load(path), read("u_t + u*u_x - u_xx"), Names(("u",), ("t", "x"))).graph
    at = np.array([[0.2, -0.4]])
    for degree in (2, 4):
        errors = [float(taylor_models(graph, at, at + h, [0, 1], degree)[0].error[0, 0]) for h in (0.1, 0.05)]
        assert errors[1] < errors[0] / 2**degree
