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
        self._trees.trees[row].close_planes(node, np.concatenate([*lines.planes, np.zeros(0, np.uint16)]))

    def proved(self) -> None:
        self._trees.finish(self._lemmas, self._edges())

    def _edges(self) -> Any:
        """Of each edge the neuron that it leads to and what it comes from, (2, edges), in the checker's numbers."""
        space, inputs, columns = self._trees.space, self._form.inputs, self._trees.columns.astype(np.int64)
        moving = np.flatnonzero(scale_of(space.bounds)[1])
        # What each variable is: an input that moves, the constant, which has no edges, or a neuron.
        names = np.concatenate([moving, [0], space.graph.input_size + columns])
        targets = [columns[fan.start - inputs - 1 :][fan.owner] for fan in self._form.fans]
        sources = [names[fan.source] for fan in self._form.fans]
        none = [np.zeros(0, np.int64)]
        return np.stack([np.concatenate([*targets, *none]), np.concatenate([*sources, *none])])
