"""Numbers that are handed on through two ReLUs: relu(z) - relu(-z) is z, over the reals.

Networks that compute a maximum, or carry a number past a layer, do it so, and each ReLU relaxed by itself loses what
both together do not. So rows of a layer that repeat another one have one ReLU, and a pair of a row and its negative
that all readers weigh alike but for the sign is the number itself. Any other pair, like that of |z|, stays two ReLUs:
one ReLU with the number beside it is the same, but bounds that are pushed forward forget what these have in common.
What float32 makes of two rows that are each other's negative may differ, so this is for proofs over the reals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.never import assert_never
from .builder import Builder
from .exact import Coefficients
from .functions import RELU
from .graph import Affine, Graph, Input, Pointwise, Product
from .maps import Dense, LinearMap, Sparse
from .maps.base import IndexArray
from .maps.sparse import stored

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# A layer stays as it is where more than this share of its rows do: large matrices are rewritten for little.
WORTH = 0.9
# Sums of larger weights than that are not looked at.
HUGE = 2.0**900


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


def mirrored(graph: Graph) -> Graph:
    """The graph without the ReLUs that repeat others or hand a number on; itself if there are none."""
    if set(graph.functions.values()) != {RELU} or graph.products:
        return graph
    found = {number: pairs for number in graph.pointwise if (pairs := _pairs(graph, number)) is not None}
    plans = {number: plan for number, pairs in found.items() if (plan := _plan(graph, number, pairs)) is not None}
    return _rebuilt(graph, plans) if plans else graph


def _pairs(graph: Graph, number: int) -> _Pairs | None:
    """The rows in front of a ReLU node that are others', or their negatives; None if all differ."""
    source = graph.nodes[graph.nodes[number].sources[0]]
    if not isinstance(source, Affine) or number == graph.output or not source.bias.is_dyadic:
        return None
    if not source.terms or not all(_is_matrix(linear) for linear, _ in source.terms):
        return None
    alike = _alike(np.abs(_sums(source)))
    if np.count_nonzero(~alike) > WORTH * source.size:
        return None
    pairs = _Rows([_matrix(linear) for linear, _ in source.terms], source.bias.values).pairs(alike)
    return pairs if len(pairs.first) <= WORTH * source.size else None


def _is_matrix(linear: LinearMap) -> bool:
    is_single = isinstance(linear, Sparse) or (isinstance(linear, Dense) and linear.blocks == 1)
    return is_single and linear.coefficients.is_dyadic


def _matrix(linear: LinearMap) -> csr_array:
    """The matrix of a dense or sparse map, without zeros."""
    from scipy.sparse import csr_array

    found = csr_array(linear.coefficients.values) if isinstance(linear, Dense) else linear.matrix()
    found.eliminate_zeros()
    found.sort_indices()
    return found


def _sums(layer: Affine) -> Any:
    """One weighted sum of each row: equal for equal rows, and for negatives but for the sign, since all are summed in
    one order; other rows seldom have the same."""
    sums, rng = layer.bias.values.copy(), np.random.default_rng(0)
    for linear, _ in layer.terms:
        weights, values = rng.uniform(1, 2, linear.in_size), linear.coefficients.values
        if isinstance(linear, Dense):
            sums += np.einsum("ij,j->i", values, weights)
        else:
            rows, cols, which = linear.entries
            sums += np.bincount(rows, values[which] * weights[cols], linear.out_size)
    return sums


def _alike(sums: Any) -> Any:
    """Which of the numbers occur more than once."""
    _, inverse, counts = np.unique(sums, return_inverse=True, return_counts=True)
    return counts[inverse] > 1


class _Rows:
    """The rows of a layer's matrices side by side, and its biases, to be compared exactly."""

    def __init__(self, matrices: Sequence[csr_array], bias: Any) -> None:
        self._matrices, self._bias = matrices, bias

    def pairs(self, alike: Any) -> _Pairs:
        """Rows among those that are `alike` put together."""
        places: dict[tuple[bytes, ...], int] = {}
        first: list[tuple[int, int]] = []
        group, sign = [], []
        for row, bias in enumerate(self._bias.tolist()):
            key, side = self._key(row, bias) if alike[row] else ((b"%d" % row,), 1)
            if key not in places:
                places[key] = len(first)
                first.append((row, side))
            group.append(places[key])
            sign.append(side * first[places[key]][1])
        return _Pairs(np.array([row for row, _ in first]), np.array(group), np.array(sign))

    def _key(self, row: int, bias: float) -> tuple[tuple[bytes, ...], int]:
        """What a row and its negative have in common and no other, and which of the two it is."""
        parts, values = [], [np.array([bias])]
        for matrix in self._matrices:
            here = slice(matrix.indptr[row], matrix.indptr[row + 1])
            parts.append(matrix.indices[here].astype(np.int64).tobytes())
            values.append(matrix.data[here])
        numbers = np.concatenate(values)
        which = np.flatnonzero(numbers)
        side = -1 if len(which) and numbers[which[0]] < 0 else 1
        # Adding 0 makes one zero of both.
        return (*parts, (side * numbers + 0.0).tobytes()), side


