"""The comparison as a picture: the mean width of each layer, and the margin over each rival, per method; below them
what an interval, a zonotope and a polyhedron keep of the first neuron that is not linear."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...base.errors import InputError
from ...base.writing import Place, marked
from .comparison import Comparison, Layer
from .shapes import shapes

NEEDS = "--plot needs matplotlib: pip install 'verdict-nn[report]'"
# Where each kind of picture says who made it, and what is said there: by that a later run knows what it may replace.
SAYS_WHO = {".png": "Software", ".svg": "Creator", ".pdf": "Creator"}
MARK = "verdict bounds --plot"
# At so many places the graph of a function is drawn.
POINTS = 401


def prepare(path: Path) -> Callable[[Sequence[Comparison], str], None]:
    """Check that a picture can be written to `path`, before any work is done; returns what draws it there, or raises
    InputError too. Raises InputError as `picture_place` does.
    """
    place = picture_place(path, MARK)
    return lambda comparisons, title: _draw(comparisons, title, place)


def picture_place(path: Path, mark: str) -> Place:
    """The place of a picture that says that it was made by `mark`.

    Raises InputError without matplotlib, for a suffix that is no picture's, and where it cannot be written.
    """
    try:
        import matplotlib
    except ImportError:
        raise InputError(NEEDS) from None
    if path.suffix.lower() not in SAYS_WHO:
        raise InputError(f"{path}: unknown kind of picture, expected {', '.join(SAYS_WHO)}")
    place = Place(path, "--plot", marked(mark.encode()), "a picture of this command")
    place.check()
    matplotlib.use("Agg")
    return place


def write_picture(figure: Any, place: Place, mark: str) -> None:
    """Write a figure to its place, and close it."""
    from matplotlib import pyplot

    kind, picture = place.path.suffix.lower(), io.BytesIO()
    figure.savefig(picture, dpi=120, format=kind[1:], metadata={SAYS_WHO[kind]: mark})
    pyplot.close(figure)
    place.write(picture.getvalue())


def _draw(comparisons: Sequence[Comparison], title: str, place: Place) -> None:
    from matplotlib import pyplot

    bent = bent_neuron(comparisons[-1])
    figure = pyplot.figure(figsize=(11, 4.5 if bent is None else 8), layout="constrained")
    rows = figure.subfigures(1 if bent is None else 2, 1, squeeze=False)[:, 0]
    left, right = rows[0].subplots(1, 2)
    names = [layer.name for layer in comparisons[0].layers]
    rivals = [rival.removeprefix("class ") for rival in comparisons[0].rivals]
    bar = 0.8 / len(comparisons)
    for number, each in enumerate(comparisons):
        shift = (number - (len(comparisons) - 1) / 2) * bar
        widths = [float(layer.widths.mean()) for layer in each.layers]
        label = f"{each.method} ({each.seconds:.2g} s, {each.unstable} unstable)"
        left.bar(np.arange(len(names)) + shift, _drawn(widths), bar, label=label)
        right.bar(np.arange(len(rivals)) + shift, _drawn(each.margins.tolist()), bar)
    left.set(ylabel="mean width of the bounds", xticks=range(len(names)), yscale="log")
    left.set_xticklabels(names, rotation=30 if len(names) > 4 else 0)
    left.legend(fontsize="small")
    right.axhline(0, color="black", linewidth=0.8)
    right.set(xlabel="rival class", ylabel="lower bound on the margin", xticks=range(len(rivals)))
    right.set_xticklabels(rivals)
    if bent is not None:
        _draw_shapes(rows[1], *bent)
    figure.suptitle(title)
    write_picture(figure, place, MARK)


def bent_neuron(found: Comparison) -> tuple[Layer, int] | None:
    """In the first layer of which some neuron is not linear on its bounds the one with the widest bounds, and its
    layer. None where there is none with finite bounds."""
    for layer in found.layers:
        if layer.function is None:
            continue
        usable = layer.function.bends(layer.lower, layer.upper) & np.isfinite(layer.widths)
        if usable.any():
            return layer, int(np.argmax(np.where(usable, layer.widths, -1.0)))
    return None


def _draw_shapes(part: Any, layer: Layer, neuron: int) -> None:
    """The graph of a neuron's function with each shape around it."""
    if layer.function is None:
        raise ValueError("the outputs have no function")
    low, high = float(layer.lower[neuron]), float(layer.upper[neuron])
    z = np.linspace(low, high, POINTS)
    with np.errstate(all="ignore"):
        y = layer.function.value(z)
    found = shapes(layer.function, low, high)
    panels = part.subplots(1, max(len(found), 1), sharey=True, squeeze=False)[0]
    for panel, shape in zip(panels, found, strict=False):
        panel.fill(*shape.corners.T, alpha=0.3)
        panel.plot(z, y, "k")
        panel.set(title=f"{shape.name}: area {shape.area:.3g}", xlabel=f"neuron {neuron} of {layer.name}")
    panels[0].set(ylabel=layer.function.name)


def _drawn(values: Sequence[float]) -> list[float]:
    """The values with infinite ones left out."""
    return [value if np.isfinite(value) else float("nan") for value in values]
