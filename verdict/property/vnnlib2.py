"""VNN-LIB 2 queries: networks with declared variables, and one formula over all of them.

The inputs of all networks, one after another, are the inputs of one joint network, its outputs are their hidden
values and outputs; inputs that the formula sets equal are one and the same coordinate. Literals are the decimals
that they say. arXiv 2605.07451 gives the standard's syntax and semantics.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.errors import PropertyError
from ..base.reading import MOST_TEXT, read_bytes
from . import vnnlib2_syntax as syntax
from .cases import Case, CaseMaker, emptiness
from .expand import add_to
from .formula import Comparison, Connective, Formula, asserted, comparisons, renamed
from .implied import implied_bounds
from .polynomial import Polynomial
from .vnnlib_cases import AndGroup, Expansion
from .vnnlib_linear import Rows, Variable
from .vnnlib_text import exact_number, shown, text_of

if TYPE_CHECKING:
    import vnnlib

# The element types as queries write them, by the parser's names; what is missing cannot be declared.
ELEMENT_TYPES = {
    "Real": "real", "F16": "float16", "F32": "float32", "F64": "float64", "BF16": "bfloat16",
    "F8E4M3FN": "float8e4m3fn", "F8E5M2": "float8e5m2", "F8E4M3FNUZ": "float8e4m3fnuz",
    "F8E5M2FNUZ": "float8e5m2fnuz", "F4E2M1": "float4e2m1", "I8": "int8", "I16": "int16", "I32": "int32",
    "I64": "int64", "U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64", "C64": "complex64",
    "C128": "complex128", "Bool": "bool",
}  # fmt: skip

_MAX_ENTRIES = 10_000_000
FLOAT32_LARGEST = Fraction((1 << 24) - 1) * (1 << 104)


@dataclass(frozen=True)
class Declared:
    """One declared tensor: `kind` is input, hidden or output, `type` as written; `onnx` names a hidden value."""

    name: str
    kind: str
    type: str
    shape: tuple[int, ...]
    onnx: str = ""

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def dimensions(self) -> str:
        return f"[{','.join(map(str, self.shape))}]"

    def element(self, position: int) -> str:
        """Entry number `position`, in row-major order, as the query writes it."""
        indices = []
        for length in reversed(self.shape):
            position, index = divmod(position, length)
            indices.append(str(index))
        return f"{self.name}[{','.join(reversed(indices))}]" if indices else self.name


@dataclass(frozen=True)
class DeclaredNetwork:
    """A declared network; `equal_to` and `isomorphic_to` name another one or are empty."""

    name: str
    variables: tuple[Declared, ...]
    equal_to: str = ""
    isomorphic_to: str = ""

    def of_kind(self, *kinds: str) -> tuple[Declared, ...]:
        return tuple(v for v in self.variables if v.kind in kinds)


@dataclass(frozen=True, eq=False)
class VnnLib2:
    """A parsed query, satisfied by (x, y) exactly where `formula` holds.

    x are the inputs of all networks one after another, y for each network its outputs and then its hidden values.
    Variable i >= 0 of the formula is x_i, variable -1 - i is y_i. `shared[i]` is the input that x_i equals, the first
    of its class; the formula names no other.
    """

    networks: tuple[DeclaredNetwork, ...]
    formula: Formula
    shared: tuple[int, ...]
    path: Path
    data: bytes = b""  # the file as it was read, packed if it was

    @property
    def is_real(self) -> bool:
        """Whether every variable has the type real: only then a query leaves the number format open."""
        return all(v.type == "real" for network in self.networks for v in network.variables)

    @property
    def is_linear(self) -> bool:
        return all(c.polynomial.degree <= 1 for c in comparisons(self.formula))

    @property
    def is_plain(self) -> bool:
        """Whether it is about the inputs and outputs of one network, and no two inputs are one."""
        (first, *others) = self.networks
        return not (others or first.of_kind("hidden")) and len(self.joint) == len(self.shared)

    @cached_property
    def joint(self) -> dict[int, int]:
        """The coordinate of the joint network for each input that others share."""
        return {variable: i for i, variable in enumerate(sorted(set(self.shared)))}

    @property
    def outputs(self) -> int:
        return sum(v.size for network in self.networks for v in network.of_kind("output", "hidden"))

    def holds(self, x: Sequence[Fraction], y: Sequence[Fraction]) -> bool:
        """Whether joint inputs and outputs satisfy the formula, exactly."""
        return self.joint_formula.holds(x, y)

    @cached_property
    def joint_formula(self) -> Formula:
        """The formula over the coordinates of the joint network."""
        return self.formula if len(self.joint) == len(self.shared) else renamed(self.formula, self.joint)

    @cached_property
    def names(self) -> dict[Variable, str]:
        """What the file calls each variable of `joint_formula`."""
        given = declared_names(self.networks)
        return {self.joint[v] if v >= 0 else v: name for v, name in given.items() if v < 0 or v in self.joint}

    @property
    def cases(self) -> tuple[Case, ...]:
        """Boxes with unsafe sets that cover every solution; exactly the solutions, up to strictness, if it is linear.

        None at all means that the linear constraints contradict each other. Raises PropertyError where an input has
        no finite bounds, and where nested and/or expand to too many cases.
        """
        return self._expanded[0]

    def _widest(self) -> list[Fraction | None]:
        """The largest number of each coordinate's type; None where that is too large to compute with, or open."""
        inputs = (v for network in self.networks for v in network.of_kind("input"))
        largest = [FLOAT32_LARGEST if v.type == "float32" else None for v in inputs for _ in range(v.size)]
        result: list[Fraction | None] = [None] * len(self.joint)
        for value, first in zip(largest, self.shared, strict=True):
            result[self.joint[first]] = value or result[self.joint[first]]
        return result

    @property
    def empty(self) -> str:
        """Why there is no case, where the constraints on single inputs are why; else ""."""
        return self._expanded[1]

    @cached_property
    def _expanded(self) -> tuple[tuple[Case, ...], str]:
        names = self.names
        rows = Rows(names.__getitem__)
        for variable in sorted(names, reverse=True):
            rows.declare(variable)
        expansion = Expansion(rows)
        root = AndGroup(expansion)
        maker = CaseMaker(_Lines(self.path), expansion, len(self.joint), self.outputs, self._widest())
        try:
            add_to(root, self.joint_formula, expansion)
            for comparison in implied_bounds(list(asserted(self.joint_formula)), len(self.joint)):
                add_to(root, comparison, expansion)
            cases = tuple(maker.cases(root.terms()))
        except PropertyError as error:
            raise PropertyError(f"{self.path}: {error}") from None
        return cases, "" if cases else emptiness(root, _Lines(self.path))


