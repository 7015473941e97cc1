"""What float32 evaluations make of smooth functions and products, if each value is so many ulps off at most.

Adversaries who choose every error within that leave no bound of the checker.
"""

from fractions import Fraction

import numpy as np
import pytest
from support.products import product_network
from support.seeds import seeds
from support.smooth import smooth_network

from verdict.checker.arithmetic.float32 import value_error
from verdict.checker.arithmetic.floats import Floats
from verdict.checker.arithmetic.integers import Integers
from verdict.checker.arithmetic.rationals import Rationals
from verdict.checker.errors import OutOfRangeError
from verdict.checker.functions.exp import EXP
from verdict.checker.functions.lines import lines
from verdict.checker.functions.positive import LOG, RECIPROCAL, SQRT
from verdict.checker.functions.power import power
from verdict.checker.functions.relu import RELU
from verdict.checker.functions.sigmoid import SIGMOID
from verdict.checker.functions.square import SQUARE
from verdict.checker.functions.tanh import TANH
from verdict.checker.kernel.bounds import bounded
from verdict.checker.kernel.region import Pieces, Region
from verdict.checker.network import Affine, Network, Pointwise
from verdict.checker.readers.onnx import read_network

ARITHMETICS = [
    lambda n: Integers(n, 1, True), lambda n: Integers(n, 2, True), lambda n: Floats(n, np.float32, True),
    lambda n: Floats(n, np.float64, True), lambda n: Rationals(n, True),
]  # fmt: skip
TINY = 2.0**-126
KNOWN = [TANH, SIGMOID, EXP, SQUARE, power(3), SQRT, RECIPROCAL, LOG]


def _ulp(value: Fraction) -> Fraction:
    """The unit in the last place of float32 at a number, or at 1 where that is larger."""
    exponent = 0
    while Fraction(2) ** (exponent + 1) <= abs(value):
        exponent += 1
    return Fraction(2) ** (exponent - 23)


def _off(function, z: float, ulps: Fraction, way: int, flush: bool) -> float:
    """A float32 number as far from f(z) as `ulps` allow; with `flush` what is no normal number is 0."""
    z = 0.0 if flush and abs(z) < TINY else z
    low, high = function.between(Fraction(z), Fraction(z), 240)
    value = (low + high) / 2
    end = value + way * ulps * _ulp(value)
    found = np.float32(float(end))
    while abs(Fraction(float(found)) - value) > ulps * _ulp(value):
        found = np.nextafter(found, np.float32(float(value)))
    return 0.0 if flush and abs(found) < TINY else float(found)


@pytest.mark.parametrize("function", KNOWN, ids=lambda f: f.name)
def test_no_value_is_farther_off_than_is_charged(function):
    rng = np.random.default_rng(3)
    node = Pointwise(function, 0, 1)
    for _ in range(60):
        ulps = Fraction(int(rng.integers(1, 200)), 2)
        size = 10.0 ** rng.uniform(-44, 1.3)
        low, high = np.sort(np.float32(size * rng.normal(size=2)))
        if function in (SQRT, LOG, RECIPROCAL):
            low, high = np.sort(np.abs(np.float32([low, high]))) + np.float32(2.0**-120 * (rng.random() < 0.7))
        region = Region({0: np.array([[float(low)]])}, {0: np.array([[float(high)]])}, np.zeros(1, bool))
        try:
            charged = Fraction(float(value_error(node, region, float(ulps))[0, 0]))
        except OutOfRangeError:
            assert function in (LOG, RECIPROCAL), "of these alone something is not known near 0"
            continue
        for share in (0.0, 0.3, 1.0):
            z = float(np.clip(np.float32(low + share * (high - low)), low, high))
            for way in (-1, 1):
                for flush in (False, True):
                    computed = Fraction(_off(function, z, ulps, way, flush))
                    a, b = function.between(Fraction(z), Fraction(z), 240)
                    assert a - charged <= computed <= b + charged


def test_a_relu_rounds_nothing_and_nothing_is_assumed_by_itself():
    region = Region({0: np.array([[-1.0]])}, {0: np.array([[1.0]])}, np.zeros(1, bool))
    assert value_error(Pointwise(RELU, 0, 1), region, None) is None
    with pytest.raises(OutOfRangeError):
        value_error(Pointwise(TANH, 0, 1), region, None)


