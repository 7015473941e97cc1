"""All pointwise functions, and the ONNX operators, powers and products that they are, found by looking into the files
of this folder."""

from __future__ import annotations

import importlib
import pkgutil
from fractions import Fraction
from functools import cache
from typing import Any

from .base import Function
from .onnx_operator import Operator


@cache
def operators() -> dict[str, Operator]:
    """The operators that a function's own file declares, by name."""
    return {o.name: o for module in _modules() for o in getattr(module, "OPERATORS", ())}


@cache
def powers() -> dict[Fraction, tuple[Function, ...]]:
    """The functions, first to last, that z to a constant exponent is, in the files' `POWERS`; z itself is none."""
    return {Fraction(1): (), **_tables("POWERS")}


@cache
def times() -> dict[tuple[Function, ...], Function]:
    """z f(z) by functions f, outermost first: the files' `TIMES`."""
    return _tables("TIMES")


def functions() -> list[Function]:
    """One instance of every function, by name."""
    values = (value for module in _modules() for value in vars(module).values())
    found = {value.name: value for value in values if isinstance(value, Function)}
    return [found[name] for name in sorted(found)]


def _tables(name: str) -> dict[Any, Any]:
    """What the files' tables of that name hold together. Raises ValueError where two say something of one thing."""
    found: dict[Any, Any] = {}
    for module in _modules():
        table = getattr(module, name, {})
        if found.keys() & table.keys():
            raise ValueError(f"{name}: {found.keys() & table.keys()} stand in another file's table too")
        found.update(table)
    return found


@cache
def _modules() -> tuple[object, ...]:
    from verdict.network import functions as package

    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(importlib.import_module(f"{package.__name__}.{name}") for name in names if name != "registry")
