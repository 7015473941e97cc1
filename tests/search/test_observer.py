"""A search tells whoever listens all that it splits and closes, and does the same whether somebody listens or not."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from support.safe_boxes import safe_box

import verdict
from verdict.base.deadline import Deadline
from verdict.bounds import linear_bounds
from verdict.models import data
from verdict.network.exact import ExactVector
from verdict.property import LinfBall, Polytope, UnsafeSet, misclassification
from verdict.search.boxes.boxes import Boxes
from verdict.search.boxes.input_split import InputSplit
from verdict.search.observer import BoxObserver, Observer, ReluObserver, Watch
from verdict.search.outcome import Outcome
from verdict.search.relus.imply import Implied
from verdict.search.relus.leaf import Multipliers
from verdict.search.relus.relu_split import ReluSplit
from verdict.search.relus.space import Domains, Space
from verdict.search.rows import Rows


class Count(Observer):
    """Counts the leaves that a tree has by what is split, and those that are closed."""

    def __init__(self) -> None:
        self.roots, self.leaves, self.closed, self.proofs = 0, 0, 0, 0

    def relus(self, space: Space, polytopes: Sequence[Polytope], rows: Rows) -> ReluObserver:
        self.roots = self.leaves = len(polytopes)
        return Relus(self)

    def boxes(self, graph: Any, unsafe: UnsafeSet, rows: Rows) -> BoxObserver:
        self.roots = self.leaves = 1
        return Halves(self)


class Relus(ReluObserver):
    def __init__(self, count: Count) -> None:
        self.count = count

    def split(self, parents: Domains, children: Domains) -> None:
        assert len(children) == 2 * len(parents)
        self.count.leaves += len(parents)

    def implied(self, implied: Implied) -> None:
        # One split each, and its excluded half is closed.
        self.count.leaves += len(implied.column)
        self.count.closed += len(implied.column)

    def close(self, domains: Domains) -> None:
        self.count.closed += len(domains)

    def close_raw(self, domain: Domains, found: Multipliers) -> None:
        self.count.closed += 1

    def proved(self, *rest: Any) -> None:
        self.count.proofs += 1


class Halves(BoxObserver):
    def __init__(self, count: Count) -> None:
        self.count = count

    def split(self, parents: Boxes, halves: Boxes) -> Boxes:
        self.count.leaves += len(parents)
        return halves

    def close(self, boxes: Boxes) -> None:
        self.count.closed += len(boxes)

    def close_inside(self, *rest: Any) -> None:
        self.count.closed += 1

    def proved(self) -> None:
        self.count.proofs += 1


def both(search: Any) -> tuple[Outcome, Outcome, Count]:
    """How a search ends to which nobody listens, and one to which somebody does; and what that was told."""
    count = Count()
    return search(Watch()), search(Watch(proof=count)), count


def test_every_domain_of_a_split_of_neurons_is_told() -> None:
    network, x = verdict.load("digits-mlp"), np.asarray(data("digits").load()[0][0], np.float64)
    label = int(network.evaluate(x[None])[0].argmax())
    low, high = LinfBall(ExactVector.of(x), Fraction(0), Fraction(1)).floats(0.114)
    bounds = linear_bounds(network.graph, low[None], high[None])
    polytopes = list(misclassification(label, network.output_size).polytopes)

    def search(watch: Watch) -> Outcome:
        split = ReluSplit(network.graph, bounds, polytopes, watch)
        outcome = split.run(Deadline(60))
        split.finish(Deadline(60))
        return outcome

    alone, watched, count = both(search)
    assert (watched.proved, watched.domains) == (True, alone.domains)
    assert alone.proved
    assert (count.closed, count.proofs) == (count.leaves, 1)
    assert count.leaves > count.roots + 5


def test_every_box_is_told(tmp_path: Path) -> None:
    halved = 0
    for seed in range(3):
        graph, unsafe, low, high = safe_box(seed, tmp_path, 0.9)

        def search(watch: Watch, graph: Any = graph, unsafe: Any = unsafe, low: Any = low, high: Any = high) -> Outcome:
            return InputSplit(graph, unsafe, low, high, watch).run(Deadline(30))

        alone, watched, count = both(search)
        assert (watched.proved, watched.domains) == (True, alone.domains)
        assert alone.proved
        assert (count.closed, count.proofs) == (count.leaves, 1)
        halved += count.leaves - count.roots
    assert halved > 5
