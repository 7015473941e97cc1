"""From the engines' neurons and polytopes to the checker's: numbers that both sides must agree on.

The checker numbers ReLU layers as their operators come in the file, and so does the import; this is compared at two
points for every network before a certificate is written, because two imports that share no code might differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ..base.assumed import assumed
from ..base.errors import UnsupportedError
from ..checker.errors import OutOfRangeError, UnreadableError
from ..checker.network import Affine, Pointwise, Product, no_rule
from ..checker.network import Network as CheckerNetwork
from ..checker.readers.claim import read_claim
from ..checker.readers.onnx import WHOLE, View, read_network
from ..network.evaluate import evaluate
from ..network.graph import Graph
from ..network.network import Network
from ..property import Polytope


class NeuronMap:
    """The checker's numbers of a network's neurons. Raises UnsupportedError where the checker cannot read the network
    or finds other neurons in it."""

    def __init__(self, network: Network, data: bytes | None = None, view: View = WHOLE) -> None:
        """`data` are the bytes of the file that a certificate is about, where these are not the network's, and `view`
        what of it is looked at."""
        self.graph: Graph = network.graph
        try:
            bytes_ = network.data if data is None else data
            self.checked: CheckerNetwork = read_network(bytes_, view, assumed() is not None)
        except UnreadableError as error:
            raise UnsupportedError(f"{network.path}: no certificate: {error}") from error
        sizes = [self.checked.size(r) for r in self.checked.pointwise]
        if sizes != [self.graph.nodes[r].size for r in self.graph.pointwise] or not self._agree(
            self.graph.pointwise, self.checked.pointwise
        ):
            raise UnsupportedError(f"{network.path}: no certificate: the checker reads other neurons")
        # Whether both number the entries of products alike, of which the format says nothing else.
        products = [self.checked.size(r) for r in self.checked.products]
        self.has_products = products == [self.graph.nodes[r].size for r in self.graph.products] and self._agree(
            tuple(self.graph.products), self.checked.products
        )

    def _agree(self, mine: Sequence[int], theirs: Sequence[int]) -> bool:
        """Whether these nodes have the same values at two points."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((2, self.graph.input_size))
        try:
            values = _floats(self.checked, x)
        except OutOfRangeError:
            # Nothing to compare; a wrong number would make a proof that is rejected.
            return True
        for number, other in zip(mine, theirs, strict=True):
            part = Graph(self.graph.nodes, number)
            found = evaluate(part, x)
            if not np.allclose(found, values[other], rtol=1e-6, atol=1e-6 * (1 + np.abs(found).max(initial=0))):
                return False
        return True

    @property
    def count(self) -> int:
        """How many neurons there are."""
        return int(self.checked.starts[-1])

    def numbers(self, relu: int, columns: Any) -> Any:
        """The numbers of neurons `columns` of the graph's ReLU node `relu`."""
        return self.checked.starts[self.layer(relu)] + np.asarray(columns)

    def shares(self, known: Mapping[int, Sequence[Any]]) -> Any:
        """Shares (2, entries of all products) of planes below and above, of which those of some nodes are `known`."""
        found = [np.full((2, self.graph.nodes[i].size), 0.5) for i in self.graph.products]
        for part, number in zip(found, self.graph.products, strict=True):
            if number in known:
                part[:] = known[number][:2]
        return np.concatenate([np.zeros((2, 0)), *found], axis=1)

    def layer(self, relu: int) -> int:
        """The number of the layer of the graph's ReLU node `relu`."""
        return self.graph.pointwise.index(relu)

    def of_space(self, columns: dict[int, Any]) -> Any:
        """The numbers of a search space's unstable ReLUs, in its order (`search.space.Space.columns`)."""
        parts = [self.numbers(relu, found) for relu, found in columns.items()]
        return np.concatenate([*parts, np.zeros(0, int)]).astype(np.uint32)


def _floats(network: CheckerNetwork, x: Any) -> list[Any]:
    values = [x]
    for node in network.nodes[1:]:
        if isinstance(node, Pointwise):
            values.append(node.function.interval(values[node.source], values[node.source])[0])
        elif isinstance(node, Product):
            values.append(values[node.left] * values[node.right])
        elif isinstance(node, Affine):
            total = node.floats[None] + np.zeros((len(x), 1))
            values.append(total + sum(m.forward(values[s], m.weight) for m, s in node.terms))
        else:
            raise no_rule(node)
    return values


