"""A proof in the making: trees that grow while a search splits domains, and what closes their leaves.

A search keeps the number of the tree node that each of its domains stands for; splitting a domain gives the numbers of
its halves, closing it stores the multipliers. Everything is batched over domains, like the search itself, and kept
small: slopes as bytes, betas only of the splits on a leaf's own path.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

LEAF, INPUT, NEURON, ANEW = 0, 1, 2, 3
LINES, RAW, RATIONAL = 0, 1, 2
ROOT = 0


@dataclass(frozen=True, eq=False)
class Stated:
    """Bounds of neurons of ReLU layer `layer` on one domain: bound i is about neuron `neurons[i]` of the layer, a lower
    one if `sides[i]` is 1 and an upper one if it is -1. Multipliers: `slopes` and `betas` (bounds, columns) and the
    `chords` (columns,) of the neurons `columns`, in the checker's numbers, and weights `rows` (bounds, rows)."""

    layer: int
    neurons: Any
    sides: Any
    columns: Any
    slopes: Any
    chords: Any
    betas: Any
    rows: Any


class ProofTree:
    """A tree of splits over one box. Node 0 is the root; every method takes and returns arrays of node numbers.

    `columns` are the neurons that slopes and betas are given for, in the checker's numbering
    (`neurons.NeuronMap`), ascending; None if no multipliers are ever stored. `chords` are the slopes above them that
    the slopes were found with: with both given, tighter bounds never make a leaf worse.
    """

    def __init__(self, columns: Any = None, chords: Any = None) -> None:
        self.columns = np.asarray([] if columns is None else columns, np.uint32)
        self.chords = None if chords is None else np.asarray(chords, np.float32)
        self._kind: list[int] = [LEAF]
        self._variable: list[int] = [0]
        self._value: list[float] = [0.0]
        # The number of the first half; the second is the next one. 0 for leaves.
        self._first: list[int] = [0]
        self._slopes: dict[int, Any] = {}
        # Slopes above, of leaves whose lines have offsets; their slopes below are no bytes.
        self._above: dict[int, Any] = {}
        # Shares of planes of products, below all of them and then above, of leaves with such lines.
        self._shares: dict[int, Any] = {}
        self._betas: dict[int, Any] = {}
        self._rows: dict[int, Any] = {}
        self._raw: dict[int, Any] = {}
        self._rational: dict[int, Any] = {}
        # Slopes of planes over the edges of the part, as they are stored.
        self._planes: dict[int, Any] = {}
        # Bounds found anew at a node, and the tree of its domain that uses them.
        self._anew: dict[int, tuple[Sequence[Stated], ProofTree]] = {}
        # Nodes to which nothing leads any more.
        self._lost = 0

    def __len__(self) -> int:
        """How many nodes have numbers."""
        return len(self._kind)

    @property
    def _stores(self) -> tuple[dict[int, Any], ...]:
        """What is kept of leaves, each by its number."""
        lines = self._slopes, self._above, self._shares, self._betas, self._rows, self._planes
        return (*lines, self._raw, self._rational, self._anew)

    @property
    def space(self) -> tuple[bytes, bytes]:
        """What trees must have in common to be stored together: their columns and chords."""
        return self.columns.tobytes(), b"" if self.chords is None else self.chords.tobytes()

    @property
    def leaves(self) -> int:
        # Every split has two halves.
        return (len(self) - self._lost + 1) // 2 + sum(tree.leaves - 1 for _, tree in self._anew.values())

    def split_inputs(self, nodes: Any, coordinates: Any, thresholds: Any) -> tuple[Any, Any]:
        """The numbers of the halves x_i <= t and x_i >= t of each node."""
        return self._split(INPUT, nodes, coordinates, thresholds)

    def split_neurons(self, nodes: Any, neurons: Any, thresholds: Any = 0.0) -> tuple[Any, Any]:
        """The numbers of the halves on (z >= t) and off (z <= t) of each node; `neurons` in the checker's numbers."""
        return self._split(NEURON, nodes, neurons, np.broadcast_to(thresholds, np.shape(np.atleast_1d(nodes))))

    def _split(self, kind: int, nodes: Any, variables: Any, values: Any) -> tuple[Any, Any]:
        nodes, variables, values = (np.atleast_1d(a) for a in (nodes, variables, values))
        first = len(self) + 2 * np.arange(len(nodes))
        for node, variable, value, child in zip(*(a.tolist() for a in (nodes, variables, values, first)), strict=True):
            if self._kind[node] != LEAF:
                raise ValueError(f"node {node} is split already")
            # What closes a domain nearly closes its halves.
            for store in (self._slopes, self._above, self._shares, self._betas, self._rows):
                if node in store:
                    store[child] = store[child + 1] = store.pop(node)
            self._kind[node], self._variable[node] = kind, variable
            self._value[node], self._first[node] = value, child
            self._kind += [LEAF, LEAF]
            self._variable += [0, 0]
            self._value += [0.0, 0.0]
            self._first += [0, 0]
        return first, first + 1

    def unsplit(self, nodes: Any) -> None:
        """Let nodes be leaves again, as if nothing had been said of what is below them."""
        stack = np.atleast_1d(nodes).tolist()
        while stack:
            node = stack.pop()
            for store in self._stores:
                store.pop(node, None)
            if self._first[node]:
                # Nobody else gets the numbers of the halves.
                self._lost += 2
                stack += [self._first[node], self._first[node] + 1]
            self._kind[node], self._variable[node], self._value[node], self._first[node] = LEAF, 0, 0.0, 0

    def close(self, nodes: Any, slopes: Any = None, betas: Any = None, rows: Any = None) -> None:
        """Store what closes leaves: slopes and betas (nodes, columns), weights of rows (nodes, rows of the goal).

        Without slopes the checker takes CROWN's; without weights, or where a disjunct's are all 0, it tries each row
        alone.
        """
        numbers = np.atleast_1d(nodes).tolist()
        if slopes is not None:
            self._slopes.update(zip(numbers, slope_bytes(slopes), strict=True))
        if rows is not None:
            self._rows.update(zip(numbers, np.maximum(np.asarray(rows, np.float32), 0), strict=True))
        if betas is not None:
            leaf, column = np.nonzero(betas)
            ends = np.searchsorted(leaf, np.arange(len(numbers) + 1)).tolist()
            found, values = self.columns[column], np.asarray(betas)[leaf, column]
            self._betas.update((n, (found[a:b], values[a:b])) for n, a, b in zip(numbers, ends, ends[1:], strict=False))

    def mix(self, node: int, shares: Any) -> None:
        """Store the shares (2, entries of all products) of planes, of one leaf closed with lines that have offsets."""
        self._shares[node] = slope_bytes(np.concatenate(list(shares)))

    def close_between(self, node: int, below: Any, above: Any, betas: Any = None, rows: Any = None) -> None:
        """Store what closes one leaf with lines that have offsets: slopes below and above (columns,), betas (columns,)
        and weights of rows, as `close` does."""
        self.close(node, None, None if betas is None else betas[None], None if rows is None else rows[None])
        self._slopes[node], self._above[node] = np.asarray(below, np.float32), np.asarray(above, np.float32)

    def close_planes(self, node: int, planes: Any) -> None:
        """Store the shares (edges,) of the groups that close one leaf, beside its lines (`close`): u2, of 65535."""
        self._planes[node] = np.asarray(planes, np.uint16)

    def close_raw(self, node: int, rows: Any, multipliers: Any) -> None:
        """Close a leaf by any multipliers of all neurons, in the checker's numbering: LP duals, Farkas rays."""
        self._variable[node] = RAW
        self._raw[node] = rows, multipliers

    def anew(self, node: int, bounds: Sequence[Stated], tree: ProofTree) -> None:
        """Let a leaf be what `tree` is, which rests on bounds of hidden neurons found anew on its domain."""
        self._kind[node], self._anew[node] = ANEW, (bounds, tree)

    @property
    def has_raw(self) -> bool:
        """Whether a leaf is closed by raw multipliers or rationals, which belong to one disjunct."""
        return bool(self._raw or self._rational)

    def reweighted(self, convert: Callable[[Any], Any]) -> ProofTree:
        """The tree for other rows: `convert` makes weights of them from weights (n, rows) of these; None: the same."""
        other = copy.copy(self)
        other._rows = dict(zip(self._rows, _converted(convert, list(self._rows.values())), strict=True))
        rows = _converted(convert, [rows for rows, _ in self._raw.values()])
        other._raw = {node: (r, mu) for r, (node, (_, mu)) in zip(rows, self._raw.items(), strict=True)}
        other._anew = {node: ([_weighed(bound, convert) for bound in bounds], tree.reweighted(convert))
                       for node, (bounds, tree) in self._anew.items()}  # fmt: skip
        return other

    def close_rational(self, node: int, rows: Sequence[Fraction], betas: Mapping[int, Fraction]) -> None:
        """Close a leaf by exact rationals: weights of the polytope's rows, and betas of ReLUs split on its path."""
        self._variable[node] = RATIONAL
        self._rational[node] = rows, betas

    def graft(self, node: int, other: ProofTree, weights: Callable[[Any], Any]) -> None:
        """Let leaf `node` be split and closed by lines as `other` is, whose columns are among these; `weights` makes
        those of a leaf's rows from the other tree's, either may be None."""
        place = np.searchsorted(self.columns, other.columns)
        stack = [(node, ROOT)]
        while stack:
            here, there = stack.pop()
            kind, variable, value, first = other.node(there)
            if kind != LEAF:
                ((on,), (off,)) = self._split(kind, here, variable, value)
                stack += [(int(off), first + 1), (int(on), first)]
                continue
            if there in other._raw:
                self.close_raw(here, *other._raw[there])
            if there in other._slopes:
                self._slopes[here] = np.zeros(len(self.columns), np.uint8)
                self._slopes[here][place] = other._slopes[there]
            if there in other._betas:
                self._betas[here] = other._betas[there]
            rows = weights(other._rows.get(there))
            if rows is not None:
                self._rows[here] = np.asarray(rows, np.float32)

    def node(self, number: int) -> tuple[int, int, float, int]:
        """(kind, variable, value, first child) of a node; the second child is the next number."""
        return self._kind[number], self._variable[number], self._value[number], self._first[number]

    def walk(self, above: Sequence[int] = ()) -> list[tuple[int, list[int]]]:
        """All nodes in preorder, those without halves with the neurons split on their path, which begins with those
        split above the tree."""
        order: list[tuple[int, list[int]]] = []
        stack: list[tuple[int, Any]] = [(ROOT, None)]
        while stack:
            node, path = stack.pop()
            if self._kind[node] in (LEAF, ANEW):
                neurons = []
                while path is not None:
                    neuron, path = path
                    neurons.append(neuron)
                order.append((node, [*above, *neurons[::-1]]))
                continue
            order.append((node, []))
            below = (self._variable[node], path) if self._kind[node] == NEURON else path
            stack += [(self._first[node] + 1, below), (self._first[node], below)]
        return order


