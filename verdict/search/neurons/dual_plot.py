"""Weak and strong duality as a picture: the dual function below the smallest margin, for a margin and for minus it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ...base.writing import Place
from .duality import Duality
from .plot import MARK, picture_place, write_picture


def prepare_dual(path: Path) -> Callable[[Sequence[Duality], str], None]:
    """As `plot.prepare`, for dual functions."""
    place = picture_place(path, MARK)
    return lambda found, title: _draw(found, title, place)


def _draw(found: Sequence[Duality], title: str, place: Place) -> None:
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(found), figsize=(11, 4.5), layout="constrained")
    for panel, each in zip(panels, found, strict=True):
        panel.plot(each.shares, each.values, label="dual function")
        panel.axhline(each.seen, color="black", linestyle="--", label="smallest value seen")
        panel.plot([each.share], [each.best], "o", label=f"best dual bound {each.best:.4g}")
        panel.fill_between(each.shares, each.best, each.seen, alpha=0.15, label=f"gap at most {each.gap:.3g}")
        panel.set(title=each.name, xlabel="multiple of CROWN's multipliers", ylabel="lower bound")
        panel.legend(fontsize="small", loc="lower center")
    figure.suptitle(title)
    write_picture(figure, place, MARK)
