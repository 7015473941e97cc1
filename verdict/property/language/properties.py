"""What may be asked of the outputs, by name: each gives the formula that has to hold.

`y` are the outputs (or some of them). Ties count as violations: a class stays where it scores strictly more.
"""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Any

from ...base.errors import PropertyError
from ..formula import Formula, all_of, any_of
from .expression import Vector
from .sets import box, within

# More sets of rivals than this are not written out.
MOST_SETS = 20_000


def stays(y: Vector, label: int) -> Formula:
    """Class `label` scores strictly more than every other one."""
    return margin(y, label, 0)


def margin(y: Vector, label: int, least: Any) -> Formula:
    """Class `label` leads every other one by more than `least`."""
    own = y[_checked(y, label)]
    return all_of(own - y[other] > least for other in range(len(y)) if other != label)


def top(y: Vector, label: int, k: int) -> Formula:
    """Class `label` is among the k best, ties counted against it: no k others all score at least as high."""
    own, others = y[_checked(y, label)], [i for i in range(len(y)) if i != label]
    if not 0 < k < len(y):
        raise PropertyError(f"top {k} of {len(y)} classes, expected 1 to {len(y) - 1}")
    sets = comb(len(others), k)
    if sets > MOST_SETS:
        raise PropertyError(f"top {k} of {len(y)} classes has {sets} cases, expected at most {MOST_SETS}")
    return ~any_of(all_of(y[i] >= own for i in chosen) for chosen in combinations(others, k))


def beats(y: Vector, label: int, target: int) -> Formula:
    """Class `label` scores strictly more than class `target`; the others do not matter."""
    if target == label:
        raise PropertyError(f"the target {target} is the label itself")
    ahead: Formula = y[_checked(y, label)] > y[_checked(y, target)]
    return ahead


def keeps(y: Vector, label: int, target: int | None = None) -> Formula:
    """Class `label` scores strictly more than every other one, or than class `target` if one is given."""
    return stays(y, label) if target is None else beats(y, label, target)


def moves(y: Vector, before: Any, theta: Any) -> Formula:
    """Every output stays within `theta` of what it was: |y_i - before_i| <= theta."""
    return within(y - before, theta)


def between(y: Vector, low: Any, high: Any) -> Formula:
    """Every output lies in [low, high], numbers or one for each output."""
    return box(y, low, high)


def _checked(y: Vector, label: int) -> int:
    if not 0 <= label < len(y):
        raise PropertyError(f"class {label} is out of range: the network has classes 0 to {len(y) - 1}")
    return label
