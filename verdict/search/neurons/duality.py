"""The dual function of a margin, along the line through CROWN's multipliers: weak and strong duality, seen.

For any multipliers mu the rule (`bounds/dual.py`) gives a number g(mu) below the least margin: weak duality. g is
concave, and where its largest value is the least margin, duality is strong; what is not convex may leave a gap.
Here mu is t times CROWN's, for all t of a range (Wong and Kolter 1711.00851; Zhang et al. 1811.00866).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...bounds import Bounds, linear_bounds
from ...bounds.backward import backward
from ...bounds.dual import dual_bound
from ...bounds.lines import crown_lines
from ...bounds.moving import moving
from ...bounds.walk import KEEPING
from ...network.evaluate import evaluate
from ...network.exact import FloatArray
from ...network.graph import Graph
from ...property import Box, UnsafeSet

# The multiples of CROWN's multipliers, and how many inputs are looked at for the smallest margin.
SHARES = np.linspace(-1.0, 3.0, 401)
POINTS, LINE = 4000, 400
# Up to so many inputs that move there is a grid of them.
FEW = 2


@dataclass(frozen=True, eq=False, repr=False)
class Duality:
    """The dual function of one number, a margin or minus one: `values` (n,) proved bounds below it, for the multiples
    `shares` (n,) of CROWN's multipliers, and `seen`, the smallest value of it that some input has."""

    name: str
    shares: FloatArray
    values: FloatArray
    seen: float

    def __repr__(self) -> str:
        return f"<Duality of {self.name}: best {self.best:.6g}, seen {self.seen:.6g}>"

    @property
    def best(self) -> float:
        """The largest value of the dual function."""
        return float(self.values.max())

    @property
    def share(self) -> float:
        """The multiple of CROWN's multipliers at which it is largest."""
        return float(self.shares[int(np.argmax(self.values))])

    @property
    def gap(self) -> float:
        """No less than what duality leaves open."""
        return self.seen - self.best

    def to_dict(self) -> dict[str, Any]:
        """In summary, for JSON."""
        return {"name": self.name, "best": self.best, "share": self.share, "seen": self.seen, "gap": self.gap}


def dualities(graph: Graph, inputs: Box, unsafe: UnsafeSet) -> list[Duality]:
    """Of the margin with the least bound its least value, and minus its largest one.

    A margin is the first row of a polytope C y <= d less its limit.
    """
    low, high = inputs.floats()
    bounds = linear_bounds(graph, low[None], high[None])
    rows = np.array([polytope.matrix.values[0] for polytope in unsafe.polytopes])
    limits = np.array([polytope.offset.values[0] for polytope in unsafe.polytopes])
    lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
    lower = backward(graph, bounds, graph.output, rows, lines).lower[0] - limits
    worst = int(np.argmin(lower))
    name = unsafe.polytopes[worst].name
    margins = evaluate(graph, _points(inputs)) @ rows[worst] - limits[worst]
    return [
        Duality(f"{sign}the margin over {name}", SHARES, _values(graph, bounds, way * rows[worst], way * limits[worst]),
                float((way * margins).min()))
        for sign, way in (("", 1.0), ("minus ", -1.0))
    ]  # fmt: skip


def _values(graph: Graph, bounds: Bounds, row: FloatArray, limit: float) -> FloatArray:
    """g at every multiple of CROWN's multipliers for one row."""
    lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
    met = backward(graph, bounds, graph.output, row[None], lines, KEEPING).coefficients
    mu = {i: lines[i].substitute(nu)[0] for i, nu in met.items() if i in lines}
    rows = np.repeat(row[None], len(SHARES), axis=0)
    scaled = {i: SHARES[None, :, None] * each for i, each in mu.items()}
    found: FloatArray = dual_bound(graph, bounds, graph.output, rows, scaled)[0] - limit
    return found


def _points(inputs: Box) -> FloatArray:
    """Inputs of the set: a grid where few of them move, else at random, corners among them."""
    low, high = inputs.floats()
    free = np.flatnonzero(moving(low, high))
    if 0 < len(free) <= FEW:
        count = LINE * 10 + 1 if len(free) == 1 else LINE // 2 + 1
        axes = [np.linspace(low[i], high[i], count) for i in free]
        grid = np.stack(np.meshgrid(*axes), -1).reshape(-1, len(free))
        points = np.repeat(low[None], len(grid), axis=0)
        points[:, free] = grid
        return points
    rng = np.random.default_rng(0)
    shares = rng.random((POINTS, len(low)))
    shares[POINTS // 2 :] = np.rint(shares[POINTS // 2 :])
    found: FloatArray = low + shares * (high - low)
    return found
