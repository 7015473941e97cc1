"""The words that a written question may use, for one network and, where there is one, one input.

`x`, `y`, the sets and properties by name, and for an input its numbers `center` and the network's class `label`, which
the words then take by themselves: `near(0.02)` is the ball around the input, `stays()` says that its class stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from ...base.errors import PropertyError
from ..formula import all_of, any_of
from . import properties, sets
from .expression import Vector


def words(
    x: Vector,
    y: Vector,
    center: Sequence[Fraction] | None = None,
    label: int | None = None,
    shape: Sequence[int] = (),
    scores: Callable[[], Vector] | None = None,
) -> dict[str, Any]:
    """The vocabulary; `shape` is that of the input tensor. `scores` gives the outputs that are class scores, else all
    are; it may refuse."""

    def around(make: Callable[..., Any], *first: Any) -> Callable[..., Any]:
        def word(*values: Any, **named: Any) -> Any:
            if center is None:
                raise PropertyError(f"{make.__name__} needs an input (--input)")
            return make(x, center, *first, *values, **named)

        return word

    def about(make: Callable[..., Any]) -> Callable[..., Any]:
        def word(*values: Any, of: Any = label, **named: Any) -> Any:
            among = y if scores is None else scores()
            if of is None:
                raise PropertyError(f"{make.__name__} needs an input (--input), or of=CLASS")
            return make(among, _whole(of), *(v if make is properties.margin else _whole(v) for v in values), **named)

        return word

    known: dict[str, Any] = {
        "x": x,
        "y": y,
        "abs": abs,
        "all_of": lambda *formulas: all_of(formulas),
        "any_of": lambda *formulas: any_of(formulas),
        "box": lambda low, high: sets.box(x, low, high),
        "near": around(sets.near),
        "fixed": around(sets.fixed),
        "pixels": around(sets.pixels),
        "patch": around(lambda x, c, size, low, high: sets.patch(x, c, shape, _whole(size), low, high)),
        "few": around(lambda x, c, count, low, high: sets.few(x, c, shape, _whole(count), low, high)),
        "one_hot": sets.one_hot,
        "one_of": lambda entry, *values: sets.one_of(entry, values),
        "stays": about(properties.stays),
        "margin": about(properties.margin),
        "top": about(properties.top),
        "beats": about(properties.beats),
        "between": lambda low, high: properties.between(y, low, high),
        "moves": lambda before, theta: properties.moves(y, before, theta),
    }
    if center is not None:
        known["center"] = list(center)
    if label is not None:
        known["label"] = Fraction(label)
    return known


def _whole(value: Any) -> int:
    """A class, a size or a number of things."""
    number = sets.exactly(value)
    if number.denominator != 1:
        raise PropertyError(f"{number} where a whole number is expected")
    return int(number)
