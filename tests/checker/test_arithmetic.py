"""The fast arithmetic against Fractions: never above the rule's exact value, and close to it."""

from fractions import Fraction

import numpy as np
import pytest
from support.networks import KINDS, random_network

from verdict.checker.arithmetic.float32 import float32_error
from verdict.checker.arithmetic.floats import Floats
from verdict.checker.arithmetic.integers import Integers, IntegerSum
from verdict.checker.arithmetic.limbs import Map, split
from verdict.checker.arithmetic.rationals import Rationals, RationalSum
from verdict.checker.functions.lines import lines
from verdict.checker.functions.relu import RELU
from verdict.checker.kernel.bounds import bounded
from verdict.checker.kernel.lines import lines_of
from verdict.checker.kernel.region import Pieces
from verdict.checker.kernel.rule import rule
from verdict.checker.kernel.tree import Leaves
from verdict.checker.network import Affine, Linear, Network, integers
from verdict.checker.readers.multipliers import Domains
from verdict.checker.readers.onnx import read_network

ARITHMETICS = {
    "one limb": (lambda n: Integers(n, 1), 1e-4),
    "two limbs": (lambda n: Integers(n, 2), 1e-9),
    "float32": (lambda n: Floats(n, np.float32), 1e-2),
    "float64": (lambda n: Floats(n, np.float64), 1e-10),
    "rationals": (Rationals, 1e-10),
}


def _network(seed, folder):
    rng = np.random.default_rng(seed)
    return rng, read_network(random_network(rng, KINDS[seed % len(KINDS)], folder).read_bytes())


def _cuts(signs):
    """What splits at 0 give the neurons: signs 1 on, -1 off, 0 free."""
    return np.stack([np.where(signs > 0, 0.0, -np.inf), np.where(signs < 0, 0.0, np.inf)])


@pytest.mark.parametrize("kind", ARITHMETICS)
@pytest.mark.parametrize("seed", range(8))
def test_bounds_lie_below_the_exact_rule(tmp_path, kind, seed):
    """For the same slopes and betas the exact rule gives at least as much, and not much more."""
    rng, network = _network(seed, tmp_path)
    make, tolerance = ARITHMETICS[kind]
    arithmetic = make(network)
    low = rng.uniform(-1, 0.5, (3, network.input_size))
    region = bounded(network, arithmetic, Pieces(low, low + 1))
    found = {}
    for r in network.pointwise:
        bottom, top = region.low[network.nodes[r].source], region.high[network.nodes[r].source]
        found[r] = lines(RELU, (bottom, top), rng.uniform(0, 1, bottom.shape))
    rows = rng.integers(-3, 4, (1, 2, network.size(network.output))).astype(float)
    fast = arithmetic.lower(region, network.output, rows, found)

    def choose(nu, node):
        line = found[node]
        return np.where(nu >= 0, _fractions(line.below)[:, None], _fractions(line.above)[:, None]) * nu

    for got, exact in zip(fast.ravel(), _exact(network, region, found, rows, choose).ravel(), strict=True):
        assert Fraction(float(got)) <= exact
        assert float(exact) - got <= tolerance * (1 + np.abs(region.high[network.output]).max())


class _Given(RationalSum):
    """The rule's exact sum with multipliers chosen by a function of (nu, ReLU node)."""

    def __init__(self, network, region, found, shape, choose):
        super().__init__(Rationals(network), region, found, shape)
        self.multipliers = choose


def _exact(network, region, found, rows, choose):
    """What the rule gives (batch, rows) for these multipliers, exactly and without a grid."""
    rows = np.broadcast_to(rows, (len(region.low[0]), *rows.shape[1:]))
    total = _Given(network, region, found, rows.shape[:2], choose)
    rule(network, network.output, integers(rows), total)
    return total.bound


def _fractions(values):
    return np.frompyfunc(Fraction, 1, 1)(values)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", ARITHMETICS)
