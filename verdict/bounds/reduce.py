"""Making the reduced form of a network (`reduced`): every unstable ReLU as a function of those before it.

Each variable, an input or the output of an unstable ReLU, is pushed through the network by itself until it meets the
unstable ReLUs behind it. Variables do not meet on the way, so they go in groups that fit the processor's cache, each
group on a core of its own. All in float64; what that gets wrong is known from the sizes of what was pushed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..base.deadline import checkpoint
from ..base.workers import Workers, at_hand
from ..network.exact import FloatArray
from ..network.functions import Feature
from ..network.graph import Affine, Graph, Pointwise, Product
from ..network.maps.base import IndexArray
from ..network.maps.namespace import Constant
from .bounds import Bounds
from .reduced import ROOM, Layer, Reduced, Sizes, scale_of, unscaled_error
from .reduced_ball import ReducedBall, reduced_ball
from .rounding import gamma, tiny

# Beyond it a float32 coefficient is too near to overflow to be of use.
LARGEST = 1e30
# Numbers in the form of one node that are pushed at once, and that are summed at once.
PUSHED, CACHED = 2**20, 2**17


def reduce(
    graph: Graph, bounds: Bounds, number: int, rows: FloatArray, most: int, workers: Workers | None = None
) -> Reduced | None:
    """The reduced form of `rows` @ node `number` over the box of `bounds` (batch 1, float64); None where it would have
    more than `most` coefficients, or too large ones.

    `rows` is (rows, size of the node), float64. The errors are those of docs/rounding.md, with the variables'
    largest magnitudes in place of activations. Raises UnsupportedError where a function is not ON_OFF.
    """
    graph.require(Feature.ON_OFF, "the reduced form of a network", number)
    plan = _Plan(graph, bounds, number, rows)
    if plan.coefficients > most:
        return None
    workers = workers or at_hand()
    size = max(1, PUSHED // plan.widest)
    groups = [range(i, min(i + size, plan.count)) for i in range(0, plan.count, size)]
    into = plan.empty()
    with np.errstate(over="ignore", invalid="ignore"):
        parts = workers.map(lambda group: _pushed(plan, group, into), groups)
        sizes = {i: np.sum([part[i] for part in parts if i in part], axis=0) for part in parts for i in part}
        return _charged(plan, into, sizes)


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is to be reduced, and the numbers of its variables: inputs that move, the constant 1, unstable ReLUs."""

    graph: Graph
    bounds: Bounds
    number: int
    rows: FloatArray

    @cached_property
    def nodes(self) -> tuple[int, ...]:
        """The nodes that matter, in order; none of them is a product of two."""
        nodes = self.graph.ancestors(self.number)
        for node in (self.graph.nodes[i] for i in nodes):
            if isinstance(node, Product):
                raise node.without("the reduced form of a network")
        return nodes

    @cached_property
    def scale(self) -> tuple[FloatArray, FloatArray]:
        return scale_of(self.bounds)

    @cached_property
    def moving(self) -> IndexArray:
        return np.flatnonzero(self.scale[1])

    @property
    def first(self) -> int:
        """The number of the first ReLU's variable."""
        return len(self.moving) + 1

    @cached_property
    def unstable(self) -> dict[int, IndexArray]:
        """The neurons of each ReLU node that are unstable."""
        nodes = (i for i in self.nodes if isinstance(self.graph.nodes[i], Pointwise))
        return {i: np.flatnonzero(self.graph.bent_by(i, *self.ends(i))) for i in nodes}

    @cached_property
    def starts(self) -> dict[int, int]:
        """The variable of each ReLU node's first unstable neuron."""
        counts = [len(columns) for columns in self.unstable.values()]
        return dict(zip(self.unstable, (self.first + np.cumsum([0, *counts])).tolist(), strict=False))

    @cached_property
    def count(self) -> int:
        return self.first + sum(len(columns) for columns in self.unstable.values())

    @property
    def coefficients(self) -> int:
        """How many the form has, those of the rows apart."""
        return sum(self.starts[i] * len(columns) for i, columns in self.unstable.items())

    @property
    def widest(self) -> int:
        return max(self.graph.nodes[i].size for i in self.nodes)

    def ends(self, number: int) -> tuple[FloatArray, FloatArray]:
        """The least and the largest values in front of a ReLU node."""
        low, high = self.bounds.in_front(self.graph, number)
        return low[0], high[0]

    @cached_property
    def bounded(self) -> tuple[FloatArray, FloatArray]:
        """The bounds of the unstable neurons, low and high."""
        ends = [np.stack(self.ends(i))[:, columns] for i, columns in self.unstable.items()]
        low, high = np.concatenate([np.zeros((2, 0)), *ends], axis=1)
        return low, high

    @cached_property
    def largest(self) -> FloatArray:
        """The largest magnitudes of the variables."""
        return np.concatenate([np.ones(self.first), self.bounded[1]])

    def empty(self) -> list[Any]:
        """Room for the coefficients of each ReLU node's unstable neurons, and of the rows."""
        layers = [np.zeros((len(columns), self.starts[i]), np.float32) for i, columns in self.unstable.items()]
        return [*layers, np.zeros((len(self.rows), self.count), np.float32)]

    @cached_property
    def readers(self) -> dict[int, int]:
        """The last node that reads each one."""
        return {source: i for i in self.nodes for source in self.graph.nodes[i].sources}

    def inputs(self, group: range) -> FloatArray:
        """The variables of the group among inputs and the constant as functions of the network's inputs."""
        center, radius = self.scale
        own = range(group.start, min(group.stop, self.first))
        matrix = np.zeros((len(own), len(center)))
        moved = self.moving[own.start : own.stop]
        matrix[np.arange(len(moved)), moved] = radius[moved]
        if self.first - 1 in own:
            matrix[-1] = center
        return matrix