def test_what_may_overflow_is_not_known():
    region = Region({0: np.array([[0.0]])}, {0: np.array([[88.0]])}, np.zeros(1, bool))
    with pytest.raises(OutOfRangeError):
        value_error(Pointwise(EXP, 0, 1), region, 4.0)


class _Adversary:
    """Evaluates a network in float32, in a random order, with every function as far off as is allowed."""

    def __init__(self, network: Network, ulps: Fraction, rng: np.random.Generator) -> None:
        self.network, self.ulps, self.rng = network, ulps, rng

    def values(self, x: np.ndarray) -> list[np.ndarray]:
        found = [x.astype(np.float32)]
        for node in self.network.nodes[1:]:
            if isinstance(node, Affine):
                found.append(self._affine(node, found))
            elif isinstance(node, Pointwise):
                found.append(self._function(node, found[node.source]))
            else:
                found.append(found[node.left] * found[node.right])
        return found

    def _function(self, node: Pointwise, z: np.ndarray) -> np.ndarray:
        if node.function is RELU:
            return np.maximum(z, np.float32(0))
        ways = self.rng.choice([-1, 1], len(z))
        return np.float32([_off(node.function, float(v), self.ulps, w, False) for v, w in zip(z, ways, strict=True)])

    def _affine(self, node: Affine, values: list[np.ndarray]) -> np.ndarray:
        summands = [node.floats.astype(np.float32)[:, None]]
        for linear, source in node.terms:
            matrix = linear.forward(np.eye(linear.in_size), linear.weight).T.astype(np.float32)
            summands.append(matrix * values[source][None])
        terms = np.concatenate(summands, axis=1)
        total = np.zeros(len(terms), np.float32)
        for i in self.rng.permutation(terms.shape[1]):
            total = total + terms[:, i]
        return total


def _around(network, region):
    found = {i: region.planes(i, network.nodes[i]) for i in network.products}
    for i in network.pointwise:
        source = network.nodes[i].source
        found[i] = lines(network.nodes[i].function, (region.low[source], region.high[source]))
    return found


def _of(seed, tmp_path, ulps):
    """A small network of functions and products, read as it is written."""
    made = smooth_network(tmp_path, seed) if seed % 2 else product_network(seed, tmp_path, smooth=seed % 4 == 2)
    network = read_network(made.read_bytes(), literal=True)
    return Network(network.input_size, network.nodes, network.output, ulps=float(ulps))


@pytest.mark.parametrize("seed", seeds(6, 200))
def test_no_adversary_leaves_the_bounds(seed, tmp_path):
    rng = np.random.default_rng(seed)
    ulps = Fraction(int(rng.choice([1, 8, 2000])), 2)
    network = _of(seed, tmp_path, ulps)
    low = np.float32(rng.uniform(-1, 0.5, (1, network.input_size)))
    high = low + np.float32(rng.choice([0.0, 0.01, 0.3]))
    rows = rng.integers(-3, 4, (1, 2, network.size(network.output))).astype(float)
    adversary, seen = _Adversary(network, ulps, rng), []
    for _ in range(8):
        x = np.clip(np.float32(rng.uniform(low[0], high[0])), low[0], high[0])
        seen.append(adversary.values(x))
    for make in ARITHMETICS:
        arithmetic = make(network)
        region = bounded(network, arithmetic, Pieces(low.astype(float), high.astype(float)))
        bound = arithmetic.lower(region, network.output, rows, _around(network, region))[0]
        for values in seen:
            for i, value in enumerate(values):
                assert (region.low[i][0] <= value).all()
                assert (value <= region.high[i][0]).all()
            # The rows are exact statements about the computed outputs.
            assert (bound <= rows[0] @ values[network.output].astype(float) + 1e-12).all()


def test_bounds_of_a_point_are_no_wider_than_the_errors_make_them(tmp_path):
    """Without errors the adversary would be caught between the ends: the charge is there, and not far too much."""
    network = _of(1, tmp_path, Fraction(4))
    point = np.full((1, 2), 0.25)
    widths = []
    for ulps in (4.0, 4000.0):
        numbers = Floats(Network(2, network.nodes, network.output, ulps=ulps), np.float64, True)
        region = bounded(numbers.network, numbers, Pieces(point, point))
        widths.append(float((region.high[network.output] - region.low[network.output]).max()))
    assert 1e-7 < widths[0] < 1e-4
    assert 50 * widths[0] < widths[1]
