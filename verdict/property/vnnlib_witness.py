"""A counterexample in the text form that VNN-COMP asks for: every input and output on a line of its own."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from ..base.errors import PropertyError
from ..network.exact import nearest_float


def witness_text(inputs: Iterable[float | Fraction], outputs: Iterable[float | Fraction]) -> str:
    """`((X_0 0.5)`, `(X_1 ...)`, ..., `(Y_0 ...))`, in lines; arrays are taken in row-major order.

    Floats are written with as many digits as give them back exactly, fractions as their nearest float64.
    Raises PropertyError for a number that is not finite.
    """
    lines = []
    for letter, values in (("X", inputs), ("Y", outputs)):
        flat = values.ravel().tolist() if isinstance(values, np.ndarray) else values
        for i, value in enumerate(flat):
            number = nearest_float(value) if isinstance(value, Fraction) else float(value)
            if not np.isfinite(number):
                raise PropertyError(f"{letter}_{i} of the counterexample is {number}, expected it finite")
            lines.append(f"({letter}_{i} {number!r})")
    return f"({chr(10).join(lines)})"
