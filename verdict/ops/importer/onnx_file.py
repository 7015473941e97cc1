"""The ONNX model in a file, or a refusal: read, closed, put in order, checked by ONNX's own checker.

ONNX Runtime takes nodes in any order, so they are sorted before the checker sees them. What has no meaning here
(sparse weights, training, annotations of quantisation) is refused by name, and so is every name that is there twice.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import onnx
import onnx.inliner

from ...base.errors import ModelError, UnsupportedError
from .branches import reads, subgraphs
from .model_file import advice, refuse_weights_outside

# Larger constants are left out where only types and shapes are looked at. Shapes and indices are smaller.
SMALL_BYTES = 4096


def model_of(data: bytes, path: Path) -> onnx.ModelProto:
    """The ONNX model in the bytes of a file with all its weights: local functions inlined, nodes in order.

    Raises ModelError, and UnsupportedError for parts of ONNX that have no meaning here.
    """
    try:
        model = onnx.load_model_from_string(data)
        bad = next((name for name in _names(model.graph) if not isinstance(name, str)), None)
        if bad is not None:
            raise ModelError(f"{path}: not a valid ONNX model: the name {bad!r} is no UTF-8 text")
        _refuse_parts(model, path)
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
        refuse_weights_outside(model, path)
        _refuse_duplicates(model.graph, path)
        _put_in_order(model.graph, path)
        _check(model)
    except ModelError:
        raise
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        said = " ".join(lines[:2]) if lines and lines[0].endswith(":") else "".join(lines[:1]) or type(error).__name__
        raise ModelError(f"{path}: not a valid ONNX model: {advice(path) or said}") from error
    return model


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operator set, 0 where the model imports none."""
    return max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)


