"""Sums, products with constants, matrices and BatchNormalization."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import UnreadableError
from ...functions.positive import RECIPROCAL
from ...network import Affine, Linear
from .constants import computed, is_constant
from .products import of_two
from .table import Attribute, Node, Operator
from .tensors import Builder, Tensor, broadcast, fractions, spread, weights

_FLOATS, _NUMBERS, _BROADCAST = ((7, "fd"),), ((7, "fdil"),), (7, 13, 14)


def _gemm(builder: Builder, node: Node, a: Tensor, b: Any, c: Any = None) -> Tensor:
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise UnreadableError(f"shapes {a.shape} and {b.shape} are no matrices")
    if isinstance(b, Tensor):
        return _gemm_of_two(builder, node, a, b, c)
    weight = b.T if node["transB"] else b
    x = a.positions.T if node["transA"] else a.positions
    if x.shape[1] != len(weight):
        raise UnreadableError(f"matrices of shapes {x.shape} and {weight.shape}")
    alpha, beta = Fraction(node["alpha"]), Fraction(node["beta"])
    floats, exact = weights(weight if alpha == 1 else fractions(weight) * alpha)
    linear = Linear(x[None], floats[None], builder.sizes[a.node], exact=None if exact is None else exact[None])
    shape = (len(x), weight.shape[1])
    bias = None if c is None else spread(fractions(c) * beta, shape, "C")
    return builder.affine(a, [(linear, a.node)], bias, shape, 1 + 2 * (alpha != 1 or beta != 1))


def _gemm_of_two(builder: Builder, node: Node, a: Tensor, b: Tensor, c: Any) -> Tensor:
    left, right = (x.moved(x.positions.T) if node[name] else x for x, name in ((a, "transA"), (b, "transB")))
    if left.shape[1] != right.shape[0]:
        raise UnreadableError(f"matrices of shapes {left.shape} and {right.shape}")
    found = of_two(builder, left, right, ())
    alpha, beta = Fraction(node["alpha"]), Fraction(node["beta"])
    found = found if alpha == 1 else builder.times(found, np.full(found.shape, alpha, object))
    return found if c is None else builder.plus(found, spread(fractions(c) * beta, found.shape, "C"), 3)


def _sum(builder: Builder, node: Node, a: Any, b: Any) -> Any:
    sign = 1 if node.operator == "Add" else -1
    if is_constant(a, b):
        return computed(node, a, b)
    if is_constant(b):
        return builder.plus(a, sign * b)
    if is_constant(a):
        return builder.plus(b if sign > 0 else builder.total([b], [-1.0], -1), a)
    return builder.total([a, b], [1.0, sign])


def _times(builder: Builder, node: Node, a: Any, b: Any) -> Any:
    if is_constant(a, b):
        return computed(node, a, b)
    if not is_constant(a) and not is_constant(b):
        shape = broadcast(a.shape, b.shape)
        return builder.product(*(x.moved(np.broadcast_to(x.positions, shape)) for x in (a, b)))
    return builder.times(b, a) if is_constant(a) else builder.times(a, b)


def _divided(builder: Builder, node: Node, a: Any, b: Any) -> Any:
    if is_constant(a, b):
        return computed(node, a, b)
    if not is_constant(b):
        return _times(builder, node, a, builder.pointwise(RECIPROCAL, b))
    if not np.all(b):
        raise UnreadableError("a quotient by zero")
    return builder.times(a, np.asarray(1 / fractions(b), dtype=object))


def _all(builder: Builder, node: Node, *values: Any) -> Any:
    """The sum or the mean of several: one sum, in whatever order it is computed."""
    tensors, fixed = [v for v in values if not is_constant(v)], [v for v in values if is_constant(v)]
    if not tensors:
        raise UnreadableError("a sum of constants")
    total = builder.total(tensors, [1.0] * len(tensors), len(fixed))
    for v in fixed:
        total = builder.plus(total, v)
    return builder.times(total, np.array(Fraction(1, len(values)), object)) if node.operator == "Mean" else total


def _neg(builder: Builder, node: Node, x: Tensor) -> Tensor:
    return builder.total([x], [-1.0], -1)


def _batch_normalization(builder: Builder, node: Node, x: Tensor, *factors: Any) -> Tensor:
    scale, bias, mean, var = factors
    if len(x.shape) < 2 or any(v.shape != x.shape[1:2] for v in factors):
        raise UnreadableError(f"factors that do not fit the channels of {x.shape}")
    # The irrational factor is, by definition, the float64 that three rounded operations give.
    with np.errstate(all="ignore"):
        factor = scale.astype(np.float64) / np.sqrt(var.astype(np.float64) + node["epsilon"])
    if not np.isfinite(factor).all():
        raise UnreadableError("a variance that is not positive")
    shape = (-1, *(1,) * (len(x.shape) - 2))
    # A float32 run may compute x f + (bias - mean f) as well: its roundings meet |x| + |mean|, not their difference.
    centred = builder.plus(x, -fractions(mean).reshape(shape), 6)
    # Three more roundings for the factor that a float32 run computes.
    scaled = builder.times(centred, factor.reshape(shape))
    made = builder.nodes[scaled.node]
    builder.nodes[scaled.node] = Affine(made.terms, made.bias, made.roundings + 4)
    return builder.plus(scaled, bias.reshape(shape))


OPERATORS = {
    "Gemm": Operator(_gemm, (7, 9, 11, 13), ((7, "x v c"), (11, "x v c?")), _FLOATS,
                     {"alpha": Attribute("FLOAT", 1.0), "beta": Attribute("FLOAT", 1.0),
                      "transA": Attribute("INT", 0, (0, 1)), "transB": Attribute("INT", 0, (0, 1))}),
    "Add": Operator(_sum, _BROADCAST, ((7, "v v"),), _NUMBERS),
    "Sub": Operator(_sum, _BROADCAST, ((7, "v v"),), _NUMBERS),
    "Mul": Operator(_times, _BROADCAST, ((7, "v v"),), _NUMBERS),
    "Div": Operator(_divided, _BROADCAST, ((7, "v v"),), _NUMBERS),
    "Sum": Operator(_all, (6, 8, 13), ((7, "v*"),), _FLOATS),
    "Mean": Operator(_all, (6, 8, 13), ((7, "v*"),), _FLOATS),
    "Neg": Operator(_neg, (6, 13), ((7, "x"),), _FLOATS),
    "BatchNormalization": Operator(
        _batch_normalization, (7, 9, 14, 15), ((7, "x c c c c"),), _FLOATS,
        {"epsilon": Attribute("FLOAT", float(np.float32(1e-5))), "momentum": Attribute("FLOAT", 0.9),
         "spatial": Attribute("INT", 1, (1,), until=9), "training_mode": Attribute("INT", 0, (0,), since=14)}),
}