def _pushed(plan: _Plan, group: range, into: Sequence[Any]) -> dict[int, FloatArray]:
    """Push one group of variables through the network and write its coefficients `into` those of the layers.

    Returns for each node what the group's coefficients, times the variables' largest magnitudes, come to.
    """
    graph, constant = plan.graph, plan.first - 1
    forms: dict[int, Any] = {}
    sizes: dict[int, FloatArray] = {}
    layers = iter(into)
    if group.start < plan.first:
        forms[0] = plan.inputs(group)
    for i in plan.nodes:
        checkpoint()
        node, form = graph.nodes[i], forms.get(i)
        if isinstance(node, Affine):
            form = summed([own(linear.apply(forms[s]), forms[s]) for linear, s in node.terms if s in forms])
            if constant in group:
                form = np.zeros((constant - group.start + 1, node.size)) if form is None else form
                form[constant - group.start] += node.bias.values
        elif isinstance(node, Pointwise):
            form = _behind(plan, i, group, forms.get(node.source), next(layers))
        if form is not None:
            forms[i] = form
            sizes[i] = size_of(form, plan.largest[group.start :])
        for source in node.sources:
            if plan.readers[source] == i:
                forms.pop(source, None)
    form = forms.get(plan.number)
    if form is not None:
        next(layers)[:, group.start : group.start + len(form)] = plan.rows @ form.T
    return sizes


def own(made: Any, source: Any) -> Any:
    """What a map has made, in memory of its own: one that moves nothing returns what it was given."""
    return made.copy() if np.may_share_memory(made, source) else made


def summed(terms: list[Any]) -> Any:
    """The sum of forms, of which some lack the last variables; None of none."""
    if not terms:
        return None
    terms.sort(key=len, reverse=True)
    result = terms[0]
    for term in terms[1:]:
        result[: len(term)] += term
    return result


