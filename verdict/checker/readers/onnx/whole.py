"""Floor, Ceil and Round: exact on constants, and functions that jump of what depends on the input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import UnreadableError
from ...functions.stairs import FLOOR, ROUND
from .constants import is_constant
from .table import Node, Operator
from .tensors import Builder

_OF_CONSTANTS: dict[str, Callable[[Any], Any]] = {"Floor": np.floor, "Ceil": np.ceil, "Round": np.rint}


def _rounded(builder: Builder, node: Node, x: Any) -> Any:
    """Rounding up is -floor(-x)."""
    if is_constant(x):
        if not np.isfinite(x).all():
            raise UnreadableError("a constant that is no finite number")
        return _OF_CONSTANTS[node.operator](x)
    if node.operator != "Ceil":
        return builder.pointwise(FLOOR if node.operator == "Floor" else ROUND, x)
    return builder.times(builder.pointwise(FLOOR, builder.times(x, -1.0)), -1.0)


OPERATORS = {
    **{name: Operator(_rounded, (6, 13), ((7, "v"),), ((7, "fd"),)) for name in ("Floor", "Ceil")},
    "Round": Operator(_rounded, (11, 22), ((7, "v"),), ((7, "fd"),)),
}
