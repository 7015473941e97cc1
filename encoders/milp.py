"""The network as mixed-integer linear constraints (Tjeng, Xiao, Tedrake 1711.07356).

An unstable ReLU y = max(z, 0) with l <= z <= u gets one binary a and the four inequalities
y >= 0, y >= z, y <= u a, y <= z - l (1 - a); a stable one is linear and costs nothing. The numbers l and u are
the bounds at hand, never a constant, because the tighter they are the tighter the linear relaxation. Other functions
lie between the planes of a relaxation, whose pieces are chosen by binaries (`encoders/disjunctions.py`).
Everything is float64, so an answer is a solver's word until something exact has checked it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verdict.bounds import Bounds
from verdict.encoders.disjunctions import Columns
from verdict.encoders.envelopes import Relaxation
from verdict.encoders.writer import Encoding, Phases, Writer, widen
from verdict.network.evaluate import running_error
from verdict.network.exact import FloatArray
from verdict.network.graph import Graph
from verdict.property import Perturbation, Polytope
from verdict.property.input_set import InputSet
from verdict.solvers.model import LinearModel

if TYPE_CHECKING:
    from scipy import sparse

# What a float64 solver loses of a sum, relatively: a few roundings for each term, since it also eliminates columns.
SOLVER_UNIT = 2.0**-50


def blur(graph: Graph, bounds: Bounds, unsafe: Polytope) -> float:
    """How far a float64 solver's rounding alone may move the slack of `unsafe` on the box of `bounds`.

    Far below its tolerances, unless large numbers cancel: x + 2^54 - 2^54 is nothing to it.
    """
    sizes = [np.maximum(np.abs(low), np.abs(high)) for low, high in zip(bounds.lower, bounds.upper, strict=True)]
    with np.errstate(invalid="ignore", over="ignore"):
        lost = np.abs(unsafe.matrix.values) @ running_error(graph, sizes, SOLVER_UNIT)[0]
    return float(np.nan_to_num(lost, nan=np.inf).max(initial=0.0))


def encode_margin(
    graph: Graph,
    bounds: Bounds,
    unsafe: Polytope,
    phases: Phases | None = None,
    inputs: InputSet | None = None,
    most: float = np.inf,
) -> Encoding:
    """Minimise the slack of `unsafe`: the property holds on the box of `bounds` iff the minimum is positive.

    The slack is max over rows of C y - d, so a minimum of exactly zero, a tie, is unsafe. Where it is at most `most`,
    the unsafe set's rows are hard ones, C y <= d + most, which presolve and cuts can use; a model without a solution
    then says that the minimum is larger. `bounds` has a batch of one; `inputs` is the set itself where that is less
    than the box. `phases` as in `encode_radius`.
    """
    return _margin(Writer(graph, bounds, phases), unsafe, inputs, most)


def encode_relaxed_margin(
    relaxation: Relaxation,
    unsafe: Polytope,
    inputs: InputSet | None = None,
    most: float = np.inf,
    exactly: bool = False,
) -> Encoding:
    """The same of a relaxation: a minimum above zero says that the property holds, a solution nothing. With `exactly`
    products and squares are constraints of their own beside their planes, for a solver that takes them."""
    return _margin(Writer(relaxation.graph, relaxation.bounds, None, relaxation, exactly), unsafe, inputs, most)


def _margin(writer: Writer, unsafe: Polytope, inputs: InputSet | None, most: float) -> Encoding:
    output = writer.network()
    auxiliary = None if inputs is None else writer.set_rows(inputs.rows(), inputs.auxiliary)
    matrix, offset = unsafe.matrix.values, unsafe.offset.values
    slack = writer.column(-np.inf, most, cost=1.0)
    for row, limit in zip(matrix, offset, strict=True):
        writer.row(output.combine(row).plus(slack, -1.0), -np.inf, float(limit))
    return writer.finish(None, auxiliary)


@dataclass(frozen=True, eq=False)
class Below:
    """The layers below one node: a model whose objective is still to be set, and the node's values over it.

    Neuron i has the value `matrix[i]` @ columns + `constant[i]`; `definitions` as in `Encoding`.
    """

    model: LinearModel
    matrix: sparse.csr_array[Any]
    constant: FloatArray
    definitions: dict[int, tuple[Columns, int, FloatArray]]

    def objective(self, neuron: int, sign: float) -> LinearModel:
        """The model that minimises `sign` times the neuron's value."""
        row = sign * self.matrix[[neuron]].toarray()[0]
        return self.model.with_objective(row, sign * float(self.constant[neuron]))


def encode_below(graph: Graph, bounds: Bounds, number: int, inputs: InputSet | None = None) -> Below:
    """The layers below node `number`, to tighten its neurons; `bounds` (a batch of one) hold below it, and `inputs` is
    the set itself where that is less than the box."""
    writer = Writer(graph, bounds)
    value = writer.network(number)
    if inputs is not None:
        writer.set_rows(inputs.rows(), inputs.auxiliary)
    encoding = writer.finish(None)
    matrix = widen(value.matrix, encoding.model.columns)
    return Below(encoding.model, matrix, value.constant, encoding.definitions)


def encode_radius(
    graph: Graph,
    bounds: Bounds,
    unsafe: Polytope,
    family: Perturbation,
    radius: tuple[float, float],
    phases: Phases | None = None,
) -> Encoding:
    """Minimise the radius at which some input reaches `unsafe`; the radius is a column within `radius`.

    `bounds` (a batch of one) must hold at the upper end of `radius`. With `phases`, every ReLU is pinned to
    the given side of zero and the model is a linear program: the best radius within that linear region.
    """
    return _radius(Writer(graph, bounds, phases), unsafe, family, radius)


def encode_relaxed_radius(
    relaxation: Relaxation,
    unsafe: Polytope,
    family: Perturbation,
    radius: tuple[float, float],
    exactly: bool = False,
) -> Encoding:
    """The same of a relaxation: the radius is no larger than that of the network. `exactly` as for the margin."""
    return _radius(Writer(relaxation.graph, relaxation.bounds, None, relaxation, exactly), unsafe, family, radius)


def _radius(writer: Writer, unsafe: Polytope, family: Perturbation, radius: tuple[float, float]) -> Encoding:
    output = writer.network()
    column = writer.column(radius[0], radius[1], cost=1.0)
    auxiliary = writer.set_rows(family.rows(), family.auxiliary, column)
    for coefficients, limit in zip(unsafe.matrix.values, unsafe.offset.values, strict=True):
        writer.row(output.combine(coefficients), -np.inf, float(limit))
    return writer.finish(column, auxiliary)
