"""Zonotopes, pushed forward through the network (DeepZ, Singh et al., NeurIPS 2018).

A node's values are a centre plus generators times symbols in [-1, 1]; affine maps act on centre and generators
alike, so unlike intervals a zonotope remembers which neurons move together. An unstable ReLU lies between two
parallel lines of slope u / (u - l), the band of least area, and brings one new symbol; Wong and Kolter's dual
(1711.00851) gives the same bounds backwards. Besides the symbols there is an interval remainder per neuron, which
takes up rounding errors and whatever finds no room among the generators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.deadline import checkpoint
from ..base.never import assert_never
from ..network.graph import Affine, Graph, Input, Pointwise, Product
from ..network.maps.namespace import namespace, next_below, product, zeros_like_shape
from .ball import Ball
from .bounds import Bounds
from .interval import affine_interval
from .planes import band, product_interval
from .rounding import gamma, tiny, unit

# The most numbers in the generators of one node (64 MiB in float64): the widest neurons get a symbol, the others
# go to the remainder. Zonotopes that no later node reads are forgotten.
MOST_ENTRIES = 2**23


@dataclass(frozen=True, eq=False)
class Zonotope:
    """{center + sum_k e_k generators_k + d remainder : e, d in [-1, 1]}, per box of the batch.

    `center` and `remainder` are (batch, size). `generators` maps the node that brought the symbols (0 is the
    input) to (batch, symbols, size): nodes that share a key share the symbols.
    """

    center: Any
    generators: dict[int, Any]
    remainder: Any

    def spread(self) -> Any:
        """sum_k |generators_k|, (batch, size), as computed."""
        xp, total = namespace(self.center), zeros_like_shape(self.center, self.center.shape)
        for block in self.generators.values():
            checkpoint()
            total = total + xp.sum(xp.abs(block), axis=1)
        return total

    def interval(self) -> tuple[Any, Any]:
        """The ends of every coordinate, rounded outward; infinite where an overflow has lost them."""
        xp, dtype = namespace(self.center), self.center.dtype
        symbols = sum(block.shape[1] for block in self.generators.values())
        reach = (self.spread() + self.remainder) * (1 + 2 * gamma(symbols + 8, unit(dtype)))
        reach = reach + 2 * unit(dtype) * (xp.abs(self.center) + reach) + tiny(dtype)
        low, high = self.center - reach, self.center + reach
        return xp.where(xp.isnan(low), -xp.inf, low), xp.where(xp.isnan(high), xp.inf, high)


@dataclass(frozen=True, eq=False)
class Round:
    """That the inputs of boxes [lower, upper], each (batch, size), lie in a ball: less than their symbols say.

    Symbol k of the input is (x_i - middle_i) / reach_i of coordinate i = `coordinates[k]`, so the generators of the
    input are slopes in x, whose least value on the ball is in closed form (as in the multi-norm zonotopes of Bonaert et
    al., PLDI 2021).
    """

    ball: Ball
    lower: Any
    upper: Any
    middle: Any
    reach: Any
    coordinates: Any

    def interval(self, value: Zonotope) -> tuple[Any, Any]:
        """As `Zonotope.interval`, from the ball."""
        xp, dtype = namespace(value.center), value.center.dtype
        others = {key: block for key, block in value.generators.items() if key != 0}
        rest = Zonotope(value.center, others, value.remainder)
        slope = zeros_like_shape(value.center, (*value.center.shape, self.middle.shape[1]))
        block = value.generators[0] / self.reach[:, self.coordinates][:, :, None]
        slope[:, :, self.coordinates] = xp.swapaxes(block, 1, 2)
        shift = product(slope, self.middle[:, :, None])[:, :, 0]
        size = product(xp.abs(slope), xp.abs(self.middle)[:, :, None])[:, :, 0]
        ends, error = [], 4 * gamma(2 * self.middle.shape[1] + 16, unit(dtype))
        for sign, end in zip((1.0, -1.0), rest.interval(), strict=True):
            least, sizes = self.ball.least_within(sign * slope, self.lower, self.upper)
            moved = least - sign * shift - error * (sizes + size) - tiny(dtype)
            total = sign * (next_below(sign * end + moved))
            ends.append(xp.where(xp.isnan(total), -sign * xp.inf, total))
        return ends[0], ends[1]


def zonotope_bounds(graph: Graph, lower: Any, upper: Any, ball: Ball | None = None) -> Bounds:
    """Bounds of every node over the boxes [lower, upper], each (batch, input_size), or the `ball` in them, intersected
    with intervals."""
    xp = namespace(lower)
    room = max(1, MOST_ENTRIES // (len(lower) * max(node.size for node in graph.nodes)))
    zonotopes: dict[int, Zonotope] = {}
    limits: Round | None = None
    lows: list[Any] = []
    highs: list[Any] = []
    # An overflow ends as a not-a-number, which `interval` reads as "anything".
    with np.errstate(over="ignore", invalid="ignore"):
        for number, node in enumerate(graph.nodes):
            if isinstance(node, Input):
                zonotope, reach, chosen = _box(lower, upper, room)
                low, high = lower, upper
                limits = None if ball is None else Round(ball, lower, upper, zonotope.center, reach, chosen)
                room -= len(chosen)
            elif isinstance(node, Affine):
                zonotope = _affine(node, zonotopes, lower)
                low, high = affine_interval(node, lows, highs)
                for below, above in (zonotope.interval(), *(() if limits is None else (limits.interval(zonotope),))):
                    low, high = xp.maximum(low, below), xp.minimum(high, above)
            elif isinstance(node, Pointwise):
                before = lows[node.source], highs[node.source]
                zonotope = _pointwise(number, zonotopes[node.source], node.function.band(*before), room)
                room -= zonotope.generators[number].shape[1]
                low, high = node.function.enclosure(*before)
            elif isinstance(node, Product):
                factors = [(lows[source], highs[source]) for source in node.sources]
                zonotope = _product(number, [zonotopes[source] for source in node.sources], band(*factors), room)
                room -= zonotope.generators[number].shape[1]
                low, high = product_interval(*factors)
                for below, above in (zonotope.interval(), *(() if limits is None else (limits.interval(zonotope),))):
                    low, high = xp.maximum(low, below), xp.minimum(high, above)
            else:
                assert_never(node)
            zonotopes[number] = zonotope
            lows.append(low)
            highs.append(high)
            for source in node.sources:
                if max(graph.consumers[source]) == number:
                    zonotopes.pop(source, None)
    return Bounds(tuple(lows), tuple(highs), ball)


def _box(lower: Any, upper: Any, room: int) -> tuple[Zonotope, Any, Any]:
    """The input box: one symbol for each coordinate that varies in some box, the widest first; how far a symbol
    reaches, (batch, input_size), and the coordinates that have one."""
    center = lower / 2 + upper / 2
    xp = namespace(center)
    reach = xp.maximum(upper - center, center - lower)
    # The two differences round.
    reach = reach * (1 + 4 * unit(reach.dtype))
    block, remainder, chosen = _symbols(reach, room)
    return Zonotope(center, {0: block}, remainder), reach, chosen


def _affine(node: Affine, zonotopes: dict[int, Zonotope], like: Any) -> Zonotope:
    """Every generator goes through every map; rounding goes to the remainder, as in `interval.affine_interval`:
    a product with M is off by at most gamma |M| times the absolute values that it sums."""
    xp, dtype = namespace(like), like.dtype
    count = 4 + len(node.terms) + sum(linear.fan_in for linear, _ in node.terms)
    error, bias = gamma(count, unit(dtype)), node.bias.like(like)
    center = zeros_like_shape(like, (len(like), node.size)) + bias
    remainder = zeros_like_shape(like, center.shape) + error * xp.abs(bias)
    blocks: dict[int, Any] = {}
    for linear, source in node.terms:
        value = zonotopes[source]
        center = center + linear.apply(value.center)
        size = xp.abs(value.center) + value.spread()
        remainder = remainder + linear.apply_abs(value.remainder + 2 * error * size)
        for key, block in value.generators.items():
            image = linear.apply(block)
            blocks[key] = blocks[key] + image if key in blocks else image
    symbols = sum(block.shape[1] for block in blocks.values())
    inflation = 1 + 2 * (error + gamma(symbols + 8, unit(dtype)))
    return Zonotope(center, blocks, remainder * inflation + tiny(dtype) * (1 + symbols))


def _pointwise(number: int, value: Zonotope, band: tuple[Any, Any, Any], room: int) -> Zonotope:
    """f(z) lies in slope z + centre + [-half, half]: the function's own band. It gets one symbol for each neuron."""
    slope, centre, half = band
    xp, dtype = namespace(half), half.dtype
    half = half * (1 + 8 * unit(dtype))
    block, dropped, _ = _symbols(half, room)
    steep = xp.abs(slope)
    size = steep * (xp.abs(value.center) + value.spread() + value.remainder) + half + xp.abs(centre)
    symbols = sum(old.shape[1] for old in value.generators.values())
    charge = 2 * gamma(4, unit(dtype)) * (1 + 2 * gamma(symbols + 8, unit(dtype))) * size
    blocks = {}
    for key, old in value.generators.items():
        checkpoint()
        blocks[key] = slope[:, None, :] * old
    remainder = (steep * value.remainder + dropped + charge) * (1 + 8 * unit(dtype)) + tiny(dtype) * (1 + symbols)
    return Zonotope(slope * value.center + centre, {**blocks, number: block}, remainder)


