"""The dual function behind a bound of a margin, for whoever wants to see weak and strong duality."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from ..base.errors import InputError
from .prepared import box_at, prepared
from .question import Question

if TYPE_CHECKING:
    from ..search.neurons.duality import Duality


def duality_of(question: Question) -> list[Duality]:
    """The dual functions of the margin with the least bound and of minus it, for a question of the kind bounds. Raises
    InputError for a set that is no box."""
    from ..search.neurons.duality import dualities

    ready = prepared(question)
    if question.domain.norm not in (None, "linf"):
        raise InputError(f"--dual is about boxes, not about the norm {question.domain.norm}")
    return dualities(ready.network.graph, box_at(ready, question.domain.eps or Fraction(0)), ready.unsafe)