def _behind(plan: _Plan, number: int, group: range, form: Any, into: Any) -> Any:
    """The group's form behind a ReLU node: off, on, or a variable each. What the unstable ones meet is kept."""
    low, _ = plan.ends(number)
    unstable, start = plan.unstable[number], plan.starts[number]
    born = np.arange(max(start, group.start), min(start + len(unstable), group.stop))
    if form is None and not len(born):
        return None
    count = 0 if form is None else len(form)
    if count:
        into[:, group.start : group.start + count] = form[:, unstable].T
    # A row for each variable of the group so far, whether or not it gets here. Large: every number is written once.
    last = int(born[-1]) + 1 - group.start if len(born) else 0
    behind = np.empty((max(count, last), len(low)))
    if count:
        np.multiply(form, low >= 0, out=behind[:count])
    behind[count:] = 0
    behind[born - group.start, unstable[born - start]] = 1
    return behind


def size_of(form: Any, largest: FloatArray) -> FloatArray:
    """What the columns of a form come to at most, some rows at a time, so that their magnitudes stay in the cache."""
    size, chunk = np.zeros(form.shape[1]), max(1, CACHED // max(1, form.shape[1]))
    for start in range(0, len(form), chunk):
        some = np.abs(form[start : start + chunk])
        size += largest[start : start + len(some)] @ some
    return size


def _charged(plan: _Plan, matrices: list[Any], sizes: dict[int, FloatArray]) -> Reduced | None:
    """The form with what it gets wrong, from the `sizes` of what was pushed through each node."""
    graph, largest = plan.graph, plan.largest
    errors: dict[int, FloatArray] = {0: unscaled_error(plan.bounds)}
    sizes = {i: sizes.get(i, np.zeros(graph.nodes[i].size)) for i in plan.nodes}
    wrong, reach = [np.zeros(0)], [np.zeros(0)]
    for i in plan.nodes:
        node = graph.nodes[i]
        if isinstance(node, Affine):
            errors[i] = affine_error(node, errors, sizes, largest)
        elif isinstance(node, Pointwise):
            low, high = plan.ends(i)
            unstable = plan.unstable[i]
            wrong.append(errors[node.source][unstable])
            reach.append(sizes[node.source][unstable] + np.maximum(-low, high)[unstable])
            errors[i] = errors[node.source] * (low >= 0)
    row_reach = ROOM * (np.abs(matrices[-1]).astype(np.float64) @ largest)
    rounding = 4 * gamma(plan.rows.shape[1] + 2) * (np.abs(plan.rows) @ sizes[plan.number])
    row_error = ROOM * (np.abs(plan.rows) @ errors[plan.number] + rounding)
    layers = tuple(
        Layer(start, start + len(matrix), Constant(matrix))
        for start, matrix in zip(plan.starts.values(), matrices, strict=False)
    )
    found = Sizes(*plan.bounded, np.concatenate(wrong), np.concatenate(reach), row_error, row_reach)
    top = max(largest.max(), row_reach.max(initial=0), *(size.max(initial=0) for size in sizes.values()))
    made = Reduced(plan.first - 1, layers, Constant(matrices[-1]), found, _ball(plan.bounds))
    return made if top <= LARGEST and made.is_finite else None


def _ball(bounds: Bounds) -> ReducedBall | None:
    """The ball of the bounds over the scaled inputs that move, if any do."""
    center, width = scale_of(bounds)
    moving = np.flatnonzero(width)
    if bounds.ball is None or not len(moving):
        return None
    own = replace(bounds.ball, center=bounds.ball.center[moving])
    return reduced_ball(own, center[moving], width[moving])


def affine_error(node: Affine, errors: dict[int, Any], sizes: dict[int, Any], largest: FloatArray) -> FloatArray:
    """What float64 gets wrong in the form of an affine node, (size,), from what it does in those of its sources."""
    error, size, products = np.zeros(node.size), np.abs(node.bias.values), 4 + len(node.terms)
    for linear, source in node.terms:
        error += linear.apply_abs(errors[source])
        size = size + linear.apply_abs(sizes[source])
        products += linear.fan_in
    # Twice the rounding of the forms covers that of these sums of non-negative numbers too.
    lost = tiny(np.float64) * (1 + largest.sum())
    result: FloatArray = error * ROOM + 4 * gamma(products) * size + lost
    return result
