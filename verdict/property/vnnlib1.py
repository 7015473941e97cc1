"""VNN-LIB 1 files: the question "is there an input for which these constraints hold", as exact cases.

A case is a box of inputs and an unsafe set; the answer is sat where some case has a witness. Strict `<` and
`>` (also a negated `<=`) are closed in the sets, so that a proof covers more than it must; a witness has to
satisfy them strictly, see `Case.holds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from ..base.errors import PropertyError
from ..base.reading import MOST_TEXT, read_bytes
from ..network.exact import ExactVector
from .cases import Case, CaseMaker, emptiness, formula_of
from .expand import expanded
from .formula import Formula
from .vnnlib_formula import Parser
from .vnnlib_linear import Variable, name
from .vnnlib_text import Source, text_of


@dataclass(frozen=True, eq=False)
class VnnLib1:
    """A parsed file: satisfied by (x, y) exactly where one of its cases holds.

    No case at all means that the constraints contradict each other: the answer is unsat. `empty` says so where those
    on the inputs alone do. `empty_boxes` counts the disjuncts, or combinations of them, left out because their box is
    empty.
    """

    inputs: int
    outputs: int
    cases: tuple[Case, ...]
    path: Path
    empty_boxes: int = 0
    empty: str = ""
    data: bytes = b""  # the file as it was read, packed if it was

    def holds(self, x: Sequence[Fraction], y: Sequence[Fraction]) -> bool:
        """Whether an input with its output satisfies the query, exactly."""
        inputs, outputs = ExactVector.of(x), ExactVector.of(y)
        return any(case.holds(inputs, outputs) for case in self.cases)

    @cached_property
    def joint_formula(self) -> Formula:
        """The query as one formula; variable i >= 0 is X_i, variable -1 - i is Y_i."""
        return formula_of(self.cases, self.outputs)

    @cached_property
    def names(self) -> dict[Variable, str]:
        """What the file calls each variable."""
        return {v: name(v) for v in range(-self.outputs, self.inputs)}


def read_vnnlib1(path: str | Path) -> VnnLib1:
    """The property in a `.vnnlib` or `.vnnlib.gz` file.

    Raises PropertyError with the file, the line, what was found and what was expected: also where an input
    lacks a bound, and where nested and/or expand to too many cases.
    """
    data = read_bytes(path, MOST_TEXT, PropertyError)
    return replace(parse_vnnlib1(text_of(data, path), path), data=data)


def parse_vnnlib1(text: str, path: str | Path = "<text>") -> VnnLib1:
    """The property in a text; `path` is only for errors. Raises PropertyError, see `read_vnnlib1`."""
    return replace(_parsed(Source(text, Path(path))), data=text.encode(errors="surrogatepass"))


def query_of(formula: Formula, inputs: int, outputs: int, name: str) -> VnnLib1:
    """The query whether an input with its output satisfies a linear formula, as its text would be read; `name` is what
    errors call it. Raises PropertyError, see `read_vnnlib1`."""
    cases, empty = expanded(formula, inputs, outputs, name)
    return VnnLib1(inputs, outputs, cases, Path(name), empty=empty)


def _parsed(source: Source) -> VnnLib1:
    formula = Parser(source)
    inputs, outputs = formula.sizes()
    expansion = formula.expansion
    maker = CaseMaker(source, expansion, inputs, outputs)
    try:
        cases = tuple(maker.cases(formula.root.terms()))
    except PropertyError as error:
        raise PropertyError(f"{source.path}: {error}") from None
    empty = "" if cases else emptiness(formula.root, source)
    return VnnLib1(inputs, outputs, cases, source.path, expansion.empty_boxes, empty)
