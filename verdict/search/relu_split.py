"""Branch and bound on the phases of ReLUs (Bunel et al. 1909.06588; bounds as in Wang et al. 2103.06624).

A domain fixes some ReLUs on or off; where its bound is not positive, one more ReLU is split and both halves go
back into the queue. Domains are bounded in batches, in float32 with optimised slopes and multipliers, starting
from their parent's; a domain is closed only by a rigorous float64 bound with what was found. Every minimiser is
a candidate counterexample.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..bounds.alpha import Adam, minimiser
from ..bounds.bounds import Bounds
from ..bounds.linear import LinearBound, backward
from ..bounds.lines import Lines, chord_slope, crown_lines
from ..deadline import Deadline
from ..network.evaluate import evaluate
from ..network.exact import FloatArray
from ..network.graph import Graph
from ..network.maps.namespace import product

# Domains bounded at once, and gradient steps for each.
BATCH, STEPS, ROOT_STEPS = 192, 6, 30
# Splits tried by really bounding both halves, per domain.
TRIALS = 4
# Domains kept in memory; beyond it the search goes depth first.
MOST_DOMAINS = 400_000


@dataclass(frozen=True, eq=False)
class Outcome:
    """How a search over one polytope ended: proved, or not and the least lower bound left; domains visited."""

    proved: bool
    lower: float
    domains: int
    reason: str = ""


class Space:
    """The ReLUs of one box that can be split, numbered through, and the lines that splits and slopes give.

    `bounds` are float64 bounds of the box (batch 1); `row` (output_size,) and `offset` say what must be positive.
    """

    def __init__(self, graph: Graph, bounds: Bounds, row: FloatArray, offset: float) -> None:
        self.graph, self.offset = graph, offset
        self.rows: dict[Any, Any] = {np.float32: row.astype(np.float32), np.float64: row}
        self.bounds: dict[Any, Bounds] = {np.float32: bounds.astype(np.float32), np.float64: bounds}
        self.base: dict[Any, dict[int, Lines]] = {}
        self.columns: dict[int, Any] = {}
        self.slices: dict[int, slice] = {}
        start = 0
        needed = [i for i in graph.relus if i in graph.ancestors(graph.output)]
        for i in needed:
            low, high = bounds.of_relu(graph, i)
            self.columns[i] = np.flatnonzero((low[0] < 0) & (high[0] > 0))
            self.slices[i] = slice(start, start + len(self.columns[i]))
            start += len(self.columns[i])
        self.size = start
        for dtype, these in self.bounds.items():
            self.base[dtype] = {i: crown_lines(*these.of_relu(graph, i)) for i in needed}
        self._parts = {dtype: self._unstable(dtype) for dtype in self.bounds}

    def _unstable(self, dtype: Any) -> tuple[Any, Any, Any]:
        """Chords, their offsets and CROWN's slopes of the unstable ReLUs, each (size,)."""
        chords, offsets, floors = [], [], []
        for i, columns in self.columns.items():
            low, high = self.bounds[dtype].of_relu(self.graph, i)
            chord = chord_slope(low[0, columns], high[0, columns])
            chords.append(chord)
            offsets.append(-chord * low[0, columns])
            floors.append(self.base[dtype][i].slope_below[0, columns])
        empty = [np.zeros(0, dtype)]
        return np.concatenate(chords + empty), np.concatenate(offsets + empty), np.concatenate(floors + empty)

    @property
    def first_slopes(self) -> Any:
        """CROWN's slopes, where the optimisation starts, (size,) float32."""
        return self._parts[np.float32][2]

    @property
    def offsets(self) -> Any:
        """The chords' offsets: the largest gap of each unstable ReLU."""
        return self._parts[np.float32][1]

    def lines(self, slopes: Any, betas: Any, signs: Any, dtype: Any) -> dict[int, Lines]:
        """Lines for a batch of domains: `slopes`, `betas` (batch, size), `signs` +1 on, -1 off, 0 not split."""
        chord, offset, _ = self._parts[dtype]
        split, on = signs != 0, (signs > 0).astype(dtype)
        below = np.where(split, on, slopes.astype(dtype))
        above = np.where(split, on, chord)
        gap = np.where(split, dtype(0), offset)
        shift = -signs * betas.astype(dtype)
        result = {}
        for i, columns in self.columns.items():
            base, part = self.base[dtype][i], self.slices[i]
            arrays = []
            for stable, unstable in (
                (base.slope_below, below),
                (base.slope_above, above),
                (base.offset_above, gap),
                (np.zeros_like(base.offset_above), shift),
            ):
                full = np.repeat(stable, len(signs), axis=0)
                full[:, columns] = unstable[:, part]
                arrays.append(full)
            result[i] = Lines(*arrays)
        return result

    def bound(self, lines: dict[int, Lines], dtype: Any, *, rigorous: bool, keep: bool = False) -> LinearBound:
        """Bounds of the row over the batch of domains that `lines` describe; `lower` is (batch, 1)."""
        row = self.rows[dtype][None, None, :]
        return backward(
            self.graph, self.bounds[dtype], self.graph.output, row, lines, rigorous=rigorous, keep=keep
        )

    def gather(self, per_node: dict[int, Any], batch: int, dtype: Any) -> Any:
        """Arrays per ReLU node (batch, node size) as one array (batch, size) over the unstable ReLUs."""
        result = np.zeros((batch, self.size), dtype=dtype)
        for i, columns in self.columns.items():
            if i in per_node:
                result[:, self.slices[i]] = per_node[i][:, columns]
        return result


