"""A well-formed command line, read without a parser.

Building Typer's parser and loading what it converts values with takes longer than many an answer. Whatever is not plain
here - a call for help, a mistake, a value that begins with a dash - is left to it, so this file has no messages of its
own, and what it does understand it must understand as Typer does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from verdict.cli.declared import Argument, Option, declared

# Files that may hold a range, and what its second end begins like.
_ARRAYS = (".npy", ".npz", ".csv")
_END = re.compile(r"[-+.]?[0-9][0-9./e+-]*$|.*\.(npy|npz|csv)(#|$)", re.IGNORECASE)
_NUMBERS = {int: re.compile(r"[0-9]+"), float: re.compile(r"[0-9]+(\.[0-9]+)?")}


class _NotPlainError(Exception):
    """These words are for the parser."""


def with_both_ends(words: Sequence[str]) -> list[str]:
    """The words with `--range FILE` written as `--range FILE FILE`: one file may hold both ends of every input."""
    found: list[str] = []
    for i, word in enumerate(words):
        found.append(word)
        after = words[i + 1] if i + 1 < len(words) else "-"
        is_file = word.partition("#")[0].lower().endswith(_ARRAYS)
        if i and words[i - 1] == "--range" and is_file and (after.startswith("--") or not _END.match(after)):
            found.append(word)
    return found


def plain(command: Callable[..., int], words: Sequence[str]) -> dict[str, Any] | None:
    """The arguments that these words give to `command`; None where they are not plain."""
    try:
        return _read(command, iter(words))
    except _NotPlainError:
        return None


def _read(command: Callable[..., int], words: Iterator[str]) -> dict[str, Any]:
    places: list[tuple[str, Any]] = []
    options: dict[str, tuple[str, Any, Option]] = {}
    missing: set[str] = set()
    for parameter, kind, declaration in declared(command):
        # None stands for an option that is not given; no word says it.
        (kind,) = [part for part in get_args(kind) if part is not NoneType] if isinstance(kind, UnionType) else [kind]
        if parameter.default is parameter.empty:
            missing.add(parameter.name)
        if isinstance(declaration, Argument):
            places.append((parameter.name, kind))
        else:
            options |= dict.fromkeys((*declaration.names, *declaration.older), (parameter.name, kind, declaration))
    given: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if name in options:
            key, kind, option = options[name]
            value = _value(kind, option, words if not equals else iter([text]))
            if kind is bool and equals:
                raise _NotPlainError
        elif places and not word.startswith("-"):
            key, kind = places.pop(0)
            value = _single(kind, word)
        else:
            raise _NotPlainError
        if get_origin(kind) is list:
            value = given.pop(key, []) + value
        if key in given:
            raise _NotPlainError
        given[key] = value
    if missing.difference(given):
        raise _NotPlainError
    return given


def _value(kind: Any, option: Option, words: Iterator[str]) -> Any:
    """The value of an option from the words after its name."""
    if kind is bool:
        return True
    several = get_origin(kind)
    if several is not None:
        return several(_single(item, _next(words)) for item in get_args(kind))
    value = _single(kind, _next(words))
    if option.between is not None and not option.between[0] <= value <= option.between[1]:
        raise _NotPlainError
    return value


def _next(words: Iterator[str]) -> str:
    word = next(words, "-")
    if word.startswith("-"):
        raise _NotPlainError
    return word


def _single(kind: Any, word: str) -> Any:
    """One word as a string or a number."""
    if kind is str:
        return word
    if kind not in _NUMBERS or not _NUMBERS[kind].fullmatch(word):
        raise _NotPlainError
    return kind(word)
