"""Branch and bound over ReLUs by planes over edges: few domains, each bounded well (`bounds.edges`).

Where many neurons of one layer read the same inputs, as those of a convolution do, chords lose most of what a bound
needs, and no number of splits wins it back: planes for groups of them do, at some thousand times the price of a domain.
Each domain keeps its own and goes on from its parent's. Split is the ReLU whose halves gain most among those that lose
most by their planes; what was gained before tells of the others (pseudo-costs, Benichou et al. 1971).
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from ...base.deadline import Deadline, ProcessorTime
from ...bounds.alpha import on_grid
from ...bounds.edges import Edges, Lines, edges
from ...network.exact import FloatArray
from ..means import Means
from ..observer import EdgeObserver
from .cut_ends import Ends, ends_within
from .edge_ascent import Seen, chords, climb
from .grouping import grouped
from .last_domain import LastDomain, can_finish
from .radii import Radii
from .space import Domains, Space

# Gradient steps at a root, in a first glance at one, in a trial of a split, and in its halves, and their rates.
ROOT_STEPS, ROOT_RATE = 150, 0.3
GLANCE_STEPS = 15
TRIAL_STEPS, STEPS, RATE = 15, 40, 0.05
# Steps that gain less than this share of what is missing were too long, and as many shorter ones follow, at this rate.
GAINED, SHORT_RATE = 0.05, 0.01
# ReLUs tried before one is split, and after how many trials its gains are known.
TRIALS, RELIABLE = 2, 4
# A margin above it is not made larger.
ENOUGH = 1e-3
# A loss below it is none.
NONE = 1e-7
# Shares of multipliers are kept as multiples of one over this.
UNITS = 65535
# The most bytes that the planes of open domains may take.
MOST_KEPT = 2**29
# Ends of neurons are found anew where a bound leaves no more than this share of the room that it left the last time.
TIGHTER = 0.75
# Domains of at most so many ReLUs that are not split are given to programs, for as long as the tree has taken and at
# least so many seconds; and again once there are no more than this share of those that there were.
FEW_FREE, LEAST_SECONDS, FEWER = 64, 1.0, 0.75
# So many forms of domains' own ends are kept: one is larger than what a domain is stored as.
KEPT_FORMS = 16
# So many of the latest minimisers are kept for whoever looks for witnesses.
REMEMBERED = 32


@dataclass(frozen=True, eq=False)
class _Part:
    """What domains are in: the row they are about, and the ends that its neurons have there."""

    row: int
    ends: Ends


@dataclass(frozen=True, eq=False)
class _Node:
    """An open domain: its part, its lines, a rigorous bound of the row and the radius below which the domain is safe,
    what the ascent saw, the bound's `slope` over the inputs and how much `room` it leaves there, and what was tried of
    its ReLUs: (neuron, side, gain per unit of loss). `node` is its number in a proof, if one is written, `neuron` what
    its parent was split on, `depth` how often a root was halved to get it. Ends were last found within so much room as
    `tight`; programs were tried with so many ReLUs that were not split as `tried`, or are at work."""

    part: _Part
    lines: Lines
    lower: float
    reach: float
    seen: Seen
    slope: FloatArray
    room: float
    tight: float = np.inf
    tried: float = np.inf
    programs: LastDomain | None = None
    learnt: tuple[tuple[int, int, float], ...] = ()
    node: int = 0
    neuron: int = -1
    depth: int = 0

    @property
    def row(self) -> int:
        return self.part.row

    @property
    def free(self) -> int:
        """How many ReLUs are not split."""
        return int((self.lines.signs == 0).sum())


class EdgeTree:
    """The search over the domains `roots` of a space in reduced form on a box, to prove its rows below the radius of
    its box; `radii` say how far a bound reaches, None that it is about the whole box. `offer` gets points (k,
    input_size) that look unsafe, and returns True to end the search. With `apart` nobody writes the proof down: each
    row has groups of its own, and domains have ends of neurons of their own, and may be closed by programs."""

    def __init__(
        self,
        space: Space,
        roots: Domains,
        radii: Radii | None,
        means: Means,
        offer: Callable[[FloatArray], bool],
        apart: bool = False,
    ) -> None:
        if space.reduced is None:
            raise ValueError("planes over edges need the reduced form")
        self.space, self._means, self._offer = space, means, offer
        form, rows = edges(space.reduced), set(roots.row.tolist())
        # The ReLUs that lose most are others for each row, but a proof has one choice of groups.
        together = None if apart else grouped(form, rows, space.floors)
        self._forms = {row: together or grouped(form, {row}, space.floors) for row in rows}
        self._apart, self._radii, self._tick = apart, radii, itertools.count()
        self._goal = np.inf if radii is None else float(radii.radii[-1])
        # Who watches, and whether a point has ended the search; the share of the space that is closed, and how many
        # domains were bounded.
        self.observer, self.is_refuted, self.share, self.visited = EdgeObserver(), False, 0.0, 0
        self._heap: list[tuple[float, float, int, _Node]] = []
        self.begin, self._waiting = roots, list(zip(roots.row.tolist(), roots.signs, strict=True))
        self._stuck = dict.fromkeys(range(len(space.rows)), self._goal)
        # Sums of gains per unit of loss, and how many there are, for the halves of each ReLU: (2, size).
        self._gains, self._counts = np.zeros((2, space.size)), np.zeros((2, space.size))
        self._ends = space.reduced.sizes.low, space.reduced.sizes.high
        self._is_alone = False
        self._within = lru_cache(KEPT_FORMS)(self._form_of)
        # The seconds so far, and what ends the present turn.
        self._spent, self._turn, self._stop = 0.0, Deadline(None), lambda: False
        # The bounds of the roots, by their rows; the rows and mean minimisers of the latest domains.
        self.roots: dict[int, float] = {}
        self._minimisers: deque[tuple[int, Any]] = deque(maxlen=REMEMBERED)

    @property
    def form(self) -> Edges:
        """The form that all rows share, where they do."""
        return next(iter(self._forms.values()))

    def reached(self, row: int) -> float:
        """The radius below which a row is proved, 0 where nothing is known."""
        if any(number == row for number, _ in self._waiting):
            return 0.0
        return min([self._stuck[row], *(node.reach for *_, node in self._heap if node.row == row)])

    def glance(self) -> float:
        """The bound of the first of the roots after a few steps."""
        row, signs = self._waiting[0]
        return self._bounded(_Part(row, self._ends), self._begin(row, signs), (GLANCE_STEPS, ROOT_RATE)).lower

    def glance_seconds(self) -> float:
        """The seconds of processor time that a glance takes, as its first two steps do."""
        row, signs = self._waiting[0]
        stopwatch = ProcessorTime()
        climb(self._forms[row], row, self._begin(row, signs), 2, ROOT_RATE)
        return stopwatch.elapsed() / 2 * GLANCE_STEPS

    @property
    def is_begun(self) -> bool:
        """Whether all roots are bounded."""
        return not self._waiting

    def explore(self, clock: Deadline, stop: Callable[[], bool]) -> bool:
        """Search until nothing is left that can be split, `stop` says so, or the clock has passed; whether nothing is
        left."""
        self._turn, self._stop = ProcessorTime(None, clock), stop
        try:
            return self._explore(clock, stop)
        finally:
            self._spent += self._turn.elapsed()

    def _explore(self, clock: Deadline, stop: Callable[[], bool]) -> bool:
        workers = self._means.workers
        while not (clock.passed() or stop() or self.is_refuted):
            busy = workers.busy
            if self._waiting:
                some, self._waiting = self._waiting[:busy], self._waiting[busy:]
                for node in workers.map(self._root, some):
                    self.roots[node.row] = node.lower
                    self._keep(node)
                continue
            if not self._heap or self._is_full:
                return True
            taken = [heapq.heappop(self._heap)[-1] for _ in range(min(busy, len(self._heap)))]
            # One domain alone has its halves in two threads.
            self._is_alone = len(taken) == 1 and busy > 1
            for node, halves in workers.map(self._advance, taken):
                if halves is None:
                    self._put(node)
                elif not halves:
                    self._stuck[node.row] = min(self._stuck[node.row], node.reach)
                else:
                    numbers = self.observer.split(node.row, node.node, halves[0].neuron)
                    halves = [replace(half, node=number) for half, number in zip(halves, numbers, strict=True)]
                    for half in halves:
                        self._learn(half)
                        self._keep(half)
        return False

    @property
    def is_proved(self) -> bool:
        """Whether everything is closed."""
        return not (self._waiting or self._heap) and min(self._stuck.values(), default=self._goal) >= self._goal

    @property
    def least(self) -> float:
        """The least bound of the open domains."""
        return min((node.lower for *_, node in self._heap), default=0.0)

    def minimisers(self) -> list[tuple[int, FloatArray]]:
        """The rows and mean minimisers, (input_size,), of the latest domains that are open, since this was asked."""
        found = [(row, self.space.point(scaled)[0]) for row, scaled in self._minimisers]
        self._minimisers.clear()
        return found

    @property
    def _is_full(self) -> bool:
        return bool(self._heap) and len(self._heap) * 2 * _edges_of(self._heap[0][-1]) > MOST_KEPT

    def _keep(self, node: _Node) -> None:
        self.visited += 1
        if node.lower <= 0:
            self._minimisers.append((node.row, node.seen.inputs.astype(np.float64)))
        self._put(node)

    def _put(self, node: _Node) -> None:
        if self._is_closed(node):
            self.share += 0.5**node.depth / len(self.begin)
            self.observer.close(node.row, node.node, node.lines)
        else:
            heapq.heappush(self._heap, (node.reach, node.lower, next(self._tick), node))

    def _is_closed(self, node: _Node) -> bool:
        return node.lower > 0 or node.reach >= self._goal

    def _learn(self, node: _Node) -> None:
        for neuron, side, gain in node.learnt:
            self._gains[side, neuron] += gain
            self._counts[side, neuron] += 1

    def _form_of(self, part: _Part) -> Edges:
        return self._forms[part.row].within(*part.ends)

    def _form(self, part: _Part) -> Edges:
        """The form in which a part's domains are bounded."""
        return self._forms[part.row] if part.ends is self._ends else self._within(part)

    def _root(self, waiting: tuple[int, Any]) -> _Node:
        row, signs = waiting
        return self._bounded(_Part(row, self._ends), self._begin(row, signs), (ROOT_STEPS, ROOT_RATE))

    def _begin(self, row: int, signs: Any) -> Lines:
        """The lines that a root begins with."""
        space = self.space
        flat = space.floors.astype(np.float32), np.zeros(space.size, np.float32)
        return Lines(signs, *flat, chords(self._forms[row]))

    def _bounded(
        self, part: _Part, lines: Lines, climbing: tuple[int, float], parent: _Node | None = None
    ) -> _Node:
        """A domain after so many steps at such a rate; it is at least as good as its parent. Numbers are kept as a
        proof would store them, where one is written, and shares in two bytes."""
        offset, form = float(self.space.offsets[part.row]), self._form(part)
        best, seen = climb(form, part.row, lines, *climbing, offset + ENOUGH)
        packed = [np.rint(shares * np.float32(UNITS)).astype(np.uint16) for shares in best.shares]
        slopes = best.slopes if self._apart else on_grid(best.slopes)
        kept = Lines(best.signs, slopes, best.betas, packed)
        lower, slope = form.bound(part.row, offset, _unpacked(kept))
        reach = 0.0 if self._radii is None else float(self._radii.on_box(slope[None], np.array([lower]))[0])
        room = max(0.0, -lower)
        if parent is None:
            return _Node(part, kept, lower, reach, seen, slope, room)
        if parent.lower > lower:
            slope, room = parent.slope, parent.room
        found = replace(parent, part=part, lines=kept, lower=max(lower, parent.lower), reach=max(reach, parent.reach))
        return replace(found, seen=seen, slope=slope, room=room, programs=None)

    def _advance(self, node: _Node) -> tuple[_Node, list[_Node] | None]:
        """What becomes of a domain: its halves; None where it is to be kept as it is now."""
        if self._apart and node.programs is None:
            node = self._tightened(node)
        if self._apart and not self._is_closed(node):
            node = self._by_programs(node)
        if self._is_closed(node) or node.programs is not None:
            return node, None
        return node, self._split(node)

    def _tightened(self, node: _Node) -> _Node:
        """The domain with ends of its neurons where its bound leaves room for what is unsafe, as often as that pays."""
        while node.room < TIGHTER * node.tight and not self._is_closed(node):
            reduced, old = self.space.reduced, node.lines.signs
            if reduced is None:
                break
            low, high = ends_within(reduced, node.part.ends, old, node.slope, node.room)
            if (low > high).any():
                return replace(node, lower=np.inf)
            signs = np.where(old != 0, old, np.where(low >= 0, 1, np.where(high <= 0, -1, 0))).astype(np.int8)
            lines = _unpacked(node.lines)
            # The line below that a neuron had, as one of a split neuron, so that no bound loses by the side.
            share = np.where(signs < 0, lines.slopes, 1 - lines.slopes)
            betas = np.where(signs != old, np.maximum(node.seen.nu, 0) * share, lines.betas).astype(np.float32)
            lines, tight = Lines(signs, lines.slopes, betas, lines.shares), node.room
            node = self._bounded(_Part(node.row, (low, high)), lines, (STEPS, RATE), node)
            node = replace(node, tight=tight)
        return node

    def _by_programs(self, node: _Node) -> _Node:
        """The domain after what programs could do for it in this turn, if it is for them."""
        programs = node.programs
        if programs is None:
            if node.free > min(FEW_FREE, FEWER * node.tried) or not can_finish(self.space):
                return node
            domain, seconds = (node.row, node.part.ends, node.lines.signs), max(LEAST_SECONDS, self._spent)
            programs = LastDomain(self.space, domain, self._offer, seconds)
        is_over = programs.work(self._turn, self._stop)
        if programs.is_closed:
            return replace(node, lower=np.inf, programs=None)
        return replace(node, tried=node.free, programs=None if is_over else programs)

    def _split(self, node: _Node) -> list[_Node]:
        """Both halves of a domain by its best ReLU; none where none loses anything."""
        losses = node.seen.losses(node.lines.signs)
        self._try(node, losses)
        expected = self._expected(losses)
        best, chosen, learnt = -1.0, list[_Node](), list[tuple[int, int, float]]()
        for neuron in np.argsort(-expected)[:TRIALS].tolist():
            if losses[neuron] <= NONE:
                continue
            known = self._counts[:, neuron].min() >= RELIABLE
            if known and expected[neuron] <= best:
                continue
            halves = self._both(partial(self._half, node, neuron), (1, -1))
            gained = [max(min(half.lower, 0.0) - node.lower, 1e-9) for half in halves]
            learnt += [(neuron, side, gain / float(losses[neuron])) for side, gain in enumerate(gained)]
            if gained[0] * gained[1] > best:
                best, chosen = gained[0] * gained[1], halves
            if all(half.lower > 0 for half in halves):
                break
        done = self._both(self._climbed, chosen)
        split = int((chosen[0].lines.signs != node.lines.signs).argmax()) if chosen else -1
        return [
            replace(half, learnt=() if at else tuple(learnt), neuron=split, depth=node.depth + 1)
            for at, half in enumerate(done)
        ]

    def _both(self, task: Callable[[Any], _Node], halves: Sequence[Any]) -> list[_Node]:
        """What a task makes of both halves."""
        return self._means.workers.map(task, halves) if self._is_alone else [task(half) for half in halves]

    def _climbed(self, half: _Node) -> _Node:
        """A half after its own steps, unless it is closed."""
        if half.lower > 0:
            return half
        found = self._bounded(half.part, _unpacked(half.lines), (STEPS, RATE), half)
        if found.lower > half.lower - GAINED * half.lower:
            return found
        return self._bounded(half.part, _unpacked(half.lines), (STEPS, SHORT_RATE), found)

    def _half(self, node: _Node, neuron: int, sign: int) -> _Node:
        old, signs = _unpacked(node.lines), node.lines.signs.copy()
        signs[neuron] = sign
        lines = Lines(signs, old.slopes, old.betas, old.shares)
        return self._bounded(node.part, lines, (TRIAL_STEPS, RATE), node)

    def _expected(self, losses: FloatArray) -> FloatArray:
        """What splits may gain: the product over their halves, (size,)."""
        counts, everything = self._counts, self._counts.sum(axis=1)
        usual = np.where(everything > 0, self._gains.sum(axis=1) / np.maximum(everything, 1), 1.0)
        rates = np.where(counts > 0, self._gains / np.maximum(counts, 1), usual[:, None])
        product: FloatArray = np.maximum(rates * losses, 1e-12).prod(axis=0) * (losses > NONE)
        return product

    def _try(self, node: _Node, losses: FloatArray) -> None:
        """Offer the mean minimiser where the planes lose no more there than the bound misses."""
        if float(losses.sum()) <= -node.lower and self._offer(self.space.point(node.seen.inputs.astype(np.float64))):
            self.is_refuted = True


def _unpacked(lines: Lines) -> Lines:
    """The lines of a domain with the shares of multipliers as numbers from 0 to 1."""
    shares = [packed.astype(np.float32) / np.float32(UNITS) for packed in lines.shares]
    return Lines(lines.signs, lines.slopes, lines.betas, shares)


def _edges_of(node: _Node) -> int:
    return sum(shares.size for shares in node.lines.shares)
