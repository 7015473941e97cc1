"""The one table of what the searches over boxes can be told: sizes of batches, and when to stop or to change the means.

The numbers are measured; no answer depends on them, only how soon it comes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BoxOptions:
    """For `InputSplit`, and with `paved` in front for `Paving`."""

    batch: int = 192
    """Boxes halved at once on the CPU."""
    device_batch: int = 4096
    """The same on other devices."""
    work: int = 2**31
    """Multiplications for the boxes halved at once, which makes batches smaller on large networks."""
    most_open: int = 2_000_000
    """Open boxes in memory, beyond which the search goes depth first."""
    patience: int = 1200
    """Boxes to visit before single ones are worked on."""
    hard_batch: int = 4
    """How many are worked on at a time, on each core, at first: what one turn takes may be all that was needed."""
    most_hard: int = 16
    """And later on, as the number of those that were worked on grows: cores wait for each other once a turn."""
    turns: int = 10
    """How often the open domains of each are split."""
    group: int = 32
    """Boxes that halving has to show itself on beside hard work (`group`)."""
    least: float = 0.1
    """The time of the slower one of halving and hard work, relative to the other's (`pace`)."""
    memory: float = 0.9
    """The weight of what was a turn ago in what is slower."""
    refined: int = 8
    """Of each batch's points, so many nearest to a counterexample take gradient steps towards it."""
    refine_steps: int = 4
    """So many."""
    paved_batch: int = 128
    """Boxes paved at once."""
    paved_most: int = 200_000
    """What is left after so many boxes is left to another engine."""
    paved_tried: int = 2
    """Centres of a batch that are tried as witnesses."""
