"""Input sets by name: each gives the formula that an input has to satisfy.

`x` are the inputs (or some of them), in the network's own units. Sets meet with & and unite with |. Balls of
other norms than L-infinity are no formulas, see `convex`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations
from math import comb
from typing import Any

import numpy as np

from ...base.errors import PropertyError
from ..formula import Formula, all_of, any_of
from .expression import Vector, as_expression

# More groups of pixels than this are not written out.
MOST_GROUPS = 20_000


def box(x: Vector, low: Any, high: Any) -> Formula:
    """low <= x <= high, numbers or one for each entry."""
    return all_of([x.__ge__(low), x.__le__(high)])


def within(x: Vector, reach: Any) -> Formula:
    """|x_i| <= reach for every entry."""
    return box(x, -exactly(reach), reach)


def near(x: Vector, center: Any, eps: Any, scale: Any = 1) -> Formula:
    """The (weighted) L-infinity ball: |x_i - center_i| <= eps * scale_i; scale 0 fixes a feature."""
    reach = [exactly(s) * exactly(eps) for s in _each(scale, len(x))]
    middle = [exactly(c) for c in _each(center, len(x))]
    if any(r < 0 for r in reach):
        raise PropertyError("a radius or a scale below 0: the set is empty")
    return all_of((v >= c - r) & (v <= c + r) for v, c, r in zip(x, middle, reach, strict=True))


def fixed(x: Vector, center: Any, features: Iterable[int]) -> Formula:
    """These features keep their values in `center`."""
    values = _each(center, len(x))
    return all_of(x[i] == exactly(values[i]) for i in map(int, features))


def pixels(x: Vector, center: Any, groups: Iterable[Sequence[int]], low: Any, high: Any) -> Formula:
    """One of the groups of features may be anything in [low, high], all others keep their values: patches, L0."""
    values = [exactly(c) for c in _each(center, len(x))]
    chosen = [set(map(int, group)) for group in groups]
    return any_of(
        all_of((v >= low) & (v <= high) if i in group else v == values[i] for i, v in enumerate(x)) for group in chosen
    )


def patch(x: Vector, center: Any, shape: Sequence[int], size: int, low: Any, high: Any) -> Formula:
    """A size x size square anywhere in the image may be anything in [low, high], in all channels.

    `shape` is (..., height, width).
    """
    height, width = shape[-2:]
    if not 0 < size <= min(height, width):
        raise PropertyError(f"a patch of {size} x {size} in an image of {height} x {width}")
    numbers = np.arange(len(x)).reshape(-1, height, width)
    squares = (
        numbers[:, top : top + size, left : left + size].ravel().tolist()
        for top in range(height - size + 1)
        for left in range(width - size + 1)
    )
    return pixels(x, center, squares, low, high)


def few(x: Vector, center: Any, shape: Sequence[int], count: int, low: Any, high: Any) -> Formula:
    """Any `count` pixels of the image may be anything in [low, high], in all channels: the L0 ball.

    `shape` is (..., height, width).
    """
    size = shape[-2] * shape[-1]
    cases = comb(size, count) if 0 < count <= size else 0
    if not 0 < cases <= MOST_GROUPS:
        raise PropertyError(f"{count} of {size} pixels: {cases} cases, expected 1 to {MOST_GROUPS}")
    numbers = np.arange(len(x)).reshape(-1, size)
    chosen = combinations(range(size), count)
    return pixels(x, center, (numbers[:, list(places)].ravel().tolist() for places in chosen), low, high)


def one_hot(x: Vector) -> Formula:
    """One of the entries is 1 and the others are 0: a categorical feature."""
    return any_of(all_of(v == (1 if i == chosen else 0) for i, v in enumerate(x)) for chosen in range(len(x)))


def one_of(x: Any, values: Iterable[Any]) -> Formula:
    """The entry is one of some values."""
    return any_of(x == value for value in values)


def exactly(value: Any) -> Fraction:
    """A number as the rational that it is. Raises PropertyError."""
    return as_expression(value).constant


def _each(values: Any, count: int) -> list[Any]:
    if isinstance(values, np.ndarray):
        values = values.ravel().tolist()
    if not isinstance(values, Sequence) or isinstance(values, str):
        return [values] * count
    if len(values) != count:
        raise PropertyError(f"{len(values)} values for {count} features, expected as many")
    return list(values)
