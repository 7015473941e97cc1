"""Smooth functions entry by entry, and which Sigmoids are read as such: those that more follows than heads allow.

A Sigmoid at the end keeps which entry is larger and is left out (`heads.py`); of one inside the numbers matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...errors import UnreadableError
from ...functions.exp import EXP
from ...functions.sigmoid import SIGMOID
from ...functions.square import SQUARE
from ...functions.tanh import TANH
from .table import Node, Operator, name_of
from .tensors import Builder, Tensor

# What may stand behind a head, and where its order is all that counts.
_BEHIND = {"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Gather", "Cast",
           "Sub", "Concat", "Abs", "ReduceSum", "Div", "Sigmoid", "Log", "Softmax", "LogSoftmax", "ArgMax",
           "ai.onnx.ml.ArrayFeatureExtractor", "ai.onnx.ml.LabelEncoder", "ai.onnx.ml.Normalizer", "ai.onnx.ml.ZipMap"}
_ORDER = {"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Sign"}


def _tanh(builder: Builder, node: Node, x: Tensor) -> Tensor:
    return builder.pointwise(TANH, x)


def _exp(builder: Builder, node: Node, x: Any) -> Tensor:
    return builder.pointwise(EXP, x)


def _squared(builder: Builder, node: Node, x: Any, exponent: Any) -> Tensor:
    """To the power of 2, and of nothing else."""
    if np.broadcast_shapes(x.shape, exponent.shape) != x.shape or any(e != 2 for e in exponent.ravel().tolist()):
        raise UnreadableError("a power of what depends on the input, expected the exponent 2")
    return builder.pointwise(SQUARE, x)


def sigmoid(builder: Builder, node: Node, x: Tensor) -> Tensor:
    return builder.pointwise(SIGMOID, x)


def numbers_wanted(nodes: Iterable[Any]) -> set[str]:
    """The tensors whose numbers something asks for, directly or through what may stand behind a head."""
    nodes = list(nodes)
    wanted: set[str] = set()
    grown = True
    while grown:
        before = len(wanted)
        for node in nodes:
            name = name_of(node)
            if name not in _BEHIND | _ORDER or (name in _BEHIND and wanted.intersection(node.output)):
                wanted.update(node.input)
        grown = len(wanted) > before
    return wanted


_FLOATS = ((7, "fd"),)
OPERATORS = {
    "Tanh": Operator(_tanh, (6, 13), ((7, "x"),), _FLOATS),
    "Exp": Operator(_exp, (6, 13), ((7, "x"),), _FLOATS),
    "Pow": Operator(_squared, (7, 12, 13, 15), ((7, "x c"), (12, "x k")), _FLOATS),
}
