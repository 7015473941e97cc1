"""One domain of a tree by planes over edges: its bound, ends of neurons of its own, its halves.

A split is chosen by what both halves gain in some steps, among the ReLUs that lose most by their planes (`edge_gains`).
Then each half climbs: rounds of gradient steps, with ever shorter ones, go on as long as they pay, since a split costs
no more but makes two domains of one. Nothing here depends on the rest of the tree, so that a copy of the process can do
it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ...base.deadline import ProcessorTime
from ...bounds.alpha import on_grid
from ...bounds.edges import Edges, Lines
from ...network.exact import FloatArray
from .cut_ends import Ends, ends_within
from .edge_ascent import Seen, carried, chords, climb
from .edge_gains import NONE, PAYS, RATES, Gains, Rounds
from .last_domain import LastDomain, can_finish
from .radii import Radii
from .space import Space

# Gradient steps at a root, and in a first glance at one, and their rate.
ROOT_STEPS, GLANCE_STEPS, ROOT_RATE = 150, 15, 0.2
# In a trial of a split, and behind new ends.
TRIAL_STEPS, STEPS, RATE = 15, 40, 0.1
# In a round in a half.
ROUND_STEPS = 60
# ReLUs tried before one is split.
TRIALS = 2
# A margin above it is not made larger.
ENOUGH = 1e-3
# Shares of multipliers are kept as multiples of one over this.
UNITS = 65535
# Ends of neurons are found anew where a bound leaves no more than this share of the room that it left the last time.
TIGHTER = 0.75
# Domains of at most so many ReLUs that are not split are given to programs; and again once there are no more than this
# share of those that there were.
FEW_FREE, FEWER = 64, 0.75
# So many forms of domains' own ends are kept: one is larger than what a domain is stored as.
KEPT_FORMS = 16

# What the work of some name makes of each of some arguments.
Each = Callable[[str, Sequence[tuple[Any, ...]]], Iterable[Any]]

_NUMBERS = itertools.count()


def _name() -> tuple[int, int]:
    return os.getpid(), next(_NUMBERS)


@dataclass(frozen=True)
class Part:
    """What domains are in: the row they are about, and the ends that its neurons have there, None for the space's own.
    Parts are the same by their `name`, which they keep in other processes."""

    row: int
    ends: Ends | None = field(compare=False)
    name: tuple[int, int] = field(default_factory=_name)


@dataclass(frozen=True, eq=False)
class Node:
    """An open domain: its part, its lines, a rigorous bound of the row and the radius below which the domain is safe,
    what the ascent saw, the bound's `slope` over the inputs and how much `room` it leaves there. Of how it was made it
    knows, for `Gains`, what was `learnt` of ReLUs and of `rounds`; `node` is its number in a proof, if one is written,
    `neuron` what its parent was split on, `depth` how often a root was halved to get it. Ends were last found within so
    much room as `tight`; programs were tried with so many ReLUs that were not split as `tried`, or are at work."""

    part: Part
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
    rounds: tuple[tuple[int, float], ...] = ()
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


class EdgeWork:
    """What is done with domains of a space whose rows have these `forms`, to prove them below the last of the `radii`,
    or on the whole box where these are None. With `apart` domains have ends of neurons of their own."""

    def __init__(self, space: Space, forms: Mapping[int, Edges], radii: Radii | None, apart: bool) -> None:
        self.space, self._forms, self._radii, self._apart = space, forms, radii, apart
        self.goal = np.inf if radii is None else float(radii.radii[-1])
        self._within = lru_cache(KEPT_FORMS)(self._form_of)

    def aimed(self, radii: Radii) -> EdgeWork:
        """The same below the last of these radii."""
        return EdgeWork(self.space, self._forms, radii, self._apart)

    def measured(self, node: Node) -> Node:
        """A domain with the radius that its bound reaches among those that count now."""
        return replace(node, reach=max(node.reach, self._reach(node.slope, -node.room)))

    def glance(self, row: int, signs: Any, times: int = 1) -> float:
        """The bound of a root after a few steps, or so many times as many."""
        return self._bounded(Part(row, None), self._begin(row, signs), (times * GLANCE_STEPS, ROOT_RATE)).lower

    def glance_seconds(self, row: int, signs: Any) -> float:
        """The seconds of processor time that a glance takes, as two steps behind the first one do."""
        climb(self._forms[row], row, self._begin(row, signs), 1, ROOT_RATE)
        stopwatch = ProcessorTime()
        climb(self._forms[row], row, self._begin(row, signs), 2, ROOT_RATE)
        return stopwatch.elapsed() / 2 * GLANCE_STEPS

    def root(self, row: int, signs: Any) -> Node:
        return self._bounded(Part(row, None), self._begin(row, signs), (ROOT_STEPS, ROOT_RATE))

    def is_closed(self, node: Node) -> bool:
        return node.lower > 0 or node.reach >= self.goal

    def ends(self, part: Part) -> Ends:
        """The ends of a part's neurons."""
        if part.ends is not None:
            return part.ends
        if self.space.reduced is None:
            raise ValueError("planes over edges need the reduced form")
        return self.space.reduced.sizes.low, self.space.reduced.sizes.high

    def is_for_programs(self, node: Node) -> bool:
        """Whether it is the turn of programs with a domain."""
        if node.programs is not None:
            return True
        return self._apart and node.free <= FEW_FREE and node.free < FEWER * node.tried and can_finish(self.space)

    def advanced(self, node: Node, gains: Gains, each: Each | None = None) -> tuple[Node, list[Node] | None]:
        """A domain, perhaps with ends of its own, and its halves; none where none of its ReLUs loses anything, None
        where it is not to be split as it is now. `each` shares out parts of the work."""
        node, each = self._tightened(node), each or self._each
        if self.is_closed(node) or self.is_for_programs(node):
            return node, None
        halves = self._split(node, gains, each)
        is_done = [self.is_closed(half) for half in halves]
        climbing = [(half, gains.rounds) for half, done in zip(halves, is_done, strict=True) if not done]
        climbed = iter(each("climbed", climbing))
        return node, [half if done else next(climbed) for half, done in zip(halves, is_done, strict=True)]

    def _each(self, name: str, given: Sequence[tuple[Any, ...]]) -> Iterable[Any]:
        """One after the other, each once it is asked for."""
        return (worked(self, (name, some)) for some in given)

    def _tightened(self, node: Node) -> Node:
        """The domain with ends of its neurons where its bound leaves room for what is unsafe, as often as that pays."""
        while self._apart and node.room < TIGHTER * node.tight and not self.is_closed(node):
            reduced, old = self.space.reduced, node.lines.signs
            if reduced is None:
                break
            low, high = ends_within(reduced, self.ends(node.part), old, node.slope, node.room)
            if (low > high).any():
                return replace(node, lower=np.inf)
            signs = np.where(old != 0, old, np.where(low >= 0, 1, np.where(high <= 0, -1, 0))).astype(np.int8)
            part, tight = Part(node.row, (low, high)), node.room
            lines = carried(self._form(node.part), self._form(part), node.row, unpacked(node.lines), signs)
            node = replace(self._bounded(part, lines, (STEPS, RATE), node), tight=tight)
        return node

    def _split(self, node: Node, gains: Gains, each: Each) -> list[Node]:
        """Both halves of a domain by its best ReLU, which have yet to climb; none where none loses anything."""
        losses = node.seen.losses(node.lines.signs)
        likely = [neuron for neuron in np.argsort(-gains.expected(losses))[:TRIALS].tolist() if losses[neuron] > NONE]
        # One behind the first whose gains are known is known to gain less.
        likely = [neuron for at, neuron in enumerate(likely) if at == 0 or not gains.is_known(neuron)]
        best, chosen, learnt = -1.0, list[Node](), list[tuple[int, int, float]]()
        for neuron, halves in zip(likely, each("halves", [(node, neuron) for neuron in likely]), strict=False):
            gained = [max(min(half.lower, 0.0) - node.lower, 1e-9) for half in halves]
            learnt += [(neuron, side, gain / float(losses[neuron])) for side, gain in enumerate(gained)]
            if gained[0] * gained[1] > best:
                best, chosen = gained[0] * gained[1], halves
            if all(half.lower > 0 for half in halves):
                break
        return [replace(half, learnt=() if at else tuple(learnt)) for at, half in enumerate(chosen)]

    def halves(self, node: Node, neuron: int) -> list[Node]:
        """Both halves of a domain by a ReLU, after the steps of a trial."""
        made = replace(node, learnt=(), rounds=(), neuron=neuron, depth=node.depth + 1)
        return [self._half(made, neuron, sign) for sign in (1, -1)]

    def climbed(self, half: Node, usual: Rounds) -> Node:
        """A half after rounds at each rate that pays, for as long as it does so here, or until it is closed."""
        rounds = list[tuple[int, float]]()
        for number, rate in enumerate(RATES):
            gained = 1.0 if usual.pays(number) else 0.0
            while gained >= PAYS and not self.is_closed(half):
                before = half.lower
                half = self._bounded(half.part, unpacked(half.lines), (ROUND_STEPS, rate), half)
                gained = min(1.0, 1 - half.lower / before) if before < 0 else 0.0
                rounds.append((number, gained))
        return replace(half, rounds=tuple(rounds))

    def _half(self, node: Node, neuron: int, sign: int) -> Node:
        old, signs = unpacked(node.lines), node.lines.signs.copy()
        signs[neuron] = sign
        lines = Lines(signs, old.slopes, old.betas, old.shares)
        return self._bounded(node.part, lines, (TRIAL_STEPS, RATE), node)

    def _begin(self, row: int, signs: Any) -> Lines:
        """The lines that a root begins with."""
        space = self.space
        flat = space.floors.astype(np.float32), np.zeros(space.size, np.float32)
        return Lines(signs, *flat, chords(self._forms[row]))

    def _bounded(self, part: Part, lines: Lines, climbing: tuple[int, float], parent: Node | None = None) -> Node:
        """A domain after so many steps at such a rate; it is at least as good as its parent. Numbers are kept as a
        proof would store them, where one is written, and shares in two bytes."""
        offset, form = float(self.space.offsets[part.row]), self._form(part)
        best, seen = climb(form, part.row, lines, *climbing, offset + ENOUGH)
        packed = [np.rint(shares * np.float32(UNITS)).astype(np.uint16) for shares in best.shares]
        slopes = best.slopes if self._apart else on_grid(best.slopes)
        kept = Lines(best.signs, slopes, best.betas, packed)
        lower, slope = form.bound(part.row, offset, unpacked(kept))
        reach, room = self._reach(slope, lower), max(0.0, -lower)
        if parent is None:
            return Node(part, kept, lower, reach, seen, slope, room)
        if parent.lower > lower:
            slope, room = parent.slope, parent.room
        found = replace(parent, part=part, lines=kept, lower=max(lower, parent.lower), reach=max(reach, parent.reach))
        return replace(found, seen=seen, slope=slope, room=room, programs=None)

    def _reach(self, slope: FloatArray, lower: float) -> float:
        """The radius below which an affine bound with this slope is positive, if it is at least `lower`."""
        return 0.0 if self._radii is None else float(self._radii.on_box(slope[None], np.array([lower]))[0])

    def _form_of(self, part: Part) -> Edges:
        return self._forms[part.row].within(*self.ends(part))

    def _form(self, part: Part) -> Edges:
        """The form in which a part's domains are bounded."""
        return self._forms[part.row] if part.ends is None else self._within(part)


def worked(work: EdgeWork, item: tuple[str, tuple[Any, ...]]) -> Any:
    """What the work of some name makes of some arguments."""
    name, given = item
    return getattr(work, name)(*given)


def unpacked(lines: Lines) -> Lines:
    """The lines of a domain with the shares of multipliers as numbers from 0 to 1."""
    shares = [packed.astype(np.float32) / np.float32(UNITS) for packed in lines.shares]
    return Lines(lines.signs, lines.slopes, lines.betas, shares)
