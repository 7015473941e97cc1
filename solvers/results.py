"""What a solve gives: its status, what a backend declares and reports, and the `Solution` with every number labelled.

A status says something about the model only as the backend's word; a `Solution` keeps apart what the solver claims
and what an audit of its point has confirmed.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from fractions import Fraction

from verdict.solvers.model import Vector


class Status(enum.Enum):
    """How a solve ended. Only the first three say something about the model, and only as the backend's word.

    OPTIMAL: the incumbent is within `gap` of the minimum. INFEASIBLE, UNBOUNDED: as they say.
    FEASIBLE: an incumbent, no claim of optimality, no limit reached.
    TARGET: stopped because the bound reached `target_bound`.
    TIME_LIMIT, MEMORY_LIMIT, INTERRUPTED: stopped; the bound and the incumbent, if any, stand.
    INFEASIBLE_OR_UNBOUNDED: the backend could not tell, and neither could a second solve.
    ERROR: the backend broke down. UNKNOWN: none of these, or a status that the backend's table does not list.
    """

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    FEASIBLE = "feasible"
    TARGET = "target"
    TIME_LIMIT = "time limit"
    MEMORY_LIMIT = "memory limit"
    INTERRUPTED = "interrupted"
    INFEASIBLE_OR_UNBOUNDED = "infeasible or unbounded"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Features:
    """What a backend can do. What is not declared is refused with a SolverError, never ignored.

    integer, continuous: accepts such columns. integral_data: accepts only finite bounds and integer
    coefficients. exact: rational arithmetic, no tolerances. duals: row duals, reduced costs and, for an
    infeasible LP, a Farkas ray. warm_start: takes a hint. progress: reports bounds and incumbents while it
    runs. threads: runs on more than one. interrupt: stops softly, so that the last incumbent's point survives
    (every backend can be cancelled; those without it are killed). memory_limit: holds one. products: takes columns
    that are the product of two others.
    """

    integer: bool = True
    continuous: bool = True
    integral_data: bool = False
    exact: bool = False
    duals: bool = False
    warm_start: bool = False
    progress: bool = False
    threads: bool = False
    interrupt: bool = False
    memory_limit: bool = False
    products: bool = False


@dataclass(frozen=True)
class Progress:
    """One report of a running solve: both values only ever improve from one report to the next.

    Attributes:
        seconds: since the start.
        bound: proved lower bound on the minimum, -inf if none.
        incumbent: value of the best known point, inf if none.
        point: (n,) that point, when the backend gives it away while it runs.
    """

    seconds: float
    bound: float = -math.inf
    incumbent: float = math.inf
    point: Vector | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Request:
    """The options of one solve as a backend sees them, already checked against its features; see
    `Solver.solve`.
    """

    time_limit: float | None = None
    threads: int = 1
    hint: Vector | None = None
    gap: float = 0.0
    memory_limit: int | None = None
    background: bool = False


@dataclass(frozen=True)
class Raw:
    """A backend's result in its own words: `status` is a key of its table, or a Status where the layer itself
    stopped the run. Values include the model's offset. Fields as in `Solution`."""

    status: str | Status
    bound: float = -math.inf
    point: Vector | None = None
    exact_point: list[Fraction] | None = None
    exact_bound: Fraction | None = None
    duals: Vector | None = None
    reduced_costs: Vector | None = None
    ray: Vector | None = None
    message: str = ""


@dataclass(frozen=True, eq=False)
class Solution:
    """The result of one solve.

    Attributes:
        status: the outcome, after the audit.
        objective: objective·point + offset, recomputed from the point; None without a point.
        bound: lower bound on the minimum: the backend's word in float64, -inf if it proved none, inf if
            infeasible.
        point: (n,) the incumbent, integer columns rounded; None if none passed the audit.
        max_violation: largest absolute violation of the model at `point`, in float64; 0.0 for an exact
            backend.
        exact: status, objective, bound and exact_point were computed in rational arithmetic.
        exact_point, exact_bound: the same without rounding, from exact backends.
        duals, reduced_costs: (m,), (n,) of an LP: d = c - Aᵀy, y_i >= 0 at a row's lower side, d_j >= 0 at a
            column's lower bound. Feed them to `LinearModel.lower_bound` for a bound that holds without trust.
        ray: (m,) Farkas multipliers of an infeasible LP; `LinearModel.excludes` checks them exactly.
        seconds: wall time of the solve. backend: its name. raw_status: its own word. message: what else to
            know.
    """

    status: Status
    backend: str
    objective: float | None = None
    bound: float = -math.inf
    point: Vector | None = None
    max_violation: float = 0.0
    exact: bool = False
    exact_point: list[Fraction] | None = None
    exact_bound: Fraction | None = None
    duals: Vector | None = None
    reduced_costs: Vector | None = None
    ray: Vector | None = None
    seconds: float = 0.0
    raw_status: str = ""
    message: str = ""

    @property
    def gap(self) -> float:
        """objective - bound, at least 0; inf without an incumbent or a bound."""
        return math.inf if self.objective is None else max(0.0, self.objective - self.bound)

    @property
    def within_tolerance(self) -> bool:
        """True when there is a point but it meets the model only up to `max_violation` > 0."""
        return self.point is not None and self.max_violation > 0

    def fractions(self) -> list[Fraction] | None:
        """The point as exact rationals, for `LinearModel.satisfies`; None without a point."""
        if self.exact_point is not None or self.point is None:
            return self.exact_point
        return [Fraction(v) for v in self.point.tolist()]
