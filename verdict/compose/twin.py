"""A ReLU told by its distance from another one: relu(a + d) as relu(a) moved by little where d is little.

Two copies of a network, or two similar networks, bounded each for itself, seem as far apart as the bounds are wide. So
the second copy's h' = relu(a + d) is computed from the first one's: with r = relu(-d) and n = relu(-a),

    h' = relu(relu(a) - r) + relu(d + r - n)

exactly, over the reals (a >= 0 leaves the first term and d + r = relu(d), a < 0 the second term, with r <= d + r - a).
Every relaxation of it strays from relu(a) by a small multiple of the bounds on d, whatever those on a are. The purpose
is that of ReluDiff (Paulsen et al. 2001.03662) and of interleaved twin encodings (Wang et al. 2203.14141), reached by
nodes that every engine and the checker know instead of a rule of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from onnx import helper

# The tensors that a Relu reads and gives.
Pair = tuple[str, str]


def twin_relu(moved: str, first: Pair, result: str) -> Sequence[onnx.NodeProto]:
    """Nodes that compute `result` = relu(`moved`) from another Relu's tensors a and relu(a), elementwise."""
    nodes: list[onnx.NodeProto] = []

    def put(op: str, what: str, *inputs: str) -> str:
        name = f"{result}/{what}"
        nodes.append(helper.make_node(op, inputs, [name], name=name))
        return name

    a, h = first
    # -d feeds a Relu and therefore has the tight bounds; what else needs d reads it from there.
    minus_d = put("Sub", "minus_d", a, moved)
    r = put("Relu", "r", minus_d)
    n = put("Relu", "n", put("Neg", "minus_a", a))
    kept = put("Relu", "kept", put("Sub", "less", h, r))
    gained = put("Relu", "gained", put("Sub", "beyond", put("Sub", "up", r, minus_d), n))
    nodes.append(helper.make_node("Add", [kept, gained], [result], name=result))
    return nodes
