"""The engine's reader and the checker's on the same small files, operator by operator of the checker's tables.

Axes are counted from the end, in every operator set, and constants are what operators compute. Where one reads a file
so does the other, with the same numbers in rationals, and those of ONNX Runtime.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from checker.test_operator_tables import BESIDE, CASES, _shape, _usual, model
from onnx import TensorProto, helper, numpy_helper
from support.seeds import IS_LONG
from support.two_readers import look

from verdict.checker.readers.onnx.reader import OPERATORS

# What makes no floats of constants, or has no such numbers.
NO_NUMBERS = {"Constant", "Shape", "Cast", "Size", "Equal", "And", "Or", "Xor", "Not", "Greater", "Less", "Range",
              "Where", "GreaterOrEqual", "LessOrEqual", "ArgMax", "ReduceProd", "ConstantOfShape"}
# A head of constants is none to one reader, and no number to the other; of normalized constants, which cancel, the
# engine's self-check cannot tell rounding from a misreading.
APART = {"LogSoftmax", "LayerNormalization", "InstanceNormalization", "GroupNormalization"}
# Constant inputs that are axes.
LISTED = {"Squeeze": 0, "Unsqueeze": 0, "ReduceSum": 0, "ReduceMean": 0, "ReduceMax": 0, "ReduceMin": 0, "ReduceL1": 0,
          "Slice": 2}


def _chosen(keep: Any) -> list[tuple[str, int]]:
    """Each operator that is kept, in its first operator set, or in all."""
    found: dict[str, list[int]] = {}
    for name, opset in CASES:
        if keep(name) and "." not in name and opset <= 25:
            found.setdefault(name, []).append(opset)
    return [(name, opset) for name, sets in found.items() for opset in (sets if IS_LONG else sets[:1])]


def _from_the_end(name: str, opset: int) -> Any:
    """The operator's usual model with all axes counted from the end, or None where it has none."""
    constants, attributes = _usual(name, opset)
    constants, attributes, rank, more = list(constants), dict(attributes), len(_shape(name)), int(name == "Unsqueeze")
    known = {n: a for n, a in OPERATORS[name].attributes.items() if a.since <= opset < a.until}
    before = len(attributes), *map(str, attributes.values()), *map(str, constants)
    if "axis" in known:
        attributes["axis"] = attributes.get("axis", known["axis"].default or 0)
        attributes["axis"] -= rank if attributes["axis"] >= 0 else 0
    if "axes" in attributes:
        attributes["axes"] = [a - rank - more for a in attributes["axes"]]
    if name in LISTED and len(constants) > LISTED[name]:
        constants[LISTED[name]] = constants[LISTED[name]] - rank - more
    if before == (len(attributes), *map(str, attributes.values()), *map(str, constants)):
        return None
    return model(name, opset, constants=constants, attributes=attributes)


@pytest.mark.parametrize(("name", "opset"), _chosen(lambda name: name not in BESIDE))
def test_axes_that_are_counted_from_the_end(name: str, opset: int) -> None:
    made = _from_the_end(name, opset)
    if made is not None:
        assert len(look(made.SerializeToString(), 3).read_by) != 1


def _computed(name: str, opset: int) -> Any:
    """x plus what the operator makes of constants."""
    constants, attributes = _usual(name, opset)
    first = np.random.default_rng(7).integers(1, 9, _shape(name)).astype(np.float32) / np.float32(7)
    constants = BESIDE[name](opset) if name in BESIDE else [first, *constants]
    names = [f"c{k}" for k in range(len(constants))]
    nodes = [helper.make_node(name, names, ["v", "w"] if name == "Split" else ["v"], **attributes),
             helper.make_node("Reshape", ["v", "flat"], ["u"]), helper.make_node("Add", ["x", "u"], ["y"])]
    weights = [numpy_helper.from_array(np.asarray(c), n) for c, n in zip(constants, names, strict=True)]
    weights.append(numpy_helper.from_array(np.array([1, -1]), "flat"))
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", (1, 1)), ("y", None))]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.mark.parametrize(("name", "opset"), _chosen(lambda name: name not in NO_NUMBERS | APART))
def test_constants_that_a_file_computes(name: str, opset: int) -> None:
    """Before operator set 8 the standard broadcasts no sums of several, which the checker does."""
    read_by = look(_computed(name, opset).SerializeToString(), 3).read_by
    strict = name in ("Max", "Min", "Sum", "Mean") and opset < 8
    assert set(read_by) == ({"checker"} if strict else {"engine", "checker"})
