"""The closed table of all operators: what the files of this folder hold in their own, each operator once.

A file is one idea with the operators that share it: their versions, inputs, types and attributes, all that is allowed.
What is in no file's table is refused, so a new operator is a new file, or a row in one, and nothing else.
"""

from __future__ import annotations

from typing import Any

from ...gathered import gathered

# What reads nodes by the tables, and has none.
_READERS = ("operators", "reader")


def tables(name: str) -> dict[str, Any]:
    """What the tables of this name, OPERATORS or BEHIND, hold together. Raises ValueError where two name one operator.
    """
    return gathered(__package__ or "", name, _READERS)
