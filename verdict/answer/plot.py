"""An answer drawn with Matplotlib: images beside each other, the features that moved, or the interval."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..base.errors import InputError
from ..network.exact import FloatArray
from .about import About
from .lines import shown_witness, subject

NEEDS = "plot() needs matplotlib: pip install 'verdict-nn[report]'"
# Features that are drawn.
FEATURES = 20


def drawn(answer: Any) -> Any:
    """The axes with the answer. Raises InputError without Matplotlib, and where there is nothing to draw."""
    try:
        from matplotlib import pyplot
    except ImportError:
        raise InputError(NEEDS) from None
    about = subject(answer)
    witness = None if about is None else shown_witness(answer, about)
    if about is not None and witness is not None:
        return _images(pyplot, about, witness) if about.image else _features(pyplot, about, witness)
    if not hasattr(answer, "lower"):
        raise InputError(f"there is nothing to draw: the answer is {answer.status}, without a witness")
    return _interval(pyplot, answer)


def _images(pyplot: Any, about: About, witness: FloatArray) -> Any:
    figure, axes = pyplot.subplots(1, 3, figsize=(8, 2.8), layout="constrained")
    change = witness - about.x
    far = float(np.abs(change).max())
    grey = {"cmap": "gray", "vmin": min(0.0, float(about.x.min())), "vmax": max(1.0, float(about.x.max()))}
    signed = {"cmap": "RdBu", "vmin": -far, "vmax": far}
    titled = (("original", about.x, grey), ("witness", witness, grey), ("difference", change, signed))
    for ax, (title, values, style) in zip(axes, titled, strict=True):
        shown = ax.imshow(_picture(values.reshape(about.image), coloured=title != "difference"), **style)
        ax.set(title=title, xticks=[], yticks=[])
    figure.colorbar(shown, ax=axes[2])
    return axes


def _picture(image: FloatArray, coloured: bool) -> FloatArray:
    """What Matplotlib draws: (height, width), or (height, width, 3) of three channels in [0, 1]."""
    if image.ndim == 2:
        return image
    coloured = coloured and len(image) == 3
    return np.clip(np.moveaxis(image, 0, -1), 0, 1) if coloured else image.mean(axis=0)


def _features(pyplot: Any, about: About, witness: FloatArray) -> Any:
    moved = about.moved(witness)[:FEATURES][::-1]
    _, ax = pyplot.subplots(figsize=(7, 1 + 0.25 * len(moved)), layout="constrained")
    ax.barh([about.feature(i) for i, _, _ in moved], [there - here for _, here, there in moved])
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set_xlabel("change from the input to the witness")
    return ax


def _interval(pyplot: Any, answer: Any) -> Any:
    _, ax = pyplot.subplots(figsize=(6, 1.2), layout="constrained")
    low, high = float(answer.lower), None if answer.upper is None else float(answer.upper)
    end = max(low, 0.0 if high is None else high) * 1.2 or 1.0
    ax.barh([0], [low], color="C2", label="proved")
    if high is not None:
        ax.barh([0], [high - low], left=[low], color="0.8", label="open")
        ax.barh([0], [end - high], left=[high], color="C3", label="refuted")
    else:
        ax.barh([0], [end - low], left=[low], color="0.8", label="open")
    ax.set(yticks=[], xlim=(0, end))
    ax.legend(ncols=3, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1))
    return ax
