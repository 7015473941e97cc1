"""The reference pages, made of the code: the API of its signatures and docstrings, the commands of their help pages.

`python docs/reference.py FOLDER` writes them; the site makes them anew whenever it is built (`conf.py`).
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import verdict
from verdict.cli import helppage
from verdict.cli.main import COMMANDS


def api() -> str:
    """The page of everything in `verdict.__all__`: functions, then classes, then errors."""
    things = {name: getattr(verdict, name) for name in verdict.__all__ if name != "__version__"}
    # The package of that name, which can be called.
    things["ask"] = importlib.import_module("verdict.ask.answering").ask
    errors = {n: t for n, t in things.items() if inspect.isclass(t) and issubclass(t, Exception)}
    classes = {n: t for n, t in things.items() if inspect.isclass(t) and n not in errors}
    functions = {n: t for n, t in things.items() if n not in errors and n not in classes}
    parts = ["# The API", "Made of the code: `import verdict`, then every name below is `verdict.NAME`."]
    for title, group in (("Functions", functions), ("Classes", classes), ("Errors", errors)):
        parts.append(f"## {title}")
        for name, thing in group.items():
            parts += [f"### {name}", *_described(name, thing)]
    return "\n\n".join(parts) + "\n"


def _described(name: str, thing: Any) -> Iterator[str]:
    if not (inspect.isclass(thing) and issubclass(thing, Exception)):
        yield _signature(name, thing)
    yield _text(inspect.getdoc(thing) or "")
    if inspect.isclass(thing):
        for member, value in vars(thing).items():
            if member.startswith("_") or not (callable(value) or isinstance(value, (property, classmethod))):
                continue
            made = value.fget if isinstance(value, property) else getattr(thing, member)
            doc = inspect.getdoc(made) or ""
            if doc:
                call = "" if isinstance(value, property) else "()"
                yield f"**`{name}.{member}{call}`** {_text(doc)}"


def _signature(name: str, thing: Any) -> str:
    """The call, broken after each parameter where it is long."""
    found = inspect.signature(thing)
    # The numbers that searches are tuned by are nobody's to set.
    shown = [parameter for parameter in found.parameters.values() if parameter.name != "search"]
    words = [_word(parameter) for parameter in shown]
    kinds = [parameter.kind for parameter in shown]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        words.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    line = f"verdict.{name}({', '.join(words)})"
    if len(line) > 100:
        line = f"verdict.{name}(\n    " + ",\n    ".join(words) + ",\n)"
    return f"```python\n{line}\n```"


def _word(parameter: inspect.Parameter) -> str:
    """A parameter with its type, which is a string here, and its default."""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    kind = "" if parameter.annotation is parameter.empty else f": {parameter.annotation}"
    default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
    return f"{stars}{parameter.name}{kind}{default}"


def _text(doc: str) -> str:
    """A docstring as Markdown: its examples as code, and nothing of it as anything else."""
    blocks, lines = [], doc.split("\n\n")
    for block in lines:
        if block.lstrip().startswith(">>>"):
            blocks.append(f"```pycon\n{block}\n```")
        else:
            # Outside of code a * or < is itself.
            parts = re.split(r"(`[^`]*`)", block)
            blocks.append("".join(p if i % 2 else re.sub(r"([*<_\[\]])", r"\\\1", p) for i, p in enumerate(parts)))
    return "\n\n".join(blocks)


def commands() -> str:
    """The page with the help of every command."""
    parts = ["# The commands and their options", "Made of the code: what `verdict COMMAND --help` prints.",
             f"## verdict\n\n```text\n{helppage.root(COMMANDS)}\n```"]
    parts += [f"## verdict {name}\n\n```text\n{helppage.page(name, COMMANDS[name])}\n```" for name in COMMANDS]
    return "\n\n".join(parts) + "\n"


def write(folder: Path) -> None:
    """Write both pages into a folder."""
    folder.mkdir(exist_ok=True)
    for name, make in (("api", api), ("commands", commands)):
        (folder / f"{name}.md").write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
