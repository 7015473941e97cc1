"""The numbers of signs and comparisons, as sums of steps: sign(z) is step(z) - step(-z), z > 0 is 1 - step(-z)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...errors import UnreadableError
from .stepped import ONE, ZERO, together
from .tensors import SIGN, Builder, Tensor


def numbers(builder: Builder, x: Any) -> Any:
    """A sign or a comparison as the tensor of its numbers; all else as it is."""
    if not isinstance(x, Tensor) or x.head is None or not x.head.is_open:
        return x
    bare = replace(x, head=None)
    if x.head.steps[-1] == SIGN:
        found = together([(builder.step(bare), ONE), (builder.step(bare, below=True), -ONE)], ZERO)
    elif x.head.closed is None:
        raise UnreadableError("comparisons of a sign that differ where it is 0")
    elif x.head.closed:
        found = builder.step(bare)
    else:
        found = together([(builder.step(bare, below=True), -ONE)], ONE)
    return builder.multiples(found, bare)