@dataclass(frozen=True, eq=False)
class _Plan:
    """A ReLU node that goes: the `rows` in front of it whose ReLUs stay, those that are handed `on` as they are, and
    for each of its readers and their terms the maps from both, by (reader, number of the term)."""

    rows: IndexArray
    on: IndexArray
    maps: dict[tuple[int, int], tuple[LinearMap, LinearMap]]


def _plan(graph: Graph, number: int, pairs: _Pairs) -> _Plan | None:
    """What is made of ReLU node `number`; None where a reader is no matrix, or a sum of weights no float."""
    sums: dict[tuple[int, int], csr_array] = {}
    for reader in graph.consumers[number]:
        node = graph.nodes[reader]
        if not isinstance(node, Affine):
            return None
        for place, (linear, source) in enumerate(node.terms):
            if source == number:
                added = _added(linear, pairs) if _is_matrix(linear) else None
                if added is None:
                    return None
                sums[reader, place] = added
    size = len(pairs.first)
    used = sum(abs(found).sum(axis=0) for found in sums.values())
    bent = sum(abs(found[:, :size] + found[:, size:]).sum(axis=0) for found in sums.values())
    # Where all that read it weigh both ReLUs alike, but for the sign, it is the number itself.
    on = np.flatnonzero((used[:size] > 0) & (bent == 0))
    relus = np.flatnonzero((used > 0) & (np.tile(bent, 2) > 0))
    maps = {key: (stored(found[:, relus]), stored(found[:, on])) for key, found in sums.items()}
    return _Plan(pairs.rows[relus], pairs.rows[on], maps)


def _added(linear: LinearMap, pairs: _Pairs) -> csr_array | None:
    """The matrix for one ReLU of each row that differs, and then of each negative; None where a sum is rounded."""
    matrix, size = _matrix(linear).tocoo(), len(pairs.first)
    columns = pairs.group[matrix.col] + size * (pairs.sign[matrix.col] < 0)
    return _summed(matrix.row, columns, matrix.data, (linear.out_size, 2 * size))


def _summed(rows: Any, cols: Any, values: Any, shape: tuple[int, int]) -> csr_array | None:
    """The matrix of `shape` with the sums of the values at the same places, without zeros; None if one is no float."""
    from scipy.sparse import csr_array

    if not (np.abs(values) < HUGE).all():
        return None
    order = np.lexsort((cols, rows))
    rows, cols, values = rows[order], cols[order], values[order]
    starts = np.flatnonzero(np.r_[True, (rows[1:] != rows[:-1]) | (cols[1:] != cols[:-1])][: len(rows)])
    sums = np.add.reduceat(values, starts) if len(starts) else values
    ends = np.append(starts[1:], len(values))
    for k in np.flatnonzero(ends - starts > 1).tolist():
        # The sum of all and of what was found is rounded once.
        if math.fsum([*values[starts[k] : ends[k]].tolist(), -float(sums[k])]) != 0:
            return None
    found = csr_array((sums, (rows[starts], cols[starts])), shape=shape)
    found.eliminate_zeros()
    return found


def _rebuilt(graph: Graph, plans: dict[int, _Plan]) -> Graph:
    builder = Builder(graph.input_size)
    numbers: list[int] = []
    # Of a ReLU node that goes, its ReLUs that stay and the numbers that are handed on.
    pairs: dict[int, tuple[int, int]] = {}
    for number, node in enumerate(graph.nodes):
        name = graph.names[number] if number < len(graph.names) else ""
        made = 0
        if isinstance(node, Affine):
            terms: list[tuple[LinearMap, int]] = []
            for place, (linear, source) in enumerate(node.terms):
                if source in plans:
                    terms += zip(plans[source].maps[number, place], pairs[source], strict=True)
                else:
                    terms.append((linear, numbers[source]))
            made = builder.affine(terms, node.bias, name)
        elif isinstance(node, Pointwise) and number in plans:
            layer, plan = graph.nodes[node.source], plans[number]
            at = [builder.affine(*_some(layer, numbers, rows), name) for rows in (plan.rows, plan.on)]
            pairs[number] = builder.relu(at[0], name), at[1]
        elif isinstance(node, Pointwise):
            made = builder.relu(numbers[node.source], name)
        elif not isinstance(node, Input | Product):
            assert_never(node)
        numbers.append(made)
    return builder.finish(numbers[graph.output])


def _some(layer: Any, numbers: list[int], rows: IndexArray) -> tuple[list[tuple[LinearMap, int]], Coefficients]:
    """Some rows of an Affine node."""
    terms = [(stored(_matrix(linear)[rows]), numbers[source]) for linear, source in layer.terms]
    return terms, layer.bias.map(lambda values: values[rows])
