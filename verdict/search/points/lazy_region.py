"""The nearest unsafe point of a linear region, by linear programs in the input alone, rows added as they are needed.

Within a region the network is one affine function, so the sides of its neurons are half-spaces of inputs. Of thousands
only those near the way to the nearest point matter: a program begins with the unsafe rows, and after each solution the
sides that it violates join (cutting planes; Kelley 1960). The radius is no variable, for then each input would have
rows of its own: at one radius the set is a box, and by how much the rows are missed at least is a convex function of
the radius, whose zero Newton's method finds by the programs' reduced costs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from verdict.encoders.writer import Phases
from verdict.solvers import LinearModel
from verdict.solvers.simplex import Simplex, Vertex

from ...base.deadline import Deadline
from ...base.errors import SolverError
from ...network.evaluate import pull_back
from ...network.exact import ExactVector, FloatArray
from ...network.graph import Affine, Graph, Pointwise, Product
from ...property import Perturbation, Polytope
from .affine_region import values_within

# Solutions looked at, rows that join after each, and by how much a row must be violated to count.
TURNS, JOINING, VIOLATED = 60, 100, 1e-9
# A step of the radius by no more than this share of how far it goes is none; a slope is told by one of this share. A
# share of the radius itself would be none at 0.
STILL, PROBE = 1e-12, 1e-4
# A neuron: the number of its node, a key of `Phases`, and its place there.
Neuron: TypeAlias = tuple[int, int]


def nearest_by_rows(
    graph: Graph, family: Perturbation, unsafe: Polytope, phases: Phases, reach: float, clock: Deadline
) -> tuple[FloatArray, float] | None:
    """The point (input_size,) of least radius, at most `reach`, in the region of `phases` and the unsafe polytope, and
    that radius, in floats; None where there is none or the clock runs out. The family's sets have to be boxes."""
    rows, limits = gradients(graph, phases, graph.output, unsafe.matrix.values, -unsafe.offset.values)
    joined, below, radius = set[Neuron](), 0.0, reach
    program: _Missed | None = None
    for _ in range(TURNS):
        if clock.passed():
            return None
        try:
            program = program or _Missed(rows, limits)
            solved = program.solve(family.floats(radius), clock)
        except SolverError:
            return None
        if solved is None or (solved.objective > 0 and radius >= reach):
            return None
        point = solved.point[:-1]
        crossed = violated(graph, phases, point, joined)
        if crossed:
            more, most = sides(graph, phases, crossed)
            rows, limits, program = np.concatenate([rows, more]), np.concatenate([limits, most]), None
            joined.update(crossed)
        # Rows that join make more radii too small, never fewer.
        below = radius if solved.objective > 0 else below
        nearer = min(max(below, radius + _step(family, radius, reach, solved)), reach)
        if not crossed and abs(nearer - radius) <= STILL * reach:
            if radius > VIOLATED:
                return point, radius
            # Programs cannot tell it from 0, and who asks again below what was found would go on for ever.
            return ExactVector.of(family.at(Fraction(0)).nearest(point)).floats(), 0.0
        radius = nearer
    return None


class _Missed:
    """The program of by how much rows @ x <= limits are missed at least on a box, each in terms of its coefficients."""

    def __init__(self, rows: FloatArray, limits: FloatArray) -> None:
        size = np.abs(rows).sum(axis=1)
        # A row that says nothing of x is missed by what it says.
        size = np.where(size > 0, size, 1.0)
        self._rows, self._limits = rows / size[:, None], limits / size
        self._simplex: Simplex | None = None

    def solve(self, box: tuple[FloatArray, FloatArray], clock: Deadline) -> Vertex | None:
        """The optimum, of which x comes first, then how much is missed."""
        most = 1 + np.abs(self._limits).max() + np.abs(box).max()
        low, high = (np.append(end, bound) for end, bound in zip(box, (-most, most), strict=True))
        if self._simplex is None:
            self._simplex = Simplex(self._model(low, high))
        else:
            self._simplex.bound(low, high)
        return self._simplex.solve(clock.limit())

    def _model(self, low: FloatArray, high: FloatArray) -> LinearModel:
        from scipy import sparse

        matrix = sparse.csr_array(np.concatenate([self._rows, np.full((len(self._rows), 1), -1.0)], axis=1))
        cost = np.zeros(len(low))
        cost[-1] = 1.0
        none = np.full(len(self._limits), -np.inf)
        return LinearModel(cost, matrix, none, self._limits, low, high, np.zeros(len(low), bool))


