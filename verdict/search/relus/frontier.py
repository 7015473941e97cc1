"""How many domains a search that takes the worst first needs yet, by how fast its least bound rises.

The easy domains are closed first, so the share that is closed is near one long before the end. But if splits gain about
the same, the worst domains are replaced by twice as many with each gain: the least bound rises with the logarithm of
the number of domains visited, and where that line meets zero the search ends.
"""

from __future__ import annotations

from math import exp, inf, isfinite, log

# So many times the domains visited is more than this line can tell, or what splits gain (`tree_size`).
ENDLESS = 100.0


class Frontier:
    """The least bounds of the open domains, beside how many were visited."""

    def __init__(self) -> None:
        self._points: list[tuple[int, float]] = []

    def saw(self, visited: int, least: float) -> None:
        """Take the least bound after so many domains, more of them each time."""
        if isfinite(least):
            self._points.append((visited, least))

    @property
    def domains(self) -> float:
        """How many domains are to be visited yet, by the line through the last point and the last one with half of its
        domains or less; infinitely many where nobody knows."""
        if not self._points:
            return inf
        visited, least = self._points[-1]
        earlier = [point for point in self._points if 0 < 2 * point[0] <= visited]
        if not earlier:
            return inf
        before, lower = earlier[-1]
        if least <= lower:
            return inf
        power = -least * log(visited / before) / (least - lower)
        return visited * (exp(power) - 1) if power < log(ENDLESS) else inf
