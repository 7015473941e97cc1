"""Which methods a name means."""

from __future__ import annotations

from collections.abc import Iterable

from ....base.errors import InputError
from .method import METHODS, Method

# The time that the bounds in an engine's formula may take: a part of what is left, at most so many seconds.
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
            import difflib

            close = difflib.get_close_matches(name, METHODS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else "."
            raise InputError(f"there is no method {name!r}{hint} Known: {', '.join(METHODS)}, all")
    return list(dict.fromkeys(chosen))
