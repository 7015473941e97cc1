"""Typer's parser, made of the same declarations as `words` reads: a message for every mistake, and shell completion.

Loading and building it takes a tenth of a second, so `main` asks it only for what is not plain.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from verdict import __version__
from verdict.base.errors import InputError
from verdict.cli import helppage
from verdict.cli.declared import Argument, Option, declared
from verdict.cli.limits import call
from verdict.cli.printing import put

# The parser's base class for wrong options; its module has moved between Typer's versions.
_UsageError: type[Any] = typer.BadParameter.__mro__[1]


def parse(commands: Mapping[str, Callable[..., int]], words: Sequence[str]) -> int | None:
    """Parse the words and run the command that they name; its exit code, None if it has none.

    Raises InputError for words that make no sense.
    """
    made = typer.main.get_command(app(commands))
    try:
        if not words:  # a shell asks what could come next
            made.main([], prog_name="verdict")
        # Not Typer's own main: it ends a broken pipe with code 1, which here means "violated".
        with made.make_context("verdict", _renamed(commands, words)) as context:
            code = context.command.invoke(context)
            return code if isinstance(code, int) else None
    except typer.Exit as ending:
        return int(ending.exit_code)
    except SystemExit as ending:  # completion ends so
        return int(ending.code or 0)
    except _UsageError as error:
        place = error.ctx.command_path if error.ctx else "verdict"
        raise InputError(f"{error.format_message()} (see {place} --help)") from error


def app(commands: Mapping[str, Callable[..., int]]) -> typer.Typer:
    """The parser of all commands by name, which show the pages of `helppage`."""

    class Root(TyperGroup):
        def get_help(self, ctx: Any) -> str:
            return helppage.root(commands)

    class Command(TyperCommand):
        def get_help(self, ctx: Any) -> str:
            return helppage.page(self.name or "", commands[self.name or ""])

    made = typer.Typer(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
    made.callback(invoke_without_command=True)(_root)
    for name, command in commands.items():
        # The standard's questions look like options.
        settings = {"ignore_unknown_options": True} if name == "supports" else None
        summary = helppage.summary(command)
        made.command(name, cls=Command, context_settings=settings, help=summary)(_typed(name, command))
    return made


def _renamed(commands: Mapping[str, Callable[..., int]], words: Sequence[str]) -> list[str]:
    """The words with the names that pages show in place of older ones."""
    if not words or words[0] not in commands:
        return list(words)
    options = [each for _, _, each in declared(commands[words[0]]) if isinstance(each, Option)]
    names = {old: option.names[-1] for option in options for old in option.older}
    split = (word.partition("=") for word in words)
    return [names.get(name, name) + equals + value for name, equals, value in split]


def _typed(name: str, command: Callable[..., int]) -> Callable[..., int]:
    """The command with Typer's declarations in place of ours."""

    @functools.wraps(command)
    def typed(**given: Any) -> int:
        return call(name, command, given)

    parameters = [
        parameter.replace(annotation=Annotated[kind, _info(declaration)])
        for parameter, kind, declaration in declared(command)
    ]
    typed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    typed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return typed


def _info(declaration: Argument | Option) -> Any:
    if isinstance(declaration, Argument):
        return typer.Argument(metavar=declaration.metavar)
    least, most = declaration.between or (None, None)
    return typer.Option(
        *declaration.names,
        metavar=declaration.metavar,
        help=declaration.help if isinstance(declaration.help, str) else None,
        hidden=declaration.is_hidden,
        min=least,
        max=most,
    )


def _version(wanted: bool) -> None:
    if wanted:
        put(__version__)
        raise typer.Exit


def _name(wanted: bool) -> None:
    if wanted:
        put("Verdict")
        raise typer.Exit


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
        put(context.get_help())
