"""The command `verdict`: reads the words, calls one command, and turns whatever happens into an exit code.

A command imports what it needs when it runs, and of the others not even their files are loaded, so that starting costs
little beside the answer.
"""

from __future__ import annotations

import importlib
import itertools
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from verdict import __version__
from verdict.base.errors import OutputError, UnsupportedError, VerdictError
from verdict.base.visible import visible_lines
from verdict.cli import exitcodes
from verdict.cli.interrupts import Interrupts, Terminated, quietly
from verdict.cli.printing import abandon, flush, note, put, ready

_HOMES = {
    "robust": "robust.command",
    "maxeps": "maxeps.command",
    "verify": "verify.command",
    "prove": "prove.command",
    "supports": "supports.command",
    "maxdelta": "pairs.maxdelta",
    "imitates": "pairs.imitates",
    "general": "pairs.general",
    "monotone": "monotone.monotone",
    "maxfall": "monotone.maxfall",
    "maxweights": "weights.maxweights",
    "maxpruning": "weights.maxpruning",
    "residual": "residual.command",
    "check": "check.command",
    "encode": "encode.command",
    "bounds": "bounds.command",
    "run": "run.command",
    "summary": "stored.summary",
    "export": "stored.export",
    "report": "stored.report",
    "models": "models.command",
    "info": "info.command",
}


class _Commands(Mapping[str, Callable[..., int]]):
    """The commands' functions by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> Callable[..., int]:
        module, function = _HOMES[name].split(".")
        command: Callable[..., int] = getattr(importlib.import_module(f"verdict.cli.{module}"), function)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(_HOMES)

    def __len__(self) -> int:
        return len(_HOMES)


COMMANDS = _Commands()
# The variable by which a shell asks what could come next.
COMPLETION = "_VERDICT_COMPLETE"


def main(arguments: Sequence[str] | None = None, started: float | None = None) -> int:
    """Run one command and return its exit code (see `verdict.cli.exitcodes`); its process has `started` at that time of
    `Deadline.clock`, if it is there for this command alone."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in itertools.takewhile(lambda word: word.startswith("-"), words)
    try:
        ready()
        with Terminated(), Interrupts(), quietly():
            code = _run(words, started)
            flush()
        return exitcodes.OK if code is None else code
    except OutputError as error:
        abandon()
        return _fail(str(error), exitcodes.BAD_INPUT)
    except VerdictError as error:
        return _fail(str(error), exitcodes.BAD_INPUT, several=isinstance(error, UnsupportedError))
    except KeyboardInterrupt:
        return _fail("interrupted before there was an answer", exitcodes.INTERRUPTED)
    except BrokenPipeError:
        # The reader has gone (verdict models | head). Python would complain again when it flushes at exit.
        abandon()
        return exitcodes.BROKEN_PIPE
    except MemoryError:
        return _fail("there is not enough memory for it (--memory sets a limit)", exitcodes.BAD_INPUT)
    except Exception as error:  # noqa: BLE001 - the last resort: a defect must not look like a verdict
        if debug:
            import traceback

            note(visible_lines(traceback.format_exc()), several=True)
        hint = "" if debug else "; verdict --debug ... shows where"
        text = (str(error).splitlines() or [""])[0]
        return _fail(
            f"internal error: {type(error).__name__}: {text} (this is a defect, please report it{hint})",
            exitcodes.INTERNAL,
        )


def _run(words: Sequence[str], started: float | None) -> int | None:
    if said := _said(words):
        put(said)
        return exitcodes.OK
    from verdict.cli.limits import call, starts
    from verdict.cli.words import plain, with_both_ends

    if started is not None:
        starts(started)
    words = with_both_ends(words)
    if words and words[0] in COMMANDS:
        command = COMMANDS[words[0]]
        given = plain(command, words[1:])
        if given is not None:
            return call(words[0], command, given)
    from verdict.cli.parser import parse

    return parse(COMMANDS, words)


def _said(words: Sequence[str]) -> str:
    """The version, the name or a help page, where nothing else is asked for: that needs no parser."""
    if list(words) in (["--version"], ["--name"]):
        return __version__ if words[0] == "--version" else "Verdict"
    if COMPLETION not in os.environ and words[-1:] in ([], ["-h"], ["--help"]) and len(words) <= 2:
        from verdict.cli import helppage

        if len(words) < 2:
            return helppage.root(COMMANDS)
        if words[0] in COMMANDS:
            return helppage.page(words[0], COMMANDS[words[0]])
    return ""


def _fail(message: str, code: int, several: bool = False) -> int:
    note(f"error: {message}", several)
    return code
