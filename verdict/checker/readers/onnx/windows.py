"""Convolutions and averages: sums over windows.

Positions of the padding are -1, which reads a zero. A batch has one entry: of several, a claim would be about one only.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import UnreadableError
from ...network import Linear
from .table import Attribute, Node, Operator
from .tensors import MOST_ENTRIES, Builder, Tensor, fractions, weights

_FLOAT = ((7, "f"),)


def geometry(node: Node, x: Tensor, kernel: Any) -> list[tuple[int, int, int, int, int, int]]:
    """(length, kernel, stride, dilation, padding before, behind) of each axis of windows over (1, channels, *axes)."""
    sizes, rank = x.shape[2:], len(kernel)
    if len(x.shape) < 3 or x.shape[0] != 1 or len(sizes) != rank:
        raise UnreadableError(f"windows of {rank} axes over the shape {x.shape}, expected (1, channels, ...)")
    strides, dilations = ([1] * rank if node[n] is None else node[n] for n in ("strides", "dilations"))
    pads, auto = [0] * (2 * rank) if node["pads"] is None else node["pads"], node["auto_pad"]
    fitting = {len(strides), len(dilations), len(pads) // 2} == {rank} and len(pads) % 2 == 0
    if not fitting or min(*kernel, *strides, *dilations) < 1:
        raise UnreadableError("kernel, strides, dilations and pads that do not fit")
    if min(pads) < 0 or (auto != b"NOTSET" and any(pads)):
        raise UnreadableError("negative pads, or pads beside auto_pad")
    if node.operator == "Conv" and node["pads"] and auto != b"NOTSET":
        # Zeros would be no contradiction, but ONNX Runtime refuses them.
        raise UnreadableError("pads beside auto_pad")
    found = []
    for k, (size, taps, stride, dilation) in enumerate(zip(sizes, kernel, strides, dilations, strict=True)):
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
        if size + before + behind < reach or max(before, behind) > MOST_ENTRIES:
            raise UnreadableError("a window that is larger than what it is moved over")
        found.append((size, taps, stride, dilation, before, behind))
    return found


def _windows(node: Node, x: Tensor, kernel: Any) -> tuple[Any, tuple[int, ...]]:
    """Positions (1, channels, *spatial) -> (channels, patches, taps), and the spatial shape of the patches."""
    axes = geometry(node, x, kernel)
    if math.prod(n + a + b for n, _, _, _, a, b in axes) * x.shape[1] > MOST_ENTRIES:
        raise UnreadableError("a convolution with too many entries")
    padded = np.pad(x.positions[0], [(0, 0), *((a, b) for *_, a, b in axes)], constant_values=-1)
    reach = tuple((k - 1) * d + 1 for _, k, _, d, _, _ in axes)
    view = np.lib.stride_tricks.sliding_window_view(padded, reach, tuple(range(1, 1 + len(axes))))
    steps = [s for _, _, s, *_ in axes] + [d for *_, d, _, _ in axes]
    cut = [slice(None), *(slice(None, None, s) for s in steps)]
    view = view[tuple(cut)]
    if view.size > MOST_ENTRIES:
        raise UnreadableError("a convolution with too many entries")
    shape = view.shape[1 : 1 + len(axes)]
    return view.reshape(len(padded), math.prod(shape), math.prod(kernel)), shape


def _conv(builder: Builder, node: Node, x: Tensor, kernel: Any, bias: Any = None) -> Tensor:
    groups, out = node["group"], len(kernel)
    if kernel.ndim < 3 or node["kernel_shape"] not in (None, [*kernel.shape[2:]]):
        raise UnreadableError(f"a kernel of shape {kernel.shape}, kernel_shape {node['kernel_shape']}")
    view, shape = _windows(node, x, kernel.shape[2:])
    channels, patches, taps = view.shape
    if groups < 1 or kernel.shape[1] * groups != channels or out % groups:
        raise UnreadableError(f"a kernel of shape {kernel.shape} in {groups} groups for {channels} channels")
    if bias is not None and bias.shape != (out,):
        raise UnreadableError(f"a bias of shape {bias.shape} for {out} channels")
    weight, _ = weights(kernel)
    index = view.reshape(groups, channels // groups, patches, taps).swapaxes(1, 2).reshape(groups, patches, -1)
    matrix = weight.reshape(groups, out // groups, -1).swapaxes(1, 2)
    linear = Linear(index, matrix, builder.sizes[x.node], channels_first=True)
    repeated = None if bias is None else np.repeat(fractions(bias), patches)
    return builder.affine(x, [(linear, x.node)], repeated, (1, out, *shape), int(bias is not None))


def average(builder: Builder, x: Tensor, groups: Any, counts: Any, shape: Any) -> Tensor:
    """Means of groups of entries (patches, taps) of which `counts` are counted."""
    linear = Linear(groups[None], np.ones((1, groups.shape[1], 1)), builder.sizes[x.node])
    summed = builder.affine(x, [(linear, x.node)], None, shape)
    inverse = np.empty(counts.size, dtype=object)
    inverse[:] = [Fraction(1, int(c)) for c in counts.ravel()]
    return builder.times(summed, inverse.reshape(shape))


def _average_pool(builder: Builder, node: Node, x: Tensor) -> Tensor:
    view, shape = _windows(node, x, node["kernel_shape"])
    groups = view.reshape(-1, view.shape[2])
    counts = np.full(len(groups), groups.shape[1])
    if not node["count_include_pad"]:
        # What is a zero before the padding cannot be told from padding.
        if (x.positions < 0).any():
            raise UnreadableError("an average over padded entries")
        counts = (groups >= 0).sum(axis=1)
        if not counts.all():
            raise UnreadableError("a window that lies in the padding alone")
    return average(builder, x, groups, counts, (1, x.shape[1], *shape))


WINDOWS = {
    "auto_pad": Attribute("STRING", b"NOTSET", (b"NOTSET", b"VALID", b"SAME_UPPER", b"SAME_LOWER")),
    "pads": Attribute("INTS"), "strides": Attribute("INTS"),
}
SIZE = {"kernel_shape": Attribute("INTS", required=True)}

OPERATORS = {
    "Conv": Operator(_conv, (1, 11, 22), ((7, "x c c?"),), _FLOAT,
                     {**WINDOWS, "dilations": Attribute("INTS"), "group": Attribute("INT", 1),
                      "kernel_shape": Attribute("INTS")}),
    "AveragePool": Operator(_average_pool, (7, 10, 11, 19, 22), ((7, "x"),), _FLOAT,
                            {**WINDOWS, **SIZE, "count_include_pad": Attribute("INT", 0, (0, 1)),
                             "ceil_mode": Attribute("INT", 0, (0,), since=10),
                             "dilations": Attribute("INTS", since=19)}),
}
