"""Operators that repeat entries, put blocks of them elsewhere, or surround them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...errors import UnreadableError
from .moves import FREELY, listed, move
from .table import Attribute, Node, Operator
from .tensors import Builder, Tensor, axes_of, broadcast, small

_ANY = "fdilbquhg"


def _expand(node: Node, x: Any, shape: Any) -> Any:
    wanted = tuple(listed(shape))
    if min(wanted, default=0) < 0:
        raise UnreadableError(f"shape {wanted}")
    return np.broadcast_to(x, broadcast(x.shape, wanted))


def _tile(node: Node, x: Any, repeats: Any) -> Any:
    times = listed(repeats)
    if len(times) != x.ndim or min(times, default=0) < 0:
        raise UnreadableError(f"repeats {times} of the shape {x.shape}")
    small(math.prod(n * k for n, k in zip(x.shape, times, strict=True)))
    return np.tile(x, times)


def _blocks(node: Node, x: Any) -> tuple[int, int, int, int, int]:
    side = node["blocksize"]
    deep = node.operator == "DepthToSpace"
    if x.ndim != 4 or side < 1 or (x.shape[1] % side**2 if deep else x.shape[2] % side or x.shape[3] % side):
        raise UnreadableError(f"blocks of {side} in the shape {x.shape}")
    batch, channels, height, width = x.shape
    return batch, channels, height, width, side


def _to_space(node: Node, x: Any) -> Any:
    n, c, h, w, side = _blocks(node, x)
    less = c // side**2
    if node["mode"] == b"CRD":
        # Channels, then rows and columns of a block; else the block comes first.
        x = x.reshape(n, less, side, side, h, w).transpose(0, 1, 4, 2, 5, 3)
    else:
        x = x.reshape(n, side, side, less, h, w).transpose(0, 3, 4, 1, 5, 2)
    return x.reshape(n, less, h * side, w * side)


def _to_depth(node: Node, x: Any) -> Any:
    n, c, h, w, side = _blocks(node, x)
    x = x.reshape(n, c, h // side, side, w // side, side)
    x = x.transpose(0, 1, 3, 5, 2, 4) if node["mode"] == b"CRD" else x.transpose(0, 3, 5, 1, 2, 4)
    return x.reshape(n, c * side**2, h // side, w // side)


def _widths(node: Node, rank: int, pads: Any, axes: Any) -> list[tuple[int, int]]:
    """How much is put before and behind each axis."""
    amounts = node["pads"] if pads is None else listed(pads)
    over = list(range(rank)) if axes is None else axes_of(listed(axes), rank)
    if not rank or len(amounts) != 2 * len(over):
        raise UnreadableError(f"pads {list(amounts)} for {len(over)} axes of {rank}")
    widths = [(0, 0)] * rank
    for k, axis in enumerate(over):
        widths[axis] = (amounts[k], amounts[k + len(over)])
    return widths


def _pad(builder: Builder, node: Node, x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Any:
    widths, mode = _widths(node, len(x.shape), pads, axes), node["mode"]
    places = x.positions if isinstance(x, Tensor) else np.arange(math.prod(x.shape)).reshape(x.shape)
    small(math.prod(n + max(a, 0) + max(b, 0) for n, (a, b) in zip(x.shape, widths, strict=True)))
    if mode == b"wrap" and node.opset < 19:
        raise UnreadableError("mode wrap before operator set 19")
    # How far a mode that repeats entries can reach.
    room = {b"reflect": -1, b"wrap": 0}.get(mode, 2**31)
    for n, (a, b) in zip(x.shape, widths, strict=True):
        fits = a + n > 0 and b + n > 0 and a + b + n > 0 if mode == b"constant" else min(a, b) >= 0
        if not fits or (mode != b"constant" and (n == 0 or max(a, b) > n + room)):
            raise UnreadableError(f"pads {widths} of the shape {x.shape}, mode {mode.decode()}")
    if mode != b"constant":
        moved = np.pad(places, widths, mode=mode.decode())
        return x.moved(moved) if isinstance(x, Tensor) else x.ravel()[moved]
    if value is not None and value.size != 1:
        raise UnreadableError(f"a value of shape {value.shape}")
    filling = np.asarray(node["value"] or 0.0 if value is None else value).reshape(())
    kept = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, widths, strict=True))
    around = [(max(a, 0), max(b, 0)) for a, b in widths]
    inside = np.pad(np.ones(x.shape, bool)[kept], around)
    if isinstance(x, Tensor):
        padded = x.moved(np.pad(places[kept], around, constant_values=-1))
        return builder.plus(padded, np.where(inside, 0.0, filling), -1) if filling != 0 else padded
    return np.where(inside, np.pad(x[kept], around), filling.astype(x.dtype))


OPERATORS = {
    "Expand": Operator(move(_expand), (8, 13), ((7, "v n"),), ((7, _ANY),)),
    "Tile": Operator(move(_tile), (6, 13), ((7, "v n"),), ((7, _ANY),)),
    "DepthToSpace": Operator(move(_to_space), (1, 11, 13, 28), ((7, "v"),), ((7, _ANY),),
                             {"blocksize": Attribute("INT", required=True),
                              "mode": Attribute("STRING", b"DCR", (b"DCR", b"CRD"), since=11)}),
    "SpaceToDepth": Operator(move(_to_depth), (1, 13, 28), ((7, "v"),), ((7, _ANY),),
                             {"blocksize": Attribute("INT", required=True),
                              "mode": Attribute("STRING", b"DCR", (b"DCR", b"CRD"), since=28)}),
    "Pad": Operator(_pad, (2, 11, 13, 18, *FREELY[4:]), ((7, "v"), (11, "v n c?"), (18, "v n c? j?")),
                    ((7, "fd"), (11, "fdil")),
                    {"mode": Attribute("STRING", b"constant", (b"constant", b"edge", b"reflect", b"wrap")),
                     "pads": Attribute("INTS", until=11, required=True), "value": Attribute("FLOAT", 0.0, until=11)}),
}
