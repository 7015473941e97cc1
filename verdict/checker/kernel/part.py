"""One part of a proof: a box, proved bounds of hidden neurons on it, and trees that exclude unsafe polytopes.

The rows of the polytopes are appended to the network as a last affine node, so that excluding one is bounding a neuron.
Bounds are recomputed on every leaf's own box, or once for the part's box and sharpened by its lemmas, or both; they
belong to this part and nothing outside it can use them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..attempts import Attempt, for_lines, for_rationals
from ..errors import OutOfRangeError, RejectedError
from ..models.boxes import Models
from ..readers.multipliers import Domains, Group, Sizes
from ..readers.rows import outward, tried, with_rows
from ..small.view import View, views
from ..surroundings import Surroundings
from .anew import Anew
from .lines import lines_of
from .region import Pieces, Region
from .tree import LINES, Domain, Leaves, Tally, Walk

# Leaves looked at together, and how many numbers their coefficients may take.
CHUNK, MOST_ENTRIES = 64, 2**20


@dataclass(frozen=True, eq=False)
class _Goal:
    """A goal's number, the rows of each of its disjuncts, and what was read of its trees."""

    number: int
    owned: list[Any]
    tally: Tally


class Part:
    """Part number `number` of the proof that `work` checks."""

    def __init__(self, work: Surroundings, number: int, any_order: bool) -> None:
        self.work, self.number, self.record, self.any_order = work, number, work.parts[number], any_order
        self.disjuncts = [d for goal in self.record.goals for d in goal]
        chosen = [work.claim.disjuncts[d] for d in self.disjuncts]
        # Parts of several boxes are about the smallest box around them.
        box = ([min(e) for e in zip(*{id(d.lower): d.lower for d in chosen}.values(), strict=True)],
               [max(e) for e in zip(*{id(d.upper): d.upper for d in chosen}.values(), strict=True)])
        self.low, self.high = outward(*box)
        self.network = with_rows(work.network, chosen)
        self.neurons = int(self.network.starts[-1])
        self.sizes = Sizes(self.neurons, sum(map(self.network.size, self.network.products)))
        self.ball = work.claim.ball if work.claim.ball is not None and work.claim.ball.norm != "linf" else None
        self.arithmetics, self.exact = work.arithmetics(self.network, any_order, box)
        # No claim about floats, and no rationals.
        models = None if any_order or work.tier == "python" else Models(self.network, self.low, self.high, work.ask)
        self.models = models if models is not None and models.can else None
        # How leaves closed by lines see the network, one way after the other.
        self.views, self.chunk = [View(self.network, None, self.arithmetics)], CHUNK

    def check(self) -> None:
        """Check all trees of the part: the lemmas' and then the goals', in the order of the nodes."""
        if not self.record.at_leaves:
            try:
                self.views = views(self, Pieces(self.low[None], self.high[None], ball=self.ball), self._lemmas)
            except OutOfRangeError:
                raise RejectedError(f"part {self.number}: numbers out of range") from None
            self.chunk = max(1, min(4 * CHUNK, MOST_ENTRIES // self.views[0].widest))
        row = 0
        for goal, disjuncts in enumerate(self.record.goals):
            owned = []
            for d in disjuncts:
                owned.append(np.arange(row, row + len(self.work.claim.disjuncts[d].offset)))
                row += len(owned[-1])
            self._goal(goal, owned)

    def _lemmas(self, layer: int, node: int, region: Region) -> None:
        """The lemmas about a layer: each tree bounds a neuron from one side by the least over its leaves."""
        arithmetic, size = self.arithmetics[-1], self.network.size(node)
        for number, about in enumerate(self.record.lemmas):
            if about != layer:
                continue
            group, neuron, side = self.work.certificate.lemma(self.number, number, self.sizes, size,
                                                              len(self.work.nodes))
            bound = np.full(len(neuron), np.inf)

            def look(leaves: Leaves, group: Group = group, side: Any = side, neuron: Any = neuron) -> Any:
                if (leaves.kind != LINES).any():
                    raise RejectedError(f"{group.prefix}: a lemma's leaf without lines")
                rows = np.zeros((len(leaves), 1, size))
                rows[np.arange(len(leaves)), 0, neuron[leaves.tree]] = side[leaves.tree]
                found, empty = lines_of(self.network, region, group.domains(leaves), layer, True)
                lower = arithmetic.lower(region.on(leaves), node, rows, found)[:, 0]
                return leaves.tree, np.where(empty, np.inf, lower)

            walk = Walk(self.work.nodes, len(neuron))
            for tree, lower in self._over(group, walk, self._whole, int(self.network.starts[layer]), look):
                np.minimum.at(bound, tree, lower)
            low, high, up = np.full((1, size), -np.inf), np.full((1, size), np.inf), side > 0
            np.maximum.at(low[0], neuron[up], bound[up])
            np.minimum.at(high[0], neuron[~up], -bound[~up])
            region.meet(node, low, high)

    @property
    def _whole(self) -> Domain:
        return Domain(self.low, self.high)

    def _over(self, group: Group, walk: Walk, domain: Domain, neurons: int, look: Any) -> Iterator[Any]:
        """`look` at all leaves of the next trees, whose splits may use the neurons below number `neurons`."""

        def chunks() -> Iterator[Leaves]:
            for leaves in walk.chunks(domain, neurons, self.chunk):
                self.work.count(len(leaves))
                yield leaves
            group.finish(walk)

        return self.work.map(look, chunks())

    def _goal(self, goal: int, owned: list[Any]) -> None:
        """Check that every leaf of one goal's tree excludes each of its disjuncts, whose rows are `owned`."""
        rows = sum(map(len, owned))
        group = self.work.certificate.goal(self.number, goal, self.sizes.of(rows), len(owned) == 1)
        self._trees(_Goal(goal, owned, Tally()), group, self.views, self._whole)

    def _trees(self, about: _Goal, group: Group, views: list[View], domain: Domain) -> None:
        """Check that every leaf of the next tree, over the domain, excludes each disjunct of a goal."""
        goal, owned = about.number, about.owned

        def look(leaves: Leaves) -> list[int]:
            wanted = self.work.wanted(self.number, goal, leaves)
            if not len(wanted):
                return []
            domains, at_leaves = group.domains(leaves), self.record.at_leaves
            if at_leaves:
                wanted, names = self.work.memory.unknown(domains, wanted, (self.any_order, *self.record.goals[goal]))
            plain, split, still = leaves.kind[wanted] == LINES, np.array([bool(p) for p in leaves.paths])[wanted], []
            for at, splits in ((wanted[plain & ~split], False), (wanted[plain & split], True)):
                at = at if self.models is None else at[self.models.left(leaves.low[at], leaves.high[at], owned)]
                for view in views:
                    attempts = for_lines(view.arithmetics, at_leaves, splits, domains.has_lines)
                    at = at[self._open(view, domains.take(at), owned, attempts)]
                still += at.tolist()
            for j in wanted[~plain]:
                attempts = for_rationals(self.arithmetics[-1], self.exact, at_leaves)
                still += [j] if self._open(views[-1], group.single(domains.take([j])), owned, attempts)[0] else []
            if at_leaves:
                self.work.memory.keep(names[j] for j in set(wanted.tolist()).difference(still))
            return [int(leaves.number[j]) for j in still]

        view, root = views[-1], views[-1].root

        def anew(number: int, domain: Domain) -> None:
            # What is found anew rests on the rows of one disjunct, and on bounds that are the part's.
            if len(owned) > 1 or root is None or not view.is_of_root:
                raise RejectedError("bounds found anew in a goal of several disjuncts, or without bounds of the root")
            self._anew(about, number, view, root, domain)

        walk = Walk(self.work.nodes, 1, about.tally, anew)
        for still in self._over(group, walk, domain, self.neurons, look):
            if still:
                self.work.left_open(self.number, goal, still)

    def _anew(self, about: _Goal, number: int, view: View, root: Region, domain: Domain) -> None:
        """Bounds of hidden neurons on a domain, given that a goal's rows are at most 0, and the tree that uses them."""
        prefix, sizes = f"p{self.number}.g{about.number}.b{number}", self.sizes.of(len(about.owned[0]))
        found = Anew(self.work, self.network, self.arithmetics[-1], about.owned[0], self.chunk)
        region = found.region(prefix, root.within(domain.low, domain.high), domain, sizes)
        self._trees(about, self.work.certificate.inside(prefix, sizes), [replace(view, root=region)], domain)

    def _open(self, view: View, domains: Domains, owned: list[Any], attempts: list[Attempt]) -> Any:
        """Which of the domains have a disjunct that no attempt excludes, (n,)."""
        domains, left = view.of(domains), np.ones((len(domains), len(owned)), bool)
        for attempt in attempts:
            at = np.flatnonzero(left.any(axis=1))
            if len(at):
                with suppress(OutOfRangeError):
                    left[at] &= ~self._excluded(view, attempt, domains.take(at), owned)
        return left.any(axis=1)

    def _excluded(self, view: View, attempt: Attempt, domains: Domains, owned: list[Any]) -> Any:
        """Which disjuncts an attempt excludes on which domain, (n, disjuncts)."""
        here, output = domains if attempt.split else domains.unsplit, view.network.output
        about = domains.leaves if attempt.cut else domains.leaves.unsplit
        region = view.region(Pieces(about.low, about.high, about.cuts, self.ball), attempt, about)
        found, empty = lines_of(view.network, region, here, len(view.network.pointwise), attempt.stored)
        rows = tried(view.network.size(output), owned, here)
        positive = attempt.deciding.positive(region, output, np.concatenate(rows, axis=1), found)
        ends = np.cumsum([few.shape[1] for few in rows])[:-1]
        return np.stack([empty | some.any(axis=1) for some in np.split(positive, ends, axis=1)], axis=1)
