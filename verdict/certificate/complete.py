"""Writing a certificate that is known to be accepted: open boxes are halved until the checker agrees.

A search closes a box by float arithmetic of its own and may stop at the narrowest margin; the checker's bounds can be
a little weaker there, and every float32 evaluation order needs a margin as large as its rounding. Few leaves are
concerned, and halving them a few times is cheaper than asking the whole search for a margin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..base.errors import InputError
from ..bounds.moving import moving
from ..checker import Memory, RejectedError, UnreadableError, open_leaves
from .nodes import INPUT, Forest
from .proof import Part, ProofTree
from .subject import Subject
from .write import write_certificate

# Rounds of halving: an open box may shrink by 2**-ROUNDS along one coordinate.
ROUNDS = 30


@dataclass(frozen=True, eq=False)
class About:
    """What a certificate is about: its claim, the network's file, that of a query, and the witness of an upper end."""

    claim: dict[str, Any]
    subject: Subject
    query: Path | None = None
    witness: Sequence[Fraction] | None = None


@dataclass(frozen=True, eq=False)
class Checking:
    """How the checker is asked, as in `checker.open_leaves`; at most `most` leaves are halved for it."""

    any_order: bool = False
    tier: str = "exact"
    jobs: int = 1
    progress: Callable[[int], object] = lambda leaves: None
    memory: Memory | None = None
    most: int = 10_000


def complete(
    path: str | Path,
    about: About,
    parts: Sequence[Part],
    boxes: Sequence[tuple[Any, Any]],
    how: Checking | None = None,
    found: Sequence[tuple[int, int, int]] | None = None,
) -> int:
    """Write a certificate and halve its open boxes until none is left; the number of leaves still open (0: accepted).

    `boxes[p]` are the float ends (inputs,) of part p's box. Leaves of parts that split neurons are not halved;
    `found` are the open leaves if they are known. Raises InputError where the checker cannot read its own files.
    """
    how = how or Checking()
    asked = None if about.query is None else about.query.read_bytes()
    most = how.most
    # After the first round only the halves are looked at.
    among: list[tuple[int, int, int]] | None = None
    for _ in range(ROUNDS):
        if found is None:
            write_certificate(path, about.claim, about.subject, parts, query=asked, witness=about.witness)
            try:
                found = open_leaves(
                    path, about.subject.path, about.query, tier=how.tier, jobs=how.jobs, any_order=how.any_order,
                    among=among, progress=how.progress, memory=how.memory,
                )
            except (UnreadableError, RejectedError) as error:
                raise InputError(f"{path}: {error}") from error
        most -= len(found)
        if not found or most < 0 or not all(parts[p].splits_inputs for p, _, _ in found):
            return len(found)
        among = []
        for p, goal in sorted({(p, g) for p, g, _ in found}):
            wanted = {n for a, b, n in found if (a, b) == (p, goal)}
            among += [(p, goal, n) for n in _halve(parts[p].goals[goal].tree, wanted, *boxes[p])]
        found = None
    return len(among or ())


def _halve(tree: ProofTree, wanted: set[int], low: Any, high: Any) -> list[int]:
    """Halve the leaves with these numbers, each along the coordinate that has been halved least since the root; the
    numbers of the halves."""
    widths, forest = np.where(moving(low, high), high - low, np.inf), Forest([tree.nodes])
    halves: list[int] = []
    for before, number in enumerate(sorted(wanted)):
        leaf = int(forest.leaves[number])
        bottom, top = _box(forest, leaf, low, high)
        axis = int(np.argmax((top - bottom) / widths))
        tree.split_inputs(leaf, axis, bottom[axis] / 2 + top[axis] / 2)
        halves += [number + before, number + before + 1]
    return halves


def _box(forest: Forest, leaf: int, low: Any, high: Any) -> tuple[Any, Any]:
    """The box of a leaf of a tree over [low, high]."""
    splits, node = [], leaf
    while (above := int(forest.parent[node])) >= 0:
        splits.append((above, node == forest.halves(above)[0]))
        node = above
    bottom, top = low.copy(), high.copy()
    for above, is_first in reversed(splits):
        if forest.kind[above] == INPUT:
            (top if is_first else bottom)[forest.variable[above]] = forest.value[above]
    return bottom, top
