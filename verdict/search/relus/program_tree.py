"""Branch and bound by linear programs alone, on a network that is reduced to few unstable ReLUs.

Near a tie one program says more than hundreds of gradient steps, its solution shows which ReLU to split, and a tree of
dozens of programs takes the place of thousands of domains. ReLUs are chosen by really solving both halves until their
gains are known, by what they have gained per unit of gap from then on (pseudo-costs with reliability; Achterberg, Koch
and Martin 2005). Only multipliers that are verified in float64 close a domain.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base.deadline import Deadline
from ...network.exact import FloatArray
from .carry import carry
from .program import Program, Relaxation
from .space import Domains, Space

# ReLUs whose halves are solved before one is chosen, and after how many solutions of either half its gains are known.
TRIALS, RELIABLE = 8, 2
# A gap or a gain below it is none.
NONE = 1e-7
# Domains whose multipliers are verified at once.
TOGETHER = 64


@dataclass(frozen=True, eq=False)
class _Node:
    """An open domain: its row, the sides of its ReLUs, and its program's solution, if that is known yet."""

    row: int
    signs: Any
    seen: Relaxation | None


class ProgramTree:
    """The search over the domains `roots` of a space; `offer` gets points (k, input_size) that look unsafe."""

    def __init__(self, space: Space, roots: Domains, offer: Callable[[FloatArray], object]) -> None:
        self._offer, self._tick = offer, itertools.count()
        self._heap: list[tuple[float, int, _Node]] = []
        # Domains that programs have closed, not verified yet; those that can be neither closed nor split; and how many
        # domains of any kind each row has left.
        self._waiting: list[_Node] = []
        self._stuck: list[_Node] = []
        self.left = dict.fromkeys(range(len(space.rows)), 0)
        self._on(space)
        for row, signs in zip(roots.row.tolist(), roots.signs, strict=True):
            self._push(_Node(row, signs, None), -np.inf)

    def _on(self, space: Space) -> None:
        self.space, self._program = space, Program(space)
        # Sums of gains per unit of gap, and how many there are, for the halves of each ReLU: (2, size).
        self._gains, self._counts = np.zeros((2, space.size)), np.zeros((2, space.size))

    def move(self, space: Space) -> None:
        """Go on in the space of a smaller ball; what is closed stays closed."""
        nodes, old = [*(node for *_, node in self._heap), *self._waiting, *self._stuck], self.space
        self._heap, self._waiting, self._stuck = [], [], []
        self.left = dict.fromkeys(self.left, 0)
        self._on(space)
        if nodes:
            root = old.root().take(np.array([node.row for node in nodes]))
            root.signs = np.array([node.signs for node in nodes])
            domains, alive = carry(old, space, root)
            for at in np.flatnonzero(alive).tolist():
                self._push(_Node(nodes[at].row, domains.signs[at], None), -np.inf)

    def explore(self, clock: Deadline, stop: Callable[[], bool]) -> bool:
        """Search until all is closed or stuck, `stop` says so, or the clock has passed; whether nothing is left."""
        while not (clock.passed() or stop()):
            if not self._heap:
                self._verify()
                if not self._heap:
                    return True
            _, _, node = heapq.heappop(self._heap)
            self.left[node.row] -= 1
            if node.seen is None:
                self._look(node)
            else:
                self._split(node, node.seen)
            if len(self._waiting) >= TOGETHER:
                self._verify()
        return False

    def _push(self, node: _Node, least: float) -> None:
        self.left[node.row] += 1
        heapq.heappush(self._heap, (least, next(self._tick), node))

    def _give_up(self, node: _Node) -> None:
        self.left[node.row] += 1
        self._stuck.append(node)

    def _look(self, node: _Node) -> None:
        """Solve a domain's program and put it where it belongs."""
        found, free = self._program.solve(node.row, node.signs), np.flatnonzero(node.signs == 0)
        if found is not None:
            self._place(_Node(node.row, node.signs, found))
        elif len(free):
            # A domain may be so empty that the triangles of its other ReLUs contradict each other; then there are no
            # multipliers. When all are split there are.
            for sign in (1, -1):
                self._place(self._half(node, int(free[0]), sign))
        else:
            self._give_up(node)

    def _place(self, node: _Node) -> None:
        """Keep a domain whose program is solved: to be verified, or to be split."""
        if node.seen is not None and node.seen.least > 0:
            self.left[node.row] += 1
            self._waiting.append(node)
        else:
            self._push(node, -np.inf if node.seen is None else node.seen.least)

    def _verify(self) -> None:
        """Close the waiting domains whose multipliers prove them, rigorously; the others are split further."""
        nodes, self._waiting = self._waiting, []
        if not nodes:
            return
        domains = self.space.root().take(np.array([node.row for node in nodes]))
        seen = [node.seen for node in nodes if node.seen is not None]
        domains.signs = np.array([node.signs for node in nodes])
        domains.slopes, domains.betas = np.array([s.slopes for s in seen]), np.array([s.betas for s in seen])
        for node, lower in zip(nodes, self.space.verify(domains).tolist(), strict=True):
            self.left[node.row] -= 1
            if not lower > 0:
                self._push(node, 0.0)

    def _split(self, node: _Node, seen: Relaxation) -> None:
        """Both halves of a domain by its best ReLU."""
        gaps = np.where(node.signs == 0, seen.gaps, 0.0)
        is_point = gaps.max(initial=0) <= NONE
        if is_point:
            self._offer(self.space.point(seen.point))
        # Where nothing is lost at the solution, a split is worth it only against rounding.
        free = np.flatnonzero((node.signs == 0) & (is_point | (gaps > NONE)))
        if not len(free) or (is_point and seen.least <= 0):
            self._give_up(node)
            return
        for half in self._best(node, seen.least, gaps, free):
            self._place(half)

    def _best(self, node: _Node, least: float, gaps: FloatArray, free: Any) -> list[_Node]:
        """The halves by the ReLU that gains most, among those of the greatest expected gains."""
        best, chosen = -1.0, list[_Node]()
        for neuron in free[np.argsort(-self._expected(gaps[free], free))][:TRIALS].tolist():
            known = self._counts[:, neuron].min() >= RELIABLE
            if known and self._expected(gaps[neuron : neuron + 1], np.array([neuron]))[0] <= best:
                continue
            halves = [self._half(node, neuron, sign) for sign in (1, -1)]
            gained = [max(min(0.0 if h.seen is None else h.seen.least, 0.0) - least, 1e-9) for h in halves]
            if gaps[neuron] > NONE:
                self._gains[:, neuron] += np.array(gained) / gaps[neuron]
                self._counts[:, neuron] += 1
            if gained[0] * gained[1] > best:
                best, chosen = gained[0] * gained[1], halves
            if known or all(h.seen is not None and h.seen.least > 0 for h in halves):
                break
        return chosen

    def _half(self, node: _Node, neuron: int, sign: int) -> _Node:
        signs = node.signs.copy()
        signs[neuron] = sign
        return _Node(node.row, signs, self._program.solve(node.row, signs))

    def _expected(self, gaps: FloatArray, neurons: Any) -> FloatArray:
        """What splits on these ReLUs, with these gaps, may gain: the product over their halves, (neurons,)."""
        counts, all_counts = self._counts[:, neurons], self._counts.sum(axis=1)
        usual = np.where(all_counts > 0, self._gains.sum(axis=1) / np.maximum(all_counts, 1), 1.0)
        rates = np.where(counts > 0, self._gains[:, neurons] / np.maximum(counts, 1), usual[:, None])
        product: FloatArray = np.maximum(rates * gaps, 1e-12).prod(axis=0)
        return product
