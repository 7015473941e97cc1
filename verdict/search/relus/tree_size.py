"""How large a tree of splits will get, by what the latest splits gained (Le Bodic and Nemhauser 2017).

The share of the space that is closed says little where the worst domains come first: it rises when they are done. What
a split gains says more: if its halves are better than their parent by l and r, a domain that misses m takes about phi^m
more domains, with the phi for which phi^-l + phi^-r is one.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, inf, isfinite, log

from .frontier import ENDLESS

# The weight of a new split in what splits usually gain.
FRESH = 0.3
# The largest power of e that is taken.
TOO_FAST = 500.0


class TreeSize:
    """What splits gain: the mean of the poorer half, and of the better one."""

    def __init__(self) -> None:
        self._gains: tuple[float, float] | None = None

    @property
    def is_known(self) -> bool:
        """Whether a split was taken."""
        return self._gains is not None

    def learn(self, parent: float, halves: Iterable[float]) -> None:
        """Take the bound of a domain and those of its two halves, negative where they are open."""
        poorer, better = sorted(max(0.0, min(half, 0.0) - parent) for half in halves)
        old = self._gains or (poorer, better)
        self._gains = old[0] + FRESH * (poorer - old[0]), old[1] + FRESH * (better - old[1])

    def domains(self, missing: Iterable[float]) -> float:
        """How many domains open ones that miss so much will take yet; infinitely many where nobody knows."""
        if self._gains is None:
            return inf
        rate = _rate(*self._gains)
        return sum(exp(rate * each) if rate * each < TOO_FAST else inf for each in missing)

    def seconds(self, missing: Iterable[float], taken: int, spent: float) -> float:
        """How long these will take, where domains `taken` so far took the seconds `spent`; without end beyond what
        splits can tell."""
        times = self.domains(missing) / max(1, taken)
        return times * spent if times < ENDLESS else inf


def _rate(poorer: float, better: float) -> float:
    """The logarithm of phi."""
    if poorer <= 0:
        return inf
    # Both halves gain as much as the better one, or as the poorer one.
    low, high = log(2) / better, log(2) / poorer
    if not isfinite(high):
        return inf
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        if exp(-middle * poorer) + exp(-middle * better) > 1:
            low = middle
        else:
            high = middle
    return high
