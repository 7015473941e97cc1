"""One tensor of an ONNX file that a network reads or gives."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .head import Head


@dataclass(frozen=True)
class Port:
    """One ONNX input or output tensor: its name, its shape with the batch axis as 1, and its NumPy dtype.

    An output behind a `head` has the shape of its scores here.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    head: Head | None = None

    @property
    def size(self) -> int:
        return math.prod(self.shape)
