"""The nearest unsafe point of a linear region by a linear program in the input alone, rows added as they are needed.

Within a region the network is one affine function, so the sides of its neurons are half-spaces of inputs. Of thousands
only those near the way to the nearest point matter: the program begins with the unsafe rows, and after each solution
the sides that it violates join (cutting planes; Kelley 1960). No neuron is a variable, so a convolutional network costs
no more than its gradients.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

import numpy as np

from verdict.encoders.writer import Phases
from verdict.solvers import LinearModel, Status, solver

from ...base.deadline import Deadline
from ...base.errors import SolverError
from ...network.evaluate import pull_back
from ...network.exact import FloatArray
from ...network.graph import Affine, Graph, Pointwise, Product
from ...property import Perturbation, Polytope
from .affine_region import values_within

# Solutions looked at, rows that join after each, and by how much a row must be violated to count.
TURNS, JOINING, VIOLATED = 40, 24, 1e-9
# A neuron: the number of its node, a key of `Phases`, and its place there.
Neuron: TypeAlias = tuple[int, int]


def nearest_by_rows(
    graph: Graph, family: Perturbation, unsafe: Polytope, phases: Phases, reach: float, clock: Deadline
) -> tuple[FloatArray, float] | None:
    """The point (input_size,) of least radius, at most `reach`, in the region of `phases` and the unsafe polytope, and
    that radius, in floats; None where there is none or the clock runs out. The family's sets have to be boxes."""
    base, ends, low, high = _family_rows(graph, family)
    rows, limits = gradients(graph, phases, graph.output, unsafe.matrix.values, -unsafe.offset.values)
    joined: set[Neuron] = set()
    for _ in range(TURNS):
        if clock.passed():
            return None
        found = _solve(base, ends, (rows, limits), (low, high, reach), clock)
        if found is None:
            return None
        crossed = violated(graph, phases, found[0], joined)
        if not crossed:
            return found
        more, most = sides(graph, phases, crossed)
        rows, limits = np.concatenate([rows, more]), np.concatenate([limits, most])
        joined.update(crossed)
    return None


def _solve(base: Any, ends: FloatArray, cuts: Any, box: Any, clock: Deadline) -> tuple[FloatArray, float] | None:
    """The least radius under the family's rows and the cuts so far."""
    from scipy import sparse

    (rows, limits), (low, high, reach) = cuts, box
    own = np.concatenate([rows, np.zeros((len(rows), 1))], axis=1)
    matrix = sparse.vstack([base, sparse.csr_array(own)], format="csr")
    upper = np.concatenate([ends, limits])
    size = len(low)
    model = LinearModel(
        np.concatenate([np.zeros(size), [1.0]]),
        matrix,
        np.full(len(upper), -np.inf),
        upper,
        np.concatenate([low, [0.0]]),
        np.concatenate([high, [reach]]),
        np.zeros(size + 1, bool),
    )
    try:
        solution = solver("highs", isolate=False).solve(model, time_limit=clock.limit())
    except SolverError:
        return None
    if solution.status is not Status.OPTIMAL or solution.point is None:
        return None
    return np.asarray(solution.point[:size]), float(solution.point[size])


def _family_rows(graph: Graph, family: Perturbation) -> tuple[Any, FloatArray, FloatArray, FloatArray]:
    """The family's rows a.x + slope * radius <= constant as a sparse matrix (rows, inputs + 1) and its right side, and
    the constant ends of the inputs, all in floats."""
    from scipy import sparse

    data: list[float] = []
    at: list[tuple[int, int]] = []
    ends = []
    for number, row in enumerate(family.rows()):
        for column, coefficient in zip(row.columns, row.coefficients, strict=True):
            data.append(float(coefficient))
            at.append((number, column))
        data.append(float(row.slope))
        at.append((number, graph.input_size))
        ends.append(float(row.constant))
    place = np.array(at, dtype=np.intp).reshape(-1, 2)
    matrix = sparse.csr_array((data, (place[:, 0], place[:, 1])), shape=(len(ends), graph.input_size + 1))
    low, high = family.bounds()
    return (
        matrix,
        np.array(ends, dtype=np.float64),
        np.array([-np.inf if end is None else float(end) for end in low]),
        np.array([np.inf if end is None else float(end) for end in high]),
    )


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
