"""Numbers that are handed on through two ReLUs: relu(z) - relu(-z) is z, over the reals.

Networks that compute a maximum, or carry a number past a layer, do it so, and each ReLU relaxed by itself loses what
both together do not. So rows of a layer that repeat another one have one ReLU, and a pair of a row and its negative
that all readers weigh alike but for the sign is the number itself. Any other pair, like that of |z|, stays two ReLUs:
one ReLU with the number beside it is the same, but bounds that are pushed forward forget what these have in common.
What float32 makes of two rows that are each other's negative may differ, so this is for proofs over the reals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.never import assert_never
from .builder import Builder
from .exact import Coefficients
from .functions import RELU
from .graph import Affine, Graph, Input, Pointwise, Product
from .maps import Dense, LinearMap, Sparse
from .maps.base import IndexArray
from .maps.sparse import stored

# A layer stays as it is where more than this share of its rows do: large matrices are rewritten for little.
WORTH = 0.9
# Sums of larger weights than that are not looked at.
HUGE = 2.0**900


def mirrored(graph: Graph) -> Graph:
    """The graph without the ReLUs that repeat others or hand a number on; itself if there are none."""
    if set(graph.functions.values()) != {RELU} or graph.products:
        return graph
    plans = {number: plan for number in graph.pointwise if (plan := _plan(graph, number)) is not None}
    return _rebuilt(graph, plans) if plans else graph


@dataclass(frozen=True, eq=False)
class _Matrix:
    """A matrix of `shape` with `values` at (rows, cols), by row and then column, and none of them 0."""

    values: Any
    rows: IndexArray
    cols: IndexArray
    shape: tuple[int, int]

    @staticmethod
    def of(linear: LinearMap) -> _Matrix:
        """That of a dense or sparse map."""
        if isinstance(linear, Dense):
            rows, cols = np.nonzero(linear.coefficients.values)
            return _Matrix(linear.coefficients.values[rows, cols], rows, cols, (linear.out_size, linear.in_size))
        rows, cols, which = linear.entries
        values = linear.coefficients.values[which]
        some = values != 0
        return _Matrix(values[some], rows[some], cols[some], (linear.out_size, linear.in_size))

    def starts(self) -> IndexArray:
        """Where the entries of each row begin, and where the last ones end."""
        return np.searchsorted(self.rows, np.arange(self.shape[0] + 1))

    def some_rows(self, rows: IndexArray) -> LinearMap:
        """The map of these rows, in this order."""
        starts = self.starts()
        counts = starts[rows + 1] - starts[rows]
        at = np.repeat(starts[rows] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        return stored(
            self.values[at], np.repeat(np.arange(len(rows)), counts), self.cols[at], (len(rows), self.shape[1])
        )

    def some_cols(self, cols: IndexArray) -> LinearMap:
        """The map of these columns, sorted."""
        place = np.full(self.shape[1], -1)
        place[cols] = np.arange(len(cols))
        at = np.flatnonzero(place[self.cols] >= 0)
        return stored(self.values[at], self.rows[at], place[self.cols[at]], (self.shape[0], len(cols)))


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Row i of a layer is `sign[i]` (1 or -1) times row `first[group[i]]`."""

    first: IndexArray
    group: IndexArray
    sign: IndexArray

    @property
    def rows(self) -> IndexArray:
        """A row of each group, and then one that is its negative, any if there is none."""
        negative = self.first.copy()
        minus = np.flatnonzero(self.sign < 0)
        negative[self.group[minus]] = minus
        return np.concatenate([self.first, negative])


def _pairs(graph: Graph, number: int) -> _Pairs | None:
    """The rows in front of a ReLU node that are others', or their negatives; None if nearly all differ."""
    source = graph.nodes[graph.nodes[number].sources[0]]
    if not isinstance(source, Affine) or number == graph.output or not source.bias.is_dyadic:
        return None
    if not source.terms or not all(_is_matrix(linear) for linear, _ in source.terms):
        return None
    _, inverse, counts = np.unique(np.abs(_sums(source)), return_inverse=True, return_counts=True)
    alike = counts[inverse] > 1
    if np.count_nonzero(~alike) > WORTH * source.size:
        return None
    return _compared([_Matrix.of(linear) for linear, _ in source.terms], source.bias.values, alike)


