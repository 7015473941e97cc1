"""The cone of some neurons: the part of a network that they depend on.

A neuron of an early convolution sees a patch of the image, and of every layer before it a patch that is little larger.
So what is asked about some neurons at neighbouring places is asked about a small network, with the same rules as
the whole; the networks of later layers grow until nothing is spared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..base.never import assert_never
from .exact import Coefficients, FloatArray
from .graph import Affine, Graph, Input, Node, Pointwise, Product
from .maps import Conv, Diagonal, Index, Transposed
from .maps.base import IndexArray, Part
from .maps.namespace import Constant
from .maps.picked import placed


@dataclass(frozen=True, eq=False)
class Cone:
    """A network whose last node has the neurons asked about; its node i has the `entries[i]` of the whole network's
    node `nodes[i]`."""

    graph: Graph
    nodes: tuple[int, ...]
    entries: tuple[IndexArray, ...]


def cone(graph: Graph, number: int, neurons: IndexArray) -> Cone:
    """The cone of some `neurons` (sorted) of node `number`."""
    needed, parts = _needed(graph, number, neurons)
    place: dict[int, int] = {}
    nodes: list[Node] = []
    cut: list[tuple[int, IndexArray]] = []

    def put(node: Node, old: int, mine: IndexArray) -> int:
        nodes.append(node)
        cut.append((old, mine))
        return len(nodes) - 1

    def read(source: int, mine: IndexArray) -> int:
        """The node with these entries of a source: a function reads all that its own has, others may need more."""
        theirs = needed[source]
        if len(theirs) == len(mine):
            return place[source]
        some = Index(np.searchsorted(theirs, mine), len(theirs))
        return put(Affine(((some, place[source]),), Coefficients(np.zeros(len(mine)))), source, mine)

    for old in sorted(needed):
        node, mine = graph.nodes[old], needed[old]
        made: Node
        if isinstance(node, Input):
            made = Input(len(mine))
        elif isinstance(node, Affine):
            terms = tuple(
                (placed(part, mine, needed[source]), place[source])
                for part, (_, source) in zip(parts[old], node.terms, strict=True)
            )
            made = Affine(terms, node.bias.map(lambda values, mine=mine: values[mine]))
        elif isinstance(node, Pointwise):
            made = replace(node, source=read(node.source, mine), size=len(mine))
        elif isinstance(node, Product):
            made = replace(node, left=read(node.left, mine), right=read(node.right, mine), size=len(mine))
        else:
            assert_never(node)
        place[old] = put(made, old, mine)
    return Cone(Graph(tuple(nodes), place[number]), tuple(old for old, _ in cut), tuple(mine for _, mine in cut))


def about(graph: Graph, rows: FloatArray) -> Graph:
    """The graph for questions about `rows` @ its output alone, (k, output_size): it knows what these depend on.

    It computes the same; what nothing asked about reads is only never bounded, split or counted.
    """
    asked = np.flatnonzero((rows != 0).any(axis=0))
    return only_about(graph, asked) if 0 < len(asked) < graph.output_size else graph


def only_about(graph: Graph, asked: IndexArray) -> Graph:
    """The graph for questions about the outputs that are `asked` about (sorted) alone."""
    needed, _ = _needed(graph, graph.output, asked)
    relevant = {}
    for number in range(1, len(graph.nodes)):
        entries = needed.get(number, np.arange(0))
        if len(entries) < graph.nodes[number].size:
            mask = np.zeros(graph.nodes[number].size, bool)
            mask[entries] = True
            relevant[number] = Constant(mask)
    return replace(graph, relevant=relevant)


def _needed(graph: Graph, number: int, neurons: IndexArray) -> tuple[dict[int, IndexArray], dict[int, list[Part]]]:
    """The entries of each node that the neurons depend on, and the parts of the maps between them."""
    needed: dict[int, IndexArray] = {number: neurons, 0: np.arange(0)}
    parts: dict[int, list[Part]] = {}
    for i in range(number, 0, -1):
        node = graph.nodes[i]
        if i not in needed:
            continue
        read = [needed[i]] * len(node.sources)
        if isinstance(node, Affine):
            parts[i] = [linear.part(needed[i]) for linear, _ in node.terms]
            read = [part.inputs for part in parts[i]]
        for source, inputs in zip(node.sources, read, strict=True):
            needed[source] = np.union1d(needed[source], inputs) if source in needed else inputs
    return needed, parts


def image_shape(graph: Graph, number: int) -> tuple[int, ...] | None:
    """(channels, *places) of a node that a convolution makes, alone or scaled and added to others; None elsewhere."""
    while True:
        node = graph.nodes[number]
        if isinstance(node, Affine) and node.terms:
            linear, number = node.terms[0]
            if isinstance(linear, Conv):
                return linear.out_shape
            if isinstance(linear, Transposed) and isinstance(linear.inner, Conv):
                return linear.inner.in_shape
            if not isinstance(linear, Diagonal):
                return None
        elif isinstance(node, Pointwise | Product):
            number = node.sources[0]
        else:
            return None
