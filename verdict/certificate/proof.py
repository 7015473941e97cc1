"""A proof in the making: trees that grow while a search splits domains, and what closes their leaves.

A search keeps the number of the tree node that each of its domains stands for; splitting a domain gives the numbers of
its halves, closing it stores the multipliers. Everything is batched over domains, like the search itself, and kept
small: slopes as bytes, betas only where there are any, and large proofs on disk (`shelf.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from .kept import BETA, Kept, Ragged, numbers_of
from .nodes import ANEW, INPUT, LEAF, NEURON, ROOT, Forest, Nodes
from .shelf import shelved

LINES, RAW, RATIONAL = 0, 1, 2
# Weights of rows, of leaves that are closed by lines and by raw multipliers.
WEIGHTS = "rows", "weighed"
# What a split hands down, beside betas; multipliers of one leaf alone are of no use to its halves.
TO_HALVES = "slopes", "above", "shares", "rows"


@dataclass(frozen=True, eq=False)
class Stated:
    """Bounds of neurons of ReLU layer `layer` on one domain: bound i is about neuron `neurons[i]` of the layer, a lower
    one if `sides[i]` is 1 and an upper one if it is -1. Multipliers: `slopes` and `betas` (bounds, columns) and the
    `chords` (columns,) of the neurons `columns`, in the checker's numbers, ascending, and weights `rows` (bounds,
    rows)."""

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
        self.nodes = Nodes()
        # What closes leaves, by name: `slopes`, and those `above` of leaves whose lines have offsets; `shares` of
        # planes of products, below all of them and then above, of leaves with such lines; weights of `rows`; slopes of
        # `planes` over the edges of the part; multipliers of all neurons (`raw`) with weights of rows (`weighed`).
        self.kept: dict[str, Kept] = {}
        # Betas, where they are not 0, and whether some are no float32.
        self.betas, self.is_fine = Ragged(), False
        self.rational: dict[int, Any] = {}
        # Bounds found anew at a node, their slopes and betas as `Rows`, and the tree of its domain that uses them.
        self.found_anew: dict[int, tuple[Sequence[Stated], ProofTree]] = {}
        # What makes of weights of rows those of other rows.
        self._converts: tuple[Callable[[Any], Any], ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        """To another process goes what was made of weights, not what makes it."""
        made = {name: self.kept[name].mapped(self.weights) for name in WEIGHTS if name in self.kept and self._converts}
        return {**self.__dict__, "kept": self.kept | made, "_converts": ()}

    def __len__(self) -> int:
        """How many nodes have numbers."""
        return len(self.nodes)

    @property
    def space(self) -> tuple[bytes, bytes]:
        """What trees must have in common to be stored together: their columns and chords."""
        return self.columns.tobytes(), b"" if self.chords is None else self.chords.tobytes()

    @property
    def leaves(self) -> int:
        # Every split has two halves.
        here = (len(self) - self.nodes.lost + 1) // 2
        return here + sum(tree.leaves - 1 for _, tree in self.found_anew.values())

    def split_inputs(self, nodes: Any, coordinates: Any, thresholds: Any) -> tuple[Any, Any]:
        """The numbers of the halves x_i <= t and x_i >= t of each node."""
        return self._split(INPUT, nodes, coordinates, thresholds)

    def split_neurons(self, nodes: Any, neurons: Any, thresholds: Any = 0.0) -> tuple[Any, Any]:
        """The numbers of the halves on (z >= t) and off (z <= t) of each node; `neurons` in the checker's numbers."""
        return self._split(NEURON, nodes, neurons, np.broadcast_to(thresholds, np.shape(np.atleast_1d(nodes))))

    def _split(self, kind: int, nodes: Any, variables: Any, values: Any) -> tuple[Any, Any]:
        first = self.nodes.split(kind, *(np.atleast_1d(a) for a in (nodes, variables, values)))
        return first, first + 1

    def unsplit(self, nodes: Any) -> None:
        """Let nodes be leaves again, as if nothing had been said of what is below them."""
        nodes = np.atleast_1d(nodes)
        gone = self.nodes.unsplit(nodes)
        for kept in (*self.kept.values(), self.betas):
            kept.drop(nodes)
        for few in (self.rational, self.found_anew):
            for node in gone.tolist() if few else ():
                few.pop(node, None)

    def close(self, nodes: Any, slopes: Any = None, betas: Any = None, rows: Any = None) -> None:
        """Store what closes leaves: slopes and betas (nodes, columns), weights of rows (nodes, rows of the goal).

        Without slopes the checker takes CROWN's; without weights, or where a disjunct's are all 0, it tries each row
        alone.
        """
        nodes = np.atleast_1d(nodes)
        if slopes is not None:
            self._put("slopes", nodes, slope_bytes(slopes))
        if rows is not None:
            self._put("rows", nodes, np.maximum(np.asarray(rows, np.float32), 0))
        if betas is not None:
            betas = np.asarray(betas)
            leaf, column = np.nonzero(betas)
            entries = np.empty(len(leaf), BETA)
            entries["neuron"], entries["value"] = self.columns[column], betas[leaf, column]
            if betas.dtype != np.float32:
                self.is_fine |= bool((entries["value"].astype(np.float32) != entries["value"]).any())
            self.betas.put_all(nodes, entries, np.bincount(leaf, minlength=len(nodes)))

    def _put(self, name: str, nodes: Any, rows: Any) -> None:
        if len(nodes) != len(rows):
            raise ValueError(f"{len(rows)} rows for {len(nodes)} nodes")
        if name not in self.kept:
            self.kept[name] = Kept(name in TO_HALVES)
        self.kept[name].put(nodes, rows)

    def mix(self, node: int, shares: Any) -> None:
        """Store the shares (2, entries of all products) of planes, of one leaf closed with lines that have offsets."""
        self._put("shares", [node], slope_bytes(np.concatenate(list(shares)))[None])

    def close_between(self, node: int, below: Any, above: Any, betas: Any = None, rows: Any = None) -> None:
        """Store what closes one leaf with lines that have offsets: slopes below and above (columns,), betas (columns,)
        and weights of rows, as `close` does."""
        self.close(node, None, None if betas is None else betas[None], None if rows is None else rows[None])
        for name, slopes in (("slopes", below), ("above", above)):
            self._put(name, [node], np.array(slopes, np.float32)[None])

    def close_planes(self, node: int, planes: Any) -> None:
        """Store the shares (edges,) of the groups that close one leaf, beside its lines (`close`): u2, of 65535."""
        self._put("planes", [node], np.array(planes, np.uint16)[None])

    def close_raw(self, node: int, rows: Any, multipliers: Any) -> None:
        """Close a leaf by any multipliers of all neurons, in the checker's numbering: LP duals, Farkas rays."""
        self.nodes.mark(node, LEAF, RAW)
        for name, values in (("weighed", rows), ("raw", multipliers)):
            self._put(name, [node], np.array(values, np.float64)[None])

    def close_rational(self, node: int, rows: Sequence[Fraction], betas: Mapping[int, Fraction]) -> None:
        """Close a leaf by exact rationals: weights of the polytope's rows, and betas of ReLUs split on its path."""
        self.nodes.mark(node, LEAF, RATIONAL)
        self.rational[node] = rows, betas

    def anew(self, node: int, bounds: Sequence[Stated], tree: ProofTree) -> None:
        """Let a leaf be what `tree` is, which rests on bounds of hidden neurons found anew on its domain."""
        self.nodes.mark(node, ANEW, 0)
        kept = [replace(b, slopes=shelved(slope_bytes(b.slopes)), betas=shelved(np.float32(b.betas))) for b in bounds]
        self.found_anew[node] = kept, tree

    @property
    def has_raw(self) -> bool:
        """Whether a leaf is closed by raw multipliers or rationals, which belong to one disjunct."""
        return bool("raw" in self.kept or self.rational)

    def reweighted(self, convert: Callable[[Any], Any]) -> ProofTree:
        """The tree for other rows: `convert` makes weights of them from weights (n, rows) of these; None: the same."""
        other = ProofTree()
        other.__dict__.update(self.__dict__)
        other._converts = (*self._converts, convert)
        other.found_anew = {node: ([_weighed(bound, convert) for bound in bounds], tree.reweighted(convert))
                            for node, (bounds, tree) in self.found_anew.items()}  # fmt: skip
        return other

    def weights(self, rows: Any) -> Any:
        """Weights (n, rows) that were stored, as those of the rows that the tree is for."""
        for convert in self._converts:
            found = convert(rows)
            rows = rows if found is None else found
        return rows

    def check(self) -> None:
        """Raise OSError where something that closes leaves was lost, since the disk was full."""
        for kept in (self.betas, *self.kept.values()):
            if kept.rows.lost is not None:
                raise kept.rows.lost

    def graft(self, node: int, other: ProofTree, weights: Callable[[Any], Any]) -> None:
        """Let leaf `node` be split and closed by lines as `other` is, whose columns are among these; `weights` makes
        those of leaves' rows from the other tree's (n, rows), or one for all from None; it may give None."""
        if other.found_anew:
            raise ValueError("bounds found anew are no part of another tree")
        try:
            other.check()
            self._graft(node, other, weights)
        except OSError as error:
            # The search goes on; this tree is no proof any more.
            self.betas.rows.lose(error)

    def _graft(self, node: int, other: ProofTree, weights: Callable[[Any], Any]) -> None:
        forest = Forest([other.nodes])
        leaves, here = forest.leaves, self._grown_like(node, forest)[forest.leaves]
        for at in here[forest.variable[leaves] == RAW].tolist():
            self.nodes.mark(at, LEAF, RAW)
        for name, kept in other.kept.items():
            numbers = numbers_of(kept, forest, leaves)
            has = numbers >= 0
            if name != "rows" and has.any():
                found = kept.rows.take(numbers[has])
                found = other.weights(found) if name in WEIGHTS else found
                self._put(name, here[has], self._widened(found, other.columns) if name == "slopes" else found)
        numbers = numbers_of(other.betas, forest, leaves)
        if (numbers >= 0).any():
            self.betas.put_all(here[numbers >= 0], *other.betas.entries(numbers[numbers >= 0]))
            self.is_fine |= other.is_fine
        rows, weighted = other.kept.get("rows"), np.zeros(len(leaves), bool)
        if rows is not None:
            numbers = numbers_of(rows, forest, leaves)
            weighted = numbers >= 0
            if weighted.any():
                self._put_rows(here[weighted], weights(other.weights(rows.rows.take(numbers[weighted]))))
        if not weighted.all():
            self._put_rows(here[~weighted], weights(None))

    def _put_rows(self, nodes: Any, weights: Any) -> None:
        """Let leaves have weights (n, rows), or the same ones (1, rows), or, from None, none."""
        if weights is not None:
            found = np.asarray(weights, np.float32)
            self._put("rows", nodes, np.repeat(found, len(nodes), axis=0) if len(found) == 1 else found)

    def _grown_like(self, node: int, forest: Forest) -> Any:
        """The numbers of the nodes that a leaf has now, split as a tree is, by that one's."""
        here = np.zeros(len(forest.parent), np.intp)
        here[ROOT] = node
        for inner in forest.inner:
            for kind in np.unique(forest.kind[inner]).tolist():
                some = inner[forest.kind[inner] == kind]
                halves = self._split(kind, here[some], forest.variable[some], forest.value[some])
                for there, new in zip(forest.halves(some), halves, strict=True):
                    here[there] = new
        return here

    def _widened(self, slopes: Any, columns: Any) -> Any:
        """Slopes of some of the columns as those of all."""
        found = np.zeros((len(slopes), len(self.columns)), np.uint8)
        found[:, np.searchsorted(self.columns, columns)] = slopes
        return found

    def node(self, number: int) -> tuple[int, int, float, int]:
        """(kind, variable, value, first child) of a node; the second child is the next number."""
        return self.nodes.node(number)


def _weighed(bound: Stated, convert: Callable[[Any], Any]) -> Stated:
    found = convert(bound.rows)
    return bound if found is None else replace(bound, rows=found)


def slope_bytes(slopes: Any) -> Any:
    """Slopes as the bytes that they are stored as."""
    return np.rint(np.clip(np.asarray(slopes, np.float32), 0, 1) * np.float32(255)).astype(np.uint8)


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