def _is_matrix(linear: LinearMap) -> bool:
    is_single = isinstance(linear, Sparse) or (isinstance(linear, Dense) and linear.blocks == 1)
    return is_single and linear.coefficients.is_dyadic


def _sums(layer: Affine) -> Any:
    """One weighted sum of each row: equal for equal rows, and for negatives but for the sign, since all are summed in
    one order; other rows seldom have the same."""
    sums, rng = layer.bias.values.copy(), np.random.default_rng(0)
    for linear, _ in layer.terms:
        weights, values = rng.uniform(1, 2, linear.in_size), linear.coefficients.values
        with np.errstate(over="ignore", invalid="ignore"):
            if isinstance(linear, Dense):
                sums += np.einsum("ij,j->i", values, weights)
            else:
                rows, cols, which = linear.entries
                sums += np.bincount(rows, values[which] * weights[cols], linear.out_size)
    return sums


def _compared(matrices: list[_Matrix], bias: Any, alike: Any) -> _Pairs:
    """Rows of matrices side by side, and biases: those that are `alike` are compared exactly, the others differ."""
    places: dict[tuple[bytes, ...], int] = {}
    first: list[tuple[int, int]] = []
    group, sign = [], []
    starts = [matrix.starts().tolist() for matrix in matrices]
    for row in range(len(bias)):
        key: tuple[bytes, ...] = (b"%d" % row,)
        side = 1
        if alike[row]:
            runs = [slice(begin[row], begin[row + 1]) for begin in starts]
            numbers = np.concatenate(
                [bias[row : row + 1], *(m.values[run] for m, run in zip(matrices, runs, strict=True))]
            )
            leading = numbers[np.flatnonzero(numbers)[:1]]
            side = -1 if len(leading) and leading[0] < 0 else 1
            # Adding 0 makes one zero of both.
            cols = [m.cols[run].astype(np.int64).tobytes() for m, run in zip(matrices, runs, strict=True)]
            key = (*cols, (side * numbers + 0.0).tobytes())
        if key not in places:
            places[key] = len(first)
            first.append((row, side))
        group.append(places[key])
        sign.append(side * first[places[key]][1])
    return _Pairs(np.array([row for row, _ in first]), np.array(group), np.array(sign))


@dataclass(frozen=True, eq=False)
class _Plan:
    """A ReLU node that goes: the `rows` in front of it whose ReLUs stay, those that are handed `on` as they are, and
    for each of its readers and their terms the maps from both, by (reader, number of the term)."""

    rows: IndexArray
    on: IndexArray
    maps: dict[tuple[int, int], tuple[LinearMap, LinearMap]]


def _plan(graph: Graph, number: int) -> _Plan | None:
    """What is made of ReLU node `number`; None where nothing is gained, where a reader is no matrix, or where a sum of
    weights is no float."""
    pairs = _pairs(graph, number)
    if pairs is None:
        return None
    sums: dict[tuple[int, int], _Matrix] = {}
    for reader in graph.consumers[number]:
        node = graph.nodes[reader]
        if not isinstance(node, Affine):
            return None
        for place, (linear, source) in enumerate(node.terms):
            if source == number:
                added = _added(_Matrix.of(linear), pairs) if _is_matrix(linear) else None
                if added is None:
                    return None
                sums[reader, place] = added
    size = len(pairs.first)
    used, bent = np.zeros(2 * size, bool), np.zeros(size, bool)
    for matrix in sums.values():
        used[matrix.cols] = True
        bent[_unbalanced(matrix, size)] = True
    # Where all that read it weigh both ReLUs alike, but for the sign, it is the number itself.
    on, relus = np.flatnonzero(used[:size] & ~bent), np.flatnonzero(used & np.tile(bent, 2))
    if len(relus) > WORTH * len(pairs.group):
        return None
    maps = {key: (matrix.some_cols(relus), matrix.some_cols(on)) for key, matrix in sums.items()}
    return _Plan(pairs.rows[relus], pairs.rows[on], maps)


