"""Splits of ReLUs with bounds of all hidden neurons found anew on the way down, one domain after the other.

In deep networks a split tells most where it makes the neurons behind it narrow, and bounds of the whole box know
nothing of that: the tree stalls. So where a search over a domain's splits does not end soon its hidden neurons are
bounded anew (`anew`), which costs as much as some hundred domains, and a search begins again in the smaller form. Where
that does not end for what the bounds have cost, the domain is split and both halves go the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

import numpy as np

from ...answer.credit import ANEW, Credit
from ...base.deadline import TIME_LIMIT, Deadline, ProcessorTime
from ...base.workers import Workers
from ...bounds.bounds import Bounds
from ...network.graph import Graph
from ...property import Polytope, UnsafeSet
from ..means import Means
from ..observer import AnewObserver, Observer, ReluObserver, Watch
from ..outcome import Outcome
from ..rows import Rows
from .anew import Anew
from .imply import Implied
from .leaf import Multipliers
from .relu_split import TOUCHED, ReluSplit
from .space import Domains, Space
from .tree_size import TreeSize

# Gradient steps of bounds found anew; domains that are looked at before; and how many bounds of neurons, each with so
# many steps, cost about as much as a domain that is split.
STEPS, GLANCE, PER_DOMAIN = 20, 8, 20
REFUTED = "a counterexample was found"
NO_FORM = "the reduced form of the network is too large to bound its neurons anew"


def step_domains(unstable: int) -> int:
    """About how many domains a step costs, with so many unstable neurons: both bounds of each anew, and a search that
    may take as long."""
    return 2 * _as_domains(2 * unstable)


def _as_domains(bounds: int) -> int:
    """About how many domains cost as much as so many bounds found anew."""
    return bounds * STEPS // PER_DOMAIN


@dataclass(frozen=True, eq=False)
class _Split:
    """The bound of a domain that was split, and those of its halves that are known yet."""

    lower: float
    halves: list[float] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Node:
    """An open domain: the polytope that it is about, the space whose bounds hold on it, the sides of its neurons
    (size,), its share of the whole, its place in the listener's proof, and the split that it is a half of, if it is
    one."""

    polytope: int
    space: Space
    signs: Any
    share: float
    place: int
    split: _Split | None = None


@dataclass(frozen=True, eq=False)
class _Step:
    """What came of one node: how many domains that took; how it ended the search, `REFUTED`, `TOUCHED`, or not; who
    watched the search that closed it, if one did; its bounds found anew, and the space with them, if it came to that;
    and which neuron of the space is to be split, if the node is open, and its bound within that space."""

    visited: int
    ended: str = ""
    closed: ReluObserver | None = None
    anew: Anew | None = None
    space: Space | None = None
    neuron: int = -1
    lower: float = 0.0


class AnewTree:
    """The search over `polytopes` within `bounds` (batch 1, float64); `watch` has the listeners."""

    def __init__(
        self, graph: Graph, bounds: Bounds, polytopes: Sequence[Polytope], watch: Watch, means: Means
    ) -> None:
        self.graph, self.polytopes, self.watch, self.means = graph, list(polytopes), watch, means
        # A search within one step is not to begin threads of its own, nor programs.
        quick = replace(means.options.relus, programs=False)
        self.inner = Means(Workers(1), means.device, replace(means.options, relus=quick))
        self.observer: AnewObserver = watch.proof.anew(self.polytopes)
        self.visited, self.share = 0, 0.0
        # A reduced form for each polytope is much to keep: those that wait, by number, have none yet.
        self._bounds, self._waiting, self._open = bounds, [*range(len(self.polytopes))], list[Node]()
        # What splits gain, the least bound of a root, and the steps and seconds of processor time so far.
        self._size, self._least_root, self._steps, self._spent = TreeSize(), 0.0, 0, 0.0

    def run(self, deadline: Deadline) -> Outcome:
        """Search until all is closed, a counterexample is found or `deadline` has passed; then it may go on."""
        took = 0.0
        # A step cannot be cut short, so one that would take twice what is left of the turn waits for the next.
        while (self._open or self._waiting) and 2 * deadline.remaining() > took:
            stopwatch, count = ProcessorTime(), self.means.workers.count
            while self._waiting and len(self._open) < count:
                node = self._root(self._waiting.pop(0))
                if node.space.reduced is None:
                    return self._outcome(NO_FORM)
                self._open.append(node)
            # The deepest ones first: few are kept, and each has its bounds.
            nodes, self._open = self._open[-count:], self._open[:-count]
            for node, step in zip(nodes, self.means.workers.map(self._step, nodes), strict=True):
                self._take(node, step)
                if step.ended:
                    return self._outcome(step.ended, refuted=step.ended == REFUTED)
            self.watch.on_progress(-np.inf, len(self._open) + len(self._waiting), self.visited)
            took = stopwatch.elapsed()
            self._spent += took
        if not (self._open or self._waiting):
            self.observer.proved()
            return Outcome(True, 0.0, self.visited, share=1.0, ways={ANEW: Credit(closed=1.0)})
        return replace(self._outcome(TIME_LIMIT, resumable=True), ahead=self._ahead)

    def _outcome(self, reason: str, **how: bool) -> Outcome:
        return Outcome(False, -np.inf, self.visited, reason, self.share, ways={ANEW: Credit(closed=self.share)}, **how)

    @property
    def _ahead(self) -> float | None:
        """The seconds of processor time that the open domains will take, if splits go on to gain what they do; a root
        that waits is as the worst one is. Nobody knows where no split is known yet: the deepest domains come first, and
        long nothing is closed."""
        if not self._size.is_known:
            return None
        missing = [-self._least_root if node.split is None else -node.split.lower for node in self._open]
        missing += [-self._least_root] * len(self._waiting)
        return self._size.seconds(missing, self._steps, self._spent)

    def sharpen(self, bounds: Bounds) -> None:
        """Go on with better bounds of the whole box."""
        self._bounds = bounds
        self._open = [self._met(node, bounds) for node in self._open]

    def _root(self, number: int) -> Node:
        space = self._space(self._bounds, self.polytopes[number])
        signs, place = np.zeros(space.size, np.int8), self.observer.root(number, space)
        return Node(number, space, signs, 1 / len(self.polytopes), place)

    def _met(self, node: Node, bounds: Bounds) -> Node:
        met = node.space.bounds.met(bounds)
        if any((below > above).any() for below, above in zip(met.lower, met.upper, strict=True)):
            # Nothing of the domain is left, which its own bounds will tell.
            return node
        space = self._space(met, self.polytopes[node.polytope])
        return replace(node, space=space, signs=_carried(node, space))

    def _space(self, bounds: Bounds, polytope: Polytope) -> Space:
        rows = Rows(UnsafeSet((polytope,), self.graph.output_size))
        return Space(self.graph, bounds, rows.matrix, rows.limits, means=self.inner)

    def _take(self, node: Node, step: _Step) -> None:
        """Tell the listener, and go on with the halves of what is open."""
        self.visited, self._steps = self.visited + step.visited, self._steps + 1
        if node.split is None:
            self._least_root = min(self._least_root, step.lower)
        else:
            node.split.halves.append(step.lower)
            if len(node.split.halves) == 2:
                self._size.learn(node.split.lower, node.split.halves)
        place, space = node.place, node.space
        if step.anew is not None:
            place = self.observer.anew(place, step.anew, step.space)
            space = space if step.space is None else step.space
        if step.neuron < 0:
            self.share += 0.0 if step.ended else node.share
            self.observer.closed(place, step.closed)
            return
        on, off = self.observer.split(place, space, step.neuron)
        signs, split = _carried(node, space), _Split(step.lower)
        for sign, place in ((-1, off), (1, on)):
            half = signs.copy()
            half[step.neuron] = sign
            self._open.append(Node(node.polytope, space, half, node.share / 2, place, split))

    def _step(self, node: Node) -> _Step:
        glance = _Search(self, node, node.space, node.signs)
        if glance.run(GLANCE):
            return _Step(glance.visited, glance.ended, closed=glance.trees)
        anew = Anew(node.space, node.signs)
        anew.climb(STEPS)
        if anew.is_empty:
            return _Step(glance.visited, anew=anew)
        space = self._space(anew.bounds(), self.polytopes[node.polytope])
        signs = _carried(node, space)
        search = _Search(self, node, space, signs)
        bounds = sum(len(ends.column) for ends in anew.found)
        done = search.run(max(4 * GLANCE, _as_domains(bounds)))
        visited = glance.visited + search.visited
        if done:
            return _Step(visited, search.ended, search.trees, anew, space)
        return _Step(visited, "", None, anew, space, search.neuron, search.lower)


class _Search:
    """Splits of ReLUs of one domain, until all is closed or so many domains are visited."""

    def __init__(self, tree: AnewTree, node: Node, space: Space, signs: Any) -> None:
        self.ended, self.trees = "", tree.observer.within(node.polytope, space)
        self._first = _First(self.trees)
        watch, polytope = replace(tree.watch, proof=_Proof(self._first)), tree.polytopes[node.polytope]
        # The row does not matter: a search takes the best one.
        root = space.root().take(np.zeros(1, np.intp))
        root.signs[0] = signs
        self._search = ReluSplit(tree.graph, space.bounds, [polytope], watch, tree.inner, (space, root))

    @property
    def visited(self) -> int:
        return self._search.visited

    @property
    def neuron(self) -> int:
        """What was split first."""
        return self._first.neuron

    @property
    def lower(self) -> float:
        """The bound of what was split first."""
        return self._first.lower

    def run(self, most: int) -> bool:
        """Whether the search has ended, as `ended` says; else a neuron was split."""
        outcome = self._search.run(_Visits(self._search, most))
        if outcome.refuted:
            self.ended = REFUTED
        elif not outcome.proved and not outcome.resumable:
            self.ended = TOUCHED
        return not outcome.resumable


class _Visits(Deadline):
    """The end of a search that has visited so many domains."""

    def __init__(self, search: ReluSplit, most: int) -> None:
        super().__init__()
        self._search, self._most = search, most

    def passed(self) -> bool:
        return self._search.visited > self._most or super().passed()


class _Proof(Observer):
    """Whoever watches splits of neurons is this one."""

    def __init__(self, own: ReluObserver) -> None:
        self._own = own

    def relus(self, space: Space, polytopes: Sequence[Polytope], rows: Rows) -> ReluObserver:
        return self._own


class _First(ReluObserver):
    """Notes which neuron is split first, and the bound of what it splits, and passes everything on."""

    def __init__(self, after: ReluObserver) -> None:
        self._after, self.neuron, self.lower = after, -1, -inf

    def split(self, parents: Domains, children: Domains) -> None:
        if self.neuron < 0:
            self.neuron = int((children.signs[0] != parents.signs[0]).argmax())
            self.lower = float(parents.lower[0])
        self._after.split(parents, children)

    def implied(self, implied: Implied) -> None:
        self._after.implied(implied)

    def close(self, domains: Domains) -> None:
        self._after.close(domains)

    def close_raw(self, domain: Domains, found: Multipliers) -> None:
        self._after.close_raw(domain, found)


def _carried(node: Node, space: Space) -> Any:
    """The sides of a node's neurons in another space, whose neurons are some of its own, (size,)."""
    found, own = np.zeros(space.size, np.int8), node.space
    for relu, columns in space.columns.items():
        signs = np.zeros(space.graph.nodes[relu].size, np.int8)
        signs[own.columns[relu]] = node.signs[own.slices[relu]]
        found[space.slices[relu]] = signs[columns]
    return found
