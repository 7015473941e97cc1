"""The ten properties of the ACAS Xu networks, as one would say them (Katz et al. 1702.01135, appendix VI).

A network scores five advisories for an encounter of two aircraft, and the least score is the advice. Encounters are
given here in feet, radians and feet per second; the networks, and the VNN-LIB files of VNN-COMP, which these formulas
equal exactly, take them normalised and rounded to nine decimals.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from ...base.errors import PropertyError
from ..formula import Formula, all_of, any_of
from .expression import Vector
from .sets import box, exactly

CLEAR, WEAK_LEFT, WEAK_RIGHT, STRONG_LEFT, STRONG_RIGHT = ADVISORIES = range(5)
# Input by input: the intruder's distance rho, its direction theta, its heading psi, the own speed and the intruder's;
# each the mean and the range by which it is normalised.
INPUTS = {
    "rho": ("19791.091", "60261"),
    "theta": ("0", "6.28318530718"),
    "psi": ("0", "6.28318530718"),
    "v_own": ("650", "1100"),
    "v_int": ("600", "1200"),
}
SCORE_MEAN, SCORE_RANGE = "7.5188840201005975", "373.94992"
DECIMALS = 9
PI = exactly("3.141592653589793")
# What properties 5 to 10 take for it.
SHORT_PI = exactly("3.141592")


def encounter(x: Vector, **ranges: tuple[Any, Any]) -> Formula:
    """Encounters with each of `INPUTS` in its range (low, high), in feet, radians and feet per second."""
    low, high = ([_normalised(name, ranges[name][side]) for name in INPUTS] for side in (0, 1))
    return box(x, low, high)


def _normalised(name: str, value: Any) -> Fraction:
    mean, spread = INPUTS[name]
    return round((exactly(value) - exactly(mean)) / exactly(spread), DECIMALS)


def score(value: Any) -> Fraction:
    """A score as the network gives it, rounded to fifteen decimals."""
    return round((exactly(value) - exactly(SCORE_MEAN)) / exactly(SCORE_RANGE), 15)


def advises(y: Vector, advisory: int) -> Formula:
    """This is the advice: it scores strictly less than every other one."""
    return all_of(y[advisory] < y[other] for other in ADVISORIES if other != advisory)


def least(y: Vector, advisory: int) -> Formula:
    """None scores less; others may score the same."""
    return all_of(y[advisory] <= y[other] for other in ADVISORIES if other != advisory)


def greatest(y: Vector, advisory: int) -> Formula:
    """None scores more; others may score the same."""
    return all_of(y[advisory] >= y[other] for other in ADVISORIES if other != advisory)


def acasxu(number: int, x: Vector, y: Vector) -> tuple[Formula, Formula]:
    """(that, given) of a property, 1 to 10, over the inputs and outputs of an ACAS Xu network. Raises PropertyError."""
    if number not in PROPERTIES:
        raise PropertyError(f"ACAS Xu has no property {number}, expected 1 to {len(PROPERTIES)}")
    if (len(x), len(y)) != (len(INPUTS), len(ADVISORIES)):
        raise PropertyError(f"a network of {len(x)} inputs and {len(y)} outputs, expected 5 and 5 as in ACAS Xu")
    return PROPERTIES[number](x, y)


def _distant_scores_low(x: Vector, y: Vector) -> tuple[Formula, Formula]:
    """1: an intruder that is distant and much slower: "clear of conflict" scores less than 1500."""
    return y[CLEAR] < score(1500), _distant_and_slower(x)


def _distant_is_not_worst(x: Vector, y: Vector) -> tuple[Formula, Formula]:
    """2: an intruder that is distant and much slower: "clear of conflict" is not the worst advice."""
    return ~greatest(y, CLEAR), _distant_and_slower(x)


def _distant_and_slower(x: Vector) -> Formula:
    return encounter(x, rho=("55947.691", 60760), theta=(-PI, PI), psi=(-PI, PI), v_own=(1145, 1200), v_int=(0, 60))


def _towards(x: Vector, y: Vector) -> tuple[Formula, Formula]:
    """3: an intruder straight ahead that moves towards us: not "clear of conflict"."""
    ahead, facing = ("-0.06", "0.06"), ("3.1", PI)
    given = encounter(x, rho=(1500, 1800), theta=ahead, psi=facing, v_own=(980, 1200), v_int=(960, 1200))
    return ~least(y, CLEAR), given


def _away_but_slower(x: Vector, y: Vector) -> tuple[Formula, Formula]:
    """4: an intruder straight ahead that moves away, but slower than we do: not "clear of conflict"."""
    ahead, away = ("-0.06", "0.06"), (0, 0)
    given = encounter(x, rho=(1500, 1800), theta=ahead, psi=away, v_own=(1000, 1200), v_int=(700, 800))
    return ~least(y, CLEAR), given


def _near_from_the_left(x: Vector, y: Vector) -> tuple[Formula, Formula]:
    """5: an intruder that is near and comes from the left: "strong right"."""
    heading = (-SHORT_PI, -SHORT_PI + exactly("0.005"))
    given = encounter(x, rho=(250, 400), theta=("0.2", "0.4"), psi=heading, v_own=(100, 400), v_int=(0, 400))
    return advises(y, STRONG_RIGHT), given


def _far_away(x: Vector, y: Vector) -> tuple[Formula, Formula]:
    """6: an intruder that is far away, to the left or to the right: "clear of conflict"."""
    heading = (-SHORT_PI, -SHORT_PI + exactly("0.005"))
    sides = [("0.7", SHORT_PI), (-SHORT_PI, "-0.7")]
    given = any_of(
        encounter(x, rho=(12000, 62000), theta=side, psi=heading, v_own=(100, 1200), v_int=(0, 1200)) for side in sides
    )
    return advises(y, CLEAR), given


def _vertical_separation(x: Vector, y: Vector) -> tuple[Formula, Formula]:
    """7: much vertical separation, wherever the intruder is: never a strong turn."""
    around = (-SHORT_PI, SHORT_PI)
    given = encounter(x, rho=(0, 60760), theta=around, psi=around, v_own=(100, 1200), v_int=(0, 1200))
    mild = (CLEAR, WEAK_LEFT, WEAK_RIGHT)
    return all_of(any_of(y[i] < y[turn] for i in mild) for turn in (STRONG_LEFT, STRONG_RIGHT)), given


def _vertical_separation_and_weak_left(x: Vector, y: Vector) -> tuple[Formula, Formula]:
    """8: much vertical separation, and "weak left" before: "clear of conflict" or still "weak left"."""
    behind = (-SHORT_PI, exactly("-0.75") * SHORT_PI)
    given = encounter(x, rho=(0, 60760), theta=behind, psi=("-0.1", "0.1"), v_own=(600, 1200), v_int=(600, 1200))
    others = (WEAK_RIGHT, STRONG_LEFT, STRONG_RIGHT)
    return all_of((y[CLEAR] < y[i]) | (y[WEAK_LEFT] < y[i]) for i in others), given


def _near_from_the_right(x: Vector, y: Vector) -> tuple[Formula, Formula]:
    """9: an intruder that is near, and "weak right" before: "strong left"."""
    heading = (-SHORT_PI, -SHORT_PI + exactly("0.01"))
    given = encounter(x, rho=(2000, 7000), theta=("-0.4", "-0.14"), psi=heading, v_own=(100, 150), v_int=(0, 150))
    return advises(y, STRONG_LEFT), given


def _far_to_the_left(x: Vector, y: Vector) -> tuple[Formula, Formula]:
    """10: an intruder that is far away to the left: "clear of conflict"."""
    heading = (-SHORT_PI, -SHORT_PI + exactly("0.01"))
    given = encounter(x, rho=(36000, 60760), theta=("0.7", SHORT_PI), psi=heading, v_own=(900, 1200), v_int=(600, 1200))
    return advises(y, CLEAR), given


PROPERTIES: dict[int, Callable[[Vector, Vector], tuple[Formula, Formula]]] = {
    1: _distant_scores_low,
    2: _distant_is_not_worst,
    3: _towards,
    4: _away_but_slower,
    5: _near_from_the_left,
    6: _far_away,
    7: _vertical_separation,
    8: _vertical_separation_and_weak_left,
    9: _near_from_the_right,
    10: _far_to_the_left,
}
