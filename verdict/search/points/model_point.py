"""The point of Z3's model; where a value is irrational, a decimal close to it, which is a candidate and no more."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from verdict.encoders import smt
from verdict.encoders.envelopes import Relaxation
from verdict.solvers.z3_session import Session

from ...base.errors import SolverError
from ...bounds import Bounds
from ...network.exact import ExactVector, nearest_float
from ...network.graph import Graph

_APPROXIMATE = re.compile(r"\(\s*([a-z0-9_]+)\s+(\(-\s*)?([0-9.]+)\??\)?\s*\)")


def model_point(session: Session, size: int, *more: str) -> ExactVector:
    """The values of the `size` inputs and of what further constants are named. Raises SolverError."""
    names = [*(smt.name(0, i) for i in range(size)), *more]
    return ExactVector.of(model_values(session, names).values())


def model_values(session: Session, names: Sequence[str]) -> dict[str, Fraction]:
    """The values of the constants with these names. Raises SolverError."""
    try:
        return session.values(names)
    except SolverError:
        session.command("(set-option :pp.decimal true)\n(set-option :pp.decimal_precision 30)")
        text = session.command(f"(get-value ({' '.join(names)}))")
        session.command("(set-option :pp.decimal false)")
        found = {name: (-1 if minus else 1) * Fraction(value) for name, minus, value in _APPROXIMATE.findall(text)}
        if len(found) != len(names):
            raise
        return {name: found[name] for name in names}


def refined(session: Session, graph: Graph, bounds: Bounds, relaxation: Relaxation) -> str:
    """Cut the relaxation where Z3's model lies off the functions; what its new pieces say, "" where floats see none.

    Raises SolverError.
    """
    nodes = {i for number, envelope in relaxation.nodes.items() for i in (number, *envelope.sources)}
    named = {(i, k): each for i in nodes for k, each in smt.declared(graph, i, bounds).items()}
    found = model_values(session, list(named.values()))
    values = {i: np.zeros(graph.nodes[i].size) for i in nodes}
    for (i, k), each in named.items():
        values[i][k] = nearest_float(found[each])
    return smt.envelopes(graph, bounds, relaxation, relaxation.refine(values))
