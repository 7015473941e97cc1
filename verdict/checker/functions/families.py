"""What the functions' files say beside the functions: operators, powers and products, gathered into closed tables.

`FORMS` are ONNX operators by name (`onnx.py`); `POWERS` the functions, first to last, that z to an exponent is; `TIMES`
z f(z) by the functions f, outermost first.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any


@cache
def tables(name: str) -> dict[Any, Any]:
    """What the tables of this name hold together. Raises ValueError where two say something of one thing."""
    package = importlib.import_module(__package__ or "")
    found: dict[Any, Any] = {}
    for part in sorted(module.name for module in pkgutil.iter_modules(package.__path__)):
        table = getattr(importlib.import_module(f"{package.__name__}.{part}"), name, {})
        twice = found.keys() & table.keys()
        if twice:
            raise ValueError(f"{part}: {', '.join(map(str, twice))} stand in another file's table too")
        found.update(table)
    return found
