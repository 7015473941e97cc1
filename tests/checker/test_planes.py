"""Products in the checker: planes that hold, in every arithmetic a bound that no point contradicts, and readers that
agree with the engine's."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from support.products import product_network
from support.seeds import seeds

from verdict.checker.arithmetic.floats import Floats
from verdict.checker.arithmetic.integers import Integers
from verdict.checker.arithmetic.rationals import Rationals
from verdict.checker.enclosed import enclosed
from verdict.checker.errors import OutOfRangeError
from verdict.checker.functions.lines import lines
from verdict.checker.functions.planes import interval, least, planes
from verdict.checker.kernel.bounds import bounded
from verdict.checker.kernel.region import Pieces
from verdict.checker.network import Network, Product
from verdict.checker.readers.onnx import read_network
from verdict.ops.importer.onnx_import import load_onnx

ARITHMETICS = {
    "one limb": (lambda n: Integers(n, 1), 1e-4), "two limbs": (lambda n: Integers(n, 2), 1e-9),
    "float32": (lambda n: Floats(n, np.float32), 1e-2), "float64": (lambda n: Floats(n, np.float64), 1e-10),
    "rationals": (Rationals, 1e-10),
}  # fmt: skip
exact = np.frompyfunc(Fraction, 1, 1)


def _around(network, region):
    found = {i: region.planes(i, network.nodes[i]) for i in network.products}
    for i in network.pointwise:
        source = network.nodes[i].source
        found[i] = lines(network.nodes[i].function, (region.low[source], region.high[source]))
    return found


@pytest.mark.parametrize("seed", seeds(3, 200))
def test_no_point_contradicts_a_bound_and_arithmetics_agree(seed, tmp_path):
    rng = np.random.default_rng(seed)
    network = read_network(product_network(seed, tmp_path, smooth=seed % 4 == 3).read_bytes())
    low = rng.uniform(-1, 0.5, (2, 2))
    high = low + rng.uniform(0, 0.7, low.shape)
    rows, bounds, same = rng.integers(-3, 4, (1, 2, 3)).astype(float), {}, {}
    common = bounded(network, Rationals(network), Pieces(low, high))
    for name, (make, _) in ARITHMETICS.items():
        arithmetic = make(network)
        region = bounded(network, arithmetic, Pieces(low, high))
        bounds[name] = arithmetic.lower(region, network.output, rows, _around(network, region))
        same[name] = arithmetic.lower(common, network.output, rows, _around(network, common))
        for box, share in itertools.product(range(2), [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 0.25)]):
            x = [Fraction(a) + Fraction(s) * (Fraction(b) - Fraction(a))
                 for a, b, s in zip(low[box], high[box], share, strict=True)]  # fmt: skip
            ends = enclosed(network, x, 90)
            for row, bound in zip(rows[0], bounds[name][box], strict=True):
                assert Fraction(float(bound)) <= sum(Fraction(c) * b for c, (_, b) in zip(row, ends, strict=True)) + \
                    Fraction(1, 2**80)
    size = 1 + np.abs(common.high[network.output]).max() * 9
    for name, (_, tolerance) in ARITHMETICS.items():
        assert np.abs(same[name] - same["rationals"]).max() <= 10 * tolerance * size


def test_planes_hold_their_product_in_rationals():
    rng = np.random.default_rng(1)
    ends = [np.sort(10.0 ** rng.integers(-9, 9) * rng.normal(size=(2, 1, 60)), axis=0) for _ in range(2)]
    ends[0][:, :, :3], ends[1][1, :, 3:6], ends[0][0, :, 6:9] = 0.5, 0, 0
    x, y = ((np.minimum(*e), np.maximum(*e)) for e in ends)
    low, high = interval(x, y)
    plain = planes(x, y)
    for found in (plain, plain.with_slopes(np.float32)):
        below, above, under, over, rise, gap = map(
            exact, (found.below, found.above, found.under, found.over, found.rise, found.gap))
        for p, q in itertools.product(map(exact, x), map(exact, y)):
            assert (p * q >= below * p + under * q + rise).all()
            assert (p * q <= above * p + over * q + gap).all()
            assert (exact(low) <= p * q).all()
            assert (p * q <= exact(high)).all()
    assert found.below.dtype == np.float32


def test_the_least_of_a_bracket_is_at_a_corner():
    rng = np.random.default_rng(2)
    for _ in range(50):
        nu, mu, kappa, a, b, c, d = (Fraction(int(n), 8) for n in rng.integers(-20, 20, 7))
        ends = min(a, b), max(a, b), min(c, d), max(c, d)
        found = least(nu, mu, kappa, *ends)
        for s, t in itertools.product((Fraction(0), Fraction(1, 3), Fraction(1)), repeat=2):
            x, y = ends[0] + s * (ends[1] - ends[0]), ends[2] + t * (ends[3] - ends[2])
            assert found <= nu * x * y - mu * x - kappa * y


def test_numbers_out_of_range_are_nothing_a_bound_is_made_of():
    far = np.array([[-1e200]]), np.array([[1e200]])
    with pytest.raises(OutOfRangeError):
        interval(far, far)
    with pytest.raises(OutOfRangeError):
        planes(far, far)
    with pytest.raises(OutOfRangeError):
        interval((np.array([[-np.inf]]), np.array([[0.0]])), (np.array([[0.0]]), np.array([[0.0]])))


@pytest.mark.parametrize("seed", seeds(5, 100))
def test_both_readers_compute_the_same(seed, tmp_path):
    path = product_network(seed, tmp_path)
    mine, theirs = read_network(path.read_bytes()), load_onnx(path)
    assert len(mine.products) == len(theirs.graph.products) > 0
    x = np.random.default_rng(seed).uniform(-1, 1, 2).astype(np.float32)
    value = theirs.evaluate(x[None].astype(float))[0]
    for (low, high), y in zip(enclosed(mine, [Fraction(float(v)) for v in x], 80), value, strict=True):
        assert abs(float(low) - y) <= 1e-9 * (1 + abs(y))
        assert high - low < Fraction(1, 2**60)


def test_float32_in_any_order_is_bounded():
    """A product is one multiplication (`test_assumed_rounding.py`)."""
    assert not Network(2, (None, Product(0, 0, 2)), 1).unbounded
