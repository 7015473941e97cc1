"""Two networks, or two copies of one, in one file: their outputs side by side, or the difference.

What two networks disagree about, how far an output moves when the input does, whether a score falls when a feature
grows: each is a question about the outputs of one composed network. The two copies of "for all x and all x' near it"
take x and p, and the second is run at x' = x + p matrix. With `twin` the second network's Relus are computed by their
distance from the first one's (`verdict.compose.twin`): the same outputs over the reals, from more nodes, that are
bounded more tightly where the two are close and their inputs are not.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from ..base.errors import InputError
from ..network.exact import FloatArray
from ..network.network import Network
from .composer import Composer


def difference(first: Network, second: Network, twin: bool = False) -> Network:
    """The network with the outputs first(x) - second(x).

    Raises InputError where the sizes differ; `twin` needs two networks that are `alike`.
    """
    draft, (a, b) = _side_by_side(first, second, scores=False, twin=twin)
    return draft.finish(draft.subtract(a, b), f"{first.path.name} minus {second.path.name}")


def both(first: Network, second: Network, twin: bool = False) -> Network:
    """The network with the class scores of `first` and then those of `second`, both at x."""
    draft, (a, b) = _side_by_side(first, second, scores=True, twin=twin)
    return draft.finish(draft.join(a, b), f"{first.path.name} and {second.path.name}")


def movement(
    network: Network, matrix: FloatArray | None = None, twin: bool = False, scores: bool = False
) -> Network:
    """The network that takes (x, p) and gives network(x + p matrix) - network(x); None stands for the identity.

    With `scores` it is the class scores that move, those in front of a head.
    """
    draft, (a, b) = _copies(network, matrix, scores=scores, twin=twin)
    return draft.finish(draft.subtract(b, a), f"{network.path.name} moved minus {network.path.name}")


def copies(network: Network, matrix: FloatArray | None = None, twin: bool = False) -> Network:
    """The network that takes (x, p) and gives the class scores at x and then those at x + p matrix."""
    draft, (a, b) = _copies(network, matrix, scores=True, twin=twin)
    return draft.finish(draft.join(a, b), f"two copies of {network.path.name}")


def alike(first: Network, second: Network) -> bool:
    """Whether two networks have the same layers, with a Relu among them, and differ in their numbers alone."""
    return "Relu" in first.operators and (first is second or _form(first) == _form(second))


def _form(network: Network) -> list[tuple[str, list[bytes], list[object]]]:
    """Each node's operator, attributes and inputs: what is said of a constant, or the number of another tensor."""
    graph = onnx.load_from_string(network.data).graph
    known: dict[str, object] = {tensor.name: _said(tensor) for tensor in graph.initializer}
    known |= {port.name: i for i, port in enumerate(network.inputs)}
    nodes: list[tuple[str, list[bytes], list[object]]] = []
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            known[node.output[0]] = _said(node.attribute[0].t)
            continue
        attributes = sorted(attribute.SerializeToString() for attribute in node.attribute)
        nodes.append((node.op_type, attributes, [known[name] for name in node.input if name]))
        known |= {name: len(known) for name in node.output}
    return nodes


def _said(tensor: onnx.TensorProto) -> object:
    """The shape of a constant, and the values of one that is not of floats: a shape, an axis, an index."""
    array = numpy_helper.to_array(tensor)
    return array.shape if array.dtype.kind == "f" else (array.shape, array.tobytes())


def _side_by_side(first: Network, second: Network, scores: bool, twin: bool) -> tuple[Composer, tuple[str, str]]:
    for what, one, other in (
        ("inputs", first.input_size, second.input_size),
        ("outputs", first.output_size, second.output_size),
    ):
        if one != other:
            raise InputError(
                f"{first.path.name} has {one} {what}, {second.path.name} has {other}: expected as many of both"
            )
    draft = Composer(first.input_size, first, second)
    return draft, _two(draft, (first, draft.x), (second, draft.x), scores, twin)


def _copies(network: Network, matrix: FloatArray | None, scores: bool, twin: bool) -> tuple[Composer, tuple[str, str]]:
    size = network.input_size
    count = size if matrix is None else len(matrix)
    draft = Composer(size + count, network)
    x, p = draft.part(draft.x, 0, size), draft.part(draft.x, size, size + count)
    moved = draft.add(x, p if matrix is None else draft.affine(p, matrix))
    return draft, _two(draft, (network, x), (network, moved), scores, twin)


def _two(
    draft: Composer, first: tuple[Network, str], second: tuple[Network, str], scores: bool, twin: bool
) -> tuple[str, str]:
    """The outputs of two runs, each of a network at a tensor."""
    for network, _ in (first, second):
        if network.head is not None and not scores:
            raise InputError(
                f"{network.path.name} ends with {network.head}: how far its outputs are apart is not linear, expected "
                "a network without it"
            )
    a = draft.run(*first, scores=scores)
    return a, draft.run(*second, scores=scores, beside=draft.relus if twin else ())


def raised(network: Network, rows: FloatArray) -> Network:
    """The network that takes (x, s) and gives rows @ network(x) + s, where rows are (n, outputs).

    An entry reaches a ceiling T exactly where s is at least the distance of its row's value from T. So the least s >= 0
    at which some input of a set does is the answer to a question for a radius, and T less it the rows' largest value.
    """
    size = network.input_size
    draft = Composer(size + 1, network)
    values = draft.affine(draft.run(network, draft.part(draft.x, 0, size)), rows.T)
    slack = draft.affine(draft.part(draft.x, size, size + 1), np.ones((1, len(rows))))
    return draft.finish(draft.add(values, slack), network.path.name)
