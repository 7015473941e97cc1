"""The checker's own strict reading of VNN-LIB 2: queries about one network, told in the words of version 1.

An entry of a declared tensor is the number of its place, row-major, among the inputs or the outputs of the network, in
the order of their declarations (arXiv 2605.07451, section 4). With entries called X_i and Y_j the assertions are
those of version 1, but for `==`. Several networks, hidden values and `!=` are not read.
"""

from __future__ import annotations

import math
import re
from itertools import product
from typing import Any

from ..clock import Ask, nobody
from ..errors import UnreadableError
from ..network import Network
from .linear import NUMBER
from .vnnlib import Disjunct, disjuncts, read_version1
from .words import parse, shown

MOST_ENTRIES = 2**20
TYPES = ("float32", "float64", "real", "Real")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,200}")
_SHAPE = re.compile(r"\[([1-9][0-9]{0,8}(,[1-9][0-9]{0,8}){0,10})?\]")
_OPERATORS = ("and", "or", "<=", ">=", "<", ">", "+", "-", "*")


def read_query(text: str, network: Network, ask: Ask = nobody) -> list[Disjunct]:
    """The disjuncts of a query of version 1 or 2 about a network. Raises UnreadableError."""
    commands, outputs = parse(text, ask), network.size(network.output)
    if commands[:1] != [["vnnlib-version", "<2.0>"]]:
        return read_version1(commands, network.input_size, outputs, ask)
    names: dict[str, str] | None = None
    factors = []
    for command in commands[1:]:
        if command[:1] == ["declare-network"] and names is None:
            names = _names(command, network)
        elif command[:1] == ["assert"] and len(command) == 2 and names is not None:
            factors.append(_translated(command[1], names))
        else:
            raise UnreadableError(f"the command {shown(command)} is not read in a query of version 2")
    return disjuncts(factors, network.input_size, outputs, ask)


def _names(command: Any, network: Network) -> dict[str, str]:
    """What version 1 calls each entry of the declared tensors."""
    if len(command) < 2 or not isinstance(command[1], str) or not _NAME.fullmatch(command[1]):
        raise UnreadableError("a network without a name")
    if any(d[:1] not in (["declare-input"], ["declare-output"]) for d in command[2:]):
        raise UnreadableError("a declaration of something else than inputs and outputs of one network")
    names: dict[str, str] = {}
    for kind, letter, shapes in (("declare-input", "X", network.shapes), ("declare-output", "Y", network.results)):
        declared = [_tensor(d) for d in command[2:] if d[:1] == [kind]]
        # Axes of length 1, a batch axis among them, move no entry.
        if [_long(shape) for _, shape in declared] != [_long(shape) for shape in shapes]:
            raise UnreadableError(f"the tensors of {kind} are not those of the network")
        if sum(math.prod(shape) for _, shape in declared) > MOST_ENTRIES:
            raise UnreadableError("tensors with too many entries")
        count = 0
        for name, shape in declared:
            for places in product(*map(range, shape)):
                names[f"{name}[{','.join(map(str, places))}]" if shape else name] = f"{letter}_{count}"
                count += 1
    if len({d[1] for d in command[2:]}) < len(command[2:]):
        raise UnreadableError("a tensor that is declared twice")
    return names


def _tensor(declaration: Any) -> tuple[str, tuple[int, ...]]:
    if len(declaration) != 4 or not all(isinstance(word, str) for word in declaration):
        raise UnreadableError(f"the declaration {shown(declaration)} is not read")
    _, name, kind, shape = declaration
    if not _NAME.fullmatch(name) or kind not in TYPES or not _SHAPE.fullmatch(shape):
        raise UnreadableError(f"the declaration {shown(declaration)} is not read")
    return name, tuple(int(n) for n in shape[1:-1].split(",") if n)


def _long(shape: tuple[int, ...]) -> list[int]:
    return [n for n in shape if n != 1]


def _translated(term: Any, names: dict[str, str]) -> Any:
    """A formula or term of version 2 in the words of version 1."""
    if isinstance(term, str):
        if term in names:
            return names[term]
        if NUMBER.fullmatch(term):
            return term
    elif term[:1] == ["=="] and len(term) == 3:
        left, right = (_translated(side, names) for side in term[1:])
        return ["and", ["<=", left, right], [">=", left, right]]
    elif term and term[0] in _OPERATORS:
        return [term[0], *(_translated(part, names) for part in term[1:])]
    raise UnreadableError(f"the term {shown(term)} is not read in a query of version 2")