@dataclass(eq=False)
class Domains:
    """A batch of domains: splits, the multipliers found so far, and lower bounds (hints)."""

    signs: Any
    slopes: Any
    betas: Any
    lower: Any

    def __len__(self) -> int:
        return len(self.lower)

    def take(self, index: Any) -> Domains:
        return Domains(self.signs[index], self.slopes[index], self.betas[index], self.lower[index])


def optimise(space: Space, domains: Domains, steps: int) -> tuple[Domains, Any, Any]:
    """Improve slopes and betas by gradient ascent.

    Returns the best domains, and at the last step the minimisers x and the gaps nu * (relu - line) of each
    unstable ReLU, which say where the relaxation loses.
    """
    dtype = np.float32
    values = {0: domains.slopes, 1: domains.betas}
    slope_adam, beta_adam = Adam(0.2, 0.0, 1.0), Adam(0.1, 0.0, np.inf)
    best = Domains(domains.signs, domains.slopes, domains.betas, np.full(len(domains), -np.inf, dtype))
    for step in range(1, steps + 2):
        lines = space.lines(values[0], values[1], domains.signs, dtype)
        bound = space.bound(lines, dtype, rigorous=False, keep=True)
        lower = bound.lower[:, 0] - dtype(space.offset)
        better = lower > best.lower
        best.lower = np.where(better, lower, best.lower)
        best.slopes = np.where(better[:, None], values[0], best.slopes)
        best.betas = np.where(better[:, None], values[1], best.betas)
        relaxed = minimiser(space.graph, space.bounds[dtype], bound, lines, space.graph.output)
        coefficients = {i: c[:, 0, :] for i, c in bound.coefficients.items()}
        nu = space.gather(coefficients, len(domains), dtype)
        z = space.gather(relaxed.pre, len(domains), dtype)
        if step > steps or (best.lower > 0).all():
            break
        unsplit = domains.signs == 0
        slopes = slope_adam.ascend({0: values[0]}, {0: np.maximum(nu, 0) * z * unsplit}, step)[0]
        betas = beta_adam.ascend({0: values[1]}, {0: -domains.signs * z}, step)[0] * ~unsplit
        values = {0: slopes, 1: betas.astype(dtype)}
    gap = np.where(nu < 0, -nu * space.offsets * 0.2, 0)
    line = np.where(nu < 0, space._parts[dtype][0] * z + space.offsets, values[0] * z)
    gap = gap + np.abs(nu * (np.maximum(z, 0) - line))
    best.lower = np.maximum(best.lower, domains.lower)
    return best, relaxed.x, np.where(domains.signs == 0, gap, -1)


def verify(space: Space, domains: Domains) -> Any:
    """Rigorous float64 lower bounds of a batch of domains, (batch,)."""
    lines = space.lines(domains.slopes, domains.betas, domains.signs, np.float64)
    lower = space.bound(lines, np.float64, rigorous=True).lower[:, 0]
    # The offset is subtracted in float64: one more rounding, downward.
    return np.nextafter(lower - space.offset, -np.inf)


