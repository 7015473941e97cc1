"""Which ReLUs are bounded jointly: those that lose most, each with those that read most of the same variables.

A group of g costs 2^g patterns, and what it gains is what its members' planes cannot have at one point at once, so
members that have no variables in common gain nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...base.deadline import checkpoint
from ...bounds.edges import Edges, Lines
from ...network.exact import FloatArray
from .edge_ascent import chords, look

# The most ReLUs in a group.
MOST = 4
# The least share of what moves a ReLU that the first of its group reads too.
COMMON = 0.9
# With more than this share of its numbers other than 0 a matrix is multiplied as a dense one.
DENSE = 0.1


def grouped(form: Edges, rows: Iterable[int], floors: FloatArray) -> Edges:
    """The form with groups of the ReLUs that fall in some of these rows, by what their chords may lose there with the
    slopes `floors` (unstable ReLUs,) of the lines below; the others are in none. Those that read inputs alone are each
    a group by itself where they fall in no row, or where groups of later ReLUs read through them."""
    signs, none = np.zeros(form.count, np.int8), np.zeros(form.count, np.float32)
    begin = Lines(signs, floors.astype(np.float32), none, chords(form))
    falling = np.zeros(form.count)
    for row in rows:
        falling = np.maximum(falling, -look(form, row, begin).nu)
    losses = falling * np.concatenate([fan.gap for fan in form.fans])
    for number in reversed(range(len(form.fans))):
        here = form.fans[number].here(form.inputs)
        some, others = np.flatnonzero(falling[here] > 0), np.flatnonzero(falling[here] <= 0)
        if number:
            form = form.jointly(number, _groups(form, number, losses[here], some))
        elif not any(block.pre.shape[1] for block in form.blocks):
            form = form.jointly(0, [*_groups(form, 0, losses[here], some), *([other] for other in others.tolist())])
    return form


def _groups(form: Edges, number: int, losses: Any, neurons: Any) -> list[list[int]]:
    fan = form.fans[number]
    moved = abs(fan.matrix[neurons]) * form.largest[: fan.start].astype(np.float32)
    read = (moved > 0).astype(np.float32)
    if moved.nnz > DENSE * np.prod(moved.shape):
        shared = read.toarray() @ moved.toarray().T
    else:
        shared = (read @ moved.T).toarray()
    common = shared / np.maximum(moved.sum(axis=1), 1e-30)
    left = np.ones(len(neurons), bool)
    groups = []
    for at in np.argsort(-losses[neurons], kind="stable").tolist():
        if not left[at]:
            continue
        checkpoint()
        left[at] = False
        # A little for those that lose nothing, so that they are together at least.
        worth = np.where(left & (common[at] >= COMMON), losses[neurons] + 1e-9, 0)
        others = [other for other in np.argsort(-worth, kind="stable")[: MOST - 1].tolist() if worth[other] > 0]
        left[others] = False
        groups.append(neurons[[at, *others]].tolist())
    return groups
