"""How a search by splits ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Outcome:
    """How a search ended: proved, or not and the least lower bound left; domains visited; the share of the
    space that is proved (each split halves it). Only a search stopped by its clock is `resumable`: any other end
    leaves domains behind that nobody has closed. It is `refuted` where a counterexample was found."""

    proved: bool
    lower: float
    domains: int
    reason: str = ""
    share: float = 0.0
    resumable: bool = False
    refuted: bool = False
