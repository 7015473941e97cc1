"""Convolution in any number of spatial dimensions, with groups, strides, pads and dilations.

The input's patches are gathered, one strided slice per kernel position, and multiplied by the kernel in one
batched matrix product; the transpose multiplies first and adds the slices back. The matrix of the map,
which is mostly zeros, is never built on the bounding path.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from ...base.memory import need
from ..exact import Coefficients, ExactVector
from .base import IndexArray, LinearMap, Part
from .namespace import empty_like_shape, product, zeros_like_shape

# Bytes for one entry of the matrix, on the way too.
ENTRY = 60
# Numbers in the patches of one step, which are to stay in the processor's cache.
CACHED = 2**19


class Conv(LinearMap):
    """Cross-correlation, as ONNX `Conv`.

    `kernel` has shape (out_channels, in_channels / groups, *kernel size); `in_shape` is (channels, *spatial);
    `pads` holds one (before, after) pair per spatial axis. The result's shape is `out_shape`.
    """

    def __init__(
        self,
        kernel: Coefficients,
        in_shape: tuple[int, ...],
        *,
        groups: int = 1,
        strides: tuple[int, ...],
        pads: tuple[tuple[int, int], ...],
        dilations: tuple[int, ...],
    ) -> None:
        self.coefficients = kernel
        self.in_shape, self.groups = in_shape, groups
        self.strides, self.pads, self.dilations = strides, pads, dilations
        self.channels, self.spatial = in_shape[0], in_shape[1:]
        self.kernel_size = kernel.shape[2:]
        self.padded = tuple(n + a + b for n, (a, b) in zip(self.spatial, pads, strict=True))
        self._extents = [(k - 1) * d + 1 for k, d in zip(self.kernel_size, dilations, strict=True)]
        self.out_spatial = tuple((n - e) // s + 1 for n, e, s in zip(self.padded, self._extents, strides, strict=True))
        self.out_shape = (kernel.shape[0], *self.out_spatial)
        self.in_size, self.out_size = math.prod(in_shape), math.prod(self.out_shape)

    @cached_property
    def fan_in(self) -> int:
        return math.prod(self.coefficients.shape[1:])

    @cached_property
    def fan_out(self) -> int:
        return self.coefficients.shape[0] // self.groups * math.prod(self.kernel_size)

    @property
    def work(self) -> int:
        # Gathering patches costs more than multiplying them where there are few channels.
        return self.out_size * self.fan_in + 8 * self.fan_in * self.groups * math.prod(self.out_spatial)

    @property
    def fitting(self) -> int:
        return max(1, CACHED // max(1, self.channels * math.prod(self.kernel_size) * math.prod(self.out_spatial)))

    def part(self, outputs: IndexArray) -> Part:
        return self._crop(_hull(outputs, self.out_shape))

    def reading(self, inputs: IndexArray) -> Part:
        hull, ends = _hull(inputs, self.in_shape), []
        axes = zip(hull, self.strides, self.pads, self._extents, self.out_spatial, strict=True)
        for (first, last), stride, (pad, _), extent, count in axes:
            ends.append((max(0, -(-(first + pad - extent + 1) // stride)), min(count - 1, (last + pad) // stride)))
        whole = super().reading(inputs)
        if any(first > last for first, last in ends):
            return whole
        found = self._crop(ends)
        # Strides and dilations may pass over an input.
        return found if np.isin(inputs, found.inputs).all() else whole

    def _crop(self, ends: list[tuple[int, int]]) -> Part:
        """The part that makes the outputs from the first to the last position of each axis, of all channels."""
        box, pads = [], []
        axes = zip(ends, self.strides, self.pads, self._extents, self.spatial, strict=True)
        for (first, last), stride, (pad, _), extent, size in axes:
            start, stop = first * stride - pad, last * stride - pad + extent
            box.append(slice(max(start, 0), min(stop, size)))
            pads.append((max(-start, 0), max(stop - size, 0)))
        if any(cut.start >= cut.stop for cut in box):
            # Nothing but padding is met.
            return super().part(np.arange(0))
        shape = (self.channels, *(cut.stop - cut.start for cut in box))
        steps = {"strides": self.strides, "dilations": self.dilations}
        linear = Conv(self.coefficients, shape, groups=self.groups, pads=tuple(pads), **steps)
        made = [slice(first, last + 1) for first, last in ends]
        return Part(linear, _numbers(self.out_shape, made), _numbers(self.in_shape, box))

    def _windows(self) -> Iterator[tuple[int, tuple[slice, ...]]]:
        """For each kernel position, the slice of the padded input that it meets, one element per output."""
        for index, offset in enumerate(itertools.product(*map(range, self.kernel_size))):
            yield (
                index,
                tuple(
                    slice(o * d, o * d + (n - 1) * s + 1, s)
                    for o, d, n, s in zip(offset, self.dilations, self.out_spatial, self.strides, strict=True)
                ),
            )

    @property
    def _inner(self) -> tuple[slice, ...]:
        """The unpadded part of the padded input."""
        return tuple(slice(a, a + n) for (a, _), n in zip(self.pads, self.spatial, strict=True))

    def _grouped(self, w: Any) -> Any:
        """The kernel as (groups, out / groups, in / groups * positions)."""
        return w.reshape((self.groups, self.out_shape[0] // self.groups, self.fan_in))

    def _forward(self, x: Any, w: Any) -> Any:
        lead = tuple(x.shape[:-1])
        return product(self._grouped(w), self._patches(x, math.prod(lead))).reshape((*lead, self.out_size))

    def _patches(self, x: Any, batch: int) -> Any:
        """What the kernel meets at each output, (batch, groups, fan_in, outputs)."""
        positions = math.prod(self.kernel_size)
        x = x.reshape((batch, *self.in_shape))
        if positions == 1 and self.out_spatial == self.spatial == self.padded:
            return x.reshape((batch, self.groups, self.fan_in, math.prod(self.out_spatial)))
        if self.padded != self.spatial:
            padded = zeros_like_shape(x, (batch, self.channels, *self.padded))
            inner = (slice(None), slice(None), *self._inner)
            padded[inner] = x
            x = padded
        patches = empty_like_shape(x, (batch, self.channels, positions, *self.out_spatial))
        for index, window in self._windows():
            seen = (slice(None), slice(None), *window)
            patches[:, :, index] = x[seen]
        return patches.reshape((batch, self.groups, self.fan_in, math.prod(self.out_spatial)))

    def apply_exact(self, x: ExactVector) -> ExactVector:
        patches, kernel = self._patches(x.numerators, 1)[0], self._grouped(self.coefficients.integers[0])
        parts = [self._exact_rows(x, weight, met) for weight, met in zip(kernel, patches, strict=True)]
        return ExactVector(np.concatenate([part for part, _ in parts]).ravel(), parts[0][1])

    def _backward(self, y: Any, w: Any) -> Any:
        lead = tuple(y.shape[:-1])
        batch, positions = math.prod(lead), math.prod(self.kernel_size)
        outputs = math.prod(self.out_spatial)
        y = y.reshape((batch, self.groups, self.out_shape[0] // self.groups, outputs))
        if isinstance(y, np.ndarray) and batch > 1 and positions > 1 and 2 * self.channels >= self.out_shape[0]:
            return self._backward_abreast(y, w).reshape((*lead, self.in_size))
        kernel = self._grouped(w)
        # Transposing the last two axes by name: `.mT` is the array API's spelling.
        patches = product(kernel.mT, y).reshape((batch, self.channels, positions, *self.out_spatial))
        if positions == 1 and self.out_spatial == self.spatial == self.padded:
            return patches.reshape((*lead, self.in_size))
        padded = zeros_like_shape(y, (batch, self.channels, *self.padded))
        for index, window in self._windows():
            seen = (slice(None), slice(None), *window)
            padded[seen] += patches[:, :, index]
        if self.padded != self.spatial:
            inner = (slice(None), slice(None), *self._inner)
            padded = padded[inner]
        return padded.reshape((*lead, self.in_size))

    def _backward_abreast(self, y: Any, w: Any) -> Any:
        """The same for `y` (batch, groups, out / groups, outputs) with the batch as the last axis on the way: one
        product of large matrices for each group, and slices that are added in long runs."""
        batch, positions = len(y), math.prod(self.kernel_size)
        y = np.ascontiguousarray(y.transpose(1, 2, 3, 0)).reshape((self.groups, y.shape[2], -1))
        inner = self.channels // self.groups
        kernel = w.reshape((self.groups, y.shape[1], inner, positions)).transpose(0, 3, 2, 1)
        kernel = kernel.reshape((self.groups, positions * inner, y.shape[1]))
        patches = (kernel @ y).reshape((self.groups, positions, inner, *self.out_spatial, batch))
        padded = np.zeros((self.groups, inner, *self.padded, batch), y.dtype)
        channels = (slice(None), slice(None))
        for index, window in self._windows():
            met = (*channels, *window)
            padded[met] += patches[:, index]
        inside = (*channels, *self._inner)
        unpadded = padded[inside].reshape((self.in_size, batch))
        return np.ascontiguousarray(unpadded.T)

    def _entries(self) -> tuple[IndexArray, IndexArray, IndexArray]:
        count = self.out_size * self.fan_in
        need(ENTRY * count, f"the matrix of a convolution with {count} entries")
        # Send the number of each input (and -1 for padding) through the windows instead of its value.
        numbers = np.full((self.channels, *self.padded), -1, dtype=np.intp)
        inside = (slice(None), *self._inner)
        numbers[inside] = np.arange(self.in_size).reshape(self.in_shape)
        out_channels, in_per_group = self.coefficients.shape[:2]
        per_group = out_channels // self.groups
        positions, outputs = math.prod(self.kernel_size), math.prod(self.out_spatial)
        rows, cols, which = [], [], []
        channel = np.arange(out_channels)[:, None, None]
        inner = np.arange(in_per_group)[None, :, None]
        source_channel = channel // per_group * in_per_group + inner
        for index, window in self._windows():
            met = (slice(None), *window)
            seen = numbers[met].reshape(self.channels, outputs)
            col = seen[source_channel[..., 0]]
            row = np.broadcast_to(channel * outputs + np.arange(outputs), col.shape)
            at = np.broadcast_to((channel * in_per_group + inner) * positions + index, col.shape)
            real = col >= 0
            rows.append(row[real])
            cols.append(col[real])
            which.append(at[real])
        return np.concatenate(rows), np.concatenate(cols), np.concatenate(which)


def _hull(numbers: IndexArray, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """The first and last position of each spatial axis of a tensor (channels, *spatial) that has one of the entries."""
    positions = np.unravel_index(numbers, shape)[1:]
    return [(int(axis.min()), int(axis.max())) for axis in positions]


def _numbers(shape: tuple[int, ...], box: list[slice]) -> IndexArray:
    """The entries of a tensor (channels, *spatial) in a box of places."""
    inside = (slice(None), *box)
    return np.arange(math.prod(shape)).reshape(shape)[inside].ravel()
