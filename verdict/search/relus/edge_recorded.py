"""Writing down a search by planes for a certificate: its trees, and the slopes of its planes.

The leaves of its trees are those of splits of ReLUs with, beside slopes and multipliers, the slopes of all planes. The
edges are numbered as the checker numbers what they lead to and come from, once for all leaves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...bounds.edges import Edges, Lines
from ...bounds.reduced import scale_of
from ..neurons.lemmas import Lemmas
from ..observer import EdgeObserver
from .space import Domains
from .trees import SplitTrees


class RecordedEdges(EdgeObserver):
    """Grows `trees`, about rows that are polytopes of their own in a space with the edges `form`; they become a part of
    the recording with the `lemmas` that the space's bounds rest on."""

    def __init__(self, trees: SplitTrees, form: Edges, lemmas: Lemmas) -> None:
        self._trees, self._form, self._lemmas = trees, form, lemmas

    def split(self, row: int, node: int, neuron: int) -> tuple[int, int]:
        space, tree = self._trees.space, self._trees.trees[row]
        on, off = tree.split_neurons(node, self._trees.columns[neuron], space.thresholds[neuron])
        return int(on[0]), int(off[0])

    def close(self, row: int, node: int, lines: Lines) -> None:
        one = lines.signs[None], lines.slopes[None], lines.betas[None]
        where = np.array([row]), np.zeros(1, np.float32), np.zeros(1, np.intp), np.array([node]), np.zeros(1)
        self._trees.close(Domains(where[0], *one, *where[1:]))
        blocks = zip(self._form.blocks, lines.shares, strict=True)
        shares = [held[block.known] for block, held in blocks]
        self._trees.trees[row].close_planes(node, np.concatenate([*shares, np.zeros(0, np.uint16)]))

    def proved(self) -> None:
        self._trees.finish(self._lemmas, self._joint())

    def _joint(self) -> tuple[Any, Any]:
        """The neurons that are bounded jointly with the numbers of their groups, (2, members), and of each edge the
        group that it leads to and what it comes from, (2, edges), in the checker's numbers."""
        space, inputs, columns = self._trees.space, self._form.inputs, self._trees.columns.astype(np.int64)
        moving = np.flatnonzero(scale_of(space.bounds)[1])
        # What each variable is: an input that moves, the constant, which has no edges, or a neuron.
        names = np.concatenate([moving, [0], space.graph.input_size + columns])
        members, edges, first = [np.zeros((2, 0), np.int64)], [np.zeros((2, 0), np.int64)], 0
        for block in self._form.blocks:
            start = self._form.fans[block.fan].start - inputs - 1
            group = first + np.arange(len(block.members))[:, None]
            for found, some, numbers in (
                (members, block.has, columns[start + block.members]), (edges, block.known, names[block.source])
            ):
                of_group = np.broadcast_to(group, some.shape)[some]
                pair = (numbers[some], of_group) if found is members else (of_group, numbers[some])
                found.append(np.stack(pair))
            first += len(group)
        return np.concatenate(members, axis=1), np.concatenate(edges, axis=1)