def _weighed(bound: Stated, convert: Callable[[Any], Any]) -> Stated:
    found = convert(bound.rows)
    return bound if found is None else replace(bound, rows=found)


def _path_betas(columns: Any, betas: Any, path: Sequence[int]) -> list[float]:
    """Betas (columns,) as they are stored: for each split of a path, from its root; of several splits of one neuron
    the last one's."""
    own = dict(zip(columns.tolist(), betas.tolist(), strict=True))
    return [max(0.0, own.pop(n, 0.0)) for n in reversed(path)][::-1]


def bounds_arrays(bound: Stated, path: Sequence[int]) -> dict[str, Any]:
    """The arrays, by name, of bounds on a domain whose path has these splits of neurons."""
    betas = [_path_betas(bound.columns, each, path) for each in bound.betas]
    found = {
        "neuron": np.asarray(bound.neurons, np.uint32),
        "side": np.asarray(bound.sides, np.int8),
        "columns": np.asarray(bound.columns, np.uint32),
        "slopes": slope_bytes(bound.slopes),
        "chords": np.asarray(bound.chords, np.float32),
        "lambda": np.maximum(np.asarray(bound.rows, np.float32), 0),
    }
    return found if not path else found | {"betas": np.concatenate(betas).astype(np.float32)}


def _converted(convert: Callable[[Any], Any], rows: list[Any]) -> Any:
    found = convert(np.stack(rows)) if rows else None
    return rows if found is None else found


