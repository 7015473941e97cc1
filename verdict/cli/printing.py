"""Standard output: a console for people, one JSON document for programs. Needs no NumPy."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from verdict.cli.backstop import CHILD

if TYPE_CHECKING:
    from rich.console import Console


def console() -> Console:
    """Standard output: styled on a terminal, plain text of a fixed width in a pipe, whatever the environment."""
    from rich.console import Console

    CHILD.printing()

    class Unbroken(Console):
        def on_broken_pipe(self) -> None:
            # rich would end the program with code 1, which means "violated".
            raise BrokenPipeError

    terminal = sys.stdout.isatty()
    return Unbroken(
        force_terminal=terminal, width=None if terminal else 120, highlight=False, markup=False, emoji=False
    )


def print_json(value: object) -> None:
    """One JSON document on standard output; not-a-number and infinity are refused, as JSON has neither."""
    CHILD.printing()
    print(json.dumps(value, indent=2, allow_nan=False))
