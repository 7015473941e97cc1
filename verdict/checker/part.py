"""One part of a certificate: a box, proved bounds of hidden neurons on it, and trees that exclude unsafe polytopes.

The rows of the polytopes are appended to the network as a last affine node, so that excluding one is bounding a neuron.
Bounds are recomputed on every leaf's own box, or once for the part's box and sharpened by its lemmas; either way they
belong to this part and nothing outside it can use them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from .archive import Archive, each, member_of, only
from .claim import Claim
from .errors import RejectedError, UnreadableError
from .exactly import Leaf, excluded
from .floats import Floats
from .group import FLOATS, Domains, Group, lines_of
from .integers import Integers, OutOfRangeError
from .network import Network
from .region import Region, bounded
from .rows import outward, tried, with_rows
from .tree import LINES, RATIONAL, RAW, Leaves, Walk

# Leaves looked at together, and how many numbers their coefficients may take.
CHUNK, MOST_ENTRIES = 64, 2**20


class Work(Protocol):
    """What a part needs to know of the certificate that it belongs to."""

    tier: str
    open_leaves: list[tuple[int, int, int]] | None
    among: set[tuple[int, int, int]] | None
    archive: Archive
    claim: Claim
    network: Network
    nodes: Any

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]: ...

    def count(self, leaves: int) -> None: ...


class Part:
    """Part number `number`, of which `record` is the manifest's description."""

    def __init__(self, work: Work, number: int, record: Any, any_order: bool) -> None:
        self.work, self.number, self.name, self.any_order = work, number, f"p{number}", any_order
        only(record, "bounds", "lemmas", "goals")
        self.at_leaves = member_of(record, "bounds", str) == "leaf"
        if record["bounds"] not in ("leaf", "root"):
            raise UnreadableError("a part's bounds are neither of the leaf nor of the root")
        self.goals = each(record.get("goals"), self._goal)
        self.lemmas = each(member_of(record, "lemmas", list, []), self._lemma)
        if self.at_leaves and self.lemmas:
            raise UnreadableError("lemmas in a part whose leaves compute their own bounds")
        self.disjuncts = [d for goal in self.goals for d in goal]
        if not 0 < len(self.disjuncts) <= len(work.claim.disjuncts):
            raise UnreadableError("a part without goals, or with more disjuncts than the claim")
        chosen = [work.claim.disjuncts[d] for d in self.disjuncts]
        # Parts of several boxes are about the smallest box around them.
        self.box = ([min(e) for e in zip(*(d.lower for d in chosen), strict=True)],
                    [max(e) for e in zip(*(d.upper for d in chosen), strict=True)])
        self.low, self.high = outward(*self.box)
        self.network = with_rows(work.network, chosen)
        self.neurons = int(self.network.starts[-1])
        kinds: list[Any] = [Floats(self.network, t, any_order) for t in (np.float32, np.float64)]
        if work.tier != "rigorous":
            kinds = [Integers(self.network, limbs, any_order) for limbs in (1, 2)]
        # What is tried for a leaf, cheapest first: an arithmetic, and whether stable neurons are bounded anew too.
        self.levels = [(kinds[0], False), (kinds[1], False), (kinds[1], True)]
        # None where every leaf computes its own.
        self.root: Region | None = None
        # Where the next tree of the lemmas starts.
        self.position = 0
        widest = max(self.network.size(i) for i in self.network.needed(self.network.output))
        self.chunk = max(1, min(4 * CHUNK, MOST_ENTRIES // widest)) if not self.at_leaves else CHUNK

    def _goal(self, record: Any) -> list[int]:
        only(record, "disjuncts")
        found = each(record.get("disjuncts"), lambda v: v)
        most = len(self.work.claim.disjuncts)
        if not found or any(not isinstance(d, int) or isinstance(d, bool) or not 0 <= d < most for d in found):
            raise UnreadableError("a goal's disjuncts are not those of the claim")
        return found

    def _lemma(self, record: Any) -> int:
        only(record, "layer")
        layer: int = member_of(record, "layer", int)
        if not 0 < layer < len(self.work.network.relus):
            raise UnreadableError(f"a lemma about ReLU layer {layer}")
        return layer

    def check(self, position: int) -> int:
        """Check all trees of the part, which start at `position`; returns where the next part's start."""
        if not self.at_leaves:
            # Which trees are the goals' is known once the lemmas' have been walked.
            self.position = position
            self.root = self._root()
            position = self.position
        row = 0
        for g, disjuncts in enumerate(self.goals):
            owned = []
            for d in disjuncts:
                count = len(self.work.claim.disjuncts[d].offset)
                owned.append(np.arange(row, row + count))
                row += count
            position = self._tree(g, owned, position)
        return position

    def _root(self) -> Region:
        """Bounds of all neurons on the part's box: interval, CROWN, and the lemmas' trees. They serve many leaves, and
        what they lose by rounding adds up from layer to layer: the better arithmetic pays."""
        try:
            return bounded(self.network, self.levels[1][0], self.low[None], self.high[None], None,
                           known=self._sharpen if self.lemmas else None, given=self._lines())
        except OutOfRangeError:
            raise RejectedError(f"{self.name}: numbers out of range") from None

    def _lines(self) -> Any:
        """Slopes below and above for the bounds of hidden neurons on the part's box, and which neurons need bounds
        though they may be stable, (3, neurons); None: CROWN's slopes, and none."""
        member = f"{self.name}.lines.npy"
        if member not in self.work.archive:
            return None
        found = self.work.archive.array(member, FLOATS, 2).astype(np.float64)
        if found.shape != (3, self.neurons) or not ((found >= 0) & (found <= 1)).all():
            raise UnreadableError(f"{member}: not three numbers in [0, 1] for each neuron")
        return found

    def _sharpen(self, layer: int, node: int, region: Region) -> None:
        """The lemmas about a layer: each is the least bound over the leaves of its tree."""
        arithmetic, size = self.levels[1][0], self.network.size(node)
        for number, about in enumerate(self.lemmas):
            if about != layer:
                continue
            prefix = f"{self.name}.l{number}"
            archive = self.work.archive
            neuron = archive.array(f"{prefix}.neuron.npy", ("<u4",), 1)
            if len(neuron) > len(self.work.nodes):
                raise RejectedError(f"{prefix}: more trees than nodes")
            neuron = neuron.astype(np.intp)
            side = archive.array(f"{prefix}.side.npy", ("i1",), 1).astype(np.float64)
            if len(neuron) != len(side) or (neuron >= size).any() or (np.abs(side) != 1).any():
                raise UnreadableError(f"{prefix}: no neurons and sides of layer {layer}")
            group = Group(archive, prefix, self.neurons, 0)
            walk = Walk(self.work.nodes, self.position, len(neuron))
            bound = np.full(len(neuron), np.inf)

            def look(leaves: Leaves, group: Group = group, side: Any = side, neuron: Any = neuron) -> Any:
                if (leaves.kind != LINES).any():
                    raise RejectedError(f"{group.prefix}: a lemma's leaf without lines")
                domains = group.domains(leaves)
                rows = np.zeros((len(leaves), 1, size))
                rows[np.arange(len(leaves)), 0, neuron[leaves.tree]] = side[leaves.tree]
                found, empty = lines_of(self.network, region, domains, layer, True)
                here = region.on(leaves)
                return leaves.tree, np.where(empty, np.inf, arithmetic.lower(here, node, rows, found)[:, 0])

            below = int(self.network.starts[layer])
            chunks = self._counted(walk.chunks(self.low, self.high, below, self.chunk), group)
            for tree, lower in self.work.map(look, chunks):
                np.minimum.at(bound, tree, lower)
            self.position = walk.position
            low, high = region.low[node].copy(), region.high[node].copy()
            up = side > 0
            np.maximum.at(low[0], neuron[up], bound[up])
            np.minimum.at(high[0], neuron[~up], -bound[~up])
            region.empty |= (low > high).any(axis=1)
            region.set(node, np.minimum(low, high), np.maximum(low, high))

    def _counted(self, chunks: Iterator[Leaves], group: Group) -> Iterator[Leaves]:
        """The chunks, and at their end a check that all stored multipliers were for these leaves."""
        leaves, betas, kinds = 0, 0, {LINES: 0, RAW: 0, RATIONAL: 0}
        for chunk in chunks:
            leaves += len(chunk)
            betas += sum(map(len, chunk.paths))
            for kind in kinds:
                kinds[kind] += int((chunk.kind == kind).sum())
            self.work.count(len(chunk))
            yield chunk
        group.finish(leaves, betas, kinds)

    def _tree(self, goal: int, owned: list[Any], position: int) -> int:
        """Check that every leaf of one goal's tree excludes each of its disjuncts, whose rows are `owned`."""
        prefix = f"{self.name}.g{goal}"
        group = Group(self.work.archive, prefix, self.neurons, sum(map(len, owned)))
        walk = Walk(self.work.nodes, position, 1)
        before = {RAW: 0, RATIONAL: 0}

        def numbered() -> Iterator[tuple[Leaves, dict[int, int]]]:
            chunks = walk.chunks(self.low, self.high, self.neurons, self.chunk)
            for chunk in self._counted(chunks, group):
                yield chunk, dict(before)
                for kind in before:
                    before[kind] += int((chunk.kind == kind).sum())

        among = self.work.among
        asked = None if among is None else [n for p, g, n in among if (p, g) == (self.number, goal)]

        def look(item: tuple[Leaves, dict[int, int]]) -> list[int]:
            leaves, passed = item
            wanted = slice(None) if asked is None else np.isin(leaves.first + np.arange(len(leaves)), asked)
            return self._leaves(group, leaves, wanted, passed, owned)

        for bad in self.work.map(look, numbered()):
            if bad and self.work.open_leaves is None:
                raise RejectedError(f"{prefix}: leaf {bad[0]} does not exclude the unsafe set")
            if self.work.open_leaves is not None:
                self.work.open_leaves += [(self.number, goal, leaf) for leaf in bad]
        return int(walk.position)

    def _leaves(self, group: Group, leaves: Leaves, wanted: Any, before: dict[int, int], owned: list[Any]) -> list[int]:
        """The numbers of those `wanted` leaves that are not closed."""
        domains = group.domains(leaves)
        number = np.arange(len(leaves))[wanted]
        at, left = number[leaves.kind[wanted] == LINES], []
        if self.work.tier != "python":
            split = leaves.signs[at].any(axis=1)
            for some in (at[~split], at[split]):
                for level in range(len(self.levels) if self.at_leaves else 2):
                    if len(some):
                        some = some[~self._closed(level, domains.take(some), owned)]
                left += (leaves.first + some).tolist()
            at = at[:0]
        ball = self.work.claim.ball if self.work.claim.is_open else None
        for j in [*at, *number[leaves.kind[wanted] != LINES]]:
            kind, domain = int(leaves.kind[j]), domains.take([j])
            place = before.get(kind, 0) + int((leaves.kind[:j] == kind).sum())
            leaf = Leaf(self.network, group, domain, place, owned, self.box, self.low, self.high, self.any_order, ball)
            if not self._closed_exactly(leaf):
                left.append(leaves.first + int(j))
        return left

    def _closed_exactly(self, leaf: Leaf) -> bool:
        """Whether Fractions close a leaf, with stored multipliers or without."""
        lines, left = int(leaf.domain.leaves.kind[0]) == LINES, np.ones(len(leaf.owned), bool)
        try:
            for level in range(1, len(self.levels) if self.at_leaves else 2):
                for region, domain, stored in self._attempts(level, leaf.domain):
                    if stored or lines:
                        left &= ~np.array(excluded(replace(leaf, domain=domain), region, stored))
                    if not left.any():
                        return True
        except OutOfRangeError:
            pass
        return False

    def _attempts(self, level: int, domains: Domains) -> Iterator[tuple[Region, Domains, bool]]:
        """What leaves are tried with: bounds of all neurons, domains, and whether to use the multipliers stored."""
        if self.at_leaves and domains.leaves.signs.any() and (domains.leaves.kind == LINES).all():
            # Multipliers found with the bounds of a box may be no good with better ones; and those that are found for
            # one disjunct are no good for others, which have been excluded before the splits.
            boxes = domains.unsplit
            region = self._region(level, boxes)
            yield region, domains, True
            yield region, boxes, False
        region = self._region(level, domains)
        yield region, domains, True
        if domains.below is not None or domains.shift is not None:
            yield region, domains, False

    def _region(self, level: int, domains: Domains) -> Region:
        leaves = domains.leaves
        if self.root is None:
            arithmetic, thorough = self.levels[level]
            return bounded(self.network, arithmetic, leaves.low, leaves.high, leaves.signs, thorough=thorough)
        return self.root.on(leaves)

    def _closed(self, level: int, domains: Domains, owned: list[Any]) -> Any:
        """Which of the domains exclude every disjunct, (n,)."""
        arithmetic, layers = self.levels[level][0], len(self.network.relus)
        rows = tried(self.network.size(self.network.output), owned, domains.rows)
        closed, left = np.zeros(len(domains), bool), np.ones((len(domains), len(owned)), bool)
        try:
            for region, here, stored in self._attempts(level, domains):
                lines, empty = lines_of(self.network, region, here, layers, stored)
                bound = arithmetic.lower(region, self.network.output, np.concatenate(rows, axis=1), lines)
                start = 0
                for d, few in enumerate(rows):
                    left[:, d] &= ~(bound[:, start : start + few.shape[1]] > 0).any(axis=1)
                    start += few.shape[1]
                closed |= empty | ~left.any(axis=1)
                if closed.all():
                    break
        except OutOfRangeError:
            pass
        return closed
