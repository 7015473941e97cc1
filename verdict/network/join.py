"""Several networks as one: their graphs side by side over a common input vector, their outputs one after another.

Equivalence of two networks, a network compared with itself at two inputs, or a student with its teacher are then
questions about one graph with branches, and nothing downstream changes (design section 5). Branches may share inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from ..base.errors import ModelError
from ..base.never import assert_never
from .exact import Coefficients
from .graph import Affine, Graph, Input, Node, Pointwise, Product
from .maps import Index
from .network import Network, Port
from .runtime import Runtime

Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Branch:
    """A network and, for each of its inputs, the coordinate of the common input vector that it reads."""

    network: Network
    reads: Positions


@dataclass(frozen=True, eq=False)
class Joined(Network):
    """A network made of branches; `data` and `sha256` are empty and `path` is the first branch's."""

    branches: tuple[Branch, ...] = ()

    @cached_property
    def runtime(self) -> Runtime:
        """All branches in ONNX Runtime, each at its own inputs; the outputs one after another."""
        return _JoinedRuntime(self)


class _JoinedRuntime(Runtime):
    def __init__(self, network: Joined) -> None:
        super().__init__(network.path, network.data, network.inputs, network.outputs)
        self._branches = network.branches

    def __call__(self, x: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        point = np.asarray(x).ravel()
        return np.concatenate([branch.network.runtime(point[branch.reads]) for branch in self._branches])


def join(networks: Sequence[Network], reads: Sequence[Sequence[int]]) -> Network:
    """One network over coordinates 0, 1, ...: input i of `networks[k]` is coordinate `reads[k][i]`.

    A single network that reads its inputs in order is returned as it is. Raises ModelError for a network that ends
    in Softmax or ArgMax, whose outputs are not the graph's.
    """
    branches = tuple(
        Branch(network, np.asarray(places, dtype=np.intp)) for network, places in zip(networks, reads, strict=True)
    )
    size = 1 + max(int(branch.reads.max()) for branch in branches)
    if len(branches) == 1 and np.array_equal(branches[0].reads, np.arange(size)):
        return branches[0].network
    for network in networks:
        if network.head is not None:
            raise ModelError(f"{network.path} ends with {network.head}, which is supported only in a network alone")
    operators: dict[str, int] = {}
    for network in networks:
        for name, count in network.operators.items():
            operators[name] = operators.get(name, 0) + count
    return Joined(
        graph=_side_by_side(branches, size),
        path=networks[0].path,
        data=b"",
        sha256="",
        inputs=_ports(branches, size),
        outputs=tuple(port for network in networks for port in network.outputs),
        opset=max(network.opset for network in networks),
        operators=operators,
        branches=branches,
    )


def _side_by_side(branches: Sequence[Branch], size: int) -> Graph:
    nodes: list[Node] = [Input(size)]
    names = ["input"]
    ends: list[int] = []
    for branch in branches:
        graph = branch.network.graph
        # Node 0 of a branch is an index map of the common input; the others keep their order.
        shift = len(nodes)
        for number, node in enumerate(graph.nodes):
            if isinstance(node, Affine):
                node = Affine(tuple((linear, source + shift) for linear, source in node.terms), node.bias)
            elif isinstance(node, Pointwise):
                node = replace(node, source=node.source + shift)
            elif isinstance(node, Product):
                node = replace(node, left=node.left + shift, right=node.right + shift)
            elif isinstance(node, Input):
                node = Affine(((Index(branch.reads, size), 0),), Coefficients(np.zeros(node.size)))
            else:
                assert_never(node)
            nodes.append(node)
            names.append(graph.names[number] if number < len(graph.names) else "")
        ends.append(graph.output + shift)
    total = sum(nodes[end].size for end in ends)
    terms, start = [], 0
    for end in ends:
        places = np.full(total, -1)
        places[start : start + nodes[end].size] = np.arange(nodes[end].size)
        terms.append((Index(places, nodes[end].size), end))
        start += nodes[end].size
    nodes.append(Affine(tuple(terms), Coefficients(np.zeros(total))))
    return Graph(tuple(nodes), len(nodes) - 1, (*names, "outputs"))


def _ports(branches: Sequence[Branch], size: int) -> tuple[Port, ...]:
    """Ports of the common input, one for each run of one type: the narrowest of those that read a coordinate."""
    types = ["float64"] * size
    for branch in branches:
        start = 0
        for port in branch.network.inputs:
            if port.dtype != "float64":
                for coordinate in branch.reads[start : start + port.size].tolist():
                    types[coordinate] = port.dtype
            start += port.size
    runs = [(dtype, len(list(run))) for dtype, run in groupby(types)]
    return tuple(Port(f"input {i}", (length,), dtype) for i, (dtype, length) in enumerate(runs))
