"""The command `verdict`: parses, calls one command, and turns whatever happens into an exit code.

Only typer is imported here; a command imports what it needs when it runs, so that `verdict --version` and
`--help` are instant.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from verdict import __version__
from verdict.cli import (
    bounds,
    check,
    encode,
    exitcodes,
    info,
    maxeps,
    models,
    pairs,
    prove,
    robust,
    supports,
    verify,
    weights,
)
from verdict.errors import VerdictError

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})
app.command("robust")(robust.command)
app.command("maxeps")(maxeps.command)
app.command("verify")(verify.command)
app.command("prove")(prove.command)
app.command("supports", context_settings={"ignore_unknown_options": True})(supports.command)
app.command("maxdelta")(pairs.maxdelta)
app.command("imitates")(pairs.imitates)
app.command("general")(pairs.general)
app.command("maxfall")(pairs.maxfall)
app.command("maxweights")(weights.maxweights)
app.command("maxpruning")(weights.maxpruning)
app.command("check")(check.command)
app.command("encode")(encode.command)
app.command("bounds")(bounds.command)
app.command("models")(models.command)
app.command("info")(info.command)

# The parser's base class for wrong options; its module has moved between typer's versions.
_UsageError: type[Any] = typer.BadParameter.__mro__[1]


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


def _name(wanted: bool) -> None:
    if wanted:
        print("Verdict")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    name: Annotated[
        bool, typer.Option("--name", callback=_name, is_eager=True, help="Print the solver's name and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an internal error.")] = False,
) -> None:
    """Verdict: an exact verifier for neural networks."""
    if context.invoked_subcommand is None:
        print(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (see `verdict.cli.exitcodes`)."""
    debug = False
    try:
        # Not typer's own main: it ends a broken pipe with code 1, which here means "violated".
        command = typer.main.get_command(app)
        words = list(sys.argv[1:] if arguments is None else arguments)
        with command.make_context("verdict", words) as context:
            debug = bool(context.params.get("debug"))
            code = command.invoke(context)
        sys.stdout.flush()
        return code if isinstance(code, int) else exitcodes.OK
    except typer.Exit as ending:
        return int(ending.exit_code)
    except VerdictError as error:
        return _fail(str(error), exitcodes.BAD_INPUT)
    except _UsageError as error:
        place = error.ctx.command_path if error.ctx else "verdict"
        return _fail(f"{error.format_message()} (see {place} --help)", exitcodes.BAD_INPUT)
    except KeyboardInterrupt:
        return _fail("interrupted before there was an answer", exitcodes.INTERRUPTED)
    except BrokenPipeError:
        # The reader has gone (verdict models | head). Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exitcodes.BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the last resort: a defect must not look like a verdict
        if debug:
            traceback.print_exc()
        hint = "" if debug else "; verdict --debug ... shows where"
        text = (str(error).splitlines() or [""])[0]
        return _fail(
            f"internal error: {type(error).__name__}: {text} (this is a defect, please report it{hint})",
            exitcodes.INTERNAL,
        )


def _fail(message: str, code: int) -> int:
    with contextlib.suppress(BrokenPipeError):
        print(f"error: {message}", file=sys.stderr)
    return code