class Disjuncts:
    """The claim's disjuncts as the checker counts them, to be matched with boxes and polytopes of a search."""

    def __init__(self, claim: dict[str, Any], neurons: NeuronMap, query: bytes | None = None) -> None:
        try:
            self.all = read_claim(claim, neurons.checked, query).disjuncts
        except UnreadableError as error:
            raise UnsupportedError(f"no certificate: {error}") from error
        self.outputs = neurons.checked.size(neurons.checked.output)
        self._left = set(range(len(self.all)))
        # Searching among boxes first keeps files with thousands of disjuncts fast.
        boxes: dict[Any, tuple[Any, list[int]]] = {}
        for number, d in enumerate(self.all):
            # Pairs of integers: the hash of a Fraction is dear.
            key = tuple(v.as_integer_ratio() for v in (*d.lower, *d.upper))
            boxes.setdefault(key, ((d.lower, d.upper), []))[1].append(number)
        # What is larger is no smaller as a float, so these tell which boxes to look at.
        inputs = len(self.all[0].lower) if self.all else 0
        self._ends = np.array([_nearest(*ends) for ends, _ in boxes.values()]).reshape(len(boxes), 2, inputs)
        self._by_box = list(boxes.values())

    def inside(self, lower: tuple[Fraction, ...], upper: tuple[Fraction, ...], polytope: Polytope) -> list[int]:
        """The disjuncts whose box lies in [lower, upper] and whose rows include the polytope's, none given twice.

        Excluding the polytope on the box excludes them.
        """
        if not self._by_box:
            return []
        wanted = {key for key, _ in _listed(polytope, self.outputs, len(lower))}
        found = []
        ends = np.array(_nearest(lower, upper)).reshape(2, -1)
        near = (self._ends[:, 0] >= ends[0]).all(axis=1) & (self._ends[:, 1] <= ends[1]).all(axis=1)
        for (low, high), numbers in (self._by_box[i] for i in np.flatnonzero(near)):
            same = low == lower and high == upper
            if not same and any(a < b for a, b in zip((*low, *upper), (*lower, *high), strict=True)):
                continue
            for number in numbers:
                if number in self._left and wanted <= self._rows_of(number):
                    found.append(number)
        self._left.difference_update(found)
        return found

    def weights(self, disjunct: int, polytope: Polytope, shares: Any) -> Any:
        """Weights (n, rows of the disjunct) of the same mean as `shares` (n, rows >= 0) of the polytope's rows."""
        listed = self._listed(disjunct)
        places = {key: (k, unit) for k, (key, unit) in enumerate(listed)}
        result = np.zeros((len(shares), len(listed)))
        for i, (key, unit) in enumerate(_listed(polytope, self.outputs, len(self.all[disjunct].lower))):
            k, other = places.get(key, (0, None))
            if other is not None:
                result[:, k] += shares[:, i] * float(unit / other)
        return result

    @property
    def left(self) -> set[int]:
        """Disjuncts that no proof has been given for."""
        return self._left

    def _listed(self, number: int) -> list[tuple[Any, Fraction]]:
        d = self.all[number]
        return [scaled(row, limit) for row, limit in zip(d.matrix.tolist(), d.offset, strict=True)]

    def _rows_of(self, number: int) -> set[Any]:
        return {key for key, _ in self._listed(number)}


def _nearest(lower: Sequence[Fraction], upper: Sequence[Fraction]) -> list[float]:
    """The ends as floats, infinite where they are too large to be any."""
    found = []
    for value in (*lower, *upper):
        try:
            found.append(float(value))
        except OverflowError:
            found.append(np.inf if value > 0 else -np.inf)
    return found


def _listed(polytope: Polytope, outputs: int, inputs: int) -> list[tuple[Any, Fraction]]:
    rows = polytope.matrix.fractions().tolist()
    padded = [[*row, *([Fraction(0)] * (outputs + inputs - len(row)))] for row in rows]
    return [scaled(row, limit) for row, limit in zip(padded, polytope.offset.fractions().ravel(), strict=True)]


def scaled(row: list[Fraction], limit: Fraction) -> tuple[Any, Fraction]:
    """The half-space as a key, scaled so that the first coefficient is 1 in size, as sparse pairs; and that size."""
    pairs = [(i, c) for i, c in enumerate(row) if c]
    unit = abs(pairs[0][1]) if pairs else Fraction(1)
    return (tuple((i, c / unit) for i, c in pairs), limit / unit), unit
