"""Steps of numbers c + k d, with whole k: their jumps moved to the middle between two of these numbers.

Behind steps with whole weights no other numbers occur, and often 0 is one. No value of the network changes: where the
numbers below 0 end and those from 0 on begin, there lies the jump. It is moved where float32 makes no rounding error in
any of these sums: all numbers are multiples of one power of two, and at most 2^24 times it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from ...functions.step import STEP
from ...network import Affine, Linear, Pointwise, Product

_MOST, _DIFFERENT = 2**24, 1024
# One number of each entry, what all others differ from it by multiples of, the power of two, and the largest size.
Lattice = tuple[Any, Fraction, Fraction, Fraction]


def centred(nodes: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[int]]:
    """The nodes, with an addition in front of each step whose jump moves, and the new number of each node."""
    lattices: dict[int, Lattice | None] = {}
    found: list[Any] = []
    numbers: list[int] = []
    for node in nodes:
        moved = _placed(node, numbers)
        is_step = isinstance(node, Pointwise) and node.function is STEP
        shift = _shift(_of(nodes, node.source, lattices)) if is_step else None
        if shift is not None:
            same = Linear(np.arange(node.size).reshape(-1, 1, 1), np.ones((node.size, 1, 1)), node.size)
            found.append(Affine(((same, numbers[node.source]),), shift))
            moved = replace(node, source=len(found) - 1)
        numbers.append(len(found))
        found.append(moved)
    return tuple(found), numbers


def _placed(node: Any, numbers: list[int]) -> Any:
    if isinstance(node, Affine):
        return replace(node, terms=tuple((linear, numbers[source]) for linear, source in node.terms))
    if isinstance(node, Pointwise):
        return replace(node, source=numbers[node.source])
    if isinstance(node, Product):
        return replace(node, left=numbers[node.left], right=numbers[node.right])
    return node


def _shift(lattice: Lattice | None) -> Any:
    """Half a unit less the first number from 0 on, of each entry; None where all are 0."""
    if lattice is None or not lattice[1]:
        return None
    values, unit = lattice[0], lattice[1]
    shift = np.empty(len(values), dtype=object)
    shift[:] = [unit / 2 - Fraction(v) % unit for v in values.tolist()]
    return shift if shift.any() else None


def _of(nodes: tuple[Any, ...], number: int, known: dict[int, Lattice | None]) -> Lattice | None:
    if number not in known:
        known[number] = _lattice(nodes, nodes[number], known)
    return known[number]


def _lattice(nodes: tuple[Any, ...], node: Any, known: dict[int, Lattice | None]) -> Lattice | None:
    if isinstance(node, Pointwise):
        one = Fraction(1)
        return (np.zeros(node.size), one, one, one) if node.function is STEP else None
    if not isinstance(node, Affine) or not node.terms:
        return None
    sources = [_of(nodes, source, known) for source in node.sources]
    if any(s is None for s in sources) or not node.dyadic:
        return None
    values, sizes, unit, grain = node.floats, np.abs(node.floats), Fraction(0), _power(node.floats)
    for its, (linear, _) in zip(sources, node.terms, strict=True):
        weight = linear.weight
        different = np.unique(np.abs(weight))
        fine = _power(different)
        if its is None or linear.exact is not None or len(different) > _DIFFERENT or not fine:
            return None
        whole = [Fraction(v) / fine for v in different.tolist()]
        if max(whole) > _MOST:
            return None
        unit = _common(unit, its[1] * fine * math.gcd(*map(int, whole)))
        grain = _common(grain, its[2] * fine)
        sizes = sizes + linear.forward(np.full((1, linear.in_size), float(its[3])), np.abs(weight))[0]
        values = values + linear.forward(its[0][None], weight)[0]
    most = Fraction(float(sizes.max()))
    # Then no float64 has been rounded here either.
    return (values, unit, grain, most) if most <= _MOST * grain else None


def _common(a: Fraction, b: Fraction) -> Fraction:
    """The largest number that both are whole multiples of."""
    under = math.lcm(a.denominator, b.denominator)
    return Fraction(math.gcd(int(a * under), int(b * under)), under)


def _power(values: Any) -> Fraction:
    """The largest power of two that all floats are multiples of; 0 if there is none but 0."""
    found = Fraction(0)
    for v in np.unique(np.abs(values)).tolist():
        top, under = v.as_integer_ratio()
        if top:
            lowest = Fraction(top & -top, under)
            found = lowest if not found else min(found, lowest)
    return found
