"""What the importer makes of an operator's results: their element types, and how far a run in floats may be off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..lowering import Constant, LoweringError, Operator, Value

# How long a sum the self-check allows for in a constant that is computed.
MOST_TERMS = 1024
# And how many units in the last place for a function of constants, such as Exp.
IN_A_FUNCTION = 16


def rounded(value: Constant, made_of: Sequence[Constant], operator: Operator) -> Constant:
    """The value of a folded node, which is exact here, with the roundings of a run that computes it in floats."""
    most = max((c.roundings for c in made_of), default=0)
    if operator.lower is None:
        most += IN_A_FUNCTION
    elif not operator.moves and value.is_float:
        # An entry of the result is no sum of more terms than the largest operand has entries.
        largest = max((c.array.size for c in made_of), default=0)
        most += 2 if value.array.size >= largest else 2 + min(largest, MOST_TERMS)
    return replace(value, roundings=most)


def typed(value: Value, kinds: frozenset[str]) -> Value:
    """The value with the element type that the operator's table gives its output, or leaves to the lowering."""
    if len(kinds) == 1:
        (kind,) = kinds
        return value.of_kind(kind)
    if value.kind not in kinds:
        raise LoweringError(f"a result of type {value.kind}, expected {', '.join(sorted(kinds))}")
    return value
