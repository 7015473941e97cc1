"""The network as mixed-integer linear constraints (Tjeng, Xiao, Tedrake 1711.07356).

An unstable ReLU y = max(z, 0) with l <= z <= u gets one binary a and the four inequalities
y >= 0, y >= z, y <= u a, y <= z - l (1 - a); a stable one is linear and costs nothing. The numbers l and u are
the bounds at hand, never a constant, because the tighter they are the tighter the linear relaxation.
Everything is float64, so an answer is a solver's word until something exact has checked it. Solvers' tolerances are
absolute, and a presolve takes columns of tiny range for constants: a neuron whose bounds and coefficients are tiny is
written in units of its own, a power of two, so that what a next layer multiplies it with is not lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from verdict.base.deadline import checkpoint
from verdict.base.errors import PropertyError
from verdict.base.never import assert_never
from verdict.bounds import Bounds
from verdict.network.evaluate import running_error
from verdict.network.exact import FloatArray, nearest_float
from verdict.network.functions import Feature
from verdict.network.graph import Affine, Graph, Input, Pointwise, Product
from verdict.property import Perturbation, Polytope
from verdict.property.input_set import InputSet
from verdict.property.rows import RadiusRow
from verdict.solvers.model import LinearModel

if TYPE_CHECKING:
    from scipy import sparse

Columns = npt.NDArray[np.intp]
# Neurons with bounds and coefficients below this get units of their own.
TINY = 2.0**-10
# What a float64 solver loses of a sum, relatively: a few roundings for each term, since it also eliminates columns.
SOLVER_UNIT = 2.0**-50
# For each ReLU node, which of its neurons are on; as int8 also, +1 on and -1 off, with 0 for those left open.
Phases: TypeAlias = Mapping[int, npt.NDArray[np.bool_ | np.int8]]


@dataclass(frozen=True, eq=False)
class ReluColumns:
    """The columns of one ReLU node's unstable neurons: numbers `neurons`, pre-activation, output, binary."""

    neurons: Columns
    before: Columns
    after: Columns
    binary: Columns


@dataclass(frozen=True, eq=False)
class Encoding:
    """A linear model and what its columns mean.

    The input is columns 0 to input_size - 1; `radius` is the radius's column or None; `auxiliary` are the columns of
    numbers that the input set needs; `relus` maps a ReLU
    node's number to its columns, `definitions` to the neurons that have a row (M x - s z)/s = -c/s defining their
    pre-activation s z, the number of the first such row, and the units s.
    """

    model: LinearModel
    input_size: int
    radius: int | None
    relus: dict[int, ReluColumns]
    definitions: dict[int, tuple[Columns, int, FloatArray]]
    auxiliary: Columns

    @property
    def goal(self) -> int:
        """The column that is minimised: the slack, or the radius."""
        return int(np.flatnonzero(self.model.objective)[0])

    def phases(self, point: FloatArray) -> dict[int, npt.NDArray[np.bool_]]:
        """The on/off phases that the binaries of a solver's point choose, per ReLU node."""
        return {node: point[columns.binary] > 0.5 for node, columns in self.relus.items()}


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
    writer = _Writer(graph, bounds, phases)
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
    writer = _Writer(graph, bounds)
    value = writer.network(number)
    if inputs is not None:
        writer.set_rows(inputs.rows(), inputs.auxiliary)
    encoding = writer.finish(None)
    matrix = _widen(value.matrix, encoding.model.columns)
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
    writer = _Writer(graph, bounds, phases)
    output = writer.network()
    column = writer.column(radius[0], radius[1], cost=1.0)
    auxiliary = writer.set_rows(family.rows(), family.auxiliary, column)
    for coefficients, limit in zip(unsafe.matrix.values, unsafe.offset.values, strict=True):
        writer.row(output.combine(coefficients), -np.inf, float(limit))
    return writer.finish(column, auxiliary)


@dataclass(frozen=True, eq=False)
class Expression:
    """A linear expression over columns: {column: coefficient} plus a constant."""

    terms: dict[int, float]
    constant: float

    def plus(self, column: int, coefficient: float) -> Expression:
        """This expression plus coefficient * column."""
        terms = dict(self.terms)
        terms[column] = terms.get(column, 0.0) + coefficient
        return Expression(terms, self.constant)


