"""Softmax and LogSoftmax at the output: they change no comparison of two outputs, and are left out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from ...errors import UnreadableError
from .table import Attribute, Node, Operator
from .tensors import Builder, Tensor, axis_of

# What may stand behind it: operators that leave the order of the entries alone.
BEHIND = ("Identity", "Flatten", "Reshape")


def _head(name: str) -> Callable[..., Tensor]:
    def lower(builder: Builder, node: Node, x: Tensor) -> Tensor:
        given = (-1 if node.opset >= 13 else 1) if node["axis"] is None else node["axis"]
        axis = axis_of(given, len(x.shape), node.opset >= 11)
        covered = x.shape[axis] if node.opset >= 13 else math.prod(x.shape[axis:])
        if covered != math.prod(x.shape):
            raise UnreadableError("an axis that does not cover all outputs")
        return replace(x, head=name)

    return lower


OPERATORS = {name: Operator(_head(name), (1, 11, 13), ((7, "x"),), ((7, "fd"),), {"axis": Attribute("INT")})
             for name in ("Softmax", "LogSoftmax")}
