"""How a command declares its words: `Annotated[type, Option(...)]` on the parameters of its function.

`words` reads well-formed command lines by these declarations, and `parser` makes Typer's parser, with its help and its
messages, of the same ones. Importing this costs nothing, so a command that is written well never loads Typer.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args


@dataclass(frozen=True)
class Argument:
    """A word that is known by its place; `metavar` and `help` are for the help page."""

    metavar: str
    help: str


class Option:
    """Words that begin with one of `names`; `between` are the least and the greatest number. The rest is for the help
    page.

    `help` is a text, or makes one when the page is shown: of what a registry holds by then.
    """

    def __init__(
        self,
        *names: str,
        metavar: str | None = None,
        help: str | Callable[[], str],
        panel: str | None = None,
        show_default: bool = True,
        between: tuple[int, int] | None = None,
    ) -> None:
        self.names, self.metavar, self.help, self.panel = names, metavar, help, panel
        self.show_default, self.between = show_default, between
        # Older names that are still read, and an option that is nothing but an older name: no page shows them.
        self.older: tuple[str, ...] = ()
        self.is_hidden = False

    def once(self, *older: str) -> Option:
        """The same option, which had these names once."""
        self.older = older
        return self

    def hidden(self) -> Option:
        """The same option, on no page."""
        self.is_hidden = True
        return self


MEMORY = Option(
    "--memory",
    metavar="GIB",
    panel="The search",
    help="GiB of memory that may be taken. Default: most of what is free.",
    show_default=False,
)
STATEMENT = Option(
    "--statement",
    metavar="FILE",
    panel="The output",
    help="Write the certification statement of the answer there, .md for people or .json for programs.",
    show_default=False,
)


class Group:
    """Options that several commands take together, each declared as a parameter is: a command has one parameter for all
    of them, of a subclass, and words say them as if they were parameters themselves."""


def declared(command: Callable[..., int]) -> Iterator[tuple[inspect.Parameter, Any, Argument | Option]]:
    """Of each parameter of a command, those of its groups among them, its type and its declaration."""
    parameters = {each.name: each for each in _parameters(command)}
    for parameter in parameters.values():
        kind, declaration = get_args(parameter.annotation)
        yield parameter, kind, declaration
    if "timeout" in parameters and "memory" not in parameters:
        # What has a limit of time has one of memory: `limits` holds both.
        yield inspect.Parameter("memory", inspect.Parameter.KEYWORD_ONLY, default=None), float | None, MEMORY
    if "certificate" in parameters:
        # What is proved, or checked, can be stated: `limits` writes it down.
        yield inspect.Parameter("statement", inspect.Parameter.KEYWORD_ONLY, default=None), str | None, STATEMENT


def _parameters(what: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    for parameter in inspect.signature(what, eval_str=True).parameters.values():
        if _is_group(parameter):
            yield from _parameters(parameter.annotation)
        else:
            yield parameter


def _is_group(parameter: inspect.Parameter) -> bool:
    return isinstance(parameter.annotation, type) and issubclass(parameter.annotation, Group)


def grouped(command: Callable[..., int], given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a command of what is given for each of its `declared` parameters."""
    arguments = dict(given)
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        if _is_group(parameter):
            names = [each.name for each in _parameters(parameter.annotation) if each.name in arguments]
            arguments[parameter.name] = parameter.annotation(**{name: arguments.pop(name) for name in names})
    return arguments
