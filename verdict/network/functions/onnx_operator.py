"""Which ONNX operator a function is, as the function's own file says it: what makes a new function one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .base import Function


@dataclass(frozen=True)
class Scaled:
    """outer f(inner z)."""

    function: Function
    inner: Fraction = Fraction(1)
    outer: Fraction = Fraction(1)


@dataclass(frozen=True)
class Operator:
    """The operator `name` from operator set `since` on. `make` takes its attributes: the numbers with their defaults in
    `reals`, the words in `words` with all that they may be, the default first. It raises ValueError for values that are
    not read."""

    name: str
    since: int
    make: Callable[..., Scaled]
    reals: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def plain(name: str, since: int, function: Function) -> Operator:
    """An operator without attributes."""
    return Operator(name, since, lambda **given: Scaled(function))


def finite(name: str, value: Any, least: float) -> Fraction:
    """An attribute as the exact number that it is. Raises ValueError for one that is not above `least`, or infinite."""
    if not least < value < float("inf"):
        raise ValueError(f"{name} = {value}, expected a finite number above {least:g}")
    return Fraction(value)
