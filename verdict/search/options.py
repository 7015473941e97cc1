"""What all searches can be told, in one value: it is passed down to whoever needs a part of it.

The numbers are measured; no answer depends on them, only how soon it comes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .boxes.options import BoxOptions
from .relus.options import ReluOptions


@dataclass(frozen=True)
class SearchOptions:
    """For `branch_and_bound`, which chooses between searches over boxes and over neurons, for those, and for what asks
    Z3 a last question (`settle`, `reach`)."""

    only: str = ""
    """The only search to make, by its name in `answer.credit`; empty for those that may win. To measure it alone."""
    few_inputs: int = 12
    """With at most so many inputs that can vary, boxes are halved and no neurons are split by themselves."""
    most_inputs: int = 40
    """With at most so many, boxes are halved and neurons split in turn; beyond, neurons are split."""
    few_relus: int = 24
    """With at most so many unstable neurons there are few linear regions: splitting neurons ends, and its leaves are
    linear programs, while boxes would have to shrink without end around a tie."""
    short: int = 10
    """With at most so many unstable neurons the search is never begun again behind better bounds."""
    rounds: int = 8
    """Splits per hidden neuron in the first sharpening of bounds that splits any."""
    growth: int = 4
    """By how much each sharpening outdoes the last."""
    least_search: float = 0.3
    """Seconds that a search over neurons gets at least: of processor time, so that the same search is made, and the
    same proof found, whatever else the machine does."""
    share: float = 0.3
    """Its share of what sharpening took, where that is more."""
    saturated: float = 0.95
    """Sharpening that leaves more than this share of the unstable neurons unstable is the last: no bound gets much
    better."""
    most_coefficients: int = 200_000
    """Networks with more coefficients than this are nothing for Z3, and exact points in them are dear."""
    boxes: BoxOptions = field(default_factory=BoxOptions)
    relus: ReluOptions = field(default_factory=ReluOptions)


DEFAULTS = SearchOptions()
