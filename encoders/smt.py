"""The formula F and not G in exact rationals, as SMT-LIB 2 text for Z3 (QF_LRA, or QF_NRA where there are products).

Every number is the exact rational that the network holds, so Z3's answer is about the network over the reals
and about nothing else. The text comes in pieces, layer by layer, so that a session can push one part and keep
the rest. Bounds enter as lemmas, rounded outward to short numbers: long ones slow Z3's simplex more than
their last digits help. A function that Z3 has no formula of is a free number between the lines of a relaxation, if
one is given: then "unsat" is about the network, and "sat" about nothing but the relaxation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

import numpy as np

from verdict.base.deadline import checkpoint
from verdict.base.never import assert_never
from verdict.bounds import Bounds
from verdict.encoders.envelopes import Piece, Plane, Relaxation
from verdict.network.exact import ExactVector
from verdict.network.functions import Feature, Form
from verdict.network.functions.base import rational
from verdict.network.graph import Affine, Graph, Input, Pointwise, Product
from verdict.property import Perturbation, UnsafeSet
from verdict.property.box import Box
from verdict.property.formula import Comparison, Formula

# Significant bits of a bound used as a lemma.
LEMMA_BITS = 12


# By measurement (PERFORMANCE.md, "how Z3 is asked"): both solve the same problems, this one somewhat sooner.
DEFAULT_FORM = Form.IMPLICATIONS


def number(value: Fraction) -> str:
    """A rational as an SMT-LIB term."""
    return rational(value)


def linear(terms: list[tuple[Fraction, str]], constant: Fraction) -> str:
    """sum of coefficient * term + constant as an SMT-LIB term."""
    parts = [t if c == 1 else f"(* {number(c)} {t})" for c, t in terms if c]
    if constant or not parts:
        parts.append(number(constant))
    return parts[0] if len(parts) == 1 else f"(+ {' '.join(parts)})"


def name(node: int, index: int) -> str:
    """The constant that stands for entry `index` of node `node`; node 0 is the input."""
    return f"x{index}" if node == 0 else f"n{node}_{index}"


def prelude(graph: Graph | None, products: bool = False, relaxation: Relaxation | None = None) -> str:
    """The logic and options; what every formula starts with. Products of variables, in the network if there is one or
    in what is asked, need QF_NRA."""
    relaxed = () if relaxation is None else relaxation.nodes
    bent = {} if graph is None else graph.bent
    is_linear = all(i in relaxed or f.has(Feature.RATIONAL) for i, f in bent.items()) and not products
    return f"(set-option :produce-models true)\n(set-logic {'QF_LRA' if is_linear else 'QF_NRA'})"


def inputs_in_box(box: Box) -> str:
    """Declare the inputs and confine them to a box, or to the rows of a set that is less."""
    lines = []
    for i, (low, high) in enumerate(zip(box.lower, box.upper, strict=True)):
        lines.append(f"(declare-const x{i} Real)")
        lines.append(f"(assert (<= {number(low)} x{i} {number(high)}))")
    return "\n".join([*lines, *_auxiliary(box), *set_rows(box)])


def inputs_in_family(family: Perturbation) -> str:
    """Declare the inputs and the radius `eps`, and confine the inputs to the set of radius eps."""
    lines = ["(declare-const eps Real)", "(assert (>= eps 0.0))", inputs_anywhere(family)]
    return "\n".join([*lines, *_auxiliary(family), *set_rows(family)])


def inputs_anywhere(family: Perturbation) -> str:
    """Declare the inputs, confined to the ends that hold at every radius and nothing else."""
    lines = []
    for i, (low, high) in enumerate(zip(*family.bounds(), strict=True)):
        lines.append(f"(declare-const x{i} Real)")
        if low is not None:
            lines.append(f"(assert (<= {number(low)} x{i}))")
        if high is not None:
            lines.append(f"(assert (<= x{i} {number(high)}))")
    return "\n".join(lines)


def _auxiliary(among: Box | Perturbation) -> list[str]:
    return [f"(declare-const t{i} Real)\n(assert (>= t{i} 0.0))" for i in range(among.auxiliary)]


def further_rows(among: Box | Perturbation, said: set[str]) -> str:
    """The rows of a set that have not been `said` yet, and from now on have."""
    rows = [row for row in set_rows(among) if row not in said]
    said.update(rows)
    return "\n".join(rows)


def set_rows(among: Box | Perturbation) -> list[str]:
    """The rows of a set over declared inputs, auxiliary numbers t and the radius `eps`, as many as there are by now."""
    names = [name(0, i) for i in range(among.size)] + [f"t{i}" for i in range(among.auxiliary)]
    lines = []
    for row in among.rows():
        terms = [(c, names[i]) for i, c in zip(row.columns, row.coefficients, strict=True)]
        left = linear([*terms, (row.slope, "eps")], Fraction(0))
        lines.append(f"(assert (<= {left} {number(row.constant)}))")
    return lines


def network(
    graph: Graph, bounds: Bounds, form: Form = DEFAULT_FORM, relaxation: Relaxation | None = None
) -> Iterator[str]:
    """One piece of text per node; `bounds` (a batch of one) fix stable ReLUs and enter as lemmas. Without a
    `relaxation` all functions need formulas."""
    if relaxation is None:
        graph.require(Feature.POLYNOMIAL, "the SMT encoding")
    for index, node in enumerate(graph.nodes):
        checkpoint()
        if isinstance(node, Affine):
            yield _affine(graph, index, node, bounds)
        elif relaxation is not None and index in relaxation.nodes:
            free = [f"(declare-const {y} Real)" for y in declared(graph, index, bounds).values()]
            said = envelopes(graph, bounds, relaxation, relaxation.pieces(index))
            yield "\n".join([*free, said])
        elif isinstance(node, Pointwise):
            yield _pointwise(index, node, bounds, form)
        elif isinstance(node, Product):
            yield _multiplied(graph, index, node, bounds)
        elif not isinstance(node, Input):
            assert_never(node)


def declared(graph: Graph, number: int, bounds: Bounds) -> dict[int, str]:
    """The constants of a node's entries that are not zero for certain, by these."""
    dead = _always_off(graph, number, bounds)
    return {i: name(number, i) for i in range(graph.nodes[number].size) if i not in dead}


