"""The proof trees of a search over ReLU splits, grown while it runs: what becomes its part of a certificate.

Every polytope has a tree of its own; a domain carries the number of the node that it stands for. The search says what
it splits and what it closes, and with which multipliers; docs/certificate.md tells how a checker uses them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from ...bounds.lines import crown_lines
from ...certificate.proof import Goal, Part, ProofTree
from ...certificate.recording import Recording
from ...property import Polytope
from ..neurons.lemmas import Lemmas
from ..rows import Rows
from .imply import Implied
from .leaf import Multipliers
from .space import Domains, Space


class SplitTrees:
    """One tree for each of the `polytopes`, whose `rows` the space is about."""

    def __init__(self, proof: Recording, space: Space, polytopes: Sequence[Polytope], rows: Rows) -> None:
        self.proof, self.space, self.polytopes, self.rows = proof, space, polytopes, rows
        self.columns = proof.neurons.of_space(space.columns)
        self.trees = [ProofTree(self.columns, space.quick_chords) for _ in rows.counts]
        self._plain = [self._is_plain(i) for i in range(len(polytopes))]

    def split(self, parents: Domains, children: Domains) -> None:
        """Number the children, all "on" halves before all "off" halves, of domains that were split."""
        count = len(parents)
        split = (children.signs[:count] != parents.signs).argmax(axis=1)
        neurons, thresholds = self.columns[split], self.space.thresholds[split]
        for i, at in self._by_polytope(parents):
            tree = self.trees[i]
            on, off = tree.split_neurons(parents.node[at], neurons[at], thresholds[at])
            children.node[at], children.node[count + at] = on, off

    def imply(self, implied: Implied) -> Domains:
        """Number the domains with the sides that follow: one split after the other, the excluded halves closed, which
        are returned."""
        now, after = implied.before.take(slice(None)), implied.after
        found = [now.take(slice(0, 0))]
        now.signs, now.betas, now.node = now.signs.copy(), now.betas.copy(), now.node.copy()
        turn = np.arange(len(implied.domain)) - np.searchsorted(implied.domain, implied.domain)
        for which in (np.flatnonzero(turn == t) for t in range(int(turn.max(initial=-1)) + 1)):
            domain, column, side = implied.domain[which], implied.column[which], implied.excluded[which]
            count = len(which)
            halves, rows = now.take(np.concatenate([domain, domain])), np.arange(2 * count)
            halves.signs[rows, np.concatenate([column, column])] = np.repeat([1, -1], count)
            self.split(now.take(domain), halves)
            closed = halves.take(np.where(side > 0, rows[:count], rows[count:]))
            closed.betas[rows[:count], column] = implied.beta[which]
            self.close(closed)
            found.append(closed)
            now.node[domain] = halves.node[np.where(side > 0, rows[count:], rows[:count])]
            now.signs[domain, column], now.betas[domain, column] = -side, after.betas[domain, column]
        after.node = now.node
        return Domains.join(found)

    def close(self, domains: Domains) -> None:
        """Store what closes these domains."""
        # Slopes of split ReLUs mean nothing; equal numbers take no room.
        slopes = np.where(domains.signs == 0, domains.slopes, 0)
        for i, at in self._by_polytope(domains):
            weights = None
            if not self._plain[i]:
                weights = np.eye(self.rows.counts[i])[domains.row[at] - self.rows.starts[i]]
            self.trees[i].close(domains.node[at], slopes[at], domains.betas[at], weights)

    def close_raw(self, domain: Domains, found: Multipliers) -> None:
        """Store the multipliers of all neurons that close this one domain."""
        mu = np.zeros(self.proof.neurons.count)
        for relu, values in found.neurons.items():
            mu[self.proof.neurons.numbers(relu, np.arange(len(values)))] = values
        self.trees[self.rows.owner[domain.row[0]]].close_raw(int(domain.node[0]), found.rows, mu)

    def close_tie(self, domain: Domains) -> bool:
        """Close one domain that touches the unsafe set, if the claim allows it; True on success."""
        owner = int(self.rows.owner[domain.row[0]])
        if self.proof.close_tie is None:
            return False
        betas = self.proof.close_tie(self.space, domain.signs[0], self.polytopes[owner])
        if betas is None:
            return False
        found = dict(zip(self.columns.tolist(), betas, strict=True))
        self.trees[owner].close_rational(int(domain.node[0]), [Fraction(1)], found)
        return True

    def _by_polytope(self, domains: Domains) -> Iterator[tuple[int, Any]]:
        owners = self.rows.owner[domains.row]
        for owner in np.unique(owners).tolist():
            yield owner, np.flatnonzero(owners == owner)

    def _is_plain(self, i: int) -> bool:
        """Whether polytope i has one row, the very one of the claim: then leaves need no weights of rows."""
        if self.rows.counts[i] > 1:
            return False
        weights = self.proof.weights(i, self.polytopes[i], np.ones((1, 1)))
        return weights is None or bool(np.isin(weights, (0, 1)).all())

    def goals(self) -> list[Goal]:
        """The trees with the claim's disjuncts that they exclude."""
        found = []
        for i, (tree, polytope) in enumerate(zip(self.trees, self.polytopes, strict=True)):
            # Raw multipliers need a goal of one disjunct.
            groups = [[d] for d in self.proof.disjuncts[i]] if tree.has_raw else [self.proof.disjuncts[i]]
            for group in filter(None, groups):
                found.append(Goal(group, tree.reweighted(partial(self.proof.weights_of, group, polytope))))
        return found

    def finish(self, lemmas: Lemmas, joint: tuple[Any, Any] | None = None) -> None:
        """Add the part that the trees make to the recording, with the lemmas that its bounds rest on and what is
        bounded jointly (`certificate.proof.Part`)."""
        goals = self.goals()
        if goals:
            self.proof.parts.append(part_of(self.proof, self.space, goals, lemmas, joint))


def part_of(
    proof: Recording, space: Space, goals: list[Goal], lemmas: Lemmas, joint: tuple[Any, Any] | None = None
) -> Part:
    """The part of a proof that the goals make, within the bounds of a space, which rest on the lemmas."""
    lines = np.zeros((3, proof.neurons.count))
    for relu in space.columns:
        line = crown_lines(space.graph, space.bounds, relu)
        numbers = proof.neurons.numbers(relu, np.arange(line.slope_below.shape[1]))
        bounded = lemmas.bounded.get(space.graph.nodes[relu].sources[0], 0.0)
        lines[:, numbers] = line.slope_below[0], line.slope_above[0], np.broadcast_to(bounded, numbers.shape)
    return Part(False, goals, lemmas.written(), lines, joint=joint)
