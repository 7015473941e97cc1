"""Where of a constant condition: entries of one tensor and entries of the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from .constants import is_constant
from .table import Node, Operator
from .tensors import Builder, Tensor, broadcast, fractions


def _where(builder: Builder, node: Node, condition: Any, yes: Any, no: Any) -> Any:
    shape = broadcast(condition.shape, yes.shape, no.shape)
    chosen = np.broadcast_to(condition, shape)
    if is_constant(yes, no):
        return np.where(chosen, yes, no)
    terms, bias = [], np.zeros(shape, object)
    for value, mask in ((yes, chosen), (no, ~chosen)):
        if isinstance(value, Tensor):
            part = value.moved(np.where(mask, np.broadcast_to(value.positions, shape), -1))
            terms.append((builder.scaled(part, np.ones(shape)), value.node))
        else:
            bias = bias + fractions(np.where(mask, value, value.dtype.type(0)))
    return builder.affine(yes if isinstance(yes, Tensor) else no, terms, bias, shape, -1)


OPERATORS = {"Where": Operator(_where, (9, 16), ((7, "b v v"),), ((7, "fdilbquh"),))}