def slope_bytes(slopes: Any) -> Any:
    """Slopes as the bytes that they are stored as."""
    return np.rint(np.clip(np.asarray(slopes, np.float32), 0, 1) * np.float32(255)).astype(np.uint8)


def anew_of(trees: Sequence[ProofTree], outer: Sequence[int] = ()) -> list[tuple[Sequence[Stated], ProofTree, Any]]:
    """Bounds found anew in trees, in the order of their nodes: the bounds, the tree behind, the neurons split above."""
    paths = [(tree, node, path) for tree in trees if tree._anew for node, path in tree.walk(outer)]
    return [(*tree._anew[node], path) for tree, node, path in paths if node in tree._anew]


def arrays_of(trees: Sequence[ProofTree], outer: Sequence[int] = ()) -> tuple[Any, dict[str, Any], list[Any]]:
    """(nodes in preorder, arrays by name, rational leaves) of the trees of one group, in order; the `outer` neurons are
    split above all of them."""
    nodes: list[tuple[int, int, float]] = []
    slopes, above, sloped, betas, rows, raw, rational, leaves = [], [], [], [], [], [], [], 0
    shares = []
    planes: dict[int, Any] = {}
    with_betas = any(t._betas for t in trees)
    columns = trees[0].columns
    for tree in trees:
        for node, path in tree.walk(outer):
            nodes.append((tree._kind[node], tree._variable[node], tree._value[node]))
            if tree._kind[node] != LEAF:
                continue
            if node in tree._slopes and len(columns):
                slopes.append(tree._slopes[node])
                above += [tree._above[node]] if node in tree._above else []
                shares += [tree._shares[node]] if node in tree._shares else []
                sloped.append(leaves)
            if node in tree._planes:
                planes[leaves] = tree._planes[node]
            if with_betas:
                own = dict(zip(*(a.tolist() for a in tree._betas[node]), strict=True)) if node in tree._betas else {}
                # One multiplier for each neuron: of several splits on a path the last one's.
                betas += [max(0.0, own.pop(n, 0.0)) for n in reversed(path)][::-1]
            rows.append(tree._rows.get(node))
            if node in tree._raw:
                raw.append(np.concatenate([np.asarray(values, np.float64) for values in tree._raw[node]]))
            if node in tree._rational:
                weights, own = tree._rational[node]
                left = dict(own)
                shifts = [left.pop(n, Fraction(0)) for n in reversed(path)][::-1]
                rational.append({"lambda": [str(v) for v in weights], "betas": [str(v) for v in shifts]})
            leaves += 1
    arrays: dict[str, Any] = {}
    if slopes:
        arrays["columns"], arrays["slopes"] = columns, np.stack(slopes)
        if above:
            arrays["above"] = np.stack(above)
            if len(shares) == len(above):
                arrays["shares"] = np.stack(shares)
        elif trees[0].chords is not None:
            arrays["chords"] = trees[0].chords
        if len(slopes) < leaves:
            arrays["sloped"] = np.array(sloped, np.uint32)
    if betas:
        exact = np.array(betas)
        short = exact.astype(np.float32)
        arrays["betas"] = short if (short == exact).all() else exact
    if any(r is not None for r in rows):
        none = np.zeros_like(next(r for r in rows if r is not None))
        arrays["lambda"] = np.stack([none if r is None else r for r in rows])
    if planes:
        arrays["planes"], arrays["planed"] = np.stack(list(planes.values())), np.array(list(planes), np.uint32)
    if raw:
        arrays["raw"] = np.stack(raw)
    return nodes, arrays, rational