@dataclass(frozen=True, eq=False)
class _Vector:
    """A node's value: a sparse matrix over columns plus a constant; `width` columns so far."""

    matrix: sparse.csr_array[Any]
    constant: FloatArray

    def combine(self, row: FloatArray) -> Expression:
        """The expression row . value."""
        product = self.matrix.T @ row
        present = np.flatnonzero(product)
        terms = dict(zip(present.tolist(), product[present].tolist(), strict=True))
        return Expression(terms, float(row @ self.constant))


@dataclass
class _Writer:
    """Collects columns and rows; node values are sparse matrices over the columns."""

    graph: Graph
    bounds: Bounds
    pinned: Phases | None = None
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    integer: list[bool] = field(default_factory=list)
    blocks: list[tuple[Any, FloatArray, FloatArray]] = field(default_factory=list)
    relus: dict[int, ReluColumns] = field(default_factory=dict)
    definitions: dict[int, tuple[Columns, int, FloatArray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.bounds.batch != 1:
            raise PropertyError(f"the encoder takes the bounds of one box, got {self.bounds.batch}")

    def column(self, low: float, high: float, cost: float = 0.0) -> int:
        """A new continuous column."""
        return int(self._columns(np.array([low]), np.array([high]), False, cost)[0])

    def _columns(self, low: FloatArray, high: FloatArray, integer: bool, cost: float = 0.0) -> Columns:
        start = len(self.lower)
        self.lower += low.tolist()
        self.upper += high.tolist()
        self.cost += [cost] * len(low)
        self.integer += [integer] * len(low)
        return np.arange(start, start + len(low))

    def row(self, expression: Expression, low: float, high: float) -> None:
        """low <= expression <= high."""
        from scipy.sparse import coo_array

        columns = np.array(list(expression.terms), dtype=np.intp)
        data = np.array(list(expression.terms.values()), dtype=np.float64)
        block = coo_array((data, (np.zeros(len(data), dtype=np.intp), columns)), shape=(1, len(self.lower)))
        constant = expression.constant
        self.blocks.append((block, np.array([low - constant]), np.array([high - constant])))

    def set_rows(self, rows: Sequence[RadiusRow], auxiliary: int, radius: int | None = None) -> Columns:
        """The rows of an input set, and columns for its auxiliary numbers; slopes multiply the column `radius`."""
        start = self._columns(np.zeros(auxiliary), np.full(auxiliary, np.inf), False)
        columns = [*range(self.graph.input_size), *start.tolist()]
        for row in rows:
            expression = Expression({}, -nearest_float(row.constant))
            for index, coefficient in zip(row.columns, row.coefficients, strict=True):
                expression = expression.plus(columns[index], nearest_float(coefficient))
            if radius is not None:
                expression = expression.plus(radius, nearest_float(row.slope))
            self.row(expression, -np.inf, 0.0)
        return start

    def _rows(self, pieces: list[tuple[Columns, float | FloatArray]], low: Any, high: Any) -> None:
        """One row per position: sum of coefficient * column over the pieces, between low and high."""
        from scipy.sparse import coo_array

        count = len(pieces[0][0])
        columns = np.concatenate([c for c, _ in pieces])
        data = np.concatenate([np.broadcast_to(np.asarray(f, dtype=np.float64), count) for _, f in pieces])
        rows = np.tile(np.arange(count), len(pieces))
        block = coo_array((data, (rows, columns)), shape=(count, len(self.lower)))
        ends = [np.broadcast_to(np.asarray(e, dtype=np.float64), count) for e in (low, high)]
        self.blocks.append((block, ends[0], ends[1]))

    def network(self, number: int | None = None) -> _Vector:
        """Write the network, or what node `number` depends on; returns the output, or that node, over the columns."""
        from scipy.sparse import csr_array, eye_array

        self.graph.require(Feature.ON_OFF, "the MILP encoding")
        needed = range(1, len(self.graph.nodes)) if number is None else self.graph.ancestors(number)
        low, high = self.bounds.lower[0][0], self.bounds.upper[0][0]
        self._columns(low, high, False)
        size = self.graph.input_size
        values = {0: _Vector(csr_array(eye_array(size)), np.zeros(size))}
        for current in needed:
            checkpoint()
            node = self.graph.nodes[current]
            if isinstance(node, Affine):
                values[current] = self._affine(node, values)
            elif isinstance(node, Pointwise):
                values[current] = self._relu(current, node, values[node.source])
            elif isinstance(node, Product):
                raise node.without("the MILP encoding")
            elif not isinstance(node, Input):
                assert_never(node)
        return values[self.graph.output if number is None else number]

    def _affine(self, node: Affine, values: dict[int, _Vector]) -> _Vector:
        from scipy.sparse import csr_array

        matrix = csr_array((node.size, len(self.lower)))
        constant = node.bias.values.copy()
        for linear, source in node.terms:
            weights = linear.matrix()
            matrix = matrix + weights @ _widen(values[source].matrix, len(self.lower))
            constant = constant + weights @ values[source].constant
        return _Vector(matrix, constant)

    def _relu(self, number: int, node: Pointwise, before: _Vector) -> _Vector:
        """Columns for the neurons that can be on; those that are always off are the constant zero."""
        from scipy.sparse import coo_array

        low, high = self.bounds.lower[node.source][0], self.bounds.upper[node.source][0]
        alive = np.flatnonzero(high > 0)
        if self.pinned is not None:
            # Each side of zero becomes a bound of z; a neuron pinned off keeps its column for that bound.
            side = self.pinned[number]
            on, off = (side, ~side) if side.dtype == np.bool_ else (side > 0, side < 0)
            low, high = np.where(on, np.maximum(low, 0), low), np.where(off, np.minimum(high, 0), high)
            low, high = np.minimum(low, high), np.maximum(low, high)
        low, high = low[alive], high[alive]
        units = _units(np.maximum(np.maximum(-low, high), abs(before.matrix[alive]).max(axis=1).toarray().ravel()))
        low, high = low / units, high / units
        z = self._columns(low, high, False)
        # s z = M x + c, written as (M x)/s - z = -c/s.
        rows = _widen(before.matrix[alive].multiply(1 / units[:, None]), len(self.lower))
        minus = coo_array((-np.ones(len(z)), (np.arange(len(z)), z)), shape=rows.shape)
        self.definitions[number] = alive, sum(block.shape[0] for block, _, _ in self.blocks), units
        constant = -before.constant[alive] / units
        self.blocks.append((rows + minus, constant, constant))
        unstable = np.flatnonzero(node.function.bends(low, high))
        y, l, u = z.copy(), low[unstable], high[unstable]  # noqa: E741
        after = self._columns(np.zeros(len(u)), u, False)
        binary = self._columns(np.zeros(len(u)), np.ones(len(u)), True)
        inner = z[unstable]
        y[unstable] = after
        if len(unstable):
            self._rows([(after, 1.0), (inner, -1.0)], 0.0, np.inf)
            self._rows([(after, 1.0), (binary, -u)], -np.inf, 0.0)
            self._rows([(after, 1.0), (inner, -1.0), (binary, -l)], -np.inf, -l)
        self.relus[number] = ReluColumns(alive[unstable], inner, after, binary)
        passing = np.flatnonzero(high > 0)
        entries = (units[passing], (alive[passing], y[passing]))
        matrix = coo_array(entries, shape=(node.size, len(self.lower))).tocsr()
        return _Vector(matrix, np.zeros(node.size))

    def finish(self, radius: int | None, auxiliary: Columns | None = None) -> Encoding:
        from scipy.sparse import vstack

        width = len(self.lower)
        model = LinearModel(
            objective=np.array(self.cost),
            matrix=vstack([_widen(block, width) for block, _, _ in self.blocks], format="csr"),
            row_lower=np.concatenate([low for _, low, _ in self.blocks]),
            row_upper=np.concatenate([high for _, _, high in self.blocks]),
            lower=np.array(self.lower),
            upper=np.array(self.upper),
            integer=np.array(self.integer),
        )
        extra = np.arange(0) if auxiliary is None else auxiliary
        return Encoding(model, self.graph.input_size, radius, self.relus, self.definitions, extra)


def _units(sizes: FloatArray) -> FloatArray:
    """For each neuron 1, or the power of two that brings its tiny bounds and coefficients to about 1."""
    # Powers of two beyond these would overflow or vanish.
    power = np.clip(np.frexp(sizes)[1], -900, 0)
    units: FloatArray = np.where((sizes > 0) & (sizes < TINY), np.ldexp(1.0, power), 1.0)
    return units


def _widen(matrix: Any, width: int) -> Any:
    """The same matrix with empty columns appended up to `width`."""
    from scipy.sparse import csr_array

    rows = csr_array(matrix)
    return csr_array((rows.data, rows.indices, rows.indptr), shape=(rows.shape[0], width))
