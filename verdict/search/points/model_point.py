"""The point of Z3's model; where a value is irrational, a decimal close to it, which is a candidate and no more."""

from __future__ import annotations

import re
from fractions import Fraction

from verdict.encoders import smt
from verdict.solvers.z3_session import Session

from ...base.errors import SolverError
from ...network.exact import ExactVector

_APPROXIMATE = re.compile(r"\(\s*([a-z0-9]+)\s+(\(-\s*)?([0-9.]+)\??\)?\s*\)")


def model_point(session: Session, size: int, *more: str) -> ExactVector:
    """The values of the `size` inputs and of what further constants are named. Raises SolverError."""
    names = [*(smt.name(0, i) for i in range(size)), *more]
    try:
        return ExactVector.of(session.values(names).values())
    except SolverError:
        session.command("(set-option :pp.decimal true)\n(set-option :pp.decimal_precision 30)")
        text = session.command(f"(get-value ({' '.join(names)}))")
        session.command("(set-option :pp.decimal false)")
        found = {name: (-1 if minus else 1) * Fraction(value) for name, minus, value in _APPROXIMATE.findall(text)}
        if len(found) != len(names):
            raise
        return ExactVector.of([found[name] for name in names])