def test_points_lie_inside(tmp_path, seed, kind):
    rng, network = _network(seed, tmp_path)
    low = rng.uniform(-1, 1, (1, network.input_size))
    high = low + rng.uniform(0, 0.5, low.shape)
    region = bounded(network, ARITHMETICS[kind][0](network), Pieces(low, high), thorough=bool(seed % 2))
    for _ in range(10):
        share = rng.choice([0.0, 1.0, 0.25, 0.5], low.shape[1])
        x = [Fraction(a) + Fraction(s) * (Fraction(b) - Fraction(a)) for a, b, s in zip(low[0], high[0], share,
                                                                                       strict=True)]
        values = network.evaluate(x)
        for i in region.low:
            for value, a, b in zip(values[i], region.low[i][0], region.high[i][0], strict=True):
                assert Fraction(float(a)) <= value <= Fraction(float(b))


@pytest.mark.parametrize("seed", range(6))
def test_splits_cut_the_region(tmp_path, seed):
    """Points on the right sides of some splits stay inside, with betas in the rule."""
    rng, network = _network(seed, tmp_path)
    low = np.full((1, network.input_size), -1.0)
    x = [Fraction(int(v), 16) for v in rng.integers(-16, 17, network.input_size)]
    values = network.evaluate(x)
    signs = np.zeros((1, int(network.starts[-1])), np.int8)
    for k, r in enumerate(network.pointwise):
        for i, z in enumerate(values[network.nodes[r].source]):
            if rng.random() < 0.5:
                signs[0, network.starts[k] + i] = 1 if z >= 0 else -1
    for make, _ in ARITHMETICS.values():
        arithmetic = make(network)
        region = bounded(network, arithmetic, Pieces(low, -low, _cuts(signs)))
        assert not region.empty[0]
        found = {}
        for k, r in enumerate(network.pointwise):
            cut = signs[:, network.starts[k] : network.starts[k + 1]]
            source = network.nodes[r].source
            shift = -cut * rng.uniform(0, 2, cut.shape)
            found[r] = lines(RELU, (region.low[source], region.high[source]), None, shift)
        rows = np.eye(network.size(network.output))[None]
        bound = arithmetic.lower(region, network.output, rows, found)[0]
        for value, b in zip(values[network.output], bound, strict=True):
            assert Fraction(float(b)) <= value


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ARITHMETICS)
def test_stored_numbers_are_only_hints(tmp_path, kind, seed):
    """Slopes and betas far out of their ranges never lift a bound over the value of a point of the domain."""
    rng, network = _network(seed, tmp_path)
    arithmetic, neurons = ARITHMETICS[kind][0](network), int(network.starts[-1])
    x = [Fraction(int(v), 16) for v in rng.integers(-16, 17, network.input_size)]
    values = network.evaluate(x)
    on = np.array([z >= 0 for r in network.pointwise for z in values[network.nodes[r].source]])
    signs = np.where(rng.random(neurons) < 0.5, np.where(on, 1, -1), 0).astype(np.int8)[None]
    low = np.full((1, network.input_size), -1.0)
    one = np.zeros(1, int)
    leaves = Leaves(low, -low, _cuts(signs), one, one, one, [[]], one, 0, 0, True)
    region = bounded(network, arithmetic, Pieces(low, -low, _cuts(signs)))
    rows = np.eye(network.size(network.output))[None]
    for _ in range(4):
        below, chords, betas = (rng.uniform(-5, 5, size) for size in ((1, neurons), neurons, (1, neurons)))
        found, empty = lines_of(network, region, Domains(leaves, below, chords, betas), len(network.pointwise), True)
        bound = arithmetic.lower(region, network.output, rows, found)[0]
        assert not empty[0]
        assert all(Fraction(float(b)) <= v for b, v in zip(bound, values[network.output], strict=True))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ARITHMETICS)