def _product(number: int, factors: list[Zonotope], band: tuple[Any, Any, Any, Any], room: int) -> Zonotope:
    """x y lies in a x + b y + centre + [-half, half]; it gets one symbol for each entry."""
    *slopes, centre, half = band
    xp, dtype = namespace(half), half.dtype
    block, dropped, _ = _symbols(half, room)
    size, remainder, middle = half + xp.abs(centre), dropped, centre
    blocks: dict[int, Any] = {}
    for value, slope in zip(factors, slopes, strict=True):
        steep = xp.abs(slope)
        size = size + steep * (xp.abs(value.center) + value.spread() + value.remainder)
        remainder, middle = remainder + steep * value.remainder, middle + slope * value.center
        for key, old in value.generators.items():
            checkpoint()
            image = slope[:, None, :] * old
            blocks[key] = blocks[key] + image if key in blocks else image
    symbols = sum(old.shape[1] for old in blocks.values())
    charge = 2 * gamma(8, unit(dtype)) * (1 + 2 * gamma(2 * symbols + 8, unit(dtype))) * size
    remainder = (remainder + charge) * (1 + 16 * unit(dtype)) + tiny(dtype) * (1 + symbols)
    return Zonotope(middle, {**blocks, number: block}, remainder)


def _symbols(reach: Any, room: int) -> tuple[Any, Any, Any]:
    """New symbols for at most `room` neurons, the widest of `reach` (batch, size) first, the rest of it, and their
    numbers."""
    xp = namespace(reach)
    widest = xp.max(reach, axis=0)
    wanted = min(room, int(xp.count_nonzero(widest > 0)))
    chosen = xp.argsort(-widest)[: max(0, wanted)]
    block = zeros_like_shape(reach, (len(reach), len(chosen), reach.shape[1]))
    block[:, xp.arange(len(chosen)), chosen] = reach[:, chosen]
    rest = 1 * reach
    rest[:, chosen] = 0
    return block, rest, chosen
