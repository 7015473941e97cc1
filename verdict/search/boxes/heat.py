"""A residual as a picture: its size over two variables, or along one, with the point where it was found largest.

What is drawn is sampled, not proved; the interval in the title is what was proved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ...bounds.moving import moving
from ...network.exact import FloatArray
from ...network.network import Network
from ...property import Box
from ..neurons.plot import picture_place, write_picture

MARK = "verdict residual --plot"
# Points along each axis.
POINTS = 120
Draw = Callable[[Network, Box, FloatArray, Sequence[str], str], None]


def prepare(path: Path) -> Draw:
    """Check that a picture can be written to `path`; returns what draws the residual network over a box there, with the
    witness's point, the variables' names and a title. Raises InputError as `picture_place` does, both times."""
    place = picture_place(path, MARK)

    def draw(network: Network, box: Box, point: FloatArray, names: Sequence[str], title: str) -> None:
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(figsize=(7.5, 4.8), layout="constrained")
        low, high = box.floats()
        # The two variables that move most, of more than two; the others stay at the witness.
        free = np.sort(np.argsort(low - high, kind="stable")[: min(2, int(moving(low, high).sum()))])
        grids = np.meshgrid(*(np.linspace(low[i], high[i], POINTS) for i in free), indexing="ij")
        points = np.tile(point, (grids[0].size if len(free) else 1, 1))
        for i, grid in zip(free, grids, strict=True):
            points[:, i] = grid.ravel()
        values = np.abs(network.evaluate(points)[:, 0]).reshape(grids[0].shape if len(free) else (1,))
        if len(free) == 2:
            mesh = axes.pcolormesh(*grids, values, shading="nearest", cmap="inferno", rasterized=True)
            figure.colorbar(mesh, label="|residual|, sampled")
            axes.plot(point[free[0]], point[free[1]], "o", markerfacecolor="none", markeredgecolor="tab:cyan")
            axes.set(xlabel=names[free[0]], ylabel=names[free[1]])
        elif len(free) == 1:
            axes.plot(grids[0], values)
            axes.axvline(point[free[0]], color="tab:red", linewidth=0.8)
            axes.set(xlabel=names[free[0]], ylabel="|residual|, sampled")
        axes.set_title(title, fontsize="medium")
        write_picture(figure, place, MARK)

    return draw
