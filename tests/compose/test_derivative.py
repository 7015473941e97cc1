"""Networks of derivatives: against mpmath's derivatives, and against polynomials whose derivatives are known."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest
from support.pinns import pinn
from support.seeds import seeds

from verdict import load
from verdict.base.errors import InputError, PropertyError, UnsupportedError
from verdict.compose.derivative import parted
from verdict.compose.equation import Names, residual_of
from verdict.network.exact import ExactVector
from verdict.property.language.equation import PI_VALUE, cos, d, read, symbols

NAMES = Names(("u",), ("t", "x"))
ORDERS = {"u_t": (1, 0), "u_x": (0, 1), "u_xx": (0, 2), "u_tx": (1, 1), "u_xxx": (0, 3), "u_txx": (1, 2)}
KINDS = [("Tanh", "Tanh"), ("Sigmoid", "Sin"), ("Softplus", "Cos"), ("Exp", "Square", "Tanh")]


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives(kind: tuple[str, ...], tmp_path: Path) -> None:
    for seed in seeds(1, 20):
        path, value = pinn(tmp_path / f"{seed}.onnx", seed, kind)
        scales = np.random.default_rng(seed).integers(1, 9, len(ORDERS))
        equation = read(" + ".join(f"{n}*{name}" for n, name in zip(scales, ORDERS, strict=True)))
        composed = residual_of(load(path), equation, NAMES)
        point = [Fraction(3, 8), Fraction(-5, 16)]
        with mpmath.workdps(60):
            x = [mpmath.mpf(v.numerator) / v.denominator for v in point]
            wanted = sum(int(n) * mpmath.diff(value, x, by) for n, by in zip(scales, ORDERS.values(), strict=True))
            found = composed.evaluate_enclosed(ExactVector.of(point), 100)
            centre = found.centre.fractions()[0]
            error = abs(mpmath.mpf(centre.numerator) / centre.denominator - wanted)
            # mpmath's derivatives are off by a little.
            assert error <= float(found.radius[0]) + 1e-14 * abs(wanted)


def test_floats_and_differences(tmp_path: Path) -> None:
    """ONNX Runtime computes them too, and finite differences of the network agree."""
    path, _ = pinn(tmp_path / "n.onnx", 3, ("Tanh", "Sigmoid"))
    network, x, h = load(path), np.array([0.3, -0.2]), 1e-4
    composed = residual_of(network, read("u_x - 2*u_t + u_tx"), NAMES)
    def u(t: float, y: float) -> float:
        return float(network.evaluate(np.array([[t, y]]))[0, 0])

    up, down, left, right = (u(x[0] + i * h, x[1] + j * h) for i, j in ((0, 1), (0, -1), (-1, 0), (1, 0)))
    mixed = sum(s * u(x[0] + i * h, x[1] + j * h) for s, i, j in ((1, 1, 1), (-1, 1, -1), (-1, -1, 1), (1, -1, -1)))
    wanted = (up - down) / (2 * h) - 2 * (right - left) / (2 * h) + mixed / (4 * h * h)
    assert composed.runtime(x)[0] == pytest.approx(wanted, abs=1e-6)


def test_polynomials_are_exact() -> None:
    names = Names(("u", "v"), ("x",))
    square = load("square")
    # u = x^2 here, and v does not depend on x.
    for equation, at, value in (
        ("u_x - 2*x", Fraction(3, 7), Fraction(0)), ("d(u^3, x, 3) - 120*x^3", Fraction(1, 3), Fraction(0)),
        ("u_xx*u + x/3", Fraction(1, 5), Fraction(2, 25) + Fraction(1, 15)),
        ("d(u/x, x) + 0.1*u", Fraction(5, 4), 1 + Fraction(5, 32)),
        ("2*pi*u/3 + v_x", Fraction(1), 2 * PI_VALUE / 3),
    ):
        composed = residual_of(square, read(equation), names)
        found = composed.evaluate_enclosed(ExactVector.of([at]), 200)
        assert abs(found.centre.fractions()[0] - value) <= Fraction(float(found.radius[0])) + Fraction(1, 2**150)


def test_the_same_in_python(tmp_path: Path) -> None:
    path, _ = pinn(tmp_path / "n.onnx", 5, ("Tanh",))
    u, t, x = symbols("u, t x")
    term = d(u, t) + u * d(u, x) - "0.1" * d(u, x, 2) + cos(x) / 2
    texts = (str(term), "u_t + u*u_x - 0.1*u_xx + cos(x)/2")
    first, second = (residual_of(load(path), read(text), NAMES) for text in texts)
    points = np.random.default_rng(0).normal(size=(5, 2))
    assert first.evaluate(points) == pytest.approx(second.evaluate(points), abs=1e-12)


def test_what_is_refused(tmp_path: Path) -> None:
    path, _ = pinn(tmp_path / "n.onnx", 5, ("Tanh",))
    network = load(path)
    for equation, names, error, said in (
        ("w + u", NAMES, PropertyError, "'w' at character 1 is not known, expected one of u, t, x, pi"),
        ("u_y", NAMES, PropertyError, "names no variables"),
        ("u_xxxx", NAMES, PropertyError, "order 4"),
        ("d(u_xx, x, 2)", NAMES, PropertyError, "order 4"),
        ("d(u, y)", NAMES, PropertyError, "a derivative by 'y'"),
        ("u_xx", Names(("u",), ("x", "xx")), PropertyError, "several ways"),
        ("2*pi", NAMES, PropertyError, "does not depend"),
        ("u/(1-1)", NAMES, PropertyError, "division by zero"),
        ("u^x", NAMES, PropertyError, "the exponent"),
        ("u", Names(("u",), ("x",)), InputError, "2 inputs, found 1 variables"),
        ("u", Names(("u", "v"), ("t", "x")), InputError, "1 outputs, found 2 unknowns"),
        ("u", Names(("t",), ("t", "x")), InputError, "both"),
        ("0.12345678901234567891*u", NAMES, UnsupportedError, "more digits"),
    ):
        with pytest.raises(error, match=said.replace("(", r"\(")):
            residual_of(network, read(equation), names)
    with pytest.raises(UnsupportedError, match="Relu has no derivative"):
        residual_of(load("xor"), read("u_x"), Names(("u", "v"), ("t", "x")))


def test_ways_to_part() -> None:
    """As many as Bell's numbers."""
    assert [len(list(parted((0,) * n))) for n in range(4)] == [1, 1, 2, 5]
