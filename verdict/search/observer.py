"""Whom a search tells what it does: that it splits here, that this closes there, that these points look unsafe.

Every search does its work and says so, whoever listens; every method here does nothing, and a listener overrides those
that it needs (as proof tracers of SAT solvers do). `recorder` is the one that writes a proof for a certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..network.exact import FloatArray

if TYPE_CHECKING:
    from ..base.deadline import Deadline
    from ..bounds.bounds import Bounds
    from ..bounds.edges import Edges, Lines
    from ..certificate.neurons import NeuronMap
    from ..certificate.proof import Lemma
    from ..network.graph import Graph
    from ..property import Polytope, UnsafeSet
    from .boxes.boxes import Boxes
    from .means import Means
    from .neurons.grown import Grown
    from .relus.anew import Anew
    from .relus.imply import Implied
    from .relus.leaf import Multipliers
    from .relus.space import Domains, Space
    from .rows import Rows
    from .tangents.domains import Cut, Domain


class BoundsObserver:
    """Watches the bounds of hidden neurons get sharper, and may take only those that it can prove again."""

    keeps_trees = False
    """Whether trees are looked at as they grew, each leaf with the multipliers that prove its own bound."""

    def known(self, bounds: Bounds) -> Bounds | None:
        """Of the bounds found before those to begin with."""
        return bounds

    def begin(self, bounds: Bounds, low: Any, high: Any) -> tuple[Any, Any]:
        """The last node of `bounds` has its turn, and linear bounds found the ends low and high (1, size); the ends to
        go on with."""
        return low, high

    def grown(self, space: Space, unstable: Any, row: Any, grown: Grown, known: Any) -> Any:
        """Tree i is about row `row[i]` of the space, which are +e_j and then -e_j for the neurons j that are
        `unstable`; `known` (rows,) are the bounds known before. The bounds (trees,) to take; all are relative to the
        rows' offsets."""
        return grown.lower

    def end(self, number: int, plain: tuple[Any, Any], low: Any, high: Any) -> tuple[Any, Any]:
        """Node `number`, whose bounds without trees are `plain`, has these at last; the ends to keep."""
        return low, high


class ReluObserver:
    """Watches one search over splits of neurons. A domain's `node` is the listener's."""

    def split(self, parents: Domains, children: Domains) -> None:
        """Domains were split into these halves, all "on" halves before all "off" halves."""

    def implied(self, implied: Implied) -> None:
        """Sides follow on some domains: the other sides are excluded."""

    def close(self, domains: Domains) -> None:
        """These domains are closed, by their own multipliers."""

    def close_raw(self, domain: Domains, found: Multipliers) -> None:
        """This one domain is closed by such multipliers of all neurons."""

    def close_tie(self, domain: Domains) -> bool:
        """Whether this one domain, which touches the unsafe set, is closed by what the listener knows."""
        return False

    def proved(self, means: Means, batch: int, clock: Deadline) -> None:
        """Everything is closed. What is left to do may take so long, in batches of so many domains."""


class AnewObserver:
    """Watches one search that bounds hidden neurons anew on domains. A domain's place is the listener's."""

    def root(self, polytope: int, space: Space) -> int:
        """The place of the whole, for the polytope of this number."""
        return 0

    def within(self, polytope: int, space: Space) -> ReluObserver:
        """Who watches a search of one domain about this polytope, which may come to nothing."""
        return ReluObserver()

    def closed(self, place: int, watched: ReluObserver | None) -> None:
        """The domain is closed, by what was watched; None: its bounds leave nothing of it."""

    def anew(self, place: int, found: Anew, space: Space | None) -> int:
        """The domain's neurons have bounds found anew, and the `space` with these, if they leave anything; the place of
        what follows."""
        return place

    def split(self, place: int, space: Space, neuron: int) -> tuple[int, int]:
        """The domain was split on a neuron of the space; the places of the halves "on" and "off"."""
        return place, place

    def proved(self) -> None:
        """Everything is closed."""


class EdgeObserver:
    """Watches one search by planes over edges. A domain's `node` is the listener's."""

    def split(self, row: int, node: int, neuron: int) -> tuple[int, int]:
        """A domain about a row was split on a neuron of its space; the nodes of the halves "on" and "off"."""
        return 0, 0

    def close(self, row: int, node: int, lines: Lines) -> None:
        """The domain is closed by these lines, with slopes of planes as they are kept (`edge_tree`)."""

    def proved(self) -> None:
        """Everything is closed."""