def envelopes(
    graph: Graph, bounds: Bounds, relaxation: Relaxation, pieces: Iterable[tuple[int, int, Piece]]
) -> str:
    """What pieces of a relaxation say, each with its node and entry: between its ends, inside the interval, the value
    lies between its lines."""
    lines, dead = [], {number: _always_off(graph, number, bounds) for number in relaxation.nodes}
    for number, entry, piece in pieces:
        envelope = relaxation.nodes[number]
        if entry in dead[number]:
            continue
        y, sources = name(number, entry), [name(source, entry) for source in envelope.sources]
        said = [f"({relation} {y} {_plane(plane, sources)})"
                for relation, planes in ((">=", piece.below), ("<=", piece.above)) for plane in planes]  # fmt: skip
        if not said:
            continue
        low, high = envelope.ends[0]
        # Bounds hold, so an end of the whole interval is no condition.
        ends = [f"(>= {sources[0]} {number_of(piece.low)})"] if piece.low > low[entry] else []
        ends += [f"(<= {sources[0]} {number_of(piece.high)})"] if piece.high < high[entry] else []
        body = said[0] if len(said) == 1 else f"(and {' '.join(said)})"
        lines.append(f"(assert (=> (and {' '.join(ends)}) {body}))" if ends else f"(assert {body})")
    return "\n".join(lines)


def number_of(value: float) -> str:
    """A float, exactly."""
    return rational(Fraction(value))


def _plane(plane: Plane, sources: list[str]) -> str:
    terms = [(Fraction(slope), source) for slope, source in zip(plane.slopes, sources, strict=True)]
    return linear(terms, Fraction(plane.offset))


def _affine(graph: Graph, index: int, node: Affine, bounds: Bounds) -> str:
    constants = ExactVector(*node.bias.integers).fractions()
    terms: list[list[tuple[Fraction, str]]] = [[] for _ in range(node.size)]
    for linear_map, source in node.terms:
        rows, cols, which = linear_map.entries
        exact = linear_map.coefficients.fractions().ravel()
        dead = _always_off(graph, source, bounds)
        for row, col, at in zip(rows.tolist(), cols.tolist(), which.tolist(), strict=True):
            if not at % 1024:
                checkpoint()
            if col not in dead:
                terms[row].append((exact[at], name(source, col)))
    lines = []
    low, high = bounds.lower[index][0], bounds.upper[index][0]
    for i in range(node.size):
        z = name(index, i)
        lines.append(f"(declare-const {z} Real)")
        lines.append(f"(assert (= {z} {linear(terms[i], constants[i])}))")
        for lemma in (_lemma(z, "<=", float(low[i]), down=True), _lemma(z, ">=", float(high[i]), down=False)):
            if lemma:
                lines.append(lemma)
    return "\n".join(lines)


