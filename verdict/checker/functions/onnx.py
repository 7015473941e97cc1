"""How an ONNX operator is a function: what the functions' own files say, for the table of operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Form:
    """`versions` as ONNX numbers them. `make` takes the attributes `reals`, numbers with their defaults, and `words`,
    all that one may be, the default first; it gives a function f, or (inner, f, outer) for outer f(inner z)."""

    versions: tuple[int, ...]
    make: Callable[..., Any]
    reals: dict[str, float] = field(default_factory=dict)
    words: dict[str, tuple[bytes, ...]] = field(default_factory=dict)

    def scaled(self, **given: Any) -> tuple[Fraction, Any, Fraction]:
        made = self.make(**given)
        return made if isinstance(made, tuple) else (Fraction(1), made, Fraction(1))
