"""The best witness within one linear region, exactly.

Once the phase of every ReLU is fixed the network is one affine function, so the least radius at which that
region reaches the unsafe set is a linear program. A float solver finds its vertex; the constraints that are
tight there form a small linear system, whose rational solution is the exact radius p/q of the region. The
result is a candidate: the gate replays it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from verdict.encoders.milp import encode_margin
from verdict.encoders.writer import Phases

from ...base.deadline import Deadline
from ...base.errors import SolverError
from ...bounds import Bounds
from ...network.evaluate import evaluate_all, evaluate_exact_all, pull_back
from ...network.exact import ExactVector, FloatArray, float_above
from ...network.functions import Feature
from ...network.graph import Affine, Graph, Pointwise, Product
from ...property import Perturbation, Polytope
from ...property.input_set import InputSet
from .lazy_region import nearest_by_rows

# A constraint with a relative slack below this is taken to be tight at the solver's vertex.
TIGHT = 1e-7
# With more unknowns than this the rational solution of the tight constraints takes longer than it is worth.
MOST_UNKNOWNS = 64
# How far beyond the vertex points are tried, relatively, and what floats may see of the slack of one that is unsafe.
PUSHES = (0.0, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
NEARLY = 1e-9


def phases_at(graph: Graph, x: FloatArray) -> Phases:
    """Which ReLUs are on at a float point (input_size,)."""
    graph.require(Feature.ON_OFF, "linear regions")
    values = evaluate_all(graph, x[None])
    return {i: values[graph.nodes[i].sources[0]][0] > 0 for i in graph.pointwise}


def regions_at(graph: Graph, x: ExactVector) -> list[Phases]:
    """The linear regions that meet at an exact point, or two of them: ReLUs at their kink all off, and all on."""
    graph.require(Feature.ON_OFF, "linear regions")
    values = evaluate_exact_all(graph, x)
    before = {i: values[graph.nodes[i].sources[0]].numerators for i in graph.pointwise}
    off = {i: (z > 0).astype(bool) for i, z in before.items()}
    on = {i: (z >= 0).astype(bool) for i, z in before.items()}
    return [off] if all((off[i] == on[i]).all() for i in off) else [off, on]


def deepest_in_region(
    graph: Graph, inputs: InputSet, bounds: Bounds, unsafe: Polytope, phases: Phases, clock: Deadline
) -> FloatArray | None:
    """The point (input_size,) deepest inside the unsafe polytope in the region of `phases` and the set `inputs`, on
    whose box `bounds` (batch 1) hold, by a linear program; None where that fails. A tie is as deep as some
    regions go."""
    from verdict.solvers import solver

    try:
        encoding = encode_margin(graph, bounds, unsafe, phases, inputs)
        solution = solver("highs", isolate=False).solve(encoding.model, time_limit=clock.limit())
    except SolverError:
        return None
    return None if solution.point is None else np.asarray(solution.point[: graph.input_size])


def best_in_region(
    graph: Graph,
    family: Perturbation,
    unsafe: Polytope,
    phases: Phases,
    radius: float,
    clock: Deadline | None = None,
) -> Iterator[ExactVector]:
    """Candidates of least radius in the region of `phases`, best first: the exact vertex, then points nearby.

    `radius` is where the search may stop looking, `clock` limits the linear program.
    Nothing is yielded when the region does not reach the
    unsafe polytope within it.
    """
    found = nearest_by_rows(graph, family, unsafe, phases, radius, clock or Deadline())
    if found is None:
        return
    x, least = found
    vertex = _exact_vertex(graph, family, unsafe, phases, x, least)
    if vertex is not None:
        yield vertex
    pushed = np.array([
        np.clip(family.pushed(x, push), *family.floats(float_above(Fraction(least * (1 + push))))) for push in PUSHES
    ])
    # An exact look takes long at a large network, and floats tell which of them are far from a violation.
    slack = unsafe.slack(evaluate_all(graph, pushed)[graph.output])
    for point in pushed[slack <= NEARLY * (1 + np.abs(slack).max())]:
        yield family.inside(point)


def _exact_vertex(
    graph: Graph, family: Perturbation, unsafe: Polytope, phases: Phases, x: FloatArray, radius: float
) -> ExactVector | None:
    """The rational solution of the constraints that are tight at the float vertex (x, radius); None if they
    do not determine it."""
    placed = _tight_coordinates(family, x, radius)
    free = [i for i in range(len(x)) if i not in placed]
    if len(free) >= MOST_UNKNOWNS:
        return None
    forms = _tight_forms(graph, unsafe, phases, x, len(free) + 1)
    # Unknowns: the free coordinates and the radius. Substitute x_i = constant + slope * radius elsewhere.
    constants, slopes = ExactVector.of(_part(placed, len(x), 0)), ExactVector.of(_part(placed, len(x), 1))
    system: list[list[Fraction]] = []
    for form, constant in forms:
        coefficients = form.fractions()
        system.append(
            [
                *(coefficients[i] for i in free),
                _dot(form, slopes),
                -(_dot(form, constants) + constant),
            ]
        )
    solution = solve_exactly(system, len(free) + 1)
    if solution is None:
        return None
    values = [Fraction(0)] * len(x)
    for i, value in zip(free, solution, strict=False):
        values[i] = value
    for i, (constant, slope) in placed.items():
        values[i] = constant + slope * solution[-1]
    return ExactVector.of(values)


def _tight_coordinates(
    family: Perturbation, x: FloatArray, radius: float
) -> dict[int, tuple[Fraction, Fraction]]:
    """Coordinates that sit on a bound or on a one-coordinate row of the family: i -> (constant, slope)."""
    placed: dict[int, tuple[Fraction, Fraction]] = {}
    for row in family.rows():
        if len(row.columns) == 1:
            (i,), (coefficient,) = row.columns, row.coefficients
            slack = float(row.constant) - float(row.slope) * radius - float(coefficient) * x[i]
            if abs(slack) <= TIGHT * max(1.0, abs(x[i])):
                placed[i] = (row.constant / coefficient, -row.slope / coefficient)
    for ends in family.bounds():
        for i, end in enumerate(ends):
            if end is not None and abs(float(end) - x[i]) <= TIGHT * max(1.0, abs(x[i])):
                placed[i] = (end, Fraction(0))
    return placed


def _part(placed: dict[int, tuple[Fraction, Fraction]], size: int, which: int) -> list[Fraction]:
    return [placed[i][which] if i in placed else Fraction(0) for i in range(size)]


def _dot(a: ExactVector, b: ExactVector) -> Fraction:
    return Fraction(int(np.dot(a.numerators, b.numerators)), a.denominator * b.denominator)


def _tight_forms(
    graph: Graph, unsafe: Polytope, phases: Phases, x: FloatArray, wanted: int
) -> list[tuple[ExactVector, Fraction]]:
    """Linear forms (a, c) with a.x + c = 0 at the vertex: unsafe rows and ReLUs at their kink, tightest first.

    A few more than `wanted` are returned: the linear system finds out which are independent.
    """
    values = evaluate_all(graph, x[None])
    candidates: list[tuple[float, int, npt.NDArray[np.object_], Fraction]] = []
    offsets = unsafe.offset.fractions().ravel()
    for row, exact, offset in zip(unsafe.matrix.values, unsafe.matrix.fractions(), offsets, strict=True):
        slack = abs(float(row @ values[graph.output][0]) - float(offset))
        candidates.append((slack * 1e-3, graph.output, exact, -offset))
    for i in graph.pointwise:
        source = graph.nodes[i].sources[0]
        for neuron in np.flatnonzero(np.abs(values[source][0]) <= 1e-5):
            pick = np.zeros(graph.nodes[source].size, dtype=object)
            pick[neuron] = Fraction(1)
            candidates.append((abs(float(values[source][0][neuron])), source, pick, Fraction(0)))
    candidates.sort(key=lambda c: c[0])
    return [
        linear_form(graph, phases, node, ExactVector.of(list(row)), constant)
        for _, node, row, constant in candidates[: wanted + 8]
    ]


def linear_form(
    graph: Graph, phases: Phases, number: int, row: ExactVector, constant: Fraction
) -> tuple[ExactVector, Fraction]:
    """The exact linear form row . node(x) + constant in terms of the input, within the region of `phases`."""
    graph.require(Feature.ON_OFF, "linear regions")

    def bent(current: int, node: Pointwise | Product, gradient: ExactVector) -> list[tuple[int, ExactVector]]:
        if isinstance(node, Product):
            raise node.without("a linear region")
        return [(node.source, ExactVector(gradient.numerators * phases[current].astype(object), gradient.denominator))]

    def affine(node: Affine, gradient: ExactVector) -> list[tuple[int, ExactVector]]:
        nonlocal constant
        constant += _dot(gradient, ExactVector(*node.bias.integers))
        return [(source, linear.apply_exact_transpose(gradient).reduced()) for linear, source in node.terms]

    found = pull_back(graph, number, row, bent, affine)
    return ExactVector.of([0] * graph.input_size) if found is None else found, constant


def solve_exactly(system: list[list[Fraction]], unknowns: int) -> list[Fraction] | None:
    """The unique solution of the first independent rows [coefficients..., right side]; None if there is none.

    Gaussian elimination over the rationals; rows are taken in order, and a row that depends on earlier ones
    is passed over, so put the most trusted rows first.
    """
    pivots: list[tuple[int, list[Fraction]]] = []
    for row in system:
        reduced = list(row)
        for column, pivot in pivots:
            factor = reduced[column]
            if factor:
                reduced = [a - factor * b for a, b in zip(reduced, pivot, strict=True)]
        column = max(range(unknowns), key=lambda j: abs(reduced[j]))
        if reduced[column]:
            scale = reduced[column]
            pivots.append((column, [a / scale for a in reduced]))
        if len(pivots) == unknowns:
            break
    if len(pivots) < unknowns:
        return None
    solution = [Fraction(0)] * unknowns
    for column, pivot in reversed(pivots):
        rest = sum((pivot[j] * solution[j] for j in range(unknowns) if j != column), Fraction(0))
        solution[column] = pivot[-1] - rest
    return solution
