"""Formulas and lists of numbers on the command line, for one network and, where there is one, one input."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verdict.ask.parts import Point as Asked
    from verdict.cli.inputs import Point
    from verdict.network.network import Network


def names_for(network: Network, point: Point | None = None, label: int | None = None) -> dict[str, Any]:
    """The vocabulary; with an input also the words that are about it, and its class, or the `label` instead."""
    from verdict.ask.prepared import center_of
    from verdict.ask.wording import names

    if point is None:
        return names(network)
    return names(network, center_of(network, point.values), label, shape_of(point).image)


def shape_of(point: Point) -> Asked:
    """An input as a part of a question, with its shape where it is an image."""
    from verdict.ask.parts import Point as Asked

    # A network that takes flat vectors does not know of images, but the input does; not with channels last.
    is_image = point.image is not None and (len(point.image) == 2 or point.image[0] == 3)
    return Asked(point.values, point.name, point.image if is_image else None)


@contextlib.contextmanager
def as_options() -> Iterator[None]:
    """While inside, what is wrong with a formula, or with the name of a class, is said of its option."""
    from verdict.base.errors import InputError, PropertyError

    try:
        yield
    except PropertyError as error:
        word = str(error).partition(":")[0]
        if word in ("that", "given"):
            raise PropertyError(f"--{error}") from error
        raise
    except InputError as error:
        if str(error).startswith(("label is", "target is")):
            raise InputError(f"--{error}") from error
        raise


def numbers(text: str, option: str = "--integers") -> list[int]:
    """`1,4:7` as [1, 4, 5, 6]."""
    from verdict.base.errors import InputError

    found: list[int] = []
    for part in filter(None, text.split(",")):
        first, colon, last = part.partition(":")
        if not first.isdecimal() or (colon and not last.isdecimal()):
            raise InputError(f"{option}: found {part!r}, expected numbers and ranges such as 0,3,5:8")
        found += range(int(first), int(last) if colon else int(first) + 1)
    return found


def scales(text: str, network: Network) -> Sequence[Any]:
    """`1,0,1/2`, one number for each input, or what a file that `--input` takes holds."""
    from verdict.cli.inputs import read_inputs

    if names_file(text):
        return [float(value) for value in read_inputs(text, network).points[0].values]
    return text.split(",")


def names_file(text: str) -> bool:
    """Whether a list of numbers is given by a file that `--input` takes."""
    from verdict.cli.inputs import SUFFIXES

    return text.partition("#")[0].lower().endswith(SUFFIXES)


def ends(words: tuple[str, str], network: Network) -> tuple[Any, Any]:
    """The valid range: two numbers, or files with a number for each input; a file named twice has both, as two rows."""
    from verdict.base.errors import InputError
    from verdict.cli.inputs import read_inputs

    low, high = words
    if names_file(low) and low == high and "#" not in low:
        low, high = f"{low}#0", f"{high}#1"
    try:
        found = [read_inputs(end, network).points[0].values if names_file(end) else end for end in (low, high)]
    except InputError as error:
        raise InputError(f"--range: {error}") from error
    return found[0], found[1]