class TangentObserver:
    """Watches one search; without a proof to write nothing happens."""

    neurons: NeuronMap | None = None

    def split(self, owner: int, node: int, cut: Cut) -> tuple[int, int]:
        """The nodes of the halves z >= t and z <= t of a domain of polytope `owner`."""
        return 0, 0

    def close(self, owner: int, row: int, domain: Domain) -> None:
        """The domain is closed by row number `row` of its polytope."""

    def proved(self, lemmas: Sequence[Lemma]) -> None:
        """Everything is closed, with bounds of hidden neurons that rest on the lemmas."""


class BoxObserver:
    """Watches one search over splits of boxes. A box's `node` is the listener's."""

    def judge(self, boxes: Boxes) -> Boxes:
        """The boxes as they may be called open or closed."""
        return boxes

    def split(self, parents: Boxes, halves: Boxes) -> Boxes:
        """Boxes were halved along their coordinates (see `halving.halve`); the halves."""
        return halves

    def close(self, boxes: Boxes) -> None:
        """These boxes are closed."""

    def halve(self, node: int, coordinate: int, threshold: float) -> tuple[int, int]:
        """One box was halved there; the halves' numbers, the lower one first."""
        return node, node

    def exclude(self, node: int, weights: FloatArray) -> None:
        """One box is closed, by means of rows with these weights (rows,), 0 where single rows do."""

    def reopen(self, boxes: Boxes) -> None:
        """These boxes, which were halved, are open again: what was said of their parts does not count."""

    def inside(self) -> InsideObserver:
        """Who watches while one box is worked on, perhaps in another thread or process."""
        return InsideObserver()

    def close_inside(self, node: int, inside: InsideObserver) -> None:
        """The box of this node was closed by what `inside` has seen."""

    def proved(self) -> None:
        """Everything is closed."""


class Observer:
    """Watches what is done about some polytopes on one box."""

    wants_splits = False
    """Whether what was proved otherwise should be proved once more by bounds and splits."""

    @property
    def has_tie(self) -> bool:
        """Whether the box may touch the unsafe set and be proved nevertheless (`ReluObserver.close_tie`)."""
        return False

    def about(self, numbers: Sequence[int]) -> Observer:
        """Who watches what is done about the polytopes of these numbers."""
        return self

    def excluded(self, numbers: Sequence[int]) -> None:
        """Linear bounds exclude the polytopes of these numbers."""

    def bounds(self, graph: Graph) -> BoundsObserver:
        """Who watches the sharpening of bounds that the next searches start from."""
        return BoundsObserver()

    def relus(self, space: Space, polytopes: Sequence[Polytope], rows: Rows) -> ReluObserver:
        """Who watches a search over splits of neurons."""
        return ReluObserver()

    def planes(self, space: Space, polytopes: Sequence[Polytope], rows: Rows, form: Edges) -> EdgeObserver:
        """Who watches a search by planes over the edges of a space's reduced form; each polytope is a row."""
        return EdgeObserver()

    def anew(self, polytopes: Sequence[Polytope]) -> AnewObserver:
        """Who watches a search that bounds hidden neurons anew on domains."""
        return AnewObserver()

    def boxes(self, graph: Graph, unsafe: UnsafeSet, rows: Rows, again: bool = False) -> BoxObserver:
        """Who watches a search over splits of boxes, which bounds `again` what was bounded on the first box."""
        return BoxObserver()

    def tangents(self, polytopes: Sequence[Polytope], rows: Rows) -> TangentObserver:
        """Who watches a search over splits of smooth neurons."""
        return TangentObserver()


class InsideObserver(Observer):
    """Watches the neurons of one box being split, about one polytope."""

    def closed(self, own: Any, means: FloatArray, weights: FloatArray) -> bool:
        """The box is closed: the polytope by the means (k, its rows) of the rows `own`, the others by weights (rows of
        all). Whether that counts."""
        return True


@dataclass(frozen=True, eq=False)
class Watch:
    """All listeners of one search: `try_points` is given candidate counterexamples (k, input_size) that look unsafe and
    returns True to stop; `on_progress` the least lower bound, the number of open domains and of visited ones; `proof`
    what is split and closed."""

    try_points: Callable[[FloatArray], bool] = lambda points: False
    on_progress: Callable[[float, int, int], object] = lambda lower, waiting, visited: None
    proof: Observer = field(default_factory=Observer)
