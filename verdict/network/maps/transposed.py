"""The transpose of another map: ConvTranspose is the transpose of the Conv with the same kernel."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from .base import IndexArray, LinearMap, Part


class Transposed(LinearMap):
    """M^T for a given map M; shares its coefficients."""

    def __init__(self, inner: LinearMap) -> None:
        self.inner = inner
        self.in_size, self.out_size = inner.out_size, inner.in_size
        self.coefficients = inner.coefficients

    @cached_property
    def fan_in(self) -> int:
        return self.inner.fan_out

    @cached_property
    def fan_out(self) -> int:
        return self.inner.fan_in

    @property
    def fitting(self) -> int:
        return self.inner.fitting

    @property
    def work(self) -> int:
        return self.inner.work

    def part(self, outputs: IndexArray) -> Part:
        found = self.inner.reading(outputs)
        return Part(Transposed(found.linear), found.inputs, found.outputs)

    def _forward(self, x: Any, w: Any) -> Any:
        return self.inner._backward(x, w)

    def _backward(self, y: Any, w: Any) -> Any:
        return self.inner._forward(y, w)

    def _entries(self) -> tuple[IndexArray, IndexArray, IndexArray]:
        rows, cols, which = self.inner._entries()
        return cols, rows, which
