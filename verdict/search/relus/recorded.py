"""Writing down a search over splits of neurons: its trees, and room for float32 where little is left of a margin."""

from __future__ import annotations

from ...base.deadline import Deadline
from ...certificate.recording import Recording
from ..means import Means
from ..neurons.lemmas import Lemmas
from ..observer import ReluObserver
from .imply import Implied
from .leaf import Multipliers
from .narrow import Narrow
from .space import Domains
from .trees import SplitTrees


class KeptSplits(ReluObserver):
    """Grows the `trees` of one search."""

    def __init__(self, trees: SplitTrees) -> None:
        self.trees = trees

    def split(self, parents: Domains, children: Domains) -> None:
        self.trees.split(parents, children)

    def implied(self, implied: Implied) -> None:
        self.trees.imply(implied)

    def close(self, domains: Domains) -> None:
        self.trees.close(domains)

    def close_raw(self, domain: Domains, found: Multipliers) -> None:
        self.trees.close_raw(domain, found)


class RecordedSplits(KeptSplits):
    """Grows `trees`, which become a part of the recording with the `lemmas` that the space's bounds rest on."""

    def __init__(self, proof: Recording, trees: SplitTrees, lemmas: Lemmas) -> None:
        super().__init__(trees)
        self._lemmas = lemmas
        self._narrow = Narrow(trees.space, trees) if proof.any_order else None

    def implied(self, implied: Implied) -> None:
        self._look(self.trees.imply(implied))

    def close(self, domains: Domains) -> None:
        super().close(domains)
        self._look(domains)

    def close_tie(self, domain: Domains) -> bool:
        return self.trees.close_tie(domain)

    def proved(self, means: Means, batch: int, clock: Deadline) -> None:
        if self._narrow is not None:
            self._narrow.widen(means.workers, batch, clock)
        self.trees.finish(self._lemmas)

    def _look(self, closed: Domains) -> None:
        if self._narrow is not None:
            self._narrow.add(closed)