@dataclass
class Lemma:
    """Bounds of hidden neurons of ReLU layer `layer` (0 is the first): `trees[i]` proves the lower (side +1) or
    upper (side -1) bound of neuron `neurons[i]` of the layer, as the least bound of its leaves."""

    layer: int
    neurons: list[int] = field(default_factory=list)
    sides: list[int] = field(default_factory=list)
    trees: list[ProofTree] = field(default_factory=list)

    def add(self, neuron: int, side: int, tree: ProofTree) -> None:
        self.neurons.append(int(neuron))
        self.sides.append(int(side))
        self.trees.append(tree)


@dataclass
class Goal:
    """A tree whose leaves exclude each of the claim's `disjuncts`."""

    disjuncts: list[int]
    tree: ProofTree


@dataclass
class Part:
    """One box: with `at_leaves` every leaf computes its own bounds from its own box (input splits); else the box's
    bounds serve all leaves (ReLU splits), sharpened by `lemmas` in the order of layers, and found with the slopes
    `lines` (3, neurons): slopes below and above ReLUs, and 1 for neurons that are bounded even if they are on. With
    `again`, and not `at_leaves`, every leaf bounds again what the box's bounds leave unstable (input splits). `joint`
    are the neurons that are bounded jointly and the group that each is in, (2, members), and the edges that leaves have
    shares for, (2, edges): the group that each leads to, and the input or, numbered behind the inputs, the neuron that
    it comes from."""

    at_leaves: bool
    goals: list[Goal] = field(default_factory=list)
    lemmas: list[Lemma] = field(default_factory=list)
    lines: Any = None
    again: bool = False
    joint: tuple[Any, Any] | None = None

    @property
    def splits_inputs(self) -> bool:
        """Whether a leaf is closer to its proof on half of its box."""
        return self.at_leaves or self.again


def leaves_of(parts: Sequence[Part]) -> int:
    """The number of leaves in all trees, those of lemmas included."""
    trees = [tree for part in parts for lemma in part.lemmas for tree in lemma.trees]
    trees += [goal.tree for part in parts for goal in part.goals]
    return sum(tree.leaves for tree in trees)
