"""What the functions' files say beside the functions: operators, powers and products, gathered into closed tables.

`FORMS` are ONNX operators by name (`onnx.py`); `POWERS` the functions, first to last, that z to an exponent is; `TIMES`
z f(z) by the functions f, outermost first.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ..gathered import gathered


@cache
def tables(name: str) -> dict[Any, Any]:
    """What the tables of this name hold together. Raises ValueError where two say something of one thing."""
    return gathered(__package__ or "", name)
