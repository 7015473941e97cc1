"""What is tried to exclude the leaves of a part, cheapest first. Each attempt proves what it excludes, so the order and
the choice here are a matter of speed and of luck, never of truth.
"""

from __future__ import annotations

from dataclasses import dataclass

from .arithmetic.interface import Arithmetic


@dataclass(frozen=True)
class Attempt:
    """Hidden neurons are bounded in the arithmetic `bounding`, stable ones too if `thorough`, with the splits of ReLUs
    if `cut`; then `deciding` bounds the unsafe rows, with the splits if `split` and stored multipliers if `stored`."""

    bounding: Arithmetic
    deciding: Arithmetic
    thorough: bool
    cut: bool = True
    split: bool = True
    stored: bool = True


def for_lines(arithmetics: list[Arithmetic], at_leaves: bool, splits: bool, stored: bool) -> list[Attempt]:
    """For leaves closed by lines, which bound the hidden neurons themselves if `at_leaves`; whether they have `splits`
    of ReLUs and `stored` multipliers."""
    levels = [(each, False) for each in arithmetics] + [(arithmetics[-1], True)] * at_leaves
    found = []
    for numbers, thorough in levels:
        if at_leaves and splits:
            # Multipliers found with the bounds of a box may be no good with better ones; and those that are found for
            # one disjunct are no good for others, which have been excluded before the splits.
            found.append(Attempt(numbers, numbers, thorough, cut=False))
            found.append(Attempt(numbers, numbers, thorough, cut=False, split=False, stored=False))
        found.append(Attempt(numbers, numbers, thorough))
        if stored:
            found.append(Attempt(numbers, numbers, thorough, stored=False))
    return found


def for_rationals(bounding: Arithmetic, exact: Arithmetic, at_leaves: bool) -> list[Attempt]:
    """For leaves with raw or rational multipliers."""
    return [Attempt(bounding, exact, thorough) for thorough in (False, True)[: 1 + at_leaves]]
