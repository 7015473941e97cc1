"""Convolutions and averages: sums over windows.

Where the members of each window lie is worked out axis by axis; outside they are -1, which reads a zero. A batch has
one entry: of several, a claim would be about one only. A transposed convolution is one whose windows have the members
that its kernel spreads to them.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from ...errors import UnreadableError
from ...network import Linear
from .table import Attribute, Node, Operator
from .tensors import MOST_ENTRIES, Builder, Tensor, fractions, weights

_FLOAT = ((7, "f"),)


def _lists(node: Node, x: Tensor, kernel: Any) -> tuple[Any, Any, Any]:
    """Strides, dilations and pads of windows over (1, channels, *axes)."""
    sizes, rank = x.shape[2:], len(kernel)
    if len(x.shape) < 3 or x.shape[0] != 1 or len(sizes) != rank:
        raise UnreadableError(f"windows of {rank} axes over the shape {x.shape}, expected (1, channels, ...)")
    strides, dilations = ([1] * rank if node[n] is None else node[n] for n in ("strides", "dilations"))
    pads, auto = [0] * (2 * rank) if node["pads"] is None else node["pads"], node["auto_pad"]
    fitting = {len(strides), len(dilations), len(pads) // 2} == {rank} and len(pads) % 2 == 0
    numbers = [*kernel, *strides, *dilations]
    if not fitting or min(numbers) < 1 or max(*numbers, *pads) > MOST_ENTRIES:
        raise UnreadableError("kernel, strides, dilations and pads that do not fit")
    if min(pads) < 0 or (auto != b"NOTSET" and any(pads)):
        raise UnreadableError("negative pads, or pads beside auto_pad")
    if node.operator in ("Conv", "ConvTranspose") and node["pads"] and auto != b"NOTSET":
        # Zeros would be no contradiction, but ONNX Runtime refuses them.
        raise UnreadableError("pads beside auto_pad")
    return strides, dilations, pads


def geometry(node: Node, x: Tensor, kernel: Any) -> list[tuple[int, int, int, int, int, int, int]]:
    """(length, windows, taps, stride, dilation, padding before, behind) of each axis over (1, channels, *axes)."""
    strides, dilations, pads = _lists(node, x, kernel)
    found, auto, rank = [], node["auto_pad"], len(kernel)
    for k, (size, taps, stride, dilation) in enumerate(zip(x.shape[2:], kernel, strides, dilations, strict=True)):
        reach, before, behind = (taps - 1) * dilation + 1, pads[k], pads[rank + k]
        if auto in (b"SAME_UPPER", b"SAME_LOWER"):
            if dilation > 1 and node.operator != "Conv":
                # ONNX Runtime computes other pads for a pool than the standard's formula gives.
                raise UnreadableError("auto_pad of a pool with dilations")
            whole = (-(-size // stride) - 1) * stride + reach - size
            if whole < 0:
                # The standard means 0; ONNX Runtime refuses it in a pool.
                raise UnreadableError(f"auto_pad where the windows, {stride} apart, leave out entries")
            before = whole // 2 if auto == b"SAME_UPPER" else whole - whole // 2
            behind = whole - before
        room = size + before + behind - reach
        if room < 0:
            raise UnreadableError("a window that is larger than what it is moved over")
        count = room // stride + 1
        # One more that is cut off, unless it would begin in the padding behind.
        count += bool(node["ceil_mode"] and room % stride and count * stride < size + before)
        found.append((size, count, taps, stride, dilation, before, behind))
    return found


def places(axes: list[tuple[int, int, int, int, int, int, int]], channels: int) -> list[Any]:
    """The place of each member of each window on each axis (windows, taps): it may be outside the axis."""
    if channels * math.prod(count * taps for _, count, taps, *_ in axes) > MOST_ENTRIES:
        raise UnreadableError("windows with too many entries")
    return [np.arange(count)[:, None] * stride - before + np.arange(taps) * dilation
            for _, count, taps, stride, dilation, before, _ in axes]


def _gathered(positions: Any, found: list[Any]) -> Any:
    """Positions (channels, *axes) and places on the axes -> (channels, windows, taps)."""
    padded = np.pad(positions, [(0, 0), *[(0, 1)] * len(found)], constant_values=-1)
    for axis, (size, at) in enumerate(zip(positions.shape[1:], found, strict=True)):
        outside = (at < 0) | (at >= size)
        padded = np.take(padded, np.where(outside, size, at).ravel(), axis=axis + 1)
    view = padded.reshape(len(positions), *(n for at in found for n in at.shape))
    rank = len(found)
    view = view.transpose(0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2))
    return view.reshape(len(positions), math.prod(len(at) for at in found), -1)


def _parameters(node: Node, x: Tensor, kernel: Any, bias: Any, channels: int, out: int) -> None:
    """Raise UnreadableError unless kernel, groups and bias fit; `channels` and `out` are those of the kernel."""
    groups = node["group"]
    if kernel.ndim < 3 or node["kernel_shape"] not in (None, [*kernel.shape[2:]]):
        raise UnreadableError(f"a kernel of shape {kernel.shape}, kernel_shape {node['kernel_shape']}")
    if groups < 1 or x.shape[1:2] != (channels,) or channels % groups or out % groups:
        raise UnreadableError(f"a kernel of shape {kernel.shape} in {groups} groups for the shape {x.shape}")
    if bias is not None and bias.shape != (out,):
        raise UnreadableError(f"a bias of shape {bias.shape} for {out} channels")


def _summed(builder: Builder, x: Tensor, view: Any, kernel: Any, bias: Any, shape: tuple[int, ...]) -> Tensor:
    """Sums over windows (channels, patches, taps), by a kernel (groups, channels, out, taps) of each group."""
    groups, channels, out, taps = kernel.shape
    patches = view.shape[1]
    index = view.reshape(groups, channels, patches, taps).swapaxes(1, 2).reshape(groups, patches, -1)
    weight, _ = weights(kernel.swapaxes(2, 3).reshape(groups, channels * taps, out))
    linear = Linear(index, weight, builder.sizes[x.node], channels_first=True)
    repeated = None if bias is None else np.repeat(fractions(bias), patches)
    return builder.affine(x, [(linear, x.node)], repeated, (1, groups * out, *shape), int(bias is not None))


def _conv(builder: Builder, node: Node, x: Tensor, kernel: Any, bias: Any = None) -> Tensor:
    groups, out = node["group"], len(kernel)
    _parameters(node, x, kernel, bias, kernel.shape[1] * groups if kernel.ndim > 1 else 0, out)
    found = places(geometry(node, x, kernel.shape[2:]), x.shape[1])
    parts = kernel.reshape(groups, out // groups, kernel.shape[1], -1).swapaxes(1, 2)
    return _summed(builder, x, _gathered(x.positions[0], found), parts, bias, tuple(len(at) for at in found))


def _conv_transpose(builder: Builder, node: Node, x: Tensor, kernel: Any, bias: Any = None) -> Tensor:
    groups = node["group"]
    out = kernel.shape[1] * groups if kernel.ndim > 1 else 0
    _parameters(node, x, kernel, bias, len(kernel), out)
    strides, dilations, pads = _lists(node, x, kernel.shape[2:])
    rank, found, count = kernel.ndim - 2, [], x.shape[1] * out
    extra, wanted = ([0] * rank if node["output_padding"] is None else node["output_padding"]), node["output_shape"]
    if len(extra) != rank or min(extra) < 0 or (wanted is not None and len(wanted) != rank):
        raise UnreadableError("output_padding or output_shape that do not fit")
    for k, (size, taps, stride, dilation) in enumerate(zip(x.shape[2:], kernel.shape[2:], strides, dilations,
                                                           strict=True)):
        whole = stride * (size - 1) + (taps - 1) * dilation + 1 + extra[k]
        before, length = pads[k], whole - pads[k] - pads[rank + k]
        if wanted is not None or node["auto_pad"] in (b"SAME_UPPER", b"SAME_LOWER"):
            length = size * stride if wanted is None else wanted[k]
            cut = whole - length
            before = cut // 2 if node["auto_pad"] == b"SAME_UPPER" else cut - cut // 2
        if not 0 < length <= whole or extra[k] >= stride:
            raise UnreadableError(f"an output of length {length} of {whole}, output_padding {extra[k]}")
        count *= length * taps
        if count > MOST_ENTRIES:
            raise UnreadableError("a convolution with too many entries")
        # Tap t of entry i goes to i * stride + t * dilation - before.
        at = np.arange(length)[:, None] + before - np.arange(taps) * dilation
        found.append(np.where(at % stride == 0, at // stride, -1))
    parts = kernel.reshape(groups, len(kernel) // groups, kernel.shape[1], -1)
    return _summed(builder, x, _gathered(x.positions[0], found), parts, bias, tuple(len(at) for at in found))


def average(builder: Builder, x: Tensor, groups: Any, counts: Any, shape: Any) -> Tensor:
    """Means of groups of entries (patches, taps) of which `counts` are counted."""
    linear = Linear(groups[None], np.ones((1, groups.shape[1], 1)), builder.sizes[x.node])
    summed = builder.affine(x, [(linear, x.node)], None, shape)
    inverse = np.empty(counts.size, dtype=object)
    inverse[:] = [Fraction(1, int(c)) for c in counts.ravel()]
    return builder.times(summed, inverse.reshape(shape))


def _average_pool(builder: Builder, node: Node, x: Tensor) -> Tensor:
    axes = geometry(node, x, node["kernel_shape"])
    found, padded = places(axes, x.shape[1]), node["count_include_pad"]
    counted = [((at >= -before * padded) & (at < size + behind * padded)).sum(axis=1)
               for at, (size, *_, before, behind) in zip(found, axes, strict=True)]
    counts = reduce(np.multiply.outer, counted)
    if not counts.all():
        raise UnreadableError("a window that lies in the padding alone")
    groups = _gathered(x.positions[0], found)
    shape = (1, x.shape[1], *counts.shape)
    return average(builder, x, groups.reshape(-1, groups.shape[2]), np.broadcast_to(counts, shape), shape)


WINDOWS = {
    "auto_pad": Attribute("STRING", b"NOTSET", (b"NOTSET", b"VALID", b"SAME_UPPER", b"SAME_LOWER")),
    "pads": Attribute("INTS"), "strides": Attribute("INTS"),
}
SIZE = {"kernel_shape": Attribute("INTS", required=True), "ceil_mode": Attribute("INT", 0, (0, 1), since=10)}
_KERNEL = {**WINDOWS, "dilations": Attribute("INTS"), "group": Attribute("INT", 1), "kernel_shape": Attribute("INTS")}

OPERATORS = {
    "Conv": Operator(_conv, (1, 11, 22), ((7, "x c c?"),), _FLOAT, _KERNEL),
    "ConvTranspose": Operator(_conv_transpose, (1, 11, 22), ((7, "x c c?"),), _FLOAT,
                              {**_KERNEL, "output_padding": Attribute("INTS"), "output_shape": Attribute("INTS")}),
    "AveragePool": Operator(_average_pool, (7, 10, 11, 19, 22), ((7, "x"),), _FLOAT,
                            {**WINDOWS, **SIZE, "count_include_pad": Attribute("INT", 0, (0, 1)),
                             "dilations": Attribute("INTS", since=19)}),
}
