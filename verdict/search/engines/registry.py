"""The engines by name: one file of this folder each, or a class that somebody else has registered."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil

from ...base.arguments import word
from ...base.errors import InputError
from .engine import REGISTRY, Engine

DEFAULT = "auto"


def engines() -> dict[str, type[Engine]]:
    """All engines by name, the default first; imports every file of this folder the first time."""
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not module.ispkg:
            importlib.import_module(f"{package}.{module.name}")
    return {name: REGISTRY[name] for name in sorted(REGISTRY, key=lambda name: (name != DEFAULT, name))}


def engine_class(name: str) -> type[Engine]:
    """The engine of that name. Raises InputError."""
    if word(name, "engine") not in REGISTRY and name.isidentifier():
        # A file of the folder is called as its engine.
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(f"{__name__.rpartition('.')[0]}.{name}")
    if name not in REGISTRY and name not in engines():
        raise InputError(f"engine {name!r} is not one of {', '.join(engines())}")
    return REGISTRY[name]


def find_engine(name: str, solver: str | None = None, bounds: str | None = None) -> Engine:
    """The engine with this solver and these bounds, or with its own. Raises InputError and SolverError."""
    return engine_class(name)(solver, bounds)


def listed() -> str:
    """The names in words: `auto (default), bab, milp or smt`."""
    names = [f"{name} (default)" if name == DEFAULT else name for name in engines()]
    return f"{', '.join(names[:-1])} or {names[-1]}"


def solvers_listed() -> str:
    """The backends in words: `highs (default), scip, cbc for milp; z3 for smt`."""
    parts = []
    for name, engine in engines().items():
        known = engine.features.solvers
        if known:
            first = f"{known[0]} (default)" if len(known) > 1 else known[0]
            parts.append(f"{', '.join([first, *known[1:]])} for {name}")
    return "; ".join(parts)


def encoding_listed() -> str:
    """Each engine that encodes bounds, and those that it encodes by default: `alpha for milp, linear for smt`."""
    found = {name: engine.features.encodes for name, engine in engines().items()}
    return ", ".join(f"{method} for {name}" for name, method in found.items() if method is not None)
