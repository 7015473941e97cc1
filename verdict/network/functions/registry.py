"""All pointwise functions and the ONNX operators that they are, found by looking into the files of this folder."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from .base import Function
from .onnx_operator import Operator


@cache
def operators() -> dict[str, Operator]:
    """The operators that a function's own file declares, by name."""
    return {o.name: o for module in _modules() for o in getattr(module, "OPERATORS", ())}


def functions() -> list[Function]:
    """One instance of every function, by name."""
    values = (value for module in _modules() for value in vars(module).values())
    found = {value.name: value for value in values if isinstance(value, Function)}
    return [found[name] for name in sorted(found)]


@cache
def _modules() -> tuple[object, ...]:
    from verdict.network import functions as package

    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(importlib.import_module(f"{package.__name__}.{name}") for name in names if name != "registry")
