"""The network on one box, written in the inputs and in those ReLUs alone that may be on or off there.

A ReLU that is surely on or off on the box is linear on it, so every node is an affine function of these variables, and
where they are few a leaf costs a few small products, however large the network is. The functions are carried forward
in float64, as the bounds of the neurons become known; what one gets wrong on the box is bounded entry by entry, and is
an `error` of the small network's node, which the rule charges like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from ..arithmetic.float32 import float32_error
from ..arithmetic.floats import Floats
from ..clock import Ask
from ..errors import OutOfRangeError
from ..functions.lines import Around, lines
from ..functions.relu import Relu
from ..kernel.region import MORE, Region
from ..network import Affine, Linear, Network, Pointwise

# Numbers in the functions of the widest node, of one gathered array, and of the rows that are bounded together.
MOST, GATHERED, CHUNK = 2**27, 2**22, 2**21
UNIT = 2.0**-53


@dataclass(frozen=True, eq=False)
class Form:
    """A node as functions of variables: `blocks[s]` (size of node s of the small network, size) and the `constant`
    (size,), off by at most `error` (size,) on the box; `reach` (size,) is how large their sums of magnitudes get."""

    blocks: dict[int, Any]
    constant: Any
    error: Any
    reach: Any


class Reduction:
    """The small network, as far as the bounds of the large one on a box are known: its `nodes` are the input and, for
    each layer of neurons that has any, an affine node and its ReLUs; `columns` are these neurons' numbers, ascending,
    and `lines` theirs. It is `whole` as long as nothing was too large for it.

    `forced` (neurons,) are kept whatever their bounds; `given` (3, neurons) are slopes, as in `bounded`. With
    `any_order` errors are those of every float32 evaluation too.
    """

    def __init__(self, network: Network, forced: Any, any_order: bool = False, given: Any = None) -> None:
        self.large, self.forced, self.any_order, self.given = network, forced, any_order, given
        self.nodes: list[Any] = [None]
        self.lines: dict[int, Around] = {}
        self.columns, self.whole = np.zeros(0, int), self.can(network)
        self.forms: dict[int, Form] = {}
        needed = network.needed(network.output)
        self._widest = max(network.size(i) for i in needed)
        self._last = {s: i for i in needed[1:] for s in network.nodes[i].sources}

    def begin(self, region: Region) -> None:
        """Nothing is known but the inputs of `region`, which is to be that of the large network (batch 1)."""
        self.bounds, size = region, region.size(0)[0]
        self.region = Region({0: region.low[0]}, {0: region.high[0]}, region.empty, region.ball)
        if self._has_room(len(size)):
            self.forms[0] = Form({0: np.eye(len(size))}, np.zeros(len(size)), np.zeros(len(size)), size)

    def _has_room(self, variables: int) -> bool:
        if not self.whole or variables * self._widest > MOST:
            self.whole, self.forms = False, {}
        return self.whole

    @staticmethod
    def can(network: Network) -> bool:
        """Whether all of the network's functions are ReLUs."""
        return not network.products and all(type(network.nodes[i].function) is Relu for i in network.pointwise)

    def network(self, *more: Affine) -> Network:
        """The small network, of which the last node is the output."""
        nodes = (*self.nodes, *more)
        return Network(self.large.input_size, nodes, len(nodes) - 1)

    def follow(self, i: int, node: Any, ask: Ask) -> None:
        """The next node, `i`, of which intervals are known: its function of the variables, and what that tells."""
        if self.whole and isinstance(node, Pointwise):
            self._pointwise(i, node)
        elif self.whole:
            self._affine(i, node, ask)

    def _affine(self, i: int, node: Affine, ask: Ask) -> None:
        """Affine node `i` in the variables, and its bounds as far as those of the variables tell."""
        forms = [(linear, self.forms[source]) for linear, source in node.terms]
        blocks: dict[int, Any] = {}
        for s in sorted({s for _, form in forms for s in form.blocks}):
            ask()
            found = [_mapped(linear, form.blocks[s]) for linear, form in forms if s in form.blocks]
            blocks[s] = found[0] if len(found) == 1 else sum(found[1:], found[0])
        constant, error, size, count = node.floats, 0.0, np.abs(node.floats), 16 + len(forms)
        for linear, form in forms:
            weight = np.abs(linear.weight)
            constant = constant + linear.forward(form.constant[None], linear.weight)[0]
            size = size + linear.forward(form.reach[None], weight)[0]
            error = error + linear.forward(form.error[None], weight)[0]
            count += linear.weight.shape[1]
        total = 1 + sum(float(self.region.total(s).max()) for s in blocks)
        error = (error + 4 * count * UNIT * size) * MORE + count * 2.0**-1000 * total
        if self.any_order:
            error = error + float32_error(node, self.bounds)[0]
        form = self._kept(i, Form(blocks, constant, error * MORE, 0.0))
        if not (np.isfinite(form.reach).all() and np.isfinite(form.error).all()):
            self.whole = False
            return
        middle, spread, terms = constant, form.error, 16
        for s, block in blocks.items():
            low, high = self.region.low[s][0], self.region.high[s][0]
            centre = low / 2 + high / 2
            middle = middle + centre @ block
            spread = spread + np.nextafter(np.maximum(high - centre, centre - low), np.inf) @ np.abs(block)
            terms += len(block)
        spread = (spread + 4 * terms * UNIT * form.reach) * MORE + 2.0**-1000
        self.bounds.meet(i, (middle - spread)[None], (middle + spread)[None])

    def _pointwise(self, i: int, node: Pointwise) -> None:
        """ReLUs of node `i`: those that bend on the box are variables from here on."""
        mine = slice(*self.large.starts[self.large.pointwise.index(i) :][:2])
        low, high = (ends[node.source][0] for ends in (self.bounds.low, self.bounds.high))
        bends = ((low < 0) & (high > 0)) | self.forced[mine]
        at, on, form = np.flatnonzero(bends), ~bends & (low >= 0), self.forms[node.source]
        blocks = {s: block * on for s, block in form.blocks.items()}
        if len(at):
            ends = low[None, at], high[None, at]
            self.nodes.append(self.taken(node.source, at))
            number = self._bounded(ends)
            self.nodes.append(Pointwise(node.function, number, len(at)))
            below, chords = (None, None) if self.given is None else self.given[:2, None, mine][..., at]
            self.lines[self._bounded(node.function.interval(*ends))] = lines(node.function, ends, below, None, chords)
            self.columns = np.concatenate([self.columns, mine.start + at])
            blocks[len(self.nodes) - 1] = own = np.zeros((len(at), len(low)))
            own[np.arange(len(at)), at] = 1
        self._kept(i, Form(blocks, np.where(on, form.constant, 0), np.where(on, form.error, 0), 0.0))
        self._has_room(self.large.input_size + len(self.columns))

    def _bounded(self, ends: Any) -> int:
        number = len(self.nodes) - 1
        self.region.set(number, *ends)
        return number

    def _kept(self, i: int, form: Form) -> Form:
        """What node `i` is in the variables, with its reach; those that only it has read are forgotten."""
        reach = np.abs(form.constant)
        for s, block in form.blocks.items():
            reach = reach + self.region.size(s)[0] @ np.abs(block)
        self.forms[i] = replace(form, reach=reach * MORE)
        for source in self.large.nodes[i].sources:
            if self._last[source] == i:
                self.forms.pop(source, None)
        return self.forms[i]

    def taken(self, i: int, at: Any) -> Affine:
        """Some entries of node `i` as a node of the small network."""
        form = self.forms[i]
        terms = tuple((Linear(np.arange(len(block)).reshape(1, 1, -1), block[None, :, at], len(block)), s)
                      for s, block in form.blocks.items())
        bias = np.empty(len(at), object)
        bias[:] = [Fraction(value) for value in form.constant[at].tolist()]
        return Affine(terms, bias, error=form.error[at])

    def with_rows(self, i: int, at: Any) -> tuple[Network, Region, int]:
        """The small network with some entries of node `i` as its output, and bounds of it."""
        network = self.network(self.taken(i, at))
        ends = self.bounds.low[i][:, at], self.bounds.high[i][:, at]
        low, high = ({**old, network.output: new[:1]} for old, new in
                     zip((self.region.low, self.region.high), ends, strict=True))
        return network, Region(low, high, self.bounds.empty, self.region.ball), network.output

    def tighten(self, i: int, wanted: Any, ask: Ask) -> bool:
        """Meet the bounds of node `i` with the rule's, for entries where that is `wanted` (size,). False: not done."""
        low, high = np.full((1, len(wanted)), -np.inf), np.full((1, len(wanted)), np.inf)
        entries, chunk = np.flatnonzero(wanted), max(1, CHUNK // self.size)
        for start in range(0, len(entries) if self.whole else 0, chunk):
            at = entries[start : start + chunk]
            network, region, number = self.with_rows(i, at)
            floats = Floats(network, np.float64)
            floats.ask = ask
            rows = np.concatenate([np.eye(len(at)), -np.eye(len(at))])[None]
            try:
                found = floats.lower(region, number, rows, self.lines)
            except OutOfRangeError:
                self.whole = False
                return False
            low[0, at], high[0, at] = found[0, : len(at)], -found[0, len(at) :]
        self.bounds.meet(i, low, high)
        return self.whole

    @property
    def size(self) -> int:
        """The most entries of a node of the small network."""
        return max([self.large.input_size, 1, *(int(node.size) for node in self.nodes[1:])])

    def finished(self) -> tuple[Network, Region]:
        """The small network with the large one's outputs, and its bounds, once all is known."""
        output = self.large.output
        network, region, _ = self.with_rows(output, np.arange(self.large.size(output)))
        return network, region


def _mapped(linear: Linear, block: Any) -> Any:
    """A block through a linear map, some of its rows at a time."""
    if linear._dense:
        return linear.forward(block, linear.weight)
    chunk = max(1, GATHERED // max(1, linear.index.size))
    parts = [linear.forward(block[i : i + chunk], linear.weight) for i in range(0, len(block), chunk)]
    return np.concatenate(parts) if parts else np.zeros((0, linear.out_size))
