"""Formulas and lists of numbers on the command line, for one network and, where there is one, one input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verdict.cli.inputs import Point
    from verdict.network.network import Network
    from verdict.property.language import Formula


def names_for(network: Network, point: Point | None = None, label: int | None = None) -> dict[str, Any]:
    """The vocabulary; with an input also the words that are about it, and its class, or the `label` instead."""
    from verdict.ask.question import center_of
    from verdict.ask.wording import names

    if point is None:
        return names(network)
    # A network that takes flat vectors does not know of images, but the input does; not with channels last.
    is_image = point.image is not None and (len(point.image) == 2 or point.image[0] == 3)
    return names(network, center_of(network, point.values), label, point.image if is_image else None)


def read(text: str | None, names: dict[str, Any], option: str) -> Formula | None:
    """The formula of an option; None where it is not given. Raises PropertyError with the place in the text."""
    from verdict.property.language.written import read_formula

    return None if text is None else read_formula(text, names, option)


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


def scales(text: str | None, network: Network) -> Sequence[Any] | None:
    """`1,0,1/2`, one number for each input, or what a file that `--input` takes holds."""
    from verdict.cli.inputs import SUFFIXES, read_inputs

    if text is None:
        return None
    if text.partition("#")[0].endswith(SUFFIXES):
        return [float(value) for value in read_inputs(text, network).points[0].values]
    return text.split(",")
