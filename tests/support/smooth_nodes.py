"""ONNX nodes of smooth functions, as exporters write them, with what keeps their arguments where they are defined."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper, numpy_helper

KINDS = ("Sigmoid", "Tanh", "Exp", "Mul", "Relu", "Softplus", "Elu", "Selu", "Celu", "Gelu", "Gelu tanh", "HardSwish",
         "Mish", "Sin", "Cos", "Erf", "Pow 3", "Pow 4", "Log", "Sqrt", "Reciprocal", "Div", "Pow -0.5",
         "x Sigmoid", "x Sigmoid 1.7", "x Erf", "x Tanh", "x Mish", "x Mul", "x HardSigmoid", "x Clip")
# With what came later: random networks of KINDS stay the same.
ALL = (*KINDS, "x Cubic")
# These are of numbers above zero: Softplus stands in front, and something is added.
POSITIVE = ("Log", "Sqrt", "Reciprocal", "Div", "Pow -0.5")


def function(kind: str, x: str, y: str, rng: Any, front: bool = True) -> tuple[list[Any], list[Any]]:
    """Nodes that make `y` of `x`, and their constants; with what makes numbers positive in `front`, where needed."""
    op, _, word = kind.partition(" ")
    if op == "x":
        return times_itself(word, x, y)
    before, constants = [], []
    if kind in POSITIVE and front:
        shift = numpy_helper.from_array(np.array(rng.choice([0.25, 1, 3]), np.float32), f"{y}_shift")
        before = [helper.make_node("Softplus", [x], [f"{y}_p"])]
        before.append(helper.make_node("Add", [f"{y}_p", shift.name], [f"{y}_s"]))
        x, constants = f"{y}_s", [shift]
    if op in ("Pow", "Div"):
        number = float(word) if op == "Pow" else -1.5
        constants.append(numpy_helper.from_array(np.array(number, np.float32), f"{y}_c"))
        inputs = [x, f"{y}_c"] if op == "Pow" else [f"{y}_c", x]
        return [*before, helper.make_node(op, inputs, [y])], constants
    given = {"alpha": float(rng.choice([0.5, 1, 2]))} if op in ("Elu", "Celu", "Selu") else {}
    given |= {"approximate": word} if word else {}
    return [*before, helper.make_node(op, [x, x] if op == "Mul" else [x], [y], **given)], constants


def times_itself(word: str, x: str, y: str) -> tuple[list[Any], list[Any]]:
    """The product of `x` and a function of a multiple of it, with something added, as exporters write Silu and Gelu."""
    if word == "Clip":
        # As HardSwish was exported: x Clip(x + 3, 0, 6) / 6.
        ends = {"three": 3, "least": 0, "most": 6}
        constants = [numpy_helper.from_array(np.array(v, np.float32), f"{y}_{n}") for n, v in ends.items()]
        steps = [("Add", [x, f"{y}_three"], f"{y}_p"), ("Clip", [f"{y}_p", f"{y}_least", f"{y}_most"], f"{y}_c"),
                 ("Mul", [x, f"{y}_c"], f"{y}_m"), ("Div", [f"{y}_m", f"{y}_most"], y)]
        return [helper.make_node(name, given, [out]) for name, given, out in steps], constants
    if word == "Cubic":
        return gelu_with_tanh(x, y)
    op, _, factor = word.partition(" ")
    numbers = {"factor": float(factor or 0.75), "one": 1.0 if op in ("Erf", "Tanh") else 0.0, "half": 0.5}
    constants = [numpy_helper.from_array(np.array(v, np.float32), f"{y}_{n}") for n, v in numbers.items()]
    scaled = x if op == "Mish" else f"{y}_q"
    inner = {"Mish": ("Softplus", "Tanh")}.get(op, (op,))
    nodes = [] if op == "Mish" else [helper.make_node("Mul", [x, f"{y}_factor"], [scaled])]
    for i, part in enumerate(inner):
        given = {"alpha": 0.25} if part == "HardSigmoid" else {}
        nodes.append(helper.make_node(part, [scaled] * (2 if part == "Mul" else 1), [f"{y}_f{i}"], **given))
        scaled = f"{y}_f{i}"
    sides = [("Add", [scaled, f"{y}_one"], f"{y}_p"), ("Mul", [x, f"{y}_p"], f"{y}_m")]
    sides.append(("Mul", [f"{y}_m", f"{y}_half"], y))
    return nodes + [helper.make_node(op, given, [out]) for op, given, out in sides], constants


def gelu_with_tanh(x: str, y: str) -> tuple[list[Any], list[Any]]:
    """Gelu with tanh, as it is exported: 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), in float32."""
    numbers = {"three": 3.0, "small": 0.044715, "root": 0.7978845608028654, "one": 1.0, "half": 0.5}
    constants = [numpy_helper.from_array(np.array(v, np.float32), f"{y}_{n}") for n, v in numbers.items()]
    steps = [("Pow", [x, f"{y}_three"], f"{y}_3"), ("Mul", [f"{y}_3", f"{y}_small"], f"{y}_s"),
             ("Add", [x, f"{y}_s"], f"{y}_a"), ("Mul", [f"{y}_a", f"{y}_root"], f"{y}_w"),
             ("Tanh", [f"{y}_w"], f"{y}_t"), ("Add", [f"{y}_t", f"{y}_one"], f"{y}_p"),
             ("Mul", [x, f"{y}_half"], f"{y}_x"), ("Mul", [f"{y}_x", f"{y}_p"], y)]
    return [helper.make_node(name, given, [out]) for name, given, out in steps], constants
