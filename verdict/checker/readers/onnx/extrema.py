"""Max and Min of several tensors, entry by entry: trees of max(a, b) = b + relu(a - b), min(a, b) = a - relu(a - b).

Constants are compared with each other first, and come last; then neighbours are paired until one is left.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from .table import Node, Operator
from .tensors import Builder, Tensor, broadcast, fractions


def _extremum(builder: Builder, node: Node, *values: Any) -> Any:
    largest = node.operator == "Max"
    fixed = [v for v in values if not isinstance(v, Tensor)]
    shape = broadcast(*(v.shape for v in values))
    row: list[Any] = [v.moved(np.broadcast_to(v.positions, shape)) for v in values if isinstance(v, Tensor)]
    if fixed:
        row.append(np.broadcast_to(reduce(np.maximum if largest else np.minimum, fixed), shape))
    while len(row) > 1:
        pairs = [_pair(builder, a, b, largest) for a, b in zip(row[::2], row[1::2], strict=False)]
        row = pairs + row[2 * len(pairs) :]
    return row[0]


def _pair(builder: Builder, a: Tensor, b: Any, largest: bool) -> Tensor:
    if isinstance(b, Tensor):
        excess = builder.relu(builder.total([a, b], [1.0, -1.0], -1))
        return builder.total([b, excess] if largest else [a, excess], [1.0, 1.0 if largest else -1.0], -1)
    excess = builder.relu(builder.plus(a, -fractions(b), -1))
    return builder.plus(excess, b, -1) if largest else builder.total([a, excess], [1.0, -1.0], -1)


OPERATORS = {name: Operator(_extremum, (6, 8, 12, 13), ((7, "v*"),), ((7, "fd"), (12, "fdil")))
             for name in ("Max", "Min")}