def branch(space: Space, domains: Domains, gap: Any) -> Domains:
    """Split every domain on the ReLU whose halves are bounded best, among the few with the largest gaps."""
    count = min(TRIALS, space.size)
    candidates = np.argpartition(-gap, count - 1, axis=1)[:, :count]
    picked = np.take_along_axis(gap, candidates, axis=1)
    batch, rows = len(domains), np.arange(len(domains))
    trials = []
    for k, sign in itertools.product(range(count), (1, -1)):
        signs = domains.signs.copy()
        signs[rows, candidates[:, k]] = sign
        trials.append(signs)
    signs = np.concatenate(trials)
    slopes, betas = np.tile(domains.slopes, (2 * count, 1)), np.tile(domains.betas, (2 * count, 1))
    lines = space.lines(slopes, betas, signs, np.float32)
    lower = space.bound(lines, np.float32, rigorous=False).lower[:, 0] - np.float32(space.offset)
    lower = np.maximum(lower.reshape(count, 2, batch), domains.lower)
    # The worse half decides, the better one breaks ties; a half that is closed at once counts fully.
    capped = np.minimum(lower, 0)
    score = capped.min(axis=1) + 0.1 * capped.max(axis=1)
    score = np.where(picked.T >= 0, score, -np.inf)
    best = score.argmax(axis=0)
    children = []
    for half, sign in enumerate((1, -1)):
        signs = domains.signs.copy()
        signs[rows, candidates[rows, best]] = sign
        children.append(Domains(signs, domains.slopes, domains.betas, lower[best, half, rows]))
    return Domains(
        np.concatenate([c.signs for c in children]),
        np.concatenate([c.slopes for c in children]),
        np.concatenate([c.betas for c in children]),
        np.concatenate([c.lower for c in children]),
    )


def relu_split(
    space: Space,
    deadline: Deadline,
    try_points: Callable[[FloatArray], bool],
    leaf: Callable[[Any], tuple[bool, FloatArray | None]],
    on_progress: Callable[[float, int, int], object] = lambda lower, open_, visited: None,
) -> Outcome:
    """Prove that row . outputs > offset on the box of `space`, or run out of time.

    `try_points` is given candidate counterexamples (k, input_size) that look unsafe and returns True to stop.
    `leaf` is given the signs of a domain whose every ReLU is split; it returns whether it proves it safe, and
    if not a point to look at.
    `on_progress` receives the least lower bound, the number of open domains and of visited ones.
    """
    graph = space.graph
    root = Domains(
        np.zeros((1, space.size), np.int8),
        space.first_slopes[None].copy(),
        np.zeros((1, space.size), np.float32),
        np.full(1, -np.inf, np.float32),
    )
    queue: list[tuple[float, int, Domains]] = []
    ticket, visited = itertools.count(), 0
    current, steps = root, ROOT_STEPS
    while True:
        visited += len(current)
        current, x, gap = optimise(space, current, steps)
        steps = STEPS
        outputs = product(evaluate(graph, x), space.rows[np.float32]) - np.float32(space.offset)
        suspects = x[outputs <= 1e-4]
        if len(suspects) and try_points(suspects.astype(np.float64)):
            return Outcome(False, -np.inf, visited, "a counterexample was found")
        hinted = np.flatnonzero(current.lower > 0)
        closed = np.zeros(len(current), dtype=bool)
        if len(hinted):
            rigorous = verify(space, current.take(hinted))
            closed[hinted] = rigorous > 0
            current.lower[hinted] = np.where(rigorous > 0, current.lower[hinted], rigorous)
        remaining = np.flatnonzero(~closed)
        full = remaining[(gap[remaining] < 0).all(axis=1)] if space.size else remaining
        for at in full:
            proved, point = leaf(current.signs[at])
            if not proved:
                if point is not None and try_points(point[None]):
                    return Outcome(False, -np.inf, visited, "a counterexample was found")
                return Outcome(False, float(current.lower[at]), visited, "a linear region touches the unsafe set")
        splittable = np.setdiff1d(remaining, full)
        if len(splittable):
            children = branch(space, current.take(splittable), gap[splittable])
            for i in range(len(children)):
                heapq.heappush(queue, (float(children.lower[i]), next(ticket), children.take(slice(i, i + 1))))
        if not queue:
            return Outcome(True, 0.0, visited)
        on_progress(queue[0][0], len(queue), visited)
        if deadline.passed():
            return Outcome(False, queue[0][0], visited, "the time limit was reached")
        current = _pop(queue)


def _pop(queue: list[tuple[float, int, Domains]]) -> Domains:
    """The next batch: the domains with the least bounds, or the most promising ones when memory is short."""
    if len(queue) > MOST_DOMAINS:
        queue.sort()
        batch = [queue.pop() for _ in range(BATCH)]
    else:
        batch = [heapq.heappop(queue) for _ in range(min(BATCH, len(queue)))]
    parts = [domain for _, _, domain in batch]
    return Domains(
        np.concatenate([d.signs for d in parts]),
        np.concatenate([d.slopes for d in parts]),
        np.concatenate([d.betas for d in parts]),
        np.concatenate([d.lower for d in parts]),
    )
