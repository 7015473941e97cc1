"""Who closed what: for each way of working on a question the time that it had, and the share of the question it closed.

The share of a yes or no counts polytopes of the unsafe set alike, and a halving as halves. That of a radius is the part
of [0, upper end] by which a way has raised the lower end, the mean over the polytopes. Ways that work in turn on the
same whole say each what they have closed, so shares may add up to more than one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

# The ways that are a stage of their own, by the first word of its name.
STAGES = ("attack", "bounds", "milp", "smt")
# Halving boxes, the same in the reduced form, splitting ReLUs, linear programs, planes over edges, and splits with
# bounds found anew on domains.
BOXES, ZOOM, RELUS, PROGRAMS, PLANES, ANEW = "boxes", "zoom", "relus", "programs", "planes", "anew"


@dataclass
class Credit:
    """What one way has done: `seconds` of wall time at work, beside others perhaps; the share it has `closed`; whether
    it has `found` the witness of the answer."""

    seconds: float = 0.0
    closed: float = 0.0
    found: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {"seconds": round(self.seconds, 6), "closed": round(min(self.closed, 1.0), 9), "found": self.found}


# By the name of the way: attack, bounds, boxes, zoom, relus, programs, planes, anew, milp, smt.
Credits = dict[str, Credit]


def of(ways: Credits, name: str) -> Credit:
    """The entry of one way, made where there is none yet."""
    return ways.setdefault(name, Credit())


def add(ways: Credits, others: Mapping[str, Credit], weight: float = 1.0, found: bool = True) -> None:
    """Add what was done about a part of the question, which is so much of the whole; a witness counts if `found`."""
    for name, other in others.items():
        own = of(ways, name)
        own.seconds += other.seconds
        own.closed += weight * other.closed
        own.found |= found and other.found


def beside(ways: Credits, others: Mapping[str, Credit]) -> None:
    """Add what was done about the same whole: of the shares of one way the larger counts."""
    for name, other in others.items():
        own = of(ways, name)
        own.seconds += other.seconds
        own.closed = max(own.closed, other.closed)
        own.found |= other.found


def shares(ways: Mapping[str, Credit]) -> dict[str, float]:
    """What each way has closed of what all have closed."""
    whole = sum(credit.closed for credit in ways.values())
    return {name: credit.closed / whole for name, credit in ways.items() if credit.closed} if whole else {}


def text(ways: Mapping[str, Credit]) -> str:
    """`bounds 81 % in 0.12 s, relus 19 % in 1.30 s, attack found the witness in 0.05 s`: the largest shares first."""
    parts = []
    for name, credit in sorted(ways.items(), key=lambda item: -item[1].closed):
        said = [f"{100 * min(credit.closed, 1.0):.3g} %"] if credit.closed else []
        said += ["the witness"] if credit.found else []
        parts.append(f"{name} {' and '.join(said) or 'nothing'} in {credit.seconds:.2f} s")
    return ", ".join(parts)


class Raises:
    """How far which ways have raised the lower end of each of several polytopes."""

    def __init__(self, count: int) -> None:
        # Of each polytope the ends that it has had, ascending, and what share of the last rise each way has.
        self._steps: list[list[tuple[Fraction, Mapping[str, float]]]] = [[] for _ in range(count)]

    def note(self, number: int, end: Fraction, by: Mapping[str, float]) -> None:
        """The lower end of a polytope has risen to this."""
        steps = self._steps[number]
        if steps and steps[-1][1] == by:
            steps.pop()
        steps.append((end, by))

    def drop(self, number: int) -> None:
        """What was proved of a polytope does not hold."""
        self._steps[number].clear()

    def closed(self, cap: Fraction) -> dict[str, float]:
        """The share of [0, cap] that each way has closed, the mean over all polytopes."""
        found: dict[str, float] = {}
        for steps in self._steps:
            before = Fraction(0)
            for end, by in steps:
                risen = float((min(end, cap) - before) / cap) if cap > before else 0.0
                before = max(before, min(end, cap))
                for way, share in by.items():
                    found[way] = found.get(way, 0.0) + risen * share / len(self._steps)
        return found
