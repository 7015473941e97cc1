"""Running a graph on one rational point where its functions have no rational values: in rational balls.

Every value is a rational centre with a radius that holds the real value. A linear layer maps centres exactly and radii
by its magnitudes; a function gives rationals between which its values lie, as close as is asked. More bits decide
everything but ties.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..base.deadline import checkpoint
from ..base.never import assert_never
from .exact import ExactVector, FloatArray, float_above
from .graph import Affine, Graph, Input, Pointwise, Product

# Binary digits of functions' values, in turn, until a question is decided.
PRECISIONS = (64, 128, 256, 512)
# A factor above what a radius is rounded by, relatively, and a number above what underflow takes from it.
MORE, LEAST = 1 + 2.0**-20, 2.0**-1000
# Products with longer denominators are rounded: in a chain of them each would double the digits.
LONGEST = 2**12


@dataclass(frozen=True, eq=False)
class Enclosed:
    """A vector of reals: each within `radius` (size,) of the rational `centre`."""

    centre: ExactVector
    radius: FloatArray


def evaluate_enclosed(graph: Graph, x: ExactVector, bits: int) -> Enclosed:
    """The outputs at one rational point, with functions evaluated to about so many bits."""
    values: list[Enclosed] = []
    for node in graph.nodes:
        checkpoint()
        if isinstance(node, Input):
            values.append(Enclosed(x, np.zeros(len(x))))
        elif isinstance(node, Affine):
            centre, radius, is_exact = ExactVector(*node.bias.integers), np.zeros(node.size), True
            for linear, source in node.terms:
                centre = centre + linear.apply_exact(values[source].centre)
                is_exact &= not values[source].radius.any()
                radius = (radius + linear.apply_abs(values[source].radius[None])[0]) * MORE
            values.append(Enclosed(centre.reduced(), radius if is_exact else radius + LEAST))
        elif isinstance(node, Pointwise):
            values.append(_through(node, values[node.source], bits))
        elif isinstance(node, Product):
            values.append(_product(values[node.left], values[node.right], bits))
        else:
            assert_never(node)
    return values[graph.output]


def _through(node: Pointwise, z: Enclosed, bits: int) -> Enclosed:
    found: list[Any] = []
    for middle, radius in zip(z.centre.fractions(), z.radius.tolist(), strict=True):
        checkpoint()
        reach = Fraction(radius)
        low, high = node.function.enclosed(middle - reach, middle + reach, bits)
        # A short number in between, so that numbers do not grow from layer to layer.
        centre = (low + high) / 2 if low == high else Fraction(round((low + high) * 2 ** (bits + 1)), 2 ** (bits + 2))
        found.append((centre, float_above(max(high - centre, centre - low))))
    return Enclosed(ExactVector.of([c for c, _ in found]), np.array([r for _, r in found]))


def _product(left: Enclosed, right: Enclosed, bits: int) -> Enclosed:
    """|x y - a b| <= |a| s + |b| r + r s for x within r of a, y within s of b."""
    centre = (left.centre * right.centre).reduced()
    if not (left.radius.any() or right.radius.any()) and centre.denominator.bit_length() <= LONGEST:
        return Enclosed(centre, np.zeros(len(centre)))
    sizes = [np.array([float_above(abs(f)) for f in side.centre.fractions()]) for side in (left, right)]
    spread = sizes[0] * right.radius + sizes[1] * left.radius + left.radius * right.radius
    scale = 2 ** (bits + 2)
    short = [Fraction(round(f * scale), scale) for f in centre.fractions()]
    moved = np.array([float_above(abs(f - s)) for f, s in zip(centre.fractions(), short, strict=True)])
    return Enclosed(ExactVector.of(short), (spread + moved) * MORE + LEAST)
