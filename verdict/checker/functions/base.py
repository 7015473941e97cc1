"""What the kernel and the arithmetics ask of a pointwise function f. What it returns is proved, none of it a hint."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Protocol


class Function(Protocol):
    """Bounds [low, high] are arrays (batch, size) of floats; splits may be at any threshold, since a split only cuts
    these bounds."""

    # Whether `value` gives f of rationals; else only `between` does.
    is_rational: bool
    # Whether float32 evaluations round its values.
    rounds: bool
    # Whether it jumps.
    jumps: bool
    name: str
    # What Taylor models (`checker/models/expansions.py`) go by, of those a function has: the coefficients of P with
    # f' = P(f), the function that f' is, the g of z g(z), quarters of a turn ahead of sine, or the exponent of a power.
    # Of a derivative what it is the derivative of, and of which order.
    #   law: tuple[int, ...]; slope: Function; factor: Function; quarters: int; exponent: int
    #   base: Function; order: int
    # Of one that jumps where neurons may be split the upper ends of [low, high] of those that were split to z <= top,
    # without the jump itself.
    #   halves: Callable[[Any, Any, Any], Any]

    def value(self, top: Any, under: int) -> tuple[Any, int]:
        """f of the rationals top / under, entry by entry, exactly."""

    def between(self, low: Fraction, high: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        """Rationals between which f lies on [low, high], about 2^-bits wider than they have to be."""

    def interval(self, low: Any, high: Any) -> tuple[Any, Any]:
        """Ends between which f lies on [low, high]."""

    def worth(self, low: Any, high: Any, also: Any) -> Any:
        """Where better bounds than [low, high] may help: f bends there, or, of those `also`, is not surely constant."""

    def slopes(self, low: Any, high: Any, below: Any, above: Any, split: Any) -> tuple[Any, Any]:
        """Slopes of a line below f and of one above: the function's own, or `below` and `above` where
        these are given, are numbers and neurons are not `split`; brought to where they are sound. None: none given."""

    def rise(self, low: Any, high: Any, below: Any) -> Any:
        """min over z in [low, high] of f(z) - below z, or less; None where it is 0 for all slopes that are sound."""

    def gap(self, low: Any, high: Any, above: Any) -> Any:
        """max over z in [low, high] of f(z) - above z, or more."""

    def least(self, nu: Fraction, mu: Fraction, low: Fraction, high: Fraction) -> Fraction:
        """min over z in [low, high] of nu f(z) - mu z, exactly, or less."""

    def is_exact(self, below: Fraction, above: Fraction) -> bool:
        """Whether the two slopes are those of f itself, so that a multiplier need not be rounded to stay short."""


def exponent_of(function: Any) -> int:
    """n of z^n, 0 for other functions."""
    return int(getattr(function, "exponent", 0))
