"""Narrow leaves of a search over ReLU splits: closed over the reals, with too little to spare for float32.

A float32 evaluation, whatever the order of its sums, misses every pre-activation by a little, and a certificate that is
to hold for it loses |mu| times that at every layer (docs/certificate.md). A search closes a domain at the first bound
above 0; a few per cent of them are narrow. These wait until everything is closed, and are then bounded with more
gradient steps and split further, from where the search has left them, as long as that is cheap beside the search.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...base.deadline import Deadline
from ...base.workers import Workers
from ...bounds.backward import backward
from ...bounds.bounds import Bounds
from ...bounds.walk import Pass
from ...network.graph import Graph
from .ascent import optimise
from .branch import branch, losses
from .queue import DomainQueue
from .space import Domains, Space
from .trees import SplitTrees

# Gradient steps for a narrow domain, and for the halves of one.
STEPS = 12


class Narrow:
    """The narrow leaves of the trees of one search over `space`."""

    def __init__(self, space: Space, trees: SplitTrees) -> None:
        self._space, self._trees = space, trees
        errors = float32_errors(space.graph, space.bounds)
        self._errors = {i: space.options.ample * error.astype(np.float32) for i, error in errors.items()}
        self._bounds, self._rows = space.bounds.astype(np.float32), space.rows.astype(np.float32)
        self._waiting = DomainQueue(space.options.most_open)

    def _room(self, domains: Domains) -> Any:
        """What float32 evaluations leave of the bounds of domains, about, (batch,)."""
        space, rows = self._space, self._rows[domains.row][:, None, :]
        lines = space.lines(domains, np.float32)
        bound = backward(space.graph, self._bounds, space.number, rows, lines, Pass(False, errors=self._errors))
        return bound.lower[:, 0] - space.offsets[domains.row]

    def add(self, closed: Domains) -> None:
        """Keep those of the domains, all closed in the trees, that are narrow."""
        if len(closed):
            self._waiting.push(closed.take(self._room(closed) <= 0))

    def widen(self, workers: Workers, batch: int, clock: Deadline) -> None:
        """Find better proofs of the leaves that wait, `batch` at once, until none is left or the time is up.

        A leaf is split only if its halves are closed as well, so that the trees are proofs over the reals at any time.
        """
        while len(self._waiting) and not clock.passed():
            domains = self._waiting.pop(batch)
            parts = [domains.take(share) for share in workers.shares(len(domains))]
            for wide, parents, children in workers.map(self._step, parts):
                self._trees.close(wide)
                if len(parents):
                    self._trees.split(parents, children)
                    self._trees.close(children)
                    self.add(children)

    def _step(self, domains: Domains) -> tuple[Domains, Domains, Domains]:
        """Domains that have become wide, and of the others those that can be split, and their halves."""
        domains, seen, room = self._climbed(domains)
        narrow = room <= 0
        loss = losses(self._space, domains, seen)
        splittable = narrow & (loss >= 0).any(axis=1)
        parents = domains.take(splittable)
        if not len(parents):
            return domains.take(~narrow), parents, parents
        # The bound of a domain need not be one that the multipliers of its halves prove.
        halves = branch(self._space, replace(parents, lower=np.full_like(parents.lower, -np.inf)), loss[splittable], 8)
        children, _, _ = self._climbed(replace(halves, lower=np.full_like(halves.lower, -np.inf)))
        closed = (np.maximum(children.lower, self._space.verify(children)) > 0).reshape(2, -1).all(axis=0)
        return domains.take(~narrow), parents.take(closed), children.take(np.tile(closed, 2))

    def _climbed(self, domains: Domains) -> tuple[Domains, Any, Any]:
        """The domains with better multipliers, what the last bounds saw, and what float32 leaves of the bounds."""
        room = self._room(domains)
        quick = self._space.relax(domains, domains.slopes, domains.betas, follow=False).lower
        domains, seen = optimise(self._space, domains, STEPS, np.maximum(quick - room, 0).astype(np.float32))
        return domains, seen, self._room(domains)


def float32_errors(graph: Graph, bounds: Bounds) -> dict[int, Any]:
    """About how far a float32 evaluation of each affine node may be off, (batch, size), on the boxes of `bounds`."""
    errors = {}
    for number, node in graph.affine.items():
        products = 2 + sum(linear.fan_in + 1 for linear, _ in node.terms)
        errors[number] = products * 2.0**-24 * bounds.magnitude(graph, number)
    return errors
