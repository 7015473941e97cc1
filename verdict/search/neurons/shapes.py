"""What an interval, a zonotope and a polyhedron keep of one neuron: the region around f's graph on [low, high].

Each is a set of lines, all of them the library's own rigorous ones: the interval's ends, the band of the zonotope,
which is two parallel lines, and for the polyhedron the lines between which linear bounds choose, the end points'
tangents among them (Singh et al., POPL 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from verdict.encoders.envelopes import Curves

from ...bounds.lines import Lines
from ...network.exact import FloatArray
from ...network.functions import Function

# Slope and offset.
Line = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """All (z, y) with low <= z <= high that lie on or above each line `below`, and on or below each line `above`."""

    name: str
    low: float
    high: float
    below: tuple[Line, ...]
    above: tuple[Line, ...]

    def floor(self, z: FloatArray) -> FloatArray:
        """The least y at each z, as floats have it."""
        least: FloatArray = _values(self.below, z).max(axis=0)
        return least

    def ceiling(self, z: FloatArray) -> FloatArray:
        """The largest y at each z, as floats have it."""
        most: FloatArray = _values(self.above, z).min(axis=0)
        return most

    @property
    def corners(self) -> FloatArray:
        """The corners (n, 2) in their order around the shape, the floor from left to right first."""
        bottom, top = (_bends(*side, self.low, self.high) for side in ((1, self.below), (-1, self.above)))
        sides = (bottom, self.floor(bottom)), (top[::-1], self.ceiling(top[::-1]))
        return np.concatenate([np.stack(side, axis=1) for side in sides])

    @property
    def area(self) -> float:
        """By the shoelace formula."""
        (x, y), (right, top) = self.corners.T, np.roll(self.corners, -1, axis=0).T
        return float(abs(np.sum(x * top - right * y)) / 2)


def shapes(function: Function, low: float, high: float) -> list[Shape]:
    """The three shapes of a function on an interval; those that are infinite there are left out."""
    ends = np.array([[low]]), np.array([[high]])
    with np.errstate(all="ignore"):
        least, most = (float(end[0, 0]) for end in function.enclosure(*ends))
        slope, centre, half = (float(part[0, 0]) for part in function.band(*ends))
    found = [
        Shape("interval", low, high, ((0.0, least),), ((0.0, most),)),
        Shape("zonotope", low, high, ((slope, centre - half),), ((slope, centre + half),)),
        Shape("polyhedron", low, high, *_lines(function, ends)),
    ]
    return [shape for shape in found if shape.below and shape.above and np.isfinite(shape.corners).all()]


def _lines(function: Function, ends: tuple[FloatArray, FloatArray]) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """All lines that hold a function and are known: those of CROWN, and where slopes may be chosen more of them."""
    below, floor, above, ceiling = function.lines(*ends)
    crown = Lines(below, above, ceiling, offset_below=floor)
    choices = [crown.with_slopes(0 * below + s) for s in (0.0, 1.0)] if crown.free().all() else [crown]
    under = [_line(one.slope_below, one.offset_below) for one in choices]
    over = [_line(above, ceiling)]
    if function.leans:
        piece = Curves(function, 0, [(ends[0][0], ends[1][0])]).pieces[0][0]
        under += [(plane.slopes[0], plane.offset) for plane in piece.below]
        over += [(plane.slopes[0], plane.offset) for plane in piece.above]
    return tuple(dict.fromkeys(under)), tuple(dict.fromkeys(over))


def _line(slope: FloatArray, offset: FloatArray | None) -> Line:
    return float(slope[0, 0]), 0.0 if offset is None else float(offset[0, 0])


def _values(lines: Sequence[Line], z: FloatArray) -> FloatArray:
    found: FloatArray = np.array([slope * z + offset for slope, offset in lines])
    return found


def _bends(sign: int, lines: Sequence[Line], low: float, high: float) -> FloatArray:
    """The ends, and where in between another line becomes the largest of sign times all of them."""
    met = [(d - b) / (a - c) for (a, b), (c, d) in combinations(lines, 2) if a != c]
    places = np.array([low, *sorted({z for z in met if low < z < high}), high])
    largest = np.argmax(sign * _values(lines, (places[:-1] + places[1:]) / 2), axis=0)
    found: FloatArray = places[np.concatenate([[True], largest[1:] != largest[:-1], [True]])]
    return found
