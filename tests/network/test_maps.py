"""Every linear map: products, transposes, absolute values and entries all describe one matrix."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from verdict.base.device import Device
from verdict.network.exact import Coefficients, ExactVector
from verdict.network.maps import (
    Conv,
    Dense,
    Diagonal,
    Index,
    LinearMap,
    Sparse,
    Total,
    Transposed,
    identity,
    matrix_map,
)

rng = np.random.default_rng(3)


def coefficients(*shape: int) -> Coefficients:
    return Coefficients(np.round(np.random.default_rng(1).standard_normal(shape), 3).astype(np.float32))


def sparse() -> LinearMap:
    """Mostly zeros, and an empty row and column."""
    matrix = np.zeros((128, 130))
    matrix[np.arange(0, 120, 3), np.arange(0, 120, 3)[::-1] + 5] = np.arange(1, 41) / 8
    found = matrix_map(Coefficients(matrix))
    assert isinstance(found, Sparse)
    return found


def conv_1d() -> Conv:
    return Conv(coefficients(3, 2, 3), (2, 7), strides=(2,), pads=((1, 2),), dilations=(1,))


def conv_2d() -> Conv:
    return Conv(coefficients(4, 2, 2, 3), (4, 5, 6), groups=2, strides=(1, 2), pads=((1, 0), (0, 2)), dilations=(2, 1))


def thirds() -> Coefficients:
    return Coefficients.from_fractions([Fraction(1, 3), Fraction(-2, 7), Fraction(0), Fraction(5)])


MAPS: dict[str, Callable[[], LinearMap]] = {
    "dense": lambda: Dense(coefficients(3, 5)),
    "dense blocks": lambda: Dense(coefficients(3, 5), 4),
    "pruned": lambda: Dense(Coefficients([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0]])),
    "sparse": sparse,
    "sparse of rationals": lambda: Sparse(thirds(), np.array([0, 0, 2, 3]), np.array([1, 4, 0, 4]), (5, 6)),
    "diagonal": lambda: Diagonal(coefficients(6)),
    "rational diagonal": lambda: Diagonal(thirds()),
    "identity": lambda: identity(4),
    "index": lambda: Index(np.array([3, -1, 0, 0, 2, 0, -1]), 5),
    "tiled index": lambda: Index(np.tile(np.arange(4), 3), 5),
    "index of repetitions": lambda: Index(np.repeat(np.arange(4), 3), 4),
    "index in steps": lambda: Index(np.arange(1, 9, 3), 9),
    "index backwards": lambda: Index(np.arange(6)[::-2], 6),
    "index of one": lambda: Index(np.array([2]), 4),
    "index to nothing": lambda: Index(np.array([-1, -1]), 3),
    "empty index": lambda: Index(np.array([], dtype=int), 3),
    "total": lambda: Total((2, 3, 4), (0, 2)),
    "total of all": lambda: Total((2, 3), (-1, -2)),
    "conv 1-d": conv_1d,
    "conv 2-d": conv_2d,
    "transposed conv": lambda: Transposed(conv_2d()),
    "transposed index": lambda: Transposed(Index(np.array([3, -1, 0, 0]), 5)),
}
each = pytest.mark.parametrize("build", MAPS.values(), ids=MAPS)


@each
def test_products_match_the_matrix(build: Callable[[], LinearMap], device: Device) -> None:
    linear = build()
    matrix = linear.matrix().toarray()
    assert matrix.shape == (linear.out_size, linear.in_size)
    x, y = rng.standard_normal((2, 3, linear.in_size)), rng.standard_normal((2, 3, linear.out_size))
    for product, argument, expected in (
        (linear.apply, x, x @ matrix.T),
        (linear.apply_transpose, y, y @ matrix),
        (linear.apply_abs, x, x @ abs(matrix).T),
        (linear.apply_abs_transpose, y, y @ abs(matrix)),
    ):
        np.testing.assert_allclose(device.fetch(product(device.put(argument))), expected, atol=1e-12)


@each
def test_float32_stays_float32(build: Callable[[], LinearMap], device: Device) -> None:
    linear = build()
    x = device.put(np.ones((2, linear.in_size), dtype=np.float32))
    y = device.put(np.ones((2, linear.out_size), dtype=np.float32))
    assert linear.apply(x).dtype == x.dtype
    assert linear.apply_transpose(y).dtype == y.dtype


@each
def test_adjoint_exactly(build: Callable[[], LinearMap]) -> None:
    linear = build()
    x = rng.integers(-9, 9, linear.in_size).astype(object)
    y = rng.integers(-9, 9, linear.out_size).astype(object)
    image, back = linear.apply_exact(ExactVector(x)), Transposed(linear).apply_exact(ExactVector(y))
    left = Fraction(int(sum(image.numerators * y)), image.denominator)
    assert left == Fraction(int(sum(back.numerators * x)), back.denominator)
    np.testing.assert_allclose(linear.apply(x.astype(float)), image.floats(), atol=1e-12)


@each
def test_entries_are_sorted_and_fans_bound_them(build: Callable[[], LinearMap]) -> None:
    linear = build()
    rows, cols, which = linear.entries
    assert (np.lexsort((cols, rows)) == np.arange(len(rows))).all()
    assert len(set(zip(rows.tolist(), cols.tolist(), strict=True))) == len(rows)
    assert not len(which) or which.max() < linear.coefficients.size
    assert np.bincount(rows, minlength=1).max(initial=0) <= linear.fan_in
    assert np.bincount(cols, minlength=1).max(initial=0) <= linear.fan_out


def test_maps_do_not_change_their_arguments(device: Device) -> None:
    for build in MAPS.values():
        linear = build()
        x, y = device.put(np.ones((2, linear.in_size))), device.put(np.ones((2, linear.out_size)))
        linear.apply(x)[...] = 7
        linear.apply_transpose(y)[...] = 7
        linear.apply(x)
        linear.apply_transpose(y)
        assert (x == 1).all()
        assert (y == 1).all()