def test_neurons_are_split_at_any_threshold(tmp_path, kind, seed):
    """As above, split at thresholds on either side of zero, some neurons from both sides; and the splits help."""
    rng, network = _network(seed, tmp_path)
    arithmetic, neurons = ARITHMETICS[kind][0](network), int(network.starts[-1])
    x = [Fraction(int(v), 16) for v in rng.integers(-16, 17, network.input_size)]
    values = network.evaluate(x)
    z = np.array([float(v) for r in network.pointwise for v in values[network.nodes[r].source]])
    room = rng.exponential(0.2, (2, neurons)) + 1e-9
    cuts = np.stack([np.where(rng.random(neurons) < 0.5, z - room[0], -np.inf),
                     np.where(rng.random(neurons) < 0.5, z + room[1], np.inf)])[:, None]
    low, one = np.full((1, network.input_size), -1.0), np.zeros(1, int)
    leaves = Leaves(low, -low, cuts, one, one, one, [[]], one, 0, 0, True)
    rows = np.eye(network.size(network.output))[None]
    for pieces in (Pieces(low, -low, cuts), Pieces(low, -low)):
        region = bounded(network, arithmetic, pieces)
        for size in (0, 0.1, 5):
            below, chords, shift = rng.uniform(0, 1, (1, neurons)), None, rng.uniform(-size, size, (1, neurons))
            domains = Domains(leaves, below, chords, shift)
            found, empty = lines_of(network, region, domains, len(network.pointwise), True)
            bound = arithmetic.lower(region, network.output, rows, found)[0]
            assert not empty[0]
            assert all(Fraction(float(b)) <= v for b, v in zip(bound, values[network.output], strict=True))


@pytest.mark.parametrize("limbs", [1, 2, 3])
def test_limbs_are_the_number(limbs):
    v = np.rint(np.random.default_rng(0).uniform(-1, 1, 200) * 2.0 ** (17 * limbs))
    parts = split(v, limbs, 17)
    total = sum(p.astype(object) * 2 ** (17 * (limbs - 1 - i)) for i, p in enumerate(parts))
    assert (total == v.astype(object)).all()
    assert all((np.abs(p) <= 2**17).all() for p in parts)


@pytest.mark.parametrize("limbs", [1, 2])
@pytest.mark.parametrize("spread", [0, 8, 40])
def test_products_are_within_their_units(limbs, spread):
    """Also for weights that lie far off the grid."""
    rng = np.random.default_rng(spread)
    weight = rng.standard_normal((1, 300, 20)) * 2.0 ** -rng.integers(0, spread + 1, (1, 300, 20))
    linear = Linear(np.arange(300).reshape(1, 1, -1), weight, 300)
    prepared = Map(linear, limbs)
    v = np.rint(rng.uniform(-1, 1, (2, 300)) * 2.0**prepared.most_bits)
    result, e, units = prepared.product(v)
    w, under = integers(weight)
    exact = linear.forward(v.astype(object).astype(int).astype(object), w)
    wrong = prepared.error(np.abs(v)) + 0 * v[:, :1]
    for got, true, room in zip(result.ravel(), exact.ravel(), np.broadcast_to(wrong, result.shape).ravel(),
                               strict=True):
        gap = abs(Fraction(float(got)) * Fraction(2) ** e - Fraction(true, under))
        assert gap <= Fraction(units) * Fraction(2) ** e + Fraction(float(room) * (1 + 1e-9))


def test_float32_in_any_order_stays_inside(tmp_path):
    """Sums in random orders, with and without fused products, differ from the exact value by less than is charged."""
    rng = np.random.default_rng(1)
    network = read_network(random_network(rng, "dense", tmp_path).read_bytes())
    low = np.full((1, network.input_size), -1.0)
    arithmetic = Integers(network, 2, any_order=True)
    region = bounded(network, arithmetic, Pieces(low, -low))
    node = network.nodes[1]
    charged = float32_error(node, region)[0]
    weight = node.terms[0][0].weight[0]
    for _ in range(50):
        x = rng.uniform(-1, 1, network.input_size).astype(np.float32)
        order = rng.permutation(len(x))
        total = node.floats.astype(np.float32)
        for i in order:
            total = (total + weight[i].astype(np.float32) * x[i]).astype(np.float32)
        exact = network.evaluate([Fraction(float(v)) for v in x])[1]
        assert all(abs(Fraction(float(t)) - e) <= Fraction(float(c)) for t, e, c in zip(total, exact, charged,
                                                                                        strict=True))


