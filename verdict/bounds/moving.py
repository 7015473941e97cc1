"""Which inputs of a box can move.

The box in floats around one decimal number has two neighbouring floats as its ends: a pixel that a query fixes at 0.3
seems to move. Nothing is found between neighbours, but a variable, a column or a pass for each of thousands of them
costs as much as for one that does move. So they count as fixed, and what lies between their ends is an error.
"""

from __future__ import annotations

from typing import Any

from ..network.maps.namespace import next_above


def moving(lower: Any, upper: Any) -> Any:
    """Which inputs have a float between their ends, of the shape of both."""
    return upper > next_above(lower)
