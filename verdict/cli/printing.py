"""All text that leaves Verdict: a console for people, one JSON document for programs, notes on stderr.

Names come from files that others have written, and a terminal obeys what is in them. So every character that is not
printable (controls, those that turn the writing direction, those of no width) is shown as its escape, and a
name never begins a line of its own. What standard output cannot take, because it is full or closed, is an error of the
user's; what its encoding lacks is shown as an escape too. Needs no NumPy.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from verdict.base.errors import OutputError
from verdict.base.visible import visible, visible_lines
from verdict.cli.backstop import CHILD

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


class _Output:
    """Standard output, whose failures are the user's to know; a reader that has gone is `main`'s to know."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stdout, name)

    def write(self, text: str) -> int:
        if not CHILD.is_watched or CHILD.is_keeping:
            with _writing():
                return sys.stdout.write(text)
        # Whoever ends this process must know what is out: nothing stays in a buffer.
        CHILD.writing()
        with _writing():
            count = sys.stdout.write(text)
            sys.stdout.flush()
            return count

    def flush(self) -> None:
        with _writing():
            sys.stdout.flush()


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        raise OutputError(f"standard output cannot be written: {getattr(error, 'strerror', None) or error}") from error


def ready() -> None:
    """Look at the standard streams before any work is done. Raises OutputError where there is no output."""
    if sys.stdout is None:
        raise OutputError("standard output is closed, expected it open: there the answer goes")
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks is no reason to fail.
        with contextlib.suppress(AttributeError, ValueError, OSError):
            if stream.errors == "strict":
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def flush() -> None:
    """Hand on what has been printed. Raises OutputError."""
    _Output().flush()


def abandon() -> None:
    """Forget what standard output has not taken: Python would complain again when it flushes at exit."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def console() -> Console:
    """Standard output: styled on a terminal, plain text of a fixed width in a pipe, whatever the environment."""
    from rich.console import Console

    CHILD.printing()

    class Guarded(Console):
        def on_broken_pipe(self) -> None:
            # rich would end the program with code 1, which means "violated".
            raise BrokenPipeError

        def print(self, *objects: Any, **options: Any) -> None:
            super().print(*(_within(o) if isinstance(o, str) else o for o in objects), **options)

    terminal = sys.stdout.isatty()
    return Guarded(
        file=_Output(),  # type: ignore[arg-type]
        force_terminal=terminal,
        width=None if terminal else 120,
        highlight=False,
        markup=False,
        emoji=False,
    )


def tell(text: str, is_title: bool = False) -> None:
    """A line of text for people, or a few: a title stands out on a terminal. Elsewhere all is plain, and needs no
    console."""
    if sys.stdout.isatty():
        console().print(text, style="bold" if is_title else None, soft_wrap=True)
    else:
        CHILD.printing()
        _Output().write(_within(text) + "\n")


def _within(text: str) -> str:
    """The text made visible; line ends at both ends of it are the layout's."""
    body = text.strip("\n")
    if not body:
        return text
    start = text.index(body)
    return text[:start] + visible(body) + text[start + len(body) :]


def add_row(table: Table, *cells: str) -> None:
    """One row of a table, its cells made visible."""
    table.add_row(*map(visible, cells))


def put(text: str, end: str = "\n") -> None:
    """Lines on standard output."""
    _Output().write(visible_lines(text) + end)


def note(text: str, several: bool = False) -> None:
    """One line on stderr, or `several`, if it takes any."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(visible_lines(text) if several else visible(text), file=sys.stderr)


def print_json(value: object, indent: int | None = 2) -> None:
    """One JSON document on standard output; not-a-number and infinity are refused, as JSON has neither."""
    CHILD.printing()
    _Output().write(json.dumps(value, indent=indent, allow_nan=False) + "\n")