@pytest.mark.parametrize("limbs", [1, 2])
@pytest.mark.parametrize("seed", range(30))
def test_integers_never_exceed_the_rule_at_their_own_multipliers(tmp_path, monkeypatch, limbs, seed):
    """The statement that the exact tier rests on, for weights, boxes and betas of wildly different sizes."""
    rng = np.random.default_rng(seed)
    network = read_network(random_network(rng, "dense", tmp_path).read_bytes())
    nodes = [None]
    for node in network.nodes[1:]:
        if isinstance(node, Affine):
            (linear, source), factor = node.terms[0], 2.0 ** int(rng.integers(-20, 20)) * rng.uniform(0.5, 1.5)
            weight = linear.weight * factor * 2.0 ** -rng.integers(0, 25, linear.weight.shape)
            node = Affine(((Linear(linear.index, weight, linear.in_size), source),), node.bias * Fraction(factor) / 3)
        nodes.append(node)
    network = Network(network.input_size, tuple(nodes), network.output)
    low = rng.uniform(-1, 1, (2, network.input_size)) * 10.0 ** int(rng.integers(-3, 4))
    arithmetic = Integers(network, limbs)
    region = bounded(network, arithmetic, Pieces(low, low + 10.0 ** int(rng.integers(-6, 3))))
    found = {}
    for r in network.pointwise:
        bottom, top = region.low[network.nodes[r].source], region.high[network.nodes[r].source]
        cut = np.where((bottom < 0) & (top > 0), rng.choice([0, 1, -1], bottom.shape), 0)
        bottom, top = np.where(cut > 0, 0, bottom), np.where(cut < 0, 0, top)
        shift = -cut * rng.exponential(10.0 ** int(rng.integers(-4, 4)), bottom.shape)
        found[r] = lines(RELU, (bottom, top), rng.uniform(0, 1, bottom.shape), shift)
    rows = rng.integers(-3, 4, (1, 2, network.size(network.output))).astype(float)
    chosen, pointwise = {}, IntegerSum.pointwise

    def watched(self, nu, number):
        chosen[number] = pointwise(self, nu, number)
        return chosen[number]

    monkeypatch.setattr(IntegerSum, "pointwise", watched)
    fast = arithmetic.lower(region, network.output, rows, found)

    def choose(nu, node):
        return _fractions(chosen[node].v) * (Fraction(2) ** _integers(chosen[node].e))[..., None]

    exact = _exact(network, region, found, rows, choose)
    assert all(Fraction(float(got)) <= most for got, most in zip(fast.ravel(), exact.ravel(), strict=True))


def _integers(values):
    return np.frompyfunc(int, 1, 1)(values)


@pytest.mark.parametrize("kind", ["two limbs", "float64"])
@pytest.mark.parametrize("seed", range(8))
def test_tighter_bounds_never_hurt_stored_lines(tmp_path, kind, seed):
    """With slopes and chords given, also where tighter bounds leave a neuron on one side."""
    rng, network = _network(seed, tmp_path)
    arithmetic = ARITHMETICS[kind][0](network)
    low = rng.uniform(-1, 0.5, (1, network.input_size))
    loose = bounded(network, arithmetic, Pieces(low, low + 1))
    tight = bounded(network, arithmetic, Pieces(low, low + 1))
    fixed, better = {}, {}
    for r in network.pointwise:
        source = network.nodes[r].source
        bottom, top = loose.low[source], loose.high[source]
        below, chords = rng.uniform(0, 1, (2, *bottom.shape))
        ends = np.sort(bottom + (top - bottom) * rng.uniform(0, 1, (2, *bottom.shape)), axis=0)
        tight.set(source, *ends)
        fixed[r] = lines(RELU, (bottom, top), below, None, chords)
        better[r] = lines(RELU, ends, below, None, chords)
    rows = rng.integers(-3, 4, (1, 8, network.size(network.output))).astype(float)
    before = arithmetic.lower(loose, network.output, rows, fixed)
    after = arithmetic.lower(tight, network.output, rows, better)
    assert (after >= before - 1e-6 * (1 + np.abs(before))).all()
    assert (after > before).any()
