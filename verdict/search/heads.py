"""Which questions a network that ends in heads (Sigmoid, Softmax, ArgMax, ...) may be asked.

Import drops a head, for it keeps the order of its outputs and nothing else: so a row may compare two outputs behind the
same head, and do nothing else with them.
"""

from __future__ import annotations

import numpy as np

from ..base.errors import HeadError
from ..network.network import Network
from ..property import UnsafeSet


def refuse_head(network: Network, unsafe: UnsafeSet) -> None:
    """Raise HeadError where `unsafe` asks outputs behind a dropped head for more than order."""
    if network.head is None:
        return
    behind = np.full(network.output_size, -1)
    start = 0
    for number, port in enumerate(network.outputs):
        if port.head is not None:
            behind[start : start + port.size] = number
        start += port.size
    for polytope in unsafe.polytopes:
        for row, limit in zip(polytope.matrix.values, polytope.offset.values, strict=True):
            used = np.flatnonzero(row)
            heads = behind[used]
            order = len(used) == 2 and heads[0] == heads[1] and row[used].sum() == 0 and limit == 0
            if (heads >= 0).any() and not order:
                raise HeadError(
                    f"{network.path} ends with {network.head}; only comparisons of two outputs are supported on it"
                )
