"""The attack: projected gradient descent on the slack of the unsafe set, many starts at once.

It is incomplete and cheap, so it runs first: most violated properties fall to it in milliseconds, and a small
radius found early makes every bound that follows tighter. What it finds is a hint until the gate has replayed
it. (Madry et al. 1706.06083, with the margin loss of Carlini and Wagner 1608.04644.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...base.deadline import Deadline
from ...base.device import CPU, Device
from ...base.workers import NOBODY, at_hand
from ...bounds.ball import Ball
from ...bounds.interval import affine_interval
from ...network.evaluate import evaluate, evaluate_all, vjp
from ...network.exact import FloatArray
from ...network.functions import Feature
from ...network.graph import Affine, Graph, Pointwise
from ...network.maps.namespace import namespace, product
from ...ops.importer.selfcheck import products
from ...property import Polytope, UnsafeSet

# The most numbers that one step keeps (half a GiB), and the most products in it (a few seconds).
MOST_KEPT, MOST_PRODUCTS = 2**26, 2**32
# So many of the largest steps lead from one side of a box to the other.
LEAST_STEPS = 4
# The steps of an attack, and the products of one for each of an evaluation: forward, and twice as many back.
STEPS, STEP_PRODUCTS = 30, 3
# Steps that the cores take each by itself.
BLOCK = 5


@dataclass(frozen=True, eq=False)
class Within:
    """Where an attack moves: in the box [lower, upper] of floats, each (input_size,), and in the `ball` if any."""

    lower: FloatArray
    upper: FloatArray
    ball: Ball | None = None


@dataclass(frozen=True, eq=False)
class Starts:
    """Where an attack begins: at the `points` (n, input_size) if any, and at `restarts` more that `rng` draws; and how
    many steps it takes."""

    rng: np.random.Generator
    points: FloatArray | None = None
    restarts: int = 16
    steps: int = STEPS


def attack(
    graph: Graph,
    unsafe: UnsafeSet,
    within: Within,
    begin: Starts,
    deadline: Deadline | None = None,
    device: Device = CPU,
) -> FloatArray:
    """Points with the least slack found, (k, input_size): every one whose float slack is at most 0, best first; empty
    when none was found.

    It begins at given points, random ones and corners; large networks get fewer of each, and fewer steps. Arguments and
    result are NumPy arrays; the gradient steps are taken in float64 on `device`.
    """
    lower, upper, ball, rng = within.lower, within.upper, within.ball, begin.rng
    starts, restarts, steps, few = begin.points, begin.restarts, begin.steps, points_at_once(graph)
    if few < restarts:
        restarts, steps, starts = few, min(steps, max(LEAST_STEPS, 2 * few)), None if starts is None else starts[:few]
    random = rng.uniform(lower, upper, (restarts, len(lower)))
    random[restarts // 2 :] = np.where(rng.random((restarts - restarts // 2, len(lower))) < 0.5, lower, upper)
    first = random if starts is None else np.concatenate([np.clip(starts, lower, upper), random])
    if ball is not None:
        first = ball.inward(first)
    x, low, high = device.put(first), device.put(lower), device.put(upper)
    xp = namespace(x)
    # Each start is aimed at one polytope; with few starts the nearest ones come first.
    matrix, offset = map(device.put, aims(unsafe, device.fetch(evaluate(graph, x))))
    least = _hopes(graph, low, high, len(first))
    workers = at_hand() if device.is_rigorous else NOBODY
    # Each pass of a step is to be worth a thread: in short ones threads wait for each other.
    runs = workers.runs(len(x), products(graph)) or [slice(0)]
    parts = [
        _Descent(graph, (matrix[run], offset[run]), x[run], (low, high), {i: of[run] for i, of in least.items()}, ball)
        for run in runs
    ]
    # Behind the last step is a look at what has come of it.
    rates: list[float | None] = [*falling(steps), None]
    for at in range(0, len(rates), BLOCK):
        workers.map(partial(_Descent.go, rates=rates[at : at + BLOCK], deadline=deadline), parts)
        # All are asked at the end of a block: what is found does not depend on which thread is the quicker one.
        if any(part.is_over for part in parts):
            break
    hits, slack = (xp.concat([getattr(part, name) for part in parts]) for name in ("hits", "slack"))
    found: FloatArray = device.fetch(hits[xp.argsort(slack)])
    return found


class _Descent:
    """Some starts of an attack on their way down from `x`, each to the polytope that it is aimed at: `hits` are those
    that were there in the first step in which any was, with their `slack`."""

    def __init__(
        self,
        graph: Graph,
        aimed: tuple[Any, Any],
        x: Any,
        ends: tuple[Any, Any],
        least: Mapping[int, Any],
        ball: Ball | None,
    ) -> None:
        self._graph, self._aimed, self._x, self._ends, self._least, self._ball = graph, aimed, x, ends, least, ball
        self.is_over, self.hits, self.slack = False, x[:0], x[:0, 0]

    def go(self, rates: Sequence[float | None], deadline: Deadline | None) -> None:
        """Steps of these sizes, each but for None, where there is a look only; over at a hit or at the deadline."""
        low, high = self._ends
        for rate in rates:
            if deadline is not None and deadline.passed():
                self.is_over = True
                return
            values = [evaluate(self._graph, self._x)] if rate is None else evaluate_all(self._graph, self._x)
            slack, cotangent = slack_gradient(*self._aimed, values[-1 if rate is None else self._graph.output])
            hit = slack <= 0
            if rate is None or hit.any():
                self.is_over, self.hits, self.slack = True, self._x[hit], slack[hit]
                return
            gradient = vjp(self._graph, values, cotangent, self._least)
            self._x = (self._x - rate * (high - low) * namespace(gradient).sign(gradient)).clip(low, high)
            if self._ball is not None:
                self._x = self._ball.inward(self._x)


def refine(
    graph: Graph, unsafe: UnsafeSet, x: FloatArray, low: FloatArray, high: FloatArray, steps: int
) -> tuple[FloatArray, FloatArray]:
    """The best points met from `x` in a few ever smaller steps, each within its own box, and their slack.

    `x`, `low`, `high` are (k, input_size); the result is (k, input_size) and (k,).
    """
    rates = [0.5**step / 4 for step in range(steps)]
    matrix, offset = aims(unsafe, evaluate(graph, x))

    def refined(run: slice) -> tuple[FloatArray, FloatArray]:
        return descend(graph, (matrix[run], offset[run]), x[run], (low[run], high[run]), rates)

    workers = at_hand()
    found = workers.map(refined, workers.runs(len(x), products(graph)) or [slice(0)])
    points, slack = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return points, slack


def falling(steps: int) -> list[float]:
    """The sizes of the steps of an attack, as shares of the box."""
    return [0.25 * (1 - step / steps) + 0.01 for step in range(steps)]


def descend(
    graph: Graph,
    aimed: tuple[FloatArray, FloatArray],
    x: FloatArray,
    ends: tuple[FloatArray, FloatArray],
    rates: Sequence[float],
    enough: Callable[[FloatArray], bool] = lambda least: False,
) -> tuple[FloatArray, FloatArray]:
    """The best points met from `x` (k, input_size) in steps of these sizes, each between its own `ends` and down the
    slack of the polytope that it is aimed at (`aims`), and their slack (k,); no further once that is `enough`."""
    (low, high), best, least = ends, x, np.full(len(x), np.inf)
    for rate in (*rates, None):
        values = evaluate_all(graph, x)
        slack, cotangent = slack_gradient(*aimed, values[graph.output])
        best = np.where((slack < least)[:, None], x, best)
        # Where the network has no value there is no slack.
        least = np.fmin(slack, least)
        if rate is None or enough(least):
            break
        x = (x - rate * (high - low) * np.sign(vjp(graph, values, cotangent))).clip(low, high)
    return best, least


def points_at_once(graph: Graph) -> int:
    """How many points a step may take at once, by the numbers that it keeps and the products that it makes."""
    return max(1, min(MOST_KEPT // sum(node.size for node in graph.nodes), MOST_PRODUCTS // max(1, products(graph))))


def _hopes(graph: Graph, low: Any, high: Any, starts: int) -> dict[int, Any]:
    """The least slopes of the first layer's ReLUs on the box, as `vjp` takes them: their chords' for every other
    pair of starts, 0 for the rest."""
    xp = namespace(low)
    hopeful = xp.asarray(np.arange(starts) // 2 % 2, dtype=low.dtype, device=low.device)[:, None]
    lows, highs, least = {0: low[None]}, {0: high[None]}, dict[int, Any]()
    for number, node in enumerate(graph.nodes):
        if isinstance(node, Affine) and number in graph.plain:
            lows[number], highs[number] = affine_interval(node, lows, highs)
        elif isinstance(node, Pointwise) and node.source in lows and graph.functions[number].has(Feature.ON_OFF):
            _, _, above, _ = graph.functions[number].lines(lows[node.source], highs[node.source])
            least[number] = hopeful * above
    return least


def aims(unsafe: UnsafeSet, outputs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The polytope C y <= d that each start goes for: the nearest for every other one, all in turn for the rest.

    C is (starts, rows, outputs) and d (starts, rows); polytopes with fewer rows are filled up with 0 y <= inf.
    """
    slacks = np.stack([p.slack(outputs) for p in unsafe.polytopes])
    aims = slacks.argmin(axis=0)
    order = np.argsort(slacks.min(axis=1))
    aims[1::2] = order[np.arange(len(aims[1::2])) % len(order)]
    return aimed_at([unsafe.polytopes[which] for which in aims], unsafe.outputs)


def aimed_at(polytopes: Sequence[Polytope], outputs: int) -> tuple[FloatArray, FloatArray]:
    """C (starts, rows, outputs) and d (starts, rows) where each start goes for one of these."""
    most = max(len(p.offset.values) for p in polytopes)
    matrix, offset = np.zeros((len(polytopes), most, outputs)), np.full((len(polytopes), most), np.inf)
    for start, polytope in enumerate(polytopes):
        rows = len(polytope.offset.values)
        matrix[start, :rows], offset[start, :rows] = polytope.matrix.values, polytope.offset.values
    return matrix, offset


def slack_gradient(matrix: Any, offset: Any, y: Any) -> tuple[Any, Any]:
    """The slack of each point's polytope and its gradient with respect to the output."""
    margins = product(matrix, y[:, :, None])[:, :, 0] - offset
    xp = namespace(y)
    each, worst = xp.arange(len(y), device=y.device), xp.argmax(margins, axis=1)
    return margins[each, worst], matrix[each, worst]
