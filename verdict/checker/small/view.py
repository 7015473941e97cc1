"""The network as the leaves of a part see it: as it was read, or first as the small one of the neurons that bend on its
box, where that is the cheaper.

In floats only: the small network is off by errors that only they charge. It has neurons of its own numbers, so what a
certificate says about neurons is told in these first. Leaves that bound neurons again do so there, in the tier `exact`
too, whose report then says what was used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from ..arithmetic.floats import Floats
from ..arithmetic.interface import Arithmetic
from ..attempts import Attempt
from ..errors import RejectedError
from ..kernel.bounds import bounded
from ..kernel.region import Pieces, Region
from ..kernel.tree import Leaves
from ..network import Network
from ..readers.multipliers import Domains
from ..surroundings import Surroundings
from .planes import Planed, groups
from .reduction import Reduction


@dataclass(frozen=True, eq=False)
class View:
    """A network whose output is the unsafe rows, bounds of its nodes on the part's box (None: not known), arithmetics
    to try in turn, and of which neurons of the network that was read it has the values, `columns`, ascending (None: of
    all). Leaves may bound `again` what the part's box leaves open. A leaf takes `dense` numbers at once, if more than
    its rows."""

    network: Network
    root: Region | None
    arithmetics: list[Arithmetic]
    columns: Any = None
    again: bool = False
    dense: int = 1

    @property
    def widest(self) -> int:
        """How many numbers a row has on its way back, at most, or a leaf by itself."""
        return max(self.dense, *map(self.network.size, self.network.needed(self.network.output)))

    @property
    def is_of_root(self) -> bool:
        """Whether it is the network as it was read, with the bounds of the part's box for all leaves."""
        return self.columns is None and self.root is not None and not self.again

    def of(self, domains: Domains) -> Domains:
        """What is known of domains, for these neurons."""
        return domains if self.columns is None else domains.of(self.columns)

    def region(self, pieces: Pieces, attempt: Attempt, leaves: Leaves) -> Region:
        """The bounds of all nodes that an attempt at these leaves goes by, which are the `pieces`."""
        if self.root is None or self.again:
            return bounded(self.network, attempt.bounding, pieces, self._known, thorough=attempt.thorough)
        return self.root.on(leaves)

    def _known(self, layer: int, node: int, region: Region) -> None:
        """Meet the bounds of a node on a smaller box with those on the part's."""
        if self.root is not None:
            region.meet(node, self.root.low[node], self.root.high[node])


class Bounded(Protocol):
    """A part of a proof, of which bounds on its box are wanted."""

    work: Surroundings
    number: int
    network: Network
    arithmetics: list[Arithmetic]
    any_order: bool


def views(part: Bounded, pieces: Pieces, known: Callable[[int, int, Region], None]) -> list[View]:
    """The views of a part, to be tried in turn, with bounds on its box, which is the `pieces`; `known` has its
    lemmas. The last one sees the network as it was read, if any does. Raises OutOfRangeError and RejectedError."""
    work, network = part.work, part.network
    neurons, again = int(network.starts[-1]), work.parts[part.number].again
    if part.any_order and again:
        # Carried through many layers by magnitudes, it is more than any margin.
        raise RejectedError("float32's rounding is not charged where leaves bound the neurons of a part again")
    given = work.certificate.lines(part.number, neurons)
    joint = work.certificate.joint(part.number, network.input_size, neurons)
    # Bounds serve many leaves, and what they lose by rounding adds up from layer to layer.
    numbers, reduction = part.arithmetics[-1], None
    if work.tier == "rigorous" or ((again or joint is not None) and work.tier == "exact"):
        split = np.zeros(neurons, bool)
        split[work.nodes.split(neurons)] = True
        if joint is not None:
            # What bends in the prover's network is a variable here too, so that groups are of the same neurons.
            members, edges = joint
            split[members[0]] = split[edges[1][edges[1] >= network.input_size] - network.input_size] = True
        reduction = Reduction(network, split, part.any_order, given)
        numbers = work.floats(network, part.any_order) if reduction.whole else numbers
    root = bounded(network, numbers, replace(pieces, reduction=reduction), known, given=given)
    large = View(network, root, part.arithmetics, again=again)
    if reduction is None or not reduction.whole:
        return [large]
    output, region = reduction.finished()
    small = View(output, region, [Floats(output, np.float64)], reduction.columns, again)
    if joint is not None:
        box = region.low[0][0], region.high[0][0]
        planed = Planed(output, groups(output, reduction.columns, *joint, box))
        return [replace(small, arithmetics=[planed], dense=planed.dense)]
    # To bound the neurons of a large network again takes too long.
    return [small] if again else [small, large] if 2 * small.network.effort < network.effort else [large]
