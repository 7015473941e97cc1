"""Smooth functions entry by entry, and which Sigmoids are read as such: those that more follows than heads allow.

A Sigmoid at the end keeps which entry is larger and is left out (`heads.py`); of one inside the numbers matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import UnreadableError
from ...functions.families import tables
from ...functions.onnx import Form
from ...functions.sigmoid import SIGMOID
from .softmax import inner_softmax
from .table import Attribute, Node, Operator, name_of
from .tensors import Builder, Tensor

# What may stand behind a head, and where its order is all that counts.
_BEHIND = {"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Gather", "Cast",
           "Sub", "Concat", "Abs", "ReduceSum", "Div", "Sigmoid", "Log", "Softmax", "LogSoftmax", "ArgMax",
           "ai.onnx.ml.ArrayFeatureExtractor", "ai.onnx.ml.LabelEncoder", "ai.onnx.ml.Normalizer", "ai.onnx.ml.ZipMap"}
_ORDER = {"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Sign"}


def _power(builder: Builder, node: Node, x: Any, exponent: Any) -> Tensor:
    """To one power, of those that the functions' files name."""
    exponents = {Fraction(e) for e in exponent.ravel().tolist()}
    if np.broadcast_shapes(x.shape, exponent.shape) != x.shape or len(exponents) != 1:
        raise UnreadableError("powers of different exponents, or of a shape that is not the number's")
    (e,) = exponents
    chain = () if e == 1 else tables("POWERS").get(e)
    if chain is None:
        raise UnreadableError(f"a power of what depends on the input, with an exponent {float(e):g}: not read")
    found: Tensor = x
    for function in chain:
        found = builder.pointwise(function, found)
    return found


def _by_form(form: Form) -> Callable[..., Tensor]:
    """How an operator is read that a function's file describes."""

    def lower(builder: Builder, node: Node, x: Tensor) -> Tensor:
        inner, function, outer = form.scaled(**node.attributes)
        if abs(outer) < 1:
            # What is assumed of the whole is more than a share of what is assumed of the function.
            builder.rounded = builder.rounded or f"{node.operator} with such attributes"
        found = builder.pointwise(function, x if inner == 1 else builder.times(x, np.array(inner, object)))
        return found if outer == 1 else builder.times(found, np.array(outer, object))

    return lower


def _forms() -> dict[str, Operator]:
    """The operators of all files of functions."""
    found = {}
    for name, form in tables("FORMS").items():
        attributes = {n: Attribute("FLOAT", v) for n, v in form.reals.items()}
        attributes.update({n: Attribute("STRING", v[0], v) for n, v in form.words.items()})
        found[name] = Operator(_by_form(form), form.versions, ((7, "x"),), _FLOATS, attributes)
    return found


def sigmoid(builder: Builder, node: Node, x: Tensor) -> Tensor:
    return builder.pointwise(SIGMOID, x)


# What is a function where its numbers are wanted, and else a head.
INSIDE: dict[str, Callable[..., Tensor]] = {"Sigmoid": sigmoid, "Softmax": inner_softmax}


def numbers_wanted(nodes: Iterable[Any]) -> set[str]:
    """The tensors whose numbers something asks for, directly or through what may stand behind a head."""
    nodes = list(nodes)
    computed = {o for node in nodes for o in node.output if node.op_type != "Constant"}
    wanted: set[str] = set()
    grown = True
    while grown:
        before = len(wanted)
        for node in nodes:
            name = name_of(node)
            # Two sides that are computed are a difference of numbers, not one less a probability.
            differs = name == "Sub" and computed.issuperset(node.input)
            if differs or name not in _BEHIND | _ORDER or (name in _BEHIND and wanted.intersection(node.output)):
                wanted.update(node.input)
        grown = len(wanted) > before
    return wanted


_FLOATS = ((7, "fd"),)
OPERATORS = {
    "Pow": Operator(_power, (7, 12, 13, 15), ((7, "x c"), (12, "x k")), _FLOATS),
    **_forms(),
}
