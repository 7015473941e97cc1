"""Columns and rows of a mixed-integer model, collected node by node: values are sparse matrices over the columns.

Solvers' tolerances are absolute, and a presolve takes columns of tiny range for constants: a neuron whose bounds and
coefficients are tiny is written in units of its own, a power of two, so that what a next layer multiplies it with is
not lost.
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
from verdict.encoders.disjunctions import Columns, EnvelopeColumns, Numbers, Row, choose
from verdict.encoders.envelopes import Envelope, Relaxation
from verdict.network.exact import FloatArray, nearest_float
from verdict.network.functions import SQUARE, Feature
from verdict.network.graph import Affine, Graph, Input, Node, Pointwise, Product
from verdict.property.rows import RadiusRow
from verdict.solvers.model import LinearModel

if TYPE_CHECKING:
    from scipy import sparse

# Neurons with bounds and coefficients below this get units of their own.
TINY = 2.0**-10
# Ends of relaxed numbers beyond this are none.
FAR = 2.0**50
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
    pre-activation s z, the number of the first such row, and the units s; `envelopes` maps what is relaxed to its
    columns.
    """

    model: LinearModel
    input_size: int
    radius: int | None
    relus: dict[int, ReluColumns]
    definitions: dict[int, tuple[Columns, int, FloatArray]]
    auxiliary: Columns
    envelopes: dict[int, EnvelopeColumns] = field(default_factory=dict)

    @property
    def goal(self) -> int:
        """The column that is minimised: the slack, or the radius."""
        return int(np.flatnonzero(self.model.objective)[0])

    def phases(self, point: FloatArray) -> dict[int, npt.NDArray[np.bool_]]:
        """The on/off phases that the binaries of a solver's point choose, per ReLU node."""
        return {node: point[columns.binary] > 0.5 for node, columns in self.relus.items()}


    def relaxed_values(self, point: FloatArray) -> dict[int, FloatArray]:
        """The values that a solver's point gives to the nodes that a relaxation is about, and to what these read."""
        found: dict[int, FloatArray] = {}
        for node, columns in self.envelopes.items():
            found[node] = columns.value.at(point)
            found.update((number, source.at(point)) for number, source in columns.sources)
        return found


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
class Vector:
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
class Writer:
    """Collects columns and rows; node values are sparse matrices over the columns."""

    graph: Graph
    bounds: Bounds
    pinned: Phases | None = None
    relaxation: Relaxation | None = None
    # Whether products and squares are also said as they are, for solvers that take them.
    exactly: bool = False
    products: list[tuple[int, int, int]] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    integer: list[bool] = field(default_factory=list)
    blocks: list[tuple[Any, FloatArray, FloatArray]] = field(default_factory=list)
    relus: dict[int, ReluColumns] = field(default_factory=dict)
    definitions: dict[int, tuple[Columns, int, FloatArray]] = field(default_factory=dict)
    envelopes: dict[int, EnvelopeColumns] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.bounds.batch != 1:
            raise PropertyError(f"the encoder takes the bounds of one box, got {self.bounds.batch}")

    def column(self, low: float, high: float, cost: float = 0.0) -> int:
        """A new continuous column."""
        return int(self.columns(np.array([low]), np.array([high]), False, cost)[0])

    def columns(self, low: FloatArray, high: FloatArray, integer: bool, cost: float = 0.0) -> Columns:
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
        start = self.columns(np.zeros(auxiliary), np.full(auxiliary, np.inf), False)
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

    def network(self, number: int | None = None) -> Vector:
        """Write the network, or what node `number` depends on; returns the output, or that node, over the columns."""
        from scipy.sparse import csr_array, eye_array

        if self.relaxation is None:
            self.graph.require(Feature.ON_OFF, "the MILP encoding")
        needed = range(1, len(self.graph.nodes)) if number is None else self.graph.ancestors(number)
        low, high = self.bounds.lower[0][0], self.bounds.upper[0][0]
        self.columns(low, high, False)
        size = self.graph.input_size
        values = {0: Vector(csr_array(eye_array(size)), np.zeros(size))}
        for current in needed:
            checkpoint()
            node = self.graph.nodes[current]
            if isinstance(node, Affine):
                values[current] = self._affine(node, values)
            elif self.relaxation is not None and current in self.relaxation.nodes:
                values[current] = self._between_planes(current, self.relaxation.nodes[current], values)
            elif isinstance(node, Pointwise):
                values[current] = self._relu(current, node, values[node.source])
            elif isinstance(node, Product):
                raise node.without("the MILP encoding")
            elif not isinstance(node, Input):
                assert_never(node)
        return values[self.graph.output if number is None else number]

    def _affine(self, node: Affine, values: dict[int, Vector]) -> Vector:
        from scipy.sparse import csr_array

        matrix = csr_array((node.size, len(self.lower)))
        constant = node.bias.values.copy()
        for linear, source in node.terms:
            weights = linear.matrix()
            matrix = matrix + weights @ widen(values[source].matrix, len(self.lower))
            constant = constant + weights @ values[source].constant
        return Vector(matrix, constant)

    def _relu(self, number: int, node: Pointwise, before: Vector) -> Vector:
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
        z = self.columns(low, high, False)
        # s z = M x + c, written as (M x)/s - z = -c/s.
        rows = widen(before.matrix[alive].multiply(1 / units[:, None]), len(self.lower))
        minus = coo_array((-np.ones(len(z)), (np.arange(len(z)), z)), shape=rows.shape)
        self.definitions[number] = alive, sum(block.shape[0] for block, _, _ in self.blocks), units
        constant = -before.constant[alive] / units
        self.blocks.append((rows + minus, constant, constant))
        unstable = np.flatnonzero(node.function.bends(low, high))
        y, l, u = z.copy(), low[unstable], high[unstable]  # noqa: E741
        after = self.columns(np.zeros(len(u)), u, False)
        binary = self.columns(np.zeros(len(u)), np.ones(len(u)), True)
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
        return Vector(matrix, np.zeros(node.size))

    def _between_planes(self, number: int, envelope: Envelope, values: dict[int, Vector]) -> Vector:
        """Columns for what an envelope reads and for its values, and its pieces over them."""
        sources = tuple(self._defined(source, values[source]) for source in envelope.sources)
        low, high = self.bounds.lower[number][0], self.bounds.upper[number][0]
        value = self._numbers(low, high, high - low)
        self.envelopes[number] = choose(self, envelope, sources, value)
        if self.exactly and _is_product(self.graph.nodes[number]):
            left, right, plain = sources[0], sources[-1], [n.unit == 1 for n in (*sources, value)]
            # What is written in units is left to its planes.
            at = np.flatnonzero(np.all(plain, axis=0))
            three = (left.columns[at].tolist(), right.columns[at].tolist(), value.columns[at].tolist())
            self.products += zip(*three, strict=True)
        return self._vector(value)

    def _defined(self, source: int, vector: Vector) -> Numbers:
        """Columns that equal the entries of a vector."""
        from scipy.sparse import coo_array

        low, high = self.bounds.lower[source][0], self.bounds.upper[source][0]
        coefficients = abs(vector.matrix).max(axis=1).toarray().ravel()
        found = self._numbers(low, high, np.maximum(high - low, coefficients))
        rows = widen(vector.matrix.multiply(1 / found.unit[:, None]), len(self.lower))
        minus = coo_array((-np.ones(len(low)), (np.arange(len(low)), found.columns)), shape=rows.shape)
        constant = (found.middle - vector.constant) / found.unit
        self.blocks.append((rows + minus, constant, constant))
        return found

    def _numbers(self, low: FloatArray, high: FloatArray, sizes: FloatArray) -> Numbers:
        """New columns, around their middle in units where sizes are tiny."""
        unit = _units(sizes)
        middle = np.where(unit == 1, 0.0, low / 2 + high / 2)
        low, high = (low - middle) / unit, (high - middle) / unit
        low, high = np.where(low < -FAR, -np.inf, low), np.where(high > FAR, np.inf, high)
        return Numbers(self.columns(low, high, False), unit, middle)

    def _vector(self, numbers: Numbers) -> Vector:
        from scipy.sparse import coo_array

        size = len(numbers.columns)
        entries = (numbers.unit, (np.arange(size), numbers.columns))
        return Vector(coo_array(entries, shape=(size, len(self.lower))).tocsr(), numbers.middle)

    def entries(self, rows: Sequence[Row]) -> None:
        """Rows by their coefficients."""
        from scipy.sparse import coo_array

        if not rows:
            return
        at = np.repeat(np.arange(len(rows)), [len(row) for row, _, _ in rows])
        columns = np.array([c for row, _, _ in rows for c in row], dtype=np.intp)
        data = np.array([v for row, _, _ in rows for v in row.values()])
        block = coo_array((data, (at, columns)), shape=(len(rows), len(self.lower)))
        self.blocks.append((block, *(np.array([row[k] for row in rows]) for k in (1, 2))))

    def finish(self, radius: int | None, auxiliary: Columns | None = None) -> Encoding:
        from scipy.sparse import vstack

        width = len(self.lower)
        model = LinearModel(
            objective=np.array(self.cost),
            matrix=vstack([widen(block, width) for block, _, _ in self.blocks], format="csr"),
            row_lower=np.concatenate([low for _, low, _ in self.blocks]),
            row_upper=np.concatenate([high for _, _, high in self.blocks]),
            lower=np.array(self.lower),
            upper=np.array(self.upper),
            integer=np.array(self.integer),
            products=tuple(self.products),
        )
        extra = np.arange(0) if auxiliary is None else auxiliary
        return Encoding(
            model, self.graph.input_size, radius, self.relus, self.definitions, extra, self.envelopes
        )


def _is_product(node: Node) -> bool:
    """Whether a node's values are products of two numbers, or of one with itself."""
    return isinstance(node, Product) or (isinstance(node, Pointwise) and node.function is SQUARE)


def _units(sizes: FloatArray) -> FloatArray:
    """For each neuron 1, or the power of two that brings its tiny bounds and coefficients to about 1."""
    # Powers of two beyond these would overflow or vanish.
    power = np.clip(np.frexp(sizes)[1], -900, 0)
    units: FloatArray = np.where((sizes > 0) & (sizes < TINY), np.ldexp(1.0, power), 1.0)
    return units


def widen(matrix: Any, width: int) -> Any:
    """The same matrix with empty columns appended up to `width`."""
    from scipy.sparse import csr_array

    rows = csr_array(matrix)
    return csr_array((rows.data, rows.indices, rows.indptr), shape=(rows.shape[0], width))
