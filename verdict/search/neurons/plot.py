"""The comparison as a picture: the mean width of each layer, and the margin over each rival, per method."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...base.errors import InputError
from ...base.writing import Place, marked
from .comparison import Comparison

NEEDS = "--plot needs matplotlib: pip install 'verdict-nn[report]'"
# Where each kind of picture says who made it, and what is said there: by that a later run knows what it may replace.
SAYS_WHO = {".png": "Software", ".svg": "Creator", ".pdf": "Creator"}
MARK = "verdict bounds --plot"


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

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
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
    figure.suptitle(title)
    write_picture(figure, place, MARK)


def _drawn(values: Sequence[float]) -> list[float]:
    """The values with infinite ones left out."""
    return [value if np.isfinite(value) else float("nan") for value in values]
