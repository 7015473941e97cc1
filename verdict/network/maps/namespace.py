"""The few array operations whose spelling differs between NumPy and the other array libraries.

NumPy is the default and must cost nothing extra, so it is asked for first; everything else goes through
`array-api-compat`, which NumPy users need not have. Code elsewhere uses operators, `reshape`, `clip`, slices, the
functions of the array API standard, and these helpers; it never asks which library it works for.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt


def namespace(x: Any) -> Any:
    """The array API namespace of `x`: NumPy itself for NumPy arrays, and for the numbers that it makes of one entry."""
    if isinstance(x, np.ndarray | np.generic):
        return np
    from array_api_compat import array_namespace

    return array_namespace(x)


def zeros_like_shape(x: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of the given shape in the library, dtype and device of `x`."""
    if isinstance(x, np.ndarray):
        return np.zeros(shape, dtype=x.dtype)
    return namespace(x).zeros(shape, dtype=x.dtype, device=x.device)


def empty_like_shape(x: Any, shape: tuple[int, ...]) -> Any:
    """The same without numbers in it yet, for whoever writes every entry."""
    return np.empty(shape, dtype=x.dtype) if isinstance(x, np.ndarray) else zeros_like_shape(x, shape)


def cast(x: Any, dtype: Any) -> Any:
    """A copy of `x` in another type of its own library, or one named as NumPy names it (`np.float32`, "float32")."""
    if isinstance(x, np.ndarray):
        return x.astype(dtype)
    xp = namespace(x)
    own = dtype if isinstance(dtype, type(x.dtype)) else getattr(xp, np.dtype(dtype).name)
    return xp.astype(x, own)


@cache
def float_info(dtype: Any) -> np.finfo[Any]:
    """NumPy's facts about a float type of any library (`eps`, `tiny`): the types are IEEE-754's everywhere."""
    # Other libraries write a type as "library.float32".
    name = dtype if isinstance(dtype, (np.dtype, type)) else str(dtype).rpartition(".")[2]
    info: np.finfo[Any] = np.finfo(name)
    return info


def next_above(x: Any) -> Any:
    """The next float above each entry."""
    if isinstance(x, np.ndarray):
        return np.nextafter(x, np.inf)
    xp = namespace(x)
    return xp.nextafter(x, xp.full_like(x, np.inf))


def next_below(x: Any) -> Any:
    """The next float below each entry."""
    if isinstance(x, np.ndarray):
        return np.nextafter(x, -np.inf)
    xp = namespace(x)
    return xp.nextafter(x, xp.full_like(x, -np.inf))


def positive(x: Any) -> Any:
    """max(x, 0)."""
    return np.maximum(x, 0) if isinstance(x, np.ndarray) else x.clip(0, None)


def negative(x: Any) -> Any:
    """min(x, 0)."""
    return np.minimum(x, 0) if isinstance(x, np.ndarray) else x.clip(None, 0)


def product(a: Any, b: Any) -> Any:
    """a @ b. OpenBLAS's kernels may raise the processor's "invalid" flag on lanes that they then drop, so NumPy's
    warning about it says nothing; whoever needs finite results checks them."""
    with np.errstate(invalid="ignore"):
        return a @ b


def segment_maximum(x: Any, starts: npt.NDArray[np.intp]) -> Any:
    """The maximum of each run of columns: `x` is (batch, columns), run k is from starts[k] to before the next.

    The runs must not be empty; the result is (batch, runs).
    """
    if isinstance(x, np.ndarray):
        return np.maximum.reduceat(x, starts, axis=1)
    xp, ends = namespace(x), [*starts[1:].tolist(), x.shape[1]]
    return xp.stack([xp.max(x[:, a:b], axis=1) for a, b in zip(starts.tolist(), ends, strict=True)], axis=1)


def largest(x: Any, count: int) -> Any:
    """The positions (batch, count) of the `count` largest entries of each row of `x` (batch, columns), in any order."""
    if isinstance(x, np.ndarray):
        return np.argpartition(-x, count - 1, axis=1)[:, :count]
    return namespace(x).argsort(x, axis=1, descending=True)[:, :count]


class Constant:
    """A constant array, positions or numbers, with a copy on each device that it was used on."""

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self.values = values
        self._placed: dict[Any, Any] = {}

    def __len__(self) -> int:
        return len(self.values)

    def like(self, x: Any) -> Any:
        """The array where `x` is, in its own type."""
        if isinstance(x, np.ndarray):
            return self.values
        if x.device not in self._placed:
            # A copy: other libraries want writable memory.
            self._placed[x.device] = namespace(x).asarray(self.values.copy(), device=x.device)
        return self._placed[x.device]