@dataclass(frozen=True)
class _Lines:
    """Positions that are lines already."""

    path: Path

    def line(self, position: int) -> int:
        return position


def read_vnnlib2(path: str | Path) -> VnnLib2:
    """The query in a `.vnnlib` or `.vnnlib.gz` file of version 2.

    Raises PropertyError with the file, the line, what was found and what was expected.
    """
    data = read_bytes(path, MOST_TEXT, PropertyError)
    return replace(parse_vnnlib2(text_of(data, path), path), data=data)


def parse_vnnlib2(text: str, path: str | Path = "<text>") -> VnnLib2:
    """The query in a text; `path` is only for errors. Raises PropertyError, see `read_vnnlib2`."""
    path = Path(path)
    tree = syntax.parse(text, path)
    networks = tuple(_network(network, path) for network in tree.networks)
    entries = sum(v.size for network in networks for v in network.variables)
    if entries > _MAX_ENTRIES:
        raise PropertyError(f"{path}: found {entries} declared entries, expected at most {_MAX_ENTRIES}")
    formula = _Converter(networks, path).formula(tree)
    shared = _shared(formula, sum(v.size for n in networks for v in n.of_kind("input")))
    others = {i: first for i, first in enumerate(shared) if i != first}
    return VnnLib2(networks, renamed(formula, others) if others else formula, shared, path,
                    text.encode(errors="surrogatepass"))


def _network(network: vnnlib.Network, path: Path) -> DeclaredNetwork:
    kinds = (("input", network.inputs), ("hidden", network.hidden), ("output", network.outputs))
    variables = tuple(_declared(v, kind, path) for kind, group in kinds for v in group)
    return DeclaredNetwork(network.name, variables, network.equal_to, network.isometric_to)


