"""Closed tables out of many files: each file of a folder says in its own what it adds, and nothing is said twice."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any


def gathered(package: str, name: str, without: tuple[str, ...] = ()) -> dict[Any, Any]:
    """What the tables of this name in a package's files hold together, but for the files `without`. Raises ValueError
    where two say something of one thing."""
    found: dict[Any, Any] = {}
    for part in sorted(module.name for module in pkgutil.iter_modules(importlib.import_module(package).__path__)):
        if part in without:
            continue
        table = getattr(importlib.import_module(f"{package}.{part}"), name, {})
        twice = found.keys() & table.keys()
        if twice:
            raise ValueError(f"{part}: {', '.join(sorted(map(str, twice)))} stand in another file's table too")
        found.update(table)
    return found
