"""`If` on a constant: the nodes of the branch that is taken, in the names of the graph around it.

A branch is a graph of its own that may read every tensor of the graphs around it. Exporters write one where a program
asks for a size; once the sizes are fixed the condition is a constant, and one branch is left. Its own names get the
node's name in front, since another branch may have the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

import onnx

BRANCHES = ("else_branch", "then_branch")


class BranchError(Exception):
    """A branch with parts that are not read; the importer names the node."""


@dataclass(frozen=True)
class Inlined:
    """What stands in place of an If: its branch's nodes, and weights by name."""

    nodes: list[onnx.NodeProto]
    weights: list[onnx.TensorProto]


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs in the attributes of a node."""
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


def reads(node: onnx.NodeProto) -> set[str]:
    """The tensors of the graph around it that a node reads, in its subgraphs too."""
    found = {name for name in node.input if name}
    for graph in subgraphs(node):
        found |= {info.name for info in graph.output}.union(*map(reads, graph.node)) - _made(graph)
    return found


def _made(graph: onnx.GraphProto) -> set[str]:
    """The names that a graph gives to tensors of its own."""
    made = {tensor.name for tensor in graph.initializer} | {info.name for info in graph.input}
    return made | {name for node in graph.node for name in node.output if name}


def inlined(node: onnx.NodeProto, truth: bool, taken: Set[str]) -> Inlined:
    """The branch of an If that a condition takes, `taken` being the names around it. Raises BranchError."""
    branches = {attribute.name: attribute.g for attribute in node.attribute}
    if sorted(branches) != sorted(BRANCHES) or len(node.attribute) != 2 or len(list(subgraphs(node))) != 2:
        raise BranchError(f"attributes {', '.join(a.name for a in node.attribute)}, expected {' and '.join(BRANCHES)}")
    graph = branches[BRANCHES[truth]]
    odd = [name for name in ("input", "sparse_initializer", "quantization_annotation") if len(getattr(graph, name))]
    if odd:
        raise BranchError(f"a branch with {odd[0].replace('_', ' ')}s")
    if len(graph.output) != len(node.output):
        raise BranchError(f"a branch with {len(graph.output)} outputs, expected {len(node.output)}")
    made = [*(t.name for t in graph.initializer), *(name for n in graph.node for name in n.output if name)]
    twice = next((name for name in made if made.count(name) > 1), None) if len(set(made)) < len(made) else None
    if twice is not None:
        raise BranchError(f"the tensor {twice!r} is there twice in a branch")
    prefix = f"{node.name or node.output[0]}/"
    while any(prefix + name in taken for name in made):
        prefix += "'"
    names = {name: prefix + name for name in made}
    nodes = [_renamed(inner, names, prefix) for inner in graph.node]
    for info, output in zip(graph.output, node.output, strict=True):
        source = names.get(info.name, info.name)
        nodes.append(onnx.helper.make_node("Identity", [source], [output], name=f"{prefix}{output}"))
    weights = []
    for tensor in graph.initializer:
        weights.append(onnx.TensorProto())
        weights[-1].CopyFrom(tensor)
        weights[-1].name = names[tensor.name]
    return Inlined(nodes, weights)


def _renamed(node: onnx.NodeProto, names: dict[str, str], prefix: str) -> onnx.NodeProto:
    """A node with other names of tensors, wherever it reads or makes them."""
    made = onnx.NodeProto()
    made.CopyFrom(node)
    if made.name:
        made.name = prefix + made.name
    for field in (made.input, made.output):
        field[:] = [names.get(name, name) for name in field]
    for graph in subgraphs(made):
        own = _made(graph)
        outer = {old: new for old, new in names.items() if old not in own}
        inner = [_renamed(each, outer, prefix) for each in graph.node]
        del graph.node[:]
        graph.node.extend(inner)
        for info in graph.output:
            info.name = outer.get(info.name, info.name)
    return made
