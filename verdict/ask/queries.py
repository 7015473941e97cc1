"""What is asked by formulas, as the VNN-LIB 1 query that says so: the way of every engine and of the checker."""

from __future__ import annotations

import re

from ..network.network import Network
from ..property import Box
from ..property.expand import expanded
from ..property.language import Formula, all_of, query_text
from ..property.vnnlib1 import VnnLib1, query_of
from ..search.vacuous import NO_POINT, no_input

# What errors call a question that no file keeps.
UNNAMED = "the question"


def asked_as_query(network: Network, that: Formula, given: Formula) -> str:
    """The VNN-LIB 1 query that has no solution exactly where `that` holds for every input as `given`."""
    return query_text(all_of([given, ~that]), network.input_size, network.output_size)


def unwritten(network: Network, that: Formula, given: Formula) -> VnnLib1:
    """The same query where no text of it is kept."""
    return query_of(all_of([given, ~that]), network.input_size, network.output_size, UNNAMED)


def emptiness(given: Formula, network: Network, within: Box | None = None) -> str:
    """Why no input, of the set `within` if there is one, is as given; "" where one may be."""
    cases, empty = expanded(given, network.input_size, network.output_size, UNNAMED)
    if cases:
        return NO_POINT if no_input(cases, within) else ""
    return empty or "the input set is empty: the condition contradicts itself"


def beyond(reason: str) -> str:
    """What a query without solutions says of itself, where it is the violation that no input fulfils."""
    return without_lines(reason).replace("the input set is empty", "no input violates the property")


def without_lines(reason: str) -> str:
    """What contradicts what, without the lines of a query that nobody has seen."""
    return re.sub(r" \(line \d+\)", "", reason)
