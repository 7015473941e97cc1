"""Arrays in JSON: numbers of any shape as their bytes or, where they are exact, as text.

What was written is what is read. What is not known is refused by name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from . import arguments
from .errors import InputError
from .number import exact

# The types of arrays whose bytes are kept; all others become exact rationals.
BYTES = (
    "float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool",
)


def members(data: Any, known: Mapping[str, Any], what: str) -> dict[str, Any]:
    """A JSON object with no members but these. Raises InputError."""
    if not isinstance(data, Mapping):
        raise InputError(f"{what}: found {type(data).__name__}, expected an object")
    unknown = [name for name in data if name not in known]
    if unknown:
        raise InputError(f"{what}: {unknown[0]!r} is not known, expected {', '.join(known)}")
    return dict(data)


@dataclass(frozen=True)
class Array:
    """Numbers of any shape, row-major: the bytes of floats and integers (little-endian), else exact rationals."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes | tuple[Fraction, ...]

    @classmethod
    def of(cls, x: Any, what: str) -> Array:
        """What a caller passes as an array, or its JSON. Raises InputError."""
        if isinstance(x, Array):
            return x
        if isinstance(x, Mapping):
            return cls._from_json(x, what)
        try:
            values = np.asarray(x)
        except ValueError as error:  # rows of different lengths
            raise InputError(f"{what} is no array: {error}") from error
        if values.dtype.kind == "f" and values.dtype.itemsize > 8:
            values = values.astype(np.float64)
        if values.dtype.kind not in "fiubOU":
            raise InputError(f"{what} has type {values.dtype}, expected numbers")
        if values.dtype.kind in "OU":  # decimals as text, among others
            numbers = (exact(value, f"{what}, position {i}") for i, value in enumerate(values.ravel().tolist()))
            return cls("exact", values.shape, tuple(numbers))
        ordered = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        return cls(values.dtype.name, values.shape, ordered.tobytes())

    def values(self) -> npt.NDArray[Any]:
        """The numbers as a NumPy array; of Fractions where they are exact."""
        if isinstance(self.data, bytes):
            kind = np.dtype(self.dtype)
            return np.frombuffer(self.data, kind.newbyteorder("<")).astype(kind).reshape(self.shape)
        return np.array([*self.data, None], dtype=object)[:-1].reshape(self.shape)

    def to_json(self) -> dict[str, Any]:
        if isinstance(self.data, bytes):
            said: Any = {"base64": base64.b64encode(self.data).decode()}
        else:
            said = {"numbers": [str(number) for number in self.data]}
        return {"dtype": self.dtype, "shape": list(self.shape), **said}

    @classmethod
    def _from_json(cls, data: Mapping[str, Any], what: str) -> Array:
        found = members(data, dict.fromkeys(("dtype", "shape", "base64", "numbers")), what)
        shape = tuple(arguments.wholes(found.get("shape"), f"{what}: shape"))
        count, dtype = int(np.prod(shape, dtype=object)), found.get("dtype")
        if dtype == "exact" and set(found) == {"dtype", "shape", "numbers"}:
            numbers = tuple(exact(value, what) for value in arguments.several(found["numbers"], what))
            if len(numbers) == count:
                return cls("exact", shape, numbers)
        elif dtype in BYTES and set(found) == {"dtype", "shape", "base64"}:
            try:
                held = base64.b64decode(found["base64"], validate=True)
            except (binascii.Error, TypeError, ValueError):
                held = b""
            if len(held) == count * np.dtype(dtype).itemsize:
                return cls(dtype, shape, held)
        raise InputError(f"{what}: no array: found {', '.join(found)} of shape {shape}, expected as many numbers")

    def __repr__(self) -> str:
        data = self.data if isinstance(self.data, bytes) else repr(self.data).encode()
        return f"Array({self.dtype}, {self.shape}, {hashlib.sha256(data).hexdigest()[:12]})"
