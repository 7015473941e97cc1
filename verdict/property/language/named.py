"""Features and classes by their names in formulas: `age >= 30`, `x["mean radius"] < 15`, `stays(benign)`.

A name that is an identifier stands for itself, another one with every other sign made an underscore: `mean_radius`.
What two names would share stands for none of them, and the words of the vocabulary stay what they are; in brackets,
`x["..."]` and `y["..."]`, every name is known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from .expression import Vector


def identifier(name: str) -> str:
    """A name as it can be written in a formula."""
    plain = re.sub(r"\W+", "_", name).strip("_")
    return f"_{plain}" if plain[:1].isdecimal() else plain


def named(known: dict[str, Any], x: Vector, features: Sequence[str], classes: Sequence[str]) -> dict[str, Any]:
    """The vocabulary with the names of features, which are inputs, and of classes, which are their numbers."""
    found = [(identifier(name), x[i]) for i, name in enumerate(features)]
    found += [(identifier(name), Fraction(i)) for i, name in enumerate(classes) if not name.isdecimal()]
    count = Counter(word for word, _ in found)
    return {word: value for word, value in found if word and count[word] == 1} | known
