"""Which methods a name means, and which one an engine's formula gets."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ....answer.results import Trust
from ....base.arguments import word
from ....base.errors import InputError
from .method import METHODS, Method

# What an engine's formula gets unless told otherwise, by measurement (`benchmarks run engine-bounds`: Z3 gains
# nothing from numbers that are a little tighter, MILP does on wider networks), and the time that it may take: a
# part of what is left, at most so many seconds.
ENCODER_BOUNDS = {"smt": "linear", "milp": "alpha"}
TIGHTEN_SHARE, TIGHTEN_SECONDS = 0.3, 60.0


def choose(names: str | Iterable[str]) -> list[Method]:
    """The methods of a comma-separated list, in its order; "all" is every one. Raises InputError."""
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    chosen: list[Method] = []
    for name in wanted:
        if name == "all":
            chosen += METHODS.values()
        elif name in METHODS:
            chosen.append(METHODS[name])
        else:
            close = difflib.get_close_matches(name, METHODS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else "."
            raise InputError(f"there is no method {name!r}{hint} Known: {', '.join(METHODS)}, all")
    return list(dict.fromkeys(chosen))


def encoder_bounds(name: str | None, engine: str) -> str:
    """The method whose bounds an engine encodes, checked. Raises InputError."""
    if name is None:
        # `auto` ends in MILP.
        return ENCODER_BOUNDS.get(engine, ENCODER_BOUNDS["milp"])
    method = choose([word(name, "bounds")])[0]
    if name == "all":
        raise InputError("the encoder takes one method's bounds, not all")
    if engine not in ("milp", "smt"):
        raise InputError(f"the {engine} engine encodes no bounds; --bounds goes with --engine milp or smt")
    if method.trust is Trust.SOLVER and engine != "milp":
        raise InputError(f"the bounds of {name} are a solver's word, which the {engine} engine does not take")
    return method.name