def _declared(variable: Any, kind: str, path: Path) -> Declared:
    element_type = ELEMENT_TYPES.get(variable.dtype.name)
    if element_type is None:
        known = ", ".join(ELEMENT_TYPES.values())
        raise PropertyError(f"{path}: {kind} {variable.name} has an unknown element type, expected one of {known}")
    onnx = (variable.onnx_name or "")[1:-1]
    for escape, letter in (("\\\\", "\0"), ('\\"', '"'), ("\\n", "\n"), ("\\t", "\t"), ("\0", "\\")):
        onnx = onnx.replace(escape, letter)
    return Declared(variable.name, kind, element_type, tuple(variable.shape), onnx)


def declared_names(networks: Sequence[DeclaredNetwork]) -> dict[Variable, str]:
    """What each variable is called: input i of all networks is i, output i is -1 - i, see `VnnLib2`."""
    names: dict[Variable, str] = {}
    inputs = outputs = 0
    for network in networks:
        for v in network.of_kind("input"):
            names.update((inputs + i, v.element(i)) for i in range(v.size))
            inputs += v.size
        for v in (*network.of_kind("output"), *network.of_kind("hidden")):
            names.update((-1 - outputs - i, v.element(i)) for i in range(v.size))
            outputs += v.size
    return names


class _Converter:
    """From the parser's syntax tree to a formula."""

    def __init__(self, networks: Sequence[DeclaredNetwork], path: Path) -> None:
        self._path = path
        self._variables = {name: variable for variable, name in declared_names(networks).items()}
        self._line = 0

    def formula(self, tree: vnnlib.Query) -> Formula:
        try:
            return Connective(True, tuple(self._boolean(assertion.expr) for assertion in tree.assertions))
        except PropertyError as error:
            raise PropertyError(f"{self._path}, line {self._line}: {error}") from None

    def _boolean(self, node: Any) -> Formula:
        kind = type(node).__name__
        if kind in ("And", "Or"):
            return Connective(kind == "And", tuple(self._boolean(part) for part in node.args))
        left, right = self._number(node.lhs), self._number(node.rhs)
        line = self._line
        if kind in ("GreaterThan", "GreaterEqual"):
            left, right = right, left
        relation = {"Equal": "==", "NotEqual": "!=", "LessThan": "<", "GreaterThan": "<"}.get(kind, "<=")
        return Comparison(left.plus(right, -1), relation, line)

    def _number(self, node: Any) -> Polynomial:
        kind = type(node).__name__
        if kind == "Var":
            self._line = node.line
            indices = f"[{','.join(map(str, node.indices))}]" if node.indices else ""
            return Polynomial.variable(self._variables[node.name + indices])
        if kind in ("Int", "Float"):
            self._line = node.line
            value = exact_number(node.lexeme)
            if value is None:
                raise PropertyError(f"found the malformed number {shown(node.lexeme)}, expected such as -1.5")
            return Polynomial.constant(value)
        if kind == "Negate":
            return Polynomial({}).plus(self._number(node.expr), -1)
        if kind == "Minus":
            result = self._number(node.head)
            for part in node.rest:
                result = result.plus(self._number(part), -1)
            return result
        parts = [self._number(part) for part in node.args]
        result = parts[0]
        for part in parts[1:]:
            result = result.times(part) if kind == "Multiply" else result.plus(part)
        return result


def _shared(formula: Formula, inputs: int) -> tuple[int, ...]:
    """For each input the first one that it must equal: by `==`, or by `<=` both ways."""
    first = list(range(inputs))

    def find(i: int) -> int:
        while first[i] != i:
            first[i] = first[first[i]]
            i = first[i]
        return i

    below: set[tuple[int, int]] = set()
    for i, j, relation in _orders(formula):
        below.add((i, j))
        if relation == "==" or (j, i) in below:
            a, b = sorted((find(i), find(j)))
            first[b] = a
    return tuple(find(i) for i in range(inputs))


def _orders(formula: Formula) -> Iterator[tuple[int, int, str]]:
    """The asserted comparisons x_i <= x_j and x_i == x_j of two inputs."""
    for comparison in asserted(formula):
        terms = comparison.polynomial.terms
        if len(terms) == 2 and comparison.relation in ("<=", "==") and comparison.polynomial.degree == 1:
            (a, c), (b, d) = terms.items()
            if len(a) == len(b) == 1 and min(a[0], b[0]) >= 0 and c == -d:
                yield (a[0], b[0], comparison.relation) if c > 0 else (b[0], a[0], comparison.relation)
