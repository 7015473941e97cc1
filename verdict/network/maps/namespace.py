"""The few array operations whose spelling differs between NumPy and the other array libraries.

NumPy is the default and must cost nothing extra, so it is asked for first; everything else goes through
`array-api-compat`. Code elsewhere uses operators, `reshape`, slices and these helpers only.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def namespace(x: Any) -> Any:
    """The array API namespace of `x`: NumPy itself for NumPy arrays."""
    if isinstance(x, np.ndarray):
        return np
    from array_api_compat import array_namespace

    return array_namespace(x)


def zeros_like_shape(x: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of the given shape in the library, dtype and device of `x`."""
    if isinstance(x, np.ndarray):
        return np.zeros(shape, dtype=x.dtype)
    from array_api_compat import device

    return namespace(x).zeros(shape, dtype=x.dtype, device=device(x))


def product(a: Any, b: Any) -> Any:
    """a @ b. OpenBLAS's kernels may raise the processor's "invalid" flag on lanes that they then drop, so NumPy's
    warning about it says nothing; whoever needs finite results checks them."""
    with np.errstate(invalid="ignore"):
        return a @ b