def _step(family: Perturbation, radius: float, reach: float, solved: Vertex) -> float:
    """How much larger the radius, which may be 0 and at most `reach`, has to be by the solution there until nothing is
    missed; infinite where what is missed does not change with the radius."""
    probe = PROBE * reach
    (low, high), (lower, higher) = family.floats(radius), family.floats(radius + probe)
    costs = solved.reduced_costs[:-1]
    gained = float(np.where(costs > 0, costs * (low - lower), costs * (high - higher)).sum())
    if gained > 0:
        return solved.objective * probe / gained
    return float(np.copysign(np.inf, solved.objective)) if solved.objective else 0.0


def sides(graph: Graph, phases: Phases, neurons: Sequence[Neuron]) -> tuple[FloatArray, FloatArray]:
    """Rows (k, inputs) and limits (k,) with rows @ x <= limits: the neurons' sides within the region's affine function,
    one for each."""
    rows, limits = np.zeros((len(neurons), graph.input_size)), np.zeros(len(neurons))
    for node in {node for node, _ in neurons}:
        here = [i for i, (other, _) in enumerate(neurons) if other == node]
        places, (source,) = [neurons[i][1] for i in here], graph.nodes[node].sources
        pick = np.zeros((len(here), graph.nodes[source].size))
        # Rows say "at most": what is on is turned around.
        pick[np.arange(len(here)), places] = np.where(phases[node][places] > 0, -1.0, 1.0)
        rows[here], limits[here] = gradients(graph, phases, source, pick, np.zeros(len(here)))
    return rows, limits


def gradients(
    graph: Graph, phases: Phases, number: int, rows: FloatArray, constants: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """rows @ node `number` + constants as (slopes (k, inputs), limits (k,)): slopes @ x <= limits says that they are at
    most 0 within the region."""
    constant = constants.astype(np.float64)

    def affine(node: Affine, gradient: FloatArray) -> list[tuple[int, FloatArray]]:
        nonlocal constant
        constant = constant + gradient @ node.bias.values
        return [(source, linear.apply_transpose(gradient)) for linear, source in node.terms]

    def bent(current: int, node: Pointwise | Product, gradient: FloatArray) -> list[tuple[int, FloatArray]]:
        if isinstance(node, Product):
            raise node.without("a linear region")
        return [(node.source, gradient * phases[current])]

    found = pull_back(graph, number, rows, bent, affine)
    return np.zeros((len(rows), graph.input_size)) if found is None else found, -constant


def violated(graph: Graph, phases: Phases, x: FloatArray, joined: Collection[Neuron]) -> list[Neuron]:
    """The neurons, beyond those in `joined`, whose sides x violates most within the region's affine function."""
    values = values_within(graph, phases, x[None], 1)
    wrong: list[tuple[float, Neuron]] = []
    for number in graph.pointwise:
        (source,) = graph.nodes[number].sources
        z = values[source][0]
        beyond = np.where(phases[number] > 0, -z, z)
        found = np.flatnonzero(beyond > VIOLATED * (1 + np.abs(z).max(initial=0))).tolist()
        wrong.extend((float(beyond[i]), (number, i)) for i in found if (number, i) not in joined)
    return [neuron for _, neuron in sorted(wrong, reverse=True)[:JOINING]]
