"""Help pages, made of the declarations of a command and of its examples: plain text in the words of the documentation.

The same pages stand in the reference of the commands (docs/), which is made of them.
"""

from __future__ import annotations

import inspect
import shutil
import textwrap
from collections.abc import Callable, Iterator, Mapping

from verdict.cli.declared import Argument, Option, declared
from verdict.cli.examples import EXAMPLES

# Columns of a page, and of the names in front of their meanings.
WIDEST, INDENT = 100, 26
# What every page has, and the page of `verdict` alone.
COMMON = (("-h, --help", "Show this page."),)
ROOT = (
    ("--version", "Print the version."),
    ("--name", "Print the solver's name, as the VNN-LIB standard asks."),
    ("--debug", "In front of a command: show the traceback of an internal error."),
    ("--install-completion", "Make the shell complete commands and options."),
    ("--show-completion", "Print what does that, to put it where you like."),
    *COMMON,
)


def page(name: str, command: Callable[..., int]) -> str:
    """The help page of one command."""
    text = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    blocks = [f"Usage: {usage(name, command)}", *(_filled(paragraph) for paragraph in text)]
    for title, rows in panels(command).items():
        blocks.append(_table(title, rows))
    return "\n\n".join([*blocks, _examples(name)])


def root(commands: Mapping[str, Callable[..., int]]) -> str:
    """The help page of `verdict`."""
    rows = [(name, summary(command)) for name, command in commands.items()]
    blocks = [
        "Usage: verdict COMMAND ...",
        "Verdict: an exact verifier for neural networks.",
        _table("Commands", rows),
        _table("Options", ROOT),
        _examples(""),
        _filled("verdict COMMAND --help says more of each."),
    ]
    return "\n\n".join(blocks)


def usage(name: str, command: Callable[..., int]) -> str:
    """The line that says how a command is written: its words by place, and the options that it cannot do without."""
    words, needed = [], []
    for parameter, _, declaration in declared(command):
        if isinstance(declaration, Argument):
            words.append(declaration.metavar)
        elif parameter.default is parameter.empty:
            needed.append(f"{declaration.names[-1]} {declaration.metavar}")
    return " ".join(["verdict", name, *words, *needed, "[OPTION ...]"])


def summary(command: Callable[..., int]) -> str:
    """The first paragraph of a command's description, on one line."""
    return " ".join(inspect.cleandoc(command.__doc__ or "").split("\n\n")[0].split())


def panels(command: Callable[..., int]) -> dict[str, list[tuple[str, str]]]:
    """The words of a command and what they mean, by panel."""
    found: dict[str, list[tuple[str, str]]] = {}
    for parameter, kind, declaration in declared(command):
        if isinstance(declaration, Argument):
            found.setdefault("Arguments", []).append((declaration.metavar, declaration.help))
        elif not declaration.is_hidden:
            value = "" if kind is bool else f" {declaration.metavar}"
            found.setdefault(declaration.panel or "Options", []).append(
                (f"{', '.join(declaration.names)}{value}", _meaning(parameter, declaration))
            )
    found.setdefault("Options", []).extend(COMMON)
    found["Options"] = found.pop("Options")
    return found


def _meaning(parameter: inspect.Parameter, declaration: Option) -> str:
    text = declaration.help if isinstance(declaration.help, str) else declaration.help()
    if parameter.default is parameter.empty:
        return f"{text} Required."
    if declaration.show_default and parameter.default not in (None, False, "", "all"):
        return f"{text} Default: {parameter.default}."
    return text


def _width() -> int:
    return max(60, min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns))


def _filled(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), _width())


def _table(title: str, rows: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> str:
    return "\n".join([f"{title}:", *(line for row in rows for line in _row(*row))])


def _row(name: str, meaning: str) -> Iterator[str]:
    lines = textwrap.wrap(meaning, _width() - INDENT, break_on_hyphens=False)
    first = f"  {name:<{INDENT - 2}}"
    if len(name) > INDENT - 4:
        yield f"  {name}"
        first = " " * INDENT
    yield (first + lines[0]).rstrip() if lines else first.rstrip()
    yield from (" " * INDENT + line for line in lines[1:])


def _examples(name: str) -> str:
    return "\n".join(["Examples:", *(f"  verdict {line}" for line in EXAMPLES[name])])
