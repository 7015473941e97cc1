"""What `verdict bounds --plot` draws around the graph of a neuron: an interval, a zonotope and a polyhedron."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.functions import Vee

import verdict
from verdict.cli.main import main
from verdict.network.exact import FloatArray
from verdict.network.functions import Function
from verdict.network.functions.registry import functions
from verdict.property import Box, Problem, misclassification
from verdict.search.neurons.comparison import compare
from verdict.search.neurons.methods import choose
from verdict.search.neurons.plot import bent_neuron
from verdict.search.neurons.shapes import Shape, shapes

ENDS = ((-1.0, 2.0), (0.25, 1.5), (-3.0, -0.75), (0.4, 9.0))


def inside(shape: Shape, z: FloatArray, y: FloatArray) -> bool:
    """Whether points lie in a shape; its lines are evaluated in floats here, so a rounding of that is let through."""
    room = 1e-12 * (1 + np.abs(y) + 10 * np.abs(shape.corners).max())
    return bool(((shape.floor(z) <= y + room) & (y <= shape.ceiling(z) + room)).all())


@pytest.mark.parametrize("ends", ENDS, ids=str)
@pytest.mark.parametrize("function", [*functions(), Vee()], ids=lambda f: f.name)
def test_the_graph_lies_in_every_shape(function: Function, ends: tuple[float, float]) -> None:
    low, high = ends
    found = shapes(function, low, high)
    if not function.inside(np.array(low), np.array(high)):
        assert not found
        return
    assert [shape.name for shape in found] == ["interval", "zonotope", "polyhedron"]
    z = np.linspace(low, high, 1001)
    for shape in found:
        assert inside(shape, z, function.value(z))
        # The corners are those of a convex polygon, all of them on its border.
        x, y = shape.corners.T
        assert x.min() == low
        assert x.max() == high
        assert inside(shape, x, y)
        step = np.diff(shape.corners, axis=0, append=shape.corners[:1])
        after = np.roll(step, -1, axis=0)
        turns = step[:, 0] * after[:, 1] - step[:, 1] * after[:, 0]
        assert (turns >= -1e-9 * (1 + np.abs(y).max())).all()
        heights = shape.ceiling(z) - shape.floor(z)
        assert shape.area == pytest.approx(np.trapezoid(heights, z), abs=1e-2 * (1 + heights.max()))


def test_the_shapes_of_the_square() -> None:
    """w^2 (u + l), w^3 / 4 and 3 w^3 / 16, as exercise 2 of the first notebook works out."""
    low, high = 0.75, 1.25
    by_hand = (high - low) ** 2 * (high + low), (high - low) ** 3 / 4, 3 * (high - low) ** 3 / 16
    (square,) = (f for f in functions() if f.name == "Square")
    found = shapes(square, low, high)
    # Tangents are moved outward to short numbers.
    assert [shape.area / exact for shape, exact in zip(found, by_hand, strict=True)] == pytest.approx(
        [1, 1, 1.003], abs=0.003
    )
    assert [len(shape.corners) for shape in found] == [4, 4, 6]
    # The zonotope is not in the interval's box: looking at y alone it says less.
    assert found[1].floor(np.array([low])) < found[0].floor(np.array([low]))


def test_the_shapes_of_a_relu() -> None:
    (relu,) = (f for f in functions() if f.name == "Relu")
    found = shapes(relu, -1.0, 2.0)
    assert [shape.area for shape in found] == pytest.approx([6.0, 2.0, 1.0])
    assert {tuple(corner) for corner in found[2].corners.round(12).tolist()} == {(-1, 0), (0, 0), (2, 2)}


@pytest.mark.parametrize(("name", "ends"), [("square", ("3/4", "5/4")), ("abs", ("-1/8", "3/8"))])
def test_the_neuron_that_is_drawn(name: str, ends: tuple[str, str]) -> None:
    low, high = map(Fraction, ends)
    problem = Problem(verdict.load(name), Box([low], [high]), misclassification(0, 2))
    bent = bent_neuron(compare(problem, 0, choose("interval"))[0])
    assert bent is not None
    layer, neuron = bent
    assert (layer.lower[neuron], layer.upper[neuron]) == pytest.approx((float(low), float(high)))


def test_nothing_is_drawn_of_neurons_that_are_linear() -> None:
    problem = Problem(verdict.load("abs"), Box([Fraction(1, 2)], [Fraction(1)]), misclassification(0, 2))
    assert bent_neuron(compare(problem, 0, choose("interval"))[0]) is None


@pytest.mark.parametrize("name", ["square", "abs", "xor"])
def test_the_command_draws_them(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    titles: list[str] = []
    save = Figure.savefig

    def listed(figure: Figure, *words: Any, **given: Any) -> None:
        titles.extend(panel.get_title() for panel in figure.axes)
        save(figure, *words, **given)

    monkeypatch.setattr(Figure, "savefig", listed)
    # abs#3 is 0, xor#0 a corner that both ReLUs leave.
    words = ["--input", f"{name}#{3 if name == 'abs' else 0}", "--eps", "0.4", "--plot", str(tmp_path / "b.svg")]
    assert main(["bounds", name, "--method", "interval,linear", *words]) == 0
    assert [title.split(":")[0] for title in titles] == ["", "", "interval", "zonotope", "polyhedron"]
    assert (tmp_path / "b.svg").stat().st_size > 1000
