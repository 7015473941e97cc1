"""Linear bounds pushed forward (Zhang et al. 1811.00866 in the other direction; Xu et al. 2002.12920, "forward mode").

Every neuron keeps two linear functions of the inputs that can move, one below and one above it; an affine node combines
those of its sources, a pointwise one puts them into its lines. One pass bounds all neurons, where backward substitution
takes one pass for each layer: a little looser, and with few inputs many times cheaper. On the way one sees how far each
input moves each neuron, which is what tells the input to halve.

An input is x = c + r t with |t| <= 1, and the functions are of t, so the sum of a function's coefficients is what it
can reach; on a ball its support function says that. Roundings are charged to a function's constant, node by node,
relative to that sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..base.deadline import checkpoint
from ..base.never import assert_never
from ..network.graph import Affine, Graph, Input, Pointwise, Product
from ..network.maps.namespace import namespace, next_above, next_below, zeros_like_shape
from .ball import Ball
from .bounds import Bounds
from .interval import Improve, affine_interval
from .moving import moving
from .planes import Ends, crown_planes, product_interval
from .rounding import gamma, tiny, unit

# A forward pass comes first where the widest layer has so many times as many neurons as inputs can move, and its
# functions, of which some layers are held at a time, have no more numbers than this (256 MiB in float64).
FEW, MOST_NUMBERS = 4, 2**25


@dataclass(frozen=True, eq=False)
class Between:
    """A node's functions of t: `below` and `above`, (batch, free + 1, size), the constants in the last row. The two are
    one array where nothing lies between them."""

    below: Any
    above: Any

    def size(self) -> Any:
        """The largest sum of magnitudes of coefficients and constant, (batch, size)."""
        xp = namespace(self.below)
        size = xp.sum(xp.abs(self.below), axis=1)
        return size if self.below is self.above else xp.maximum(size, xp.sum(xp.abs(self.above), axis=1))

    def ends(self) -> tuple[Any, Any]:
        """The least value of the one and the largest of the other, rounded outward; infinite where an overflow has
        lost them."""
        xp, count = namespace(self.below), self.below.shape[1] + 4
        with np.errstate(invalid="ignore", over="ignore"):
            low, high = self.below[:, -1] - _reach(self.below, count), self.above[:, -1] + _reach(self.above, count)
            low, high = next_below(low), next_above(high)
        return xp.where(xp.isnan(low), -np.inf, low), xp.where(xp.isnan(high), np.inf, high)

    def spread(self) -> Any:
        """How far each free input moves the node at most, (batch, free, size)."""
        xp, below = namespace(self.below), abs(self.below[:, :-1])
        return below if self.below is self.above else xp.maximum(below, abs(self.above[:, :-1]))


@dataclass(frozen=True, eq=False)
class ForwardBounds:
    """Bounds of all nodes; the inputs that can move, `free` (numbers), and of each pre-activation how far these move
    it, (batch, free, size)."""

    bounds: Bounds
    free: Any
    spread: dict[int, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Forward:
    """What a pass does: `free` are the inputs (numbers) that functions are of, None: all that can move; of the others
    only the interval is known. With `spread` it says how far they move the pre-activations; once `stop` returns True
    the remaining nodes have their intervals only. What functions and products read is improved by `improve`; what is
    `known` of all nodes, on all boxes, is taken up."""

    free: Any = None
    spread: bool = False
    stop: Callable[[], bool] = lambda: False
    improve: Improve | None = None
    known: Bounds | None = None


def forward_bounds(
    graph: Graph, lower: Any, upper: Any, how: Forward | None = None, ball: Ball | None = None
) -> ForwardBounds:
    """Bounds of every node over boxes [lower, upper] of shape (batch, input_size), or the `ball` in them, each
    intersected with intervals."""
    xp, how = namespace(lower), how or Forward()
    free = xp.nonzero(xp.any(moving(lower, upper), axis=0))[0] if how.free is None else how.free
    found = ForwardBounds(Bounds((lower,), (upper,), ball), free)
    lows, highs, between = [lower], [upper], {0: _inputs(lower, upper, free)}
    behind = set(graph.in_front)
    last = {source: number for number, node in enumerate(graph.nodes) for source in node.sources}
    for number in range(1, len(graph.nodes)):
        checkpoint()
        node = graph.nodes[number]
        is_known = all(source in between for source in node.sources) and not how.stop()
        if isinstance(node, Affine):
            low, high = affine_interval(node, lows, highs)
            if is_known:
                here = between[number] = _affine(node, between)
                for least, most in _all_ends(here, found):
                    low, high = xp.maximum(low, least), xp.minimum(high, most)
        elif isinstance(node, Pointwise):
            source = node.source
            low, high = node.function.enclosure(lows[source], highs[source])
            if is_known:
                if how.spread:
                    found.spread[source] = between[source].spread()
                between[number] = _pointwise(node, between[source], lows[source], highs[source])
        elif isinstance(node, Product):
            factors = [(lows[source], highs[source]) for source in node.sources]
            low, high = product_interval(*factors)
            if is_known:
                if how.spread:
                    found.spread.update({source: between[source].spread() for source in node.sources})
                here = between[number] = _product(between[node.left], between[node.right], factors)
                for least, most in _all_ends(here, found):
                    low, high = xp.maximum(low, least), xp.minimum(high, most)
        elif isinstance(node, Input):
            raise ValueError("a graph has one input, its first node")
        else:
            assert_never(node)
        if how.known is not None:
            low, high = xp.maximum(low, how.known.lower[number]), xp.minimum(high, how.known.upper[number])
        if how.improve is not None and number in behind and isinstance(node, Affine | Product):
            low, high = how.improve(found.bounds.with_ends((*lows, low), (*highs, high)))
        lows.append(low)
        highs.append(high)
        for source in node.sources:
            if last[source] == number:
                between.pop(source, None)
    return ForwardBounds(found.bounds.with_ends(lows, highs), free, found.spread)


def forward_first(
    graph: Graph, lower: Any, upper: Any, stop: Callable[[], bool] = lambda: False, ball: Ball | None = None
) -> Bounds | None:
    """Forward bounds where so few inputs can move that they cost nearly nothing beside backward ones, else None.

    A pass takes two products for each free input and layer, and spares a backward one for each neuron that it shows to
    be stable.
    """
    xp = namespace(lower)
    free = xp.nonzero(xp.any(moving(lower, upper), axis=0))[0]
    widest, count = max(node.size for node in graph.nodes), len(free) + 1
    if FEW * count > widest or len(lower) * count * widest > MOST_NUMBERS:
        return None
    return forward_bounds(graph, lower, upper, Forward(free, stop=stop), ball).bounds


def _reach(function: Any, count: int) -> Any:
    """What the coefficients sum to at most, (batch, size)."""
    xp = namespace(function)
    total = xp.sum(xp.abs(function[:, :-1]), axis=1)
    return total * (1 + 2 * gamma(count, unit(total.dtype))) + tiny(total.dtype)


def _inputs(lower: Any, upper: Any, free: Any) -> Between:
    """The inputs themselves."""
    xp = namespace(lower)
    center = lower / 2 + upper / 2
    radius = next_above(xp.maximum(upper - center, center - lower))
    center = xp.where(upper > lower, center, lower)
    function = zeros_like_shape(lower, (len(lower), len(free) + 1, lower.shape[1]))
    function[:, xp.arange(len(free)), free] = radius[:, free]
    function[:, -1] = center
    is_fixed = xp.sum(function[:, :-1], axis=1) == 0
    if not xp.any(is_fixed & (upper > lower)):
        return Between(function, function)
    below, above = xp.asarray(function, copy=True), function
    below[:, -1], above[:, -1] = xp.where(is_fixed, lower, center), xp.where(is_fixed, upper, center)
    return Between(below, above)


def _all_ends(here: Between, found: ForwardBounds) -> Iterator[tuple[Any, Any]]:
    """The ends of the functions on the box, and on the ball where there is one."""
    yield here.ends()
    ball, low, high = found.bounds.ball, found.bounds.lower[0], found.bounds.upper[0]
    if ball is None:
        return
    xp, center = namespace(low), low / 2 + high / 2
    radius = next_above(xp.maximum(high - center, center - low))[:, found.free]
    for sign, function in ((1, here.below), (-1, here.above)):
        slope = zeros_like_shape(low, (len(low), function.shape[2], low.shape[1]))
        slope[:, :, found.free] = sign * xp.permute_dims(function[:, :-1] / radius[:, :, None], (0, 2, 1))
        least, size = ball.least_within(slope, low, high)
        size = size + abs(function[:, -1]) + xp.sum(abs(slope) * xp.maximum(abs(low), abs(high))[:, None], axis=2)
        charge = gamma(4 * low.shape[1] + 32, unit(low.dtype)) * size + tiny(low.dtype)
        end = sign * function[:, -1] - xp.sum(slope * center[:, None], axis=2) + least - charge
        end = xp.where(xp.isnan(end), -np.inf, end)
        far = xp.full_like(end, np.inf)
        yield (end, far) if sign > 0 else (-far, -end)


def _affine(node: Affine, between: dict[int, Between]) -> Between:
    """The functions of an affine node.

    Of positive weights one takes the source's own, of negative ones the other: together M times their middle, less or
    plus |M| times half of what lies between.
    """
    some = between[node.terms[0][1]].below if node.terms else next(iter(between.values())).below
    bias = node.bias.like(some)
    middle = zeros_like_shape(some, (*some.shape[:2], node.size))
    middle[:, -1] += bias
    half, size = None, abs(bias)
    with np.errstate(invalid="ignore", over="ignore"):
        for linear, source in node.terms:
            its = between[source]
            size = size + linear.apply_abs(its.size())
            if its.below is its.above:
                middle = middle + linear.apply(its.below)
                continue
            middle = middle + linear.apply(its.below / 2 + its.above / 2)
            gap = linear.apply_abs(its.above / 2 - its.below / 2)
            half = gap if half is None else half + gap
        # Products, sums over terms and what is halved, of the middle and of the gap, and the charge itself.
        count = 2 * (sum(linear.fan_in for linear, _ in node.terms) + len(node.terms)) + 12
        charge = 2 * gamma(count, unit(middle.dtype)) * size + tiny(middle.dtype)
        below, above = (middle, middle * 1) if half is None else (middle - half, middle + half)
        below[:, -1] -= charge
        above[:, -1] += charge
    return Between(below, above)


def _pointwise(node: Pointwise, its: Between, low: Any, high: Any) -> Between:
    """The functions in the lines of a pointwise node with bounds [low, high] in front of it."""
    xp = namespace(low)
    slope_below, offset_below, slope_above, offset_above = node.function.lines(low, high)
    size = its.size() + xp.maximum(abs(low), abs(high))
    return Between(
        _through(its.below, its.above, slope_below, offset_below, size, -1),
        _through(its.above, its.below, slope_above, offset_above, size, 1),
    )


def _product(left: Between, right: Between, factors: list[Ends]) -> Between:
    """The functions in the planes of a product whose factors have these ends."""
    xp, planes = namespace(left.below), crown_planes(*factors)
    sizes = [
        its.size() + xp.maximum(abs(low), abs(high))
        for its, (low, high) in zip((left, right), factors, strict=True)
    ]
    ends = []
    for sign, (a, b), offset in ((-1, planes.below, planes.floor), (1, planes.above, planes.ceiling)):
        one, other = (_sided(its, sign) for its in (left, right))
        function = _through(*one, a, offset, sizes[0], sign) + _through(*other, b, None, sizes[1], sign)
        with np.errstate(invalid="ignore", over="ignore"):
            size = abs(a) * sizes[0] + abs(b) * sizes[1] + abs(offset)
            function[:, -1] += sign * (gamma(8, unit(function.dtype)) * size + tiny(function.dtype))
        ends.append(function)
    return Between(*ends)


def _sided(its: Between, sign: int) -> tuple[Any, Any]:
    """The function on that side, and the one on the other."""
    return (its.above, its.below) if sign > 0 else (its.below, its.above)


def _through(own: Any, other: Any, slope: Any, offset: Any, size: Any, sign: int) -> Any:
    """A line of the function on its side, of the one on the other side where it falls."""
    xp = namespace(own)
    with np.errstate(invalid="ignore", over="ignore"):
        if xp.any(slope < 0):
            function = slope.clip(0, None)[:, None] * own + slope.clip(None, 0)[:, None] * other
        else:
            function = slope[:, None] * own
        charge = abs(slope) * size
        if offset is not None:
            function[:, -1] += offset
            charge = charge + abs(offset)
        # A line may be off by some roundings, and so are its products and sums.
        function[:, -1] += sign * (gamma(16, unit(function.dtype)) * charge + tiny(function.dtype))
    return function
