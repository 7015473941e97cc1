"""Which Sigmoids stand at the end of a network, where they are heads, and which ones inside.

One is a head if only what may follow heads is behind it, up to the outputs or a comparison, which asks for the order of
two numbers and no more; the difference of two computed tensors asks for numbers. Both readings are right wherever both
can be read; a head needs no bounds of the function.
"""

from __future__ import annotations

from collections.abc import Iterable

import onnx

# What leaves a head a head, by name; what ends the search; all else needs the numbers.
NAMES = """Abs ArgMax Cast Concat Div Flatten Gather Identity Log LogSoftmax ReduceSum Reshape Sigmoid Slice Softmax
    Split Squeeze Sub Transpose Unsqueeze ai.onnx.ml.ArrayFeatureExtractor ai.onnx.ml.LabelEncoder
    ai.onnx.ml.Normalizer ai.onnx.ml.ZipMap"""
FOLLOWING = frozenset(NAMES.split())
COMPARING = frozenset({"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Sign"})


def _is_difference(node: onnx.NodeProto, producers: dict[str, onnx.NodeProto]) -> bool:
    """Whether it subtracts one computed tensor from another, and not one from a constant, as in 1 - Sigmoid."""
    made = [name in producers and producers[name].op_type != "Constant" for name in node.input]
    return node.op_type == "Sub" and all(made)


def inside(nodes: Iterable[onnx.NodeProto]) -> frozenset[str]:
    """The tensors of which, or of what follows them, something asks for more than heads keep."""
    producers = {name: node for node in nodes for name in node.output}
    found: set[str] = set()
    waiting = []
    for node in producers.values():
        domain = "" if node.domain in ("", "ai.onnx") else f"{node.domain}."
        if domain + node.op_type not in FOLLOWING | COMPARING or _is_difference(node, producers):
            waiting += node.input
    while waiting:
        name = waiting.pop()
        if name in found or name not in producers:
            continue
        found.add(name)
        if producers[name].op_type in FOLLOWING:
            waiting += producers[name].input
    return frozenset(found)
