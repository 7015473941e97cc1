"""Backends for the solver-neutral linear model, found by name; imported as verdict.solvers.

Every module of this package that defines `BACKENDS` (name -> class) takes part: a new backend is one new
file. Importing the package imports no solver; that happens when one is used.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType

from verdict.base.errors import SolverError
from verdict.solvers.base import Solver
from verdict.solvers.model import LinearModel
from verdict.solvers.results import Features, Progress, Solution, Status

__all__ = [
    "Features",
    "LinearModel",
    "Progress",
    "Solution",
    "Solver",
    "Status",
    "available",
    "names",
    "solver",
]


def _modules() -> Iterator[ModuleType]:
    for info in pkgutil.iter_modules(__path__):
        yield importlib.import_module(f"{__name__}.{info.name}")


def _backends() -> dict[str, Callable[..., Solver]]:
    found: dict[str, Callable[..., Solver]] = {}
    for module in _modules():
        found.update(getattr(module, "BACKENDS", {}))
    return found


def names() -> list[str]:
    """Every name that `solver` accepts, "pulp:NAME" standing for what PuLP supports."""
    return sorted(_backends())


def solver(name: str, **options: object) -> Solver:
    """The backend of that name; it need not be available, see `Solver.available`.

    Args:
        name: one of `names()`, or "pulp:NAME" with NAME as `pulp.listSolvers()` has it.
        options: passed to the backend's constructor, e.g. isolate=False for MathOpt's.

    Raises:
        SolverError: no such backend, or it takes no such option.
    """
    known = _backends()
    family, _, member = name.partition(":")
    try:
        if member and f"{family}:NAME" in known:
            return known[f"{family}:NAME"](member, **options)
        if name in known:
            return known[name](**options)
    except TypeError as error:
        raise SolverError(f"solver {name}: {error}") from error
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else "."
    raise SolverError(f"there is no solver {name!r}{meant} Known: {', '.join(sorted(known))}")


def available() -> dict[str, str | None]:
    """For each backend None if it can be used here, else one line that says what to install.

    A family such as "pulp:NAME" is replaced by the members that are found on this machine, which takes a
    moment.
    """
    state = {name: make().available() for name, make in _backends().items() if not name.endswith(":NAME")}
    for module in _modules():
        state.update(dict.fromkeys(getattr(module, "found", list)()))
    return state
