"""MatMul, with batches and vectors, and Einsum of one tensor or two."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...errors import UnreadableError
from ...network import Linear
from .constants import is_constant
from .table import Attribute, Node, Operator
from .tensors import Builder, Tensor, broadcast, small, weights

_FLOATS = ((7, "fd"),)


def _shaped(value: Any, function: Any) -> Any:
    """A function that moves entries, of a tensor or a constant."""
    return value.moved(function(value.positions)) if isinstance(value, Tensor) else function(value)


def _matmul(builder: Builder, node: Node, a: Any, b: Any) -> Tensor:
    if not a.shape or not b.shape:
        raise UnreadableError("a product with a number")
    # A vector is a row on the left and a column on the right, and its axis goes away.
    row, column = len(a.shape) == 1, len(b.shape) == 1
    left = _shaped(a, lambda v: v[None]) if row else a
    right = _shaped(b, lambda v: v[:, None]) if column else b
    result = product(builder, left, right)
    shape = (*result.shape[:-2], *result.shape[-2:-1] * (not row), *result.shape[-1:] * (not column))
    return result.moved(result.positions.reshape(shape))


def product(builder: Builder, a: Any, b: Any) -> Tensor:
    """The products of matrices in the last two axes. Raises UnreadableError where both are constant."""
    if is_constant(a, b):
        raise UnreadableError("a product of two constants")
    if a.shape[-1] != b.shape[-2]:
        raise UnreadableError(f"a product of shapes {a.shape} and {b.shape}")
    batch = broadcast(a.shape[:-2], b.shape[:-2])
    rows, inner, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    small(math.prod(batch) * max(rows * columns, rows * inner, inner * columns))
    if not is_constant(a) and not is_constant(b):
        return of_two(builder, a, b, batch)
    if is_constant(a):
        # B A is the transpose of A' B'.
        weight, turned = np.swapaxes(a, -1, -2), _shaped(b, lambda v: np.swapaxes(v, -1, -2))
        return _rows(builder, turned, weight, batch, True)
    return _rows(builder, a, b, batch, False)


def of_two(builder: Builder, a: Tensor, b: Tensor, batch: tuple[int, ...]) -> Tensor:
    """Of two tensors that depend on the input: each row of a times each column of b, entry by entry, and the sums."""
    shape = (*batch, a.shape[-2], b.shape[-1], a.shape[-1])
    small(math.prod(shape))
    rows = np.broadcast_to(a.positions[..., :, None, :], shape)
    columns = np.broadcast_to(np.swapaxes(b.positions, -1, -2)[..., None, :, :], shape)
    found = builder.product(a.moved(rows), b.moved(columns))
    places = found.positions.reshape(1, -1, shape[-1])
    ones = Linear(places, np.ones((1, shape[-1], 1)), builder.sizes[found.node])
    return builder.affine(found, [(ones, found.node)], None, shape[:-1])


def _rows(builder: Builder, x: Tensor, matrices: Any, batch: tuple[int, ...], turned: bool) -> Tensor:
    """Each row of x times the matrix of its batch; `turned`: transposed."""
    rows, inner, columns = x.shape[-2], x.shape[-1], matrices.shape[-1]
    shape = (*batch, columns, rows) if turned else (*batch, rows, columns)
    if math.prod(matrices.shape[:-2]) == 1 and not turned:
        # One matrix for all.
        groups, matrices = 1, matrices.reshape(inner, columns)
    else:
        groups, matrices = math.prod(batch), np.broadcast_to(matrices, (*batch, inner, columns))
    places = np.broadcast_to(x.positions, (*batch, rows, inner)).reshape(groups, -1, inner)
    weight, exact = weights(matrices.reshape(-1, inner, columns))
    linear = Linear(places, weight, builder.sizes[x.node], channels_first=turned, exact=exact)
    return builder.affine(x, [(linear, x.node)], None, shape)


def _words(node: Node, values: tuple[Any, ...]) -> tuple[list[str], str, dict[str, int]]:
    """The letters of each factor and of the result, and how long the axis of each letter is."""
    text = node["equation"].decode().replace(" ", "")
    given, arrow, result = text.partition("->")
    words = given.split(",")
    if not arrow or not text.isascii() or len(words) != len(values) or not (given + result).replace(",", "a").isalpha():
        raise UnreadableError(f"the equation {text!r}: only letters with their result are read")
    sizes: dict[str, int] = {}
    for word, value in zip(words, values, strict=True):
        if len(word) != len(value.shape) or len(set(word)) < len(word):
            raise UnreadableError(f"{word!r} for the shape {value.shape}")
        for letter, size in zip(word, value.shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise UnreadableError(f"{letter!r} is {size} and {sizes[letter]}")
    if len(set(result)) < len(result) or not set(result) <= set(sizes):
        raise UnreadableError(f"the result {result!r}")
    return words, result, sizes


def _einsum(builder: Builder, node: Node, *values: Any) -> Any:
    words, result, sizes = _words(node, values)
    if len(values) == 1:
        # A sum over letters is a product with ones.
        words, values = [*words, "".join(c for c in words[0] if c not in result)], (
            *values, np.ones([sizes[c] for c in words[0] if c not in result], np.float64))
    if len(values) != 2 or any(c not in result and (c in words[0]) != (c in words[1]) for c in sizes):
        raise UnreadableError("more than two factors, or a letter that is summed in one of them alone")
    a, b = words
    kept, summed = [c for c in a if c in b and c in result], [c for c in a if c in b and c not in result]
    rows, columns = [c for c in a if c not in b], [c for c in b if c not in a]
    left = _matrices(values[0], a, sizes, kept, rows, summed)
    right = _matrices(values[1], b, sizes, kept, summed, columns)
    made = [*kept, *rows, *columns]
    order = [made.index(c) for c in result]
    found = product(builder, left, right)
    return _shaped(found, lambda v: v.reshape([sizes[c] for c in made]).transpose(order))


def _matrices(value: Any, word: str, sizes: dict[str, int], *parts: list[str]) -> Any:
    """The factor with its axes in three groups, each of them one axis."""
    order = [word.index(c) for part in parts for c in part]
    shape = [math.prod(sizes[c] for c in part) for part in parts]
    return _shaped(value, lambda v: v.transpose(order).reshape(shape))


OPERATORS = {
    "MatMul": Operator(_matmul, (1, 9, 13), ((7, "v v"),), _FLOATS),
    "Einsum": Operator(_einsum, (12, 28), ((7, "v*"),), _FLOATS, {"equation": Attribute("STRING", required=True)}),
}
