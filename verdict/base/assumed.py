"""What is assumed of whoever computes the functions of a network in float32, for the question that is being answered.

A proof for every float32 evaluation needs to know how far a computed exp may be off, and no standard says so. A user
may say it (`--assume-ulp 4`); then networks are read as they are written, operation by operation, and certificates
say it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from fractions import Fraction
from typing import Any

from .errors import InputError
from .number import exact

# Half a unit in the last place (ulp) is a correctly rounded value; beyond the most nothing is worth an assumption.
LEAST, MOST = Fraction(1, 2), Fraction(2**16)

_assumed: ContextVar[Fraction | None] = ContextVar("assumed", default=None)
_literal: ContextVar[bool] = ContextVar("literal", default=False)


def assumed() -> Fraction | None:
    """Within how many ulps every function is assumed to be computed; None: nothing is assumed."""
    return _assumed.get()


@contextlib.contextmanager
def assuming(ulps: str | None) -> Iterator[None]:
    """While inside, in this thread, this is assumed, an exact number; None: what was assumed before."""
    before = _assumed.set(_assumed.get() if ulps is None else Fraction(ulps))
    try:
        yield
    finally:
        _assumed.reset(before)


def is_literal() -> bool:
    """Whether networks are read product by product, also where a product is a function of one number."""
    return _literal.get() or assumed() is not None


@contextlib.contextmanager
def literally() -> Iterator[None]:
    """While inside, in this thread, they are."""
    before = _literal.set(True)
    try:
        yield
    finally:
        _literal.reset(before)


def read(value: Any, what: str) -> str | None:
    """A number of ulps as text. Raises InputError."""
    if value is None:
        return None
    found = exact(value, what)
    if not LEAST <= found <= MOST:
        raise InputError(f"{what} is {value}, expected a number of ulps from {LEAST} to {MOST}")
    return str(found)
