"""Lines that hold a function from both sides on an interval (Zhang et al. 1811.00866)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from .base import Function
from .planes import Planes


@dataclass(frozen=True, eq=False)
class Lines:
    """For a layer of neurons, arrays (batch, size): mu = below * nu where nu >= 0, above * nu elsewhere, plus `shift`.

    On [low, high] f(z) >= below * z + `rise` (None: 0), and `gap` >= f(z) - above * z. `shift` is -beta on neurons
    split to z >= t and beta on those split to z <= t, beta >= 0: it adds -shift * t, with the thresholds t in `at`;
    None: they are all 0. With `raw` the multipliers are these, and nothing is known about them. `planes` (batch, edges)
    are stored slopes of planes over edges, for whoever knows the edges (`small/planes.py`).
    """

    function: Function
    below: Any
    above: Any
    gap: Any
    rise: Any
    shift: Any
    low: Any
    high: Any
    raw: Any = None
    at: Any = None
    planes: Any = None


# What holds a node that is not linear.
Around: TypeAlias = Lines | Planes


def lines(function: Function, ends: tuple[Any, Any], below: Any = None, shift: Any = None, chords: Any = None,
          split: Any = False) -> Lines:
    """The lines of a function for bounds, each (batch, size): its own, or with the slopes `below` and `chords` where
    these are numbers and neurons were not `split`."""
    low, high = ends
    floor, above = function.slopes(low, high, below, chords, split)
    offsets = function.gap(low, high, above), function.rise(low, high, floor)
    return Lines(function, floor, above, *offsets, shift, low, high)