def skeleton(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without its large constants, which become inputs, and without recorded types of inner tensors."""
    graph = model.graph
    light = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    light.graph.name = graph.name or "graph"
    light.graph.input.extend(graph.input)
    light.graph.output.extend(graph.output)
    inputs = {info.name for info in graph.input}
    for tensor in graph.initializer:
        if _is_small(tensor):
            light.graph.initializer.append(tensor)
        elif tensor.name not in inputs:
            light.graph.input.append(_info(tensor, tensor.name))
    for node in graph.node:
        large = node.op_type == "Constant" and any(a.HasField("t") and not _is_small(a.t) for a in node.attribute)
        if large and len(node.attribute) == len(node.output) == 1:
            light.graph.input.append(_info(node.attribute[0].t, node.output[0]))
        else:
            light.graph.node.append(node)
    return light


def _is_small(tensor: onnx.TensorProto) -> bool:
    # An entry has half a byte at least; only the size of what is small is worth counting.
    return math.prod(tensor.dims) <= 2 * SMALL_BYTES and bool(tensor.ByteSize() <= SMALL_BYTES)


def _info(tensor: onnx.TensorProto, name: str) -> onnx.ValueInfoProto:
    info: onnx.ValueInfoProto = onnx.helper.make_tensor_value_info(name, tensor.data_type, list(tensor.dims))
    return info


def _names(graph: onnx.GraphProto) -> Iterator[object]:
    """All names in a graph; the parser gives bytes for those that are no text."""
    for named in (*graph.initializer, *graph.input, *graph.output):
        yield named.name
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
        for inner in subgraphs(node):
            yield from _names(inner)


def _refuse_parts(model: onnx.ModelProto, path: Path) -> None:
    """Refuse what the importer would not look at although it may change what the model computes."""
    # The same operator set twice, as skl2onnx writes it, is none too many.
    sets = {("" if o.domain == "ai.onnx" else o.domain, o.version) for o in model.opset_import}
    domains = Counter(domain for domain, _ in sets)
    for domain, count in domains.items():
        if count > 1:
            raise ModelError(
                f"{path}: {count} versions of the operator set {domain or 'ai.onnx'!r} are imported, expected one"
            )
    if model.training_info:
        raise UnsupportedError(f"{path}: training information is not supported, expected a model for inference")
    if model.graph.sparse_initializer:
        raise UnsupportedError(f"{path}: sparse initializers are not supported")
    if model.graph.quantization_annotation:
        names = ", ".join(sorted(a.tensor_name for a in model.graph.quantization_annotation)[:3])
        raise UnsupportedError(f"{path}: quantization annotations (of {names}) are not supported")


def _refuse_duplicates(graph: onnx.GraphProto, path: Path) -> None:
    """A tensor has one maker: an input that an initializer gives a value to is no exception, it must say the same."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    made = [info.name for info in graph.input]
    made += [name for name in weights if name not in set(made)]
    made += [name for node in graph.node for name in node.output if name]
    for what, names in (
        ("tensor", made),
        ("initializer", [tensor.name for tensor in graph.initializer]),
        ("output", [info.name for info in graph.output]),
    ):
        name, count = next(iter(Counter(names).most_common(1)), ("", 0))
        if count > 1:
            raise ModelError(
                f"{path}: not a valid ONNX model: the {what} {name!r} is there {count} times, names must be unique"
            )
    for info in graph.input:
        tensor, kind = weights.get(info.name), info.type.tensor_type
        if tensor is None:
            continue
        declared = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
        fits = len(declared) == len(tensor.dims) and all(
            d in (None, n) for d, n in zip(declared, tensor.dims, strict=True)
        )
        if kind.elem_type != tensor.data_type or (kind.HasField("shape") and not fits):
            raise ModelError(
                f"{path}: the input {info.name!r} is declared with another type or shape than its initializer, "
                f"{list(tensor.dims)}"
            )


def _put_in_order(graph: onnx.GraphProto, path: Path) -> None:
    """Sort the nodes topologically, where they are not. Those of subgraphs have to be."""
    ready = {t.name for t in graph.initializer} | {i.name for i in graph.input} | {""}
    for node in graph.node:
        if not ready.issuperset(reads(node)):
            break
        ready.update(node.output)
    else:
        return
    nodes = [graph.node[i] for i in _order(graph, path)]
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def _order(graph: onnx.GraphProto, path: Path) -> list[int]:
    import networkx as nx

    makers = {name: i for i, node in enumerate(graph.node) for name in node.output if name}
    given = {t.name for t in graph.initializer} | {i.name for i in graph.input} | {""}
    order = nx.DiGraph()
    order.add_nodes_from(range(len(graph.node)))
    for i, node in enumerate(graph.node):
        for name in sorted(reads(node)):
            if name not in makers and name not in given:
                raise ModelError(f"{path}: node {node.name!r} reads {name!r}, which nothing computes")
            if name in makers:
                order.add_edge(makers[name], i)
    try:
        return list(nx.lexicographical_topological_sort(order))
    except nx.NetworkXUnfeasible as error:
        loop = " -> ".join(graph.node[i].name or graph.node[i].op_type for i, _ in nx.find_cycle(order))
        raise ModelError(f"{path}: the graph has a cycle: {loop}") from error


def _check(model: onnx.ModelProto) -> None:
    """ONNX's own checker, on the skeleton and on each large constant: whole, a model has at most 2 GB there."""
    light = skeleton(model)
    for info in light.graph.output:
        # ONNX Runtime does without; a number is no claim, since nothing is inferred here.
        if info.type.tensor_type.elem_type and not info.type.tensor_type.HasField("shape"):
            info.type.tensor_type.shape.SetInParent()
    onnx.checker.check_model(light)
    context = onnx.checker.DEFAULT_CONTEXT
    for tensor in model.graph.initializer:
        if not _is_small(tensor):
            onnx.checker.check_tensor(tensor, context)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t") and not _is_small(attribute.t):
                onnx.checker.check_tensor(attribute.t, context)
