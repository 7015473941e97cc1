"""The listener that writes a proof for a certificate, while the search finds it."""

from __future__ import annotations

from collections.abc import Sequence

from ..bounds.edges import Edges
from ..certificate.proof import Goal, Part, ProofTree
from ..certificate.recording import Recording
from ..network.graph import Graph
from ..property import Polytope, UnsafeSet
from .boxes.tree import BoxTree
from .neurons.lemmas import Lemmas
from .observer import AnewObserver, BoundsObserver, BoxObserver, EdgeObserver, Observer, ReluObserver, TangentObserver
from .relus.anew_recorded import RecordedAnew
from .relus.edge_recorded import RecordedEdges
from .relus.recorded import RecordedSplits
from .relus.space import Space
from .relus.trees import SplitTrees
from .rows import Rows
from .tangents.recorded import RecordedTangents


class Recorder(Observer):
    """Adds to a recording what a search proves about its polytopes."""

    wants_splits = True

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._lemmas: Lemmas | None = None

    @property
    def has_tie(self) -> bool:
        return self.recording.close_tie is not None

    def about(self, numbers: Sequence[int]) -> Recorder:
        return Recorder(self.recording.of(numbers))

    def excluded(self, numbers: Sequence[int]) -> None:
        """A tree of one leaf: the checker finds linear bounds by itself."""
        disjuncts = [d for i in sorted(numbers) for d in self.recording.disjuncts[i]]
        self.recording.parts.append(Part(True, [Goal(disjuncts, ProofTree())]))

    def bounds(self, graph: Graph) -> BoundsObserver:
        self._lemmas = Lemmas(graph, self.recording.neurons)
        return self._lemmas

    def relus(self, space: Space, polytopes: Sequence[Polytope], rows: Rows) -> ReluObserver:
        lemmas = self._lemmas or Lemmas(space.graph, self.recording.neurons)
        return RecordedSplits(self.recording, SplitTrees(self.recording, space, polytopes, rows), lemmas)

    def planes(self, space: Space, polytopes: Sequence[Polytope], rows: Rows, form: Edges) -> EdgeObserver:
        # Bounds of the box as a checker finds them, without lemmas.
        lemmas = Lemmas(space.graph, self.recording.neurons)
        return RecordedEdges(SplitTrees(self.recording, space, polytopes, rows), form, lemmas)

    def anew(self, polytopes: Sequence[Polytope]) -> AnewObserver:
        lemmas = self._lemmas or Lemmas(self.recording.neurons.graph, self.recording.neurons)
        return RecordedAnew(self.recording, polytopes, lemmas)

    def tangents(self, polytopes: Sequence[Polytope], rows: Rows) -> TangentObserver:
        return RecordedTangents(self.recording, polytopes, rows)

    def boxes(self, graph: Graph, unsafe: UnsafeSet, rows: Rows, again: bool = False) -> BoxObserver:
        return BoxTree(self.recording, graph, unsafe, rows, again)