def _added(matrix: _Matrix, pairs: _Pairs) -> _Matrix | None:
    """The matrix for one ReLU of each row that differs, and then of each negative; None where a sum is rounded."""
    if not (np.abs(matrix.values) < HUGE).all():
        return None
    size = len(pairs.first)
    cols = pairs.group[matrix.cols] + size * (pairs.sign[matrix.cols] < 0)
    order = np.lexsort((cols, matrix.rows))
    rows, cols, values = matrix.rows[order], cols[order], matrix.values[order]
    is_new = np.ones(len(rows), bool)
    is_new[1:] = (rows[1:] != rows[:-1]) | (cols[1:] != cols[:-1])
    starts = np.flatnonzero(is_new)
    ends, sums = np.append(starts[1:], len(rows)), np.add.reduceat(values, starts) if len(starts) else values
    for k in np.flatnonzero(ends - starts > 1).tolist():
        # The sum of all and of what was found is rounded once.
        if math.fsum([*values[starts[k] : ends[k]].tolist(), -float(sums[k])]) != 0:
            return None
    some = sums != 0
    return _Matrix(sums[some], rows[starts][some], cols[starts][some], (matrix.shape[0], 2 * size))


def _unbalanced(matrix: _Matrix, size: int) -> IndexArray:
    """The groups whose ReLUs have weights in some row that are not each other's negative."""
    group = matrix.cols % size
    _, where = np.unique(matrix.rows * size + group, return_inverse=True)
    # Of each row and group there are two numbers at most, whose sum is 0 for negatives alone.
    left = np.bincount(where, matrix.values) != 0
    found: IndexArray = group[left[where]]
    return found


def _rebuilt(graph: Graph, plans: dict[int, _Plan]) -> Graph:
    builder = Builder(graph.input_size)
    numbers: list[int] = []
    # Of a ReLU node that goes, its ReLUs that stay and the numbers that are handed on; of Affine nodes the terms.
    pairs: dict[int, tuple[int, int]] = {}
    terms: dict[int, list[tuple[LinearMap, int]]] = {}
    for number, node in enumerate(graph.nodes):
        name = graph.names[number] if number < len(graph.names) else ""
        made = 0
        if isinstance(node, Affine):
            terms[number] = []
            for place, (linear, source) in enumerate(node.terms):
                if source in plans:
                    terms[number] += zip(plans[source].maps[number, place], pairs[source], strict=True)
                else:
                    terms[number].append((linear, numbers[source]))
            made = builder.affine(terms[number], node.bias, name)
        elif isinstance(node, Pointwise) and number in plans:
            plan, bias = plans[number], graph.affine[node.source].bias
            at = [_some(builder, terms[node.source], bias, rows, name) for rows in (plan.rows, plan.on)]
            pairs[number] = builder.relu(at[0], name), at[1]
        elif isinstance(node, Pointwise):
            made = builder.relu(numbers[node.source], name)
        elif not isinstance(node, Input | Product):
            assert_never(node)
        numbers.append(made)
    return builder.finish(numbers[graph.output])


def _some(
    builder: Builder, terms: list[tuple[LinearMap, int]], bias: Coefficients, rows: IndexArray, name: str
) -> int:
    """Append some rows of an Affine node."""
    if not len(rows):
        return builder.constant(Coefficients(np.zeros(0)), name)
    some = [(_Matrix.of(linear).some_rows(rows), source) for linear, source in terms]
    return builder.affine(some, bias.map(lambda values: values[rows]), name)