def _always_off(graph: Graph, source: int, bounds: Bounds) -> set[int]:
    """The entries of a Pointwise node that are zero for certain."""
    if source not in graph.pointwise:
        return set()
    low, high = bounds.in_front(graph, source)
    return set(np.flatnonzero(graph.functions[source].is_zero(low[0], high[0])).tolist())


def _lemma(term: str, relation: str, value: float, *, down: bool) -> str:
    """(assert (<= bound term)) or (assert (>= bound term)), the bound rounded outward to few bits."""
    if not np.isfinite(value):
        return ""
    if value == 0:
        return f"(assert ({relation} 0.0 {term}))"
    mantissa, exponent = np.frexp(value)
    scaled = mantissa * 2**LEMMA_BITS
    whole = int(np.floor(scaled) if down else np.ceil(scaled))
    return f"(assert ({relation} {number(Fraction(whole) * Fraction(2) ** (int(exponent) - LEMMA_BITS))} {term}))"


def _pointwise(index: int, node: Pointwise, bounds: Bounds, form: Form) -> str:
    low, high = bounds.lower[node.source][0], bounds.upper[node.source][0]
    skipped = node.function.is_zero(low, high)
    lines = []
    for i in range(node.size):
        y, z = name(index, i), name(node.source, i)
        if skipped[i]:
            continue  # zero for certain: its readers skip it
        lines.append(f"(declare-const {y} Real)")
        said = node.function.formula(y, z, float(low[i]), float(high[i]), form)
        lines += [f"(assert {text})" for text in said]
    return "\n".join(lines)


def _multiplied(graph: Graph, index: int, node: Product, bounds: Bounds) -> str:
    """y = x z, which Z3 takes as it is, for the reals; a factor that is zero for certain is not written."""
    dead = [_always_off(graph, source, bounds) for source in node.sources]
    lines = []
    for i in range(node.size):
        y, *factors = name(index, i), *(name(source, i) for source in node.sources)
        value = "0.0" if i in dead[0] | dead[1] else f"(* {' '.join(factors)})"
        lines.append(f"(declare-const {y} Real)\n(assert (= {y} {value}))")
    return "\n".join(lines)


def in_unsafe(graph: Graph, unsafe: UnsafeSet, bounds: Bounds) -> str:
    """The negated property: the output lies in some polytope of the unsafe set."""
    options = []
    dead = _always_off(graph, graph.output, bounds)
    for polytope in unsafe.polytopes:
        rows = polytope.matrix.fractions()
        rows_text = []
        for row, limit in zip(rows, polytope.offset.fractions().ravel(), strict=True):
            terms = [(c, name(graph.output, i)) for i, c in enumerate(row) if i not in dead]
            rows_text.append(f"(<= {linear(terms, Fraction(0))} {number(limit)})")
        options.append(rows_text[0] if len(rows_text) == 1 else f"(and {' '.join(rows_text)})")
    body = options[0] if len(options) == 1 else f"(or {' '.join(options)})"
    return f"(assert {body})"


def formula(asked: Formula, graph: Graph, bounds: Bounds) -> str:
    """The text of a formula over inputs and outputs as it stands: strictness, equality and products included."""
    dead = _always_off(graph, graph.output, bounds)

    def of(variable: int) -> str:
        if variable >= 0:
            return name(0, variable)
        return number(Fraction(0)) if -1 - variable in dead else name(graph.output, -1 - variable)

    return f"(assert {_formula(asked, of)})"


def _formula(asked: Formula, of: Callable[[int], str]) -> str:
    if isinstance(asked, Comparison):
        terms = [(c, _product([of(v) for v in monomial])) for monomial, c in asked.polynomial.terms.items() if monomial]
        relation = {"==": "=", "!=": "distinct"}.get(asked.relation, asked.relation)
        return f"({relation} {linear(terms, Fraction(0))} {number(-asked.polynomial.terms.get((), Fraction(0)))})"
    parts = [_formula(part, of) for part in asked.parts]
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return "true" if asked.is_and else "false"
    return f"({'and' if asked.is_and else 'or'} {' '.join(parts)})"


def _product(factors: list[str]) -> str:
    return factors[0] if len(factors) == 1 else f"(* {' '.join(factors)})"
