"""How a search by splits ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..answer import credit
from ..answer.credit import Credits


@dataclass(frozen=True, eq=False)
class Outcome:
    """How a search ended: proved, or not and the least lower bound left; domains visited; the share of the
    space that is proved (each split halves it). Only a search stopped by its clock is `resumable`: any other end
    leaves domains behind that nobody has closed. It is `refuted` where a counterexample was found. `ways` says who has
    closed what of that share; seconds of its own the search leaves to who called it (`credited`). `ahead` are the
    seconds of processor time that it expects to need yet, where it can tell better than by the share."""

    proved: bool
    lower: float
    domains: int
    reason: str = ""
    share: float = 0.0
    resumable: bool = False
    refuted: bool = False
    ways: Credits = field(default_factory=dict)
    ahead: float | None = None


def credited(outcome: Outcome, name: str, seconds: float) -> Credits:
    """Who has closed what in a search, with the seconds that it took as its way's own but for what others took in it;
    where it has found a counterexample, that is the way's too."""
    ways: Credits = {}
    credit.add(ways, outcome.ways)
    own = credit.of(ways, name)
    own.seconds += max(0.0, seconds - sum(each.seconds for each in ways.values()))
    own.found |= outcome.refuted
    return ways
