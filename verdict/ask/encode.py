"""From a question to the files that `verdict encode` writes: one for SMT-LIB and VNN-LIB, one per model for LP and MPS.

The margin models are one for each case and polytope, as the MILP engine solves them one after another.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from verdict.solvers.model import LinearModel

from ..base.deadline import Deadline
from ..base.errors import InputError
from ..bounds import Bounds
from ..network.functions import Feature
from ..network.network import Network
from ..property import Box
from ..property.cases import Case, formula_of
from ..property.formula import Connective, Formula, comparisons
from ..property.norm_ball import RoundBox
from ..property.norms import norm_of
from ..property.vnnlib import read_query
from ..property.vnnlib1 import VnnLib1
from ..property.vnnlib2 import Declared, DeclaredNetwork, VnnLib2, declared_names
from ..property.vnnlib2_write import query_text, rewritten
from ..property.vnnlib_bind import bound
from ..property.vnnlib_linear import Variable
from ..search.engines.registry import engine_class
from ..search.neurons.methods import METHODS
from .prepared import asked_point, box_at, prepared
from .question import Question
from .run import Run

FORMATS = ("smt2", "lp", "mps", "vnnlib")

# The share of the time that the bounds in a formula may take.
BOUNDS_SHARE = 0.6


@dataclass(frozen=True, eq=False)
class Formulated:
    """A network and what is asked of it: a formula, its cases, and what its variables are called."""

    network: Network
    formula: Formula
    cases: tuple[Case, ...]
    names: Mapping[Variable, str]
    title: str
    query: VnnLib2 | None = None

    @property
    def heading(self) -> str:
        """One line of ASCII, whatever the files are called."""
        return f"{self.title}, about {self.network.path.name}".encode("unicode_escape").decode("ascii")


def formulated(question: Question) -> Formulated:
    """What a question of the kind encode is about: a VNN-LIB query, or a ball."""
    if question.query is not None:
        asked = read_query(Path(question.query.path)) if question.query.content is None else question.query.content
        return of_query(asked, bound(asked, {model.name or "": model.load() for model in question.models}))
    ready, domain = prepared(question), question.domain
    box = box_at(ready, domain.eps or Fraction(0))
    cases = (Case(box, ready.unsafe),)
    network = ready.network
    formula = formula_of(cases, network.output_size)
    within = box.family.norm.formula(box.family.points, box.radius) if isinstance(box, RoundBox) else None
    if within is not None:
        formula = Connective(True, (formula, within))
    around = "" if domain.norm is None else f" ({norm_of(domain.norm).title})"
    name = asked_point(question).source or "the input"
    title = f"{name} within {domain.eps}{around} does not keep class {ready.label}"
    return Formulated(network, formula, cases, declared_names([declaration(network)]), title)


def of_query(asked: VnnLib1 | VnnLib2, network: Network) -> Formulated:
    """The question of a VNN-LIB query about the network that it was bound to."""
    query = asked if isinstance(asked, VnnLib2) else None
    return Formulated(network, asked.joint_formula, asked.cases, asked.names, asked.path.name, query)


def answer(question: Question, run: Run) -> list[str]:
    """The answer to a question of the kind encode: the texts, one for smt2 and vnnlib, one for each model else."""
    found, to = formulated(question), question.aim.to
    if to == "smt2":
        return [smt2(found, run.options.bounds)]
    if to == "vnnlib":
        return [vnnlib(found)]
    from verdict.encoders.text import write_lp, write_mps

    if to not in FORMATS:
        raise InputError(f"to is {to!r}, expected one of {', '.join(FORMATS)}")
    texts = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        for _, names, comments, model in models(found, run.options.bounds):
            (write_lp if to == "lp" else write_mps)(model, names, comments, path)
            texts.append(path.read_text(encoding="ascii"))
    return texts


def declaration(network: Network) -> DeclaredNetwork:
    """How a query declares a network: inputs X, outputs Y, numbered where there are several."""
    variables = []
    for kind, letter, ports in (("input", "X", network.inputs), ("output", "Y", network.outputs)):
        for i, port in enumerate(ports):
            name = letter if len(ports) == 1 else f"{letter}{i}"
            variables.append(Declared(name, kind, port.dtype, port.shape))
    return DeclaredNetwork("f", tuple(variables))


def vnnlib(question: Formulated) -> str:
    """The question as a VNN-LIB 2 query."""
    for box in (case.inputs for case in question.cases):
        if isinstance(box, RoundBox) and box.family.norm.formula(box.family.points, box.radius) is None:
            norm = box.family.norm.name
            raise InputError(
                f"VNN-LIB has no sums of absolute values: a ball of the norm {norm} goes --to smt2, lp or mps"
            )
    comments = [question.heading, "written by verdict encode"]
    if question.query is not None:
        return rewritten(question.query, comments)
    declared = declaration(question.network)
    return query_text([declared], question.formula, declared_names([declared]), comments)


def smt2(question: Formulated, bounds: str | None) -> str:
    """The question as an SMT-LIB 2 script: sat if and only if it has a solution over the real numbers, or a relaxation
    of it, which says so."""
    from verdict.encoders import smt, text
    from verdict.encoders.envelopes import lacking

    graph = question.network.graph
    relaxed = text.relaxed(graph, lacking(graph))
    comments = [question.heading, *relaxed]
    if not relaxed:
        comments.append("sat: there is a solution over the real numbers; unsat: there is none")
    if not question.cases:
        lines = [*(f"; {c}" for c in comments), "; the linear constraints contradict each other", smt.prelude(None)]
        return "\n".join([*lines, "(assert false)", "(check-sat)", ""])
    boxes = [case.inputs for case in question.cases]
    hull = boxes[0] if len(boxes) == 1 else Box(
        [min(ends) for ends in zip(*(box.lower for box in boxes), strict=True)],
        [max(ends) for ends in zip(*(box.upper for box in boxes), strict=True)],
    )
    if hull.auxiliary:
        comments.append("t0, t1, ...: numbers of the ball, at least |x_i - c_i| (l1) or (x_i - c_i)^2 / radius (l2)")
    method = engine_class("smt").method(bounds)
    comments.append(f"bounds by {method!r} are given as lemmas, rounded outward; stable neurons are fixed by them")
    found = _bounds(question.network, hull, method)
    return "\n".join(text.smt2(question.formula, graph, hull, found, question.names, comments))


def models(question: Formulated, bounds: str | None) -> Iterator[tuple[str, Sequence[str], Sequence[str], LinearModel]]:
    """For each case and polytope what it is called, its model's column names, comments, and the model itself.

    Raises InputError for a formula with products.
    """
    from verdict.encoders import text
    from verdict.encoders.envelopes import Relaxation
    from verdict.encoders.milp import encode_margin, encode_relaxed_margin

    if any(c.polynomial.degree > 1 for c in comparisons(question.formula)):
        raise InputError("products of variables have no linear model; --to smt2 writes them")
    method = engine_class("milp").method(bounds)
    for number, case in enumerate(question.cases):
        subject = question.network.passing_inputs() if case.outputs_with_inputs else question.network
        found = _bounds(subject, case.inputs, method)
        for i, polytope in enumerate(case.unsafe.polytopes):
            relaxation = Relaxation(subject.graph, found, Feature.ON_OFF)
            relaxation.halve(text.PIECES - 1)
            if relaxation:
                encoding = encode_relaxed_margin(relaxation, polytope, case.inputs)
            else:
                encoding = encode_margin(subject.graph, found, polytope, inputs=case.inputs)
            names = text.column_names(encoding, subject.graph)
            comments = [
                question.heading,
                f"case {number + 1} of {len(question.cases)}, disjunct {i + 1} of {len(case.unsafe.polytopes)}: "
                + polytope.name,
                *text.relaxed(subject.graph, Feature.ON_OFF),
                f"least margin at most 0: {'nothing' if relaxation else 'satisfied, strict inequalities closed'}; "
                "above 0: this disjunct is not",
                "numbers are float64, tolerances are the solver's: the answer is its word",
                *(f"x{k} is {question.names[k]}" for k in range(subject.input_size)),
                f"zK_I, yK_I, aK_I: neuron I of node K before and after, and its binary; bounds by {method!r}",
                *text.units(encoding),
            ]
            yield polytope.name, names, comments, encoding.model


def _bounds(network: Network, box: Box, method: str) -> Bounds:
    return METHODS[method].run(network.graph, box, Deadline().share(BOUNDS_SHARE, math.inf)).bounds


def numbered(path: Path, number: int, count: int) -> Path:
    """The file of model `number` of `count`: `path` itself where it is the only one."""
    return path if count == 1 else path.with_name(f"{path.stem}-{number + 1}{path.suffix}")
