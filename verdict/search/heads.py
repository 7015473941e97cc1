"""Which questions a network that ends in Softmax, LogSoftmax or ArgMax may be asked.

Import drops such a head, for it keeps the order of the outputs and nothing else: so a row may compare two outputs,
and do nothing else.
"""

from __future__ import annotations

import numpy as np

from ..errors import PropertyError
from ..network.network import Network
from ..property import UnsafeSet


def refuse_head(network: Network, unsafe: UnsafeSet) -> None:
    """Raise PropertyError where `unsafe` asks a network with a dropped head for more than order."""
    if network.head is None:
        return
    outputs = network.output_size - (network.input_size if network.passes_inputs else 0)
    for polytope in unsafe.polytopes:
        for row, limit in zip(polytope.matrix.values, polytope.offset.values, strict=True):
            used = np.flatnonzero(row)
            of_outputs = used[used < outputs]
            order = len(used) == len(of_outputs) == 2 and row[used].sum() == 0 and limit == 0
            if len(of_outputs) and not order:
                raise PropertyError(
                    f"{network.path} ends with {network.head}; only comparisons of two outputs are supported on it"
                )
