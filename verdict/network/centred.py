"""Steps of numbers that only take some values, with the jump in the middle between two of these.

Behind a layer of steps with whole weights a pre-activation is c + k d for whole k, and often 0 is one of its values:
then float bounds, which are rounded outward, never tell on which side of the jump it lies, and closed halves meet at
it. A shift of the jump to the middle between the last value below 0 and the first one from 0 on changes no output. It
is made where float32 computes all such numbers exactly, in any order: a run and the reals lie on the same side then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .exact import Coefficients, FloatArray
from .functions import STEP
from .graph import Affine, Node, Pointwise, Product
from .maps import identity

# Multiples of a power of two up to so many times that are float32 numbers, and so are all sums of them on the way.
MOST = 2.0**24
# More different weights are no lattice to speak of.
DIFFERENT = 1024


@dataclass(frozen=True, eq=False)
class _Values:
    """Entries are `base` (size,) plus whole multiples of `unit`; all are multiples of `grain`, a power of two, and of
    magnitudes of at most `most`."""

    base: FloatArray
    unit: float
    grain: float
    most: float


def centred(nodes: Sequence[Node], names: Sequence[str]) -> tuple[list[Node], list[str], list[int]]:
    """The nodes with another one in front of every step whose jump moves, their names, and the new numbers of all."""
    known: dict[int, _Values | None] = {}
    found: list[Node] = []
    named: list[str] = []
    numbers: list[int] = []
    for number, node in enumerate(nodes):
        moved = _renumbered(node, numbers)
        if isinstance(node, Pointwise) and node.function is STEP:
            shift = _shift(_values(nodes, node.source, known))
            if shift is not None:
                found.append(Affine(((identity(node.size), numbers[node.source]),), Coefficients(shift)))
                named.append(names[node.source])
                moved = replace(node, source=len(found) - 1)
        numbers.append(len(found))
        found.append(moved)
        named.append(names[number])
    return found, named, numbers


def _renumbered(node: Node, numbers: list[int]) -> Node:
    if isinstance(node, Affine):
        return Affine(tuple((linear, numbers[source]) for linear, source in node.terms), node.bias)
    if isinstance(node, Pointwise):
        return replace(node, source=numbers[node.source])
    if isinstance(node, Product):
        return replace(node, left=numbers[node.left], right=numbers[node.right])
    return node


def _shift(values: _Values | None) -> FloatArray | None:
    """What moves the jump to the middle between two values."""
    if values is None or values.unit == 0:
        return None
    unit = int(values.unit / values.grain)
    above = (values.base / values.grain).astype(np.int64) % unit
    shift = np.asarray(values.unit / 2 - above * values.grain, dtype=np.float64)
    return shift if shift.any() else None


def _values(nodes: Sequence[Node], number: int, known: dict[int, _Values | None]) -> _Values | None:
    if number not in known:
        node = nodes[number]
        if isinstance(node, Pointwise) and node.function is STEP:
            known[number] = _Values(np.zeros(node.size), 1.0, 1.0, 1.0)
        else:
            known[number] = _of_affine(nodes, node, known) if isinstance(node, Affine) and node.terms else None
    return known[number]


def _of_affine(nodes: Sequence[Node], node: Affine, known: dict[int, _Values | None]) -> _Values | None:
    if not node.bias.is_dyadic:
        return None
    base, parts, grains = node.bias.values, [], [_grain(node.bias.values)]
    sizes: Any = np.abs(base)
    for linear, source in node.terms:
        its, weights = _values(nodes, source, known), linear.coefficients
        if its is None or not weights.is_dyadic:
            return None
        different = np.unique(np.abs(weights.values))
        fine = _grain(different)
        if len(different) > DIFFERENT or different.max(initial=0) > MOST * fine:
            return None
        common = int(np.gcd.reduce((different / fine).astype(np.int64))) * fine
        parts.append(its.unit * common)
        grains.append(its.grain * fine)
        sizes += linear.apply_abs(np.full(linear.in_size, its.most))
        base = np.asarray(base + linear.apply(its.base), dtype=np.float64)
    grain, most = min(grains), float(sizes.max(initial=0))
    if not most <= MOST * grain or not np.isfinite(grain):
        return None
    unit = int(np.gcd.reduce([int(part / grain) for part in parts])) * grain
    return _Values(base, unit, grain, most)


def _grain(values: FloatArray) -> float:
    """The largest power of two that all of them are multiples of; infinite if they are 0."""
    mantissa, exponent = np.frexp(values[values != 0])
    whole = (mantissa * 2.0**53).astype(np.int64)
    lowest = np.frexp((whole & -whole).astype(np.float64))[1] - 1
    return float(2.0 ** (lowest + exponent - 53).min()) if len(whole) else np.inf
