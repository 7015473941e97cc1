"""Writing down a search with bounds found anew for a certificate: a tree for each polytope, in which trees hang.

A tree has slopes for the neurons of one space. So behind bounds found anew, which have a space of their own, a tree of
its own begins, and hangs in the other where its domain is (docs/certificate.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ...certificate.nodes import ROOT
from ...certificate.proof import Goal, ProofTree, Stated
from ...certificate.recording import Recording
from ...property import Polytope, UnsafeSet
from ..neurons.lemmas import Lemmas
from ..observer import AnewObserver, ReluObserver
from ..rows import Rows
from .anew import Anew, Ends
from .recorded import KeptSplits
from .space import Space
from .trees import SplitTrees, part_of


@dataclass(frozen=True, eq=False)
class _Place:
    """A leaf of a tree."""

    tree: ProofTree
    node: int


class RecordedAnew(AnewObserver):
    """Grows a tree for each polytope, which become a part of the recording with the `lemmas` that the bounds of the
    whole box rest on."""

    def __init__(self, proof: Recording, polytopes: Sequence[Polytope], lemmas: Lemmas) -> None:
        self._proof, self._polytopes, self._lemmas = proof, list(polytopes), lemmas
        self._places: list[_Place] = []
        self._roots: dict[int, tuple[ProofTree, Space]] = {}

    def root(self, polytope: int, space: Space) -> int:
        tree = self._tree(space)
        self._roots[polytope] = tree, space
        return self._put(tree, ROOT)

    def within(self, polytope: int, space: Space) -> ReluObserver:
        own = self._polytopes[polytope]
        rows = Rows(UnsafeSet((own,), space.graph.output_size))
        return KeptSplits(SplitTrees(self._proof.of([polytope]), space, [own], rows))

    def closed(self, place: int, watched: ReluObserver | None) -> None:
        at = self._places[place]
        if not isinstance(watched, KeptSplits):
            return
        tree = watched.trees.trees[0]
        if tree.space == at.tree.space:
            at.tree.graft(at.node, tree, lambda rows: rows)
        else:
            at.tree.anew(at.node, [], tree)

    def anew(self, place: int, found: Anew, space: Space | None) -> int:
        at, tree = self._places[place], ProofTree() if space is None else self._tree(space)
        at.tree.anew(at.node, [self._stated(found.space, ends) for ends in found.found], tree)
        return self._put(tree, ROOT)

    def split(self, place: int, space: Space, neuron: int) -> tuple[int, int]:
        at = self._places[place]
        number = self._proof.neurons.of_space(space.columns)[neuron]
        (on,), (off,) = at.tree.split_neurons(at.node, number, space.thresholds[neuron])
        return self._put(at.tree, int(on)), self._put(at.tree, int(off))

    def proved(self) -> None:
        goals = []
        for number, polytope in enumerate(self._polytopes):
            tree, space = self._roots[number]
            for disjunct in self._proof.disjuncts[number]:
                goals.append(Goal([disjunct], tree.reweighted(partial(self._proof.weights_of, [disjunct], polytope))))
        if goals:
            self._proof.parts.append(part_of(self._proof, space, goals, self._lemmas))

    def _tree(self, space: Space) -> ProofTree:
        return ProofTree(self._proof.neurons.of_space(space.columns), space.quick_chords)

    def _put(self, tree: ProofTree, node: int) -> int:
        self._places.append(_Place(tree, node))
        return len(self._places) - 1

    def _stated(self, space: Space, ends: Ends) -> Stated:
        """Bounds of one layer in the checker's numbers."""
        relu = next(i for i, part in space.slices.items() if part.start <= ends.column[0] < part.stop)
        neurons = space.columns[relu][ends.column - space.slices[relu].start]
        columns, layer = self._proof.neurons.of_space(space.columns), self._proof.neurons.layer(relu)
        return Stated(layer, neurons, ends.side, columns, ends.slopes, ends.chords, ends.betas, ends.lam)
