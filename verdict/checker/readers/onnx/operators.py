"""The closed table of all operators: what the files of this folder hold in their own, each operator once.

A file is one idea with the operators that share it: their versions, inputs, types and attributes, all that is allowed.
What is in no file's table is refused, so a new operator is a new file, or a row in one, and nothing else.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

# What reads nodes by the tables, and has none.
_READERS = ("operators", "reader")


def tables(name: str) -> dict[str, Any]:
    """What the tables of this name, OPERATORS or BEHIND, hold together. Raises ValueError where two name one operator.
    """
    package = importlib.import_module(__package__ or "")
    found: dict[str, Any] = {}
    for part in sorted(module.name for module in pkgutil.iter_modules(package.__path__)):
        if part in _READERS:
            continue
        table = getattr(importlib.import_module(f"{__package__}.{part}"), name, {})
        twice = found.keys() & table.keys()
        if twice:
            raise ValueError(f"{part}: {', '.join(sorted(twice))} stand in another file's table too")
        found.update(table)
    return found
