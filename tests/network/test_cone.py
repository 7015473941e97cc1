"""The cone of some neurons computes what the whole network does, and bounds in it are the whole network's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.seeds import seeds

from verdict.bounds import cones, interval_bounds, output_lower
from verdict.bounds import linear as linear_module
from verdict.bounds.backward import backward
from verdict.bounds.cones import Place, places
from verdict.bounds.linear import linear_bounds, unit_rows
from verdict.bounds.lines import crown_lines
from verdict.network.cone import about, cone, image_shape
from verdict.network.evaluate import evaluate, evaluate_all
from verdict.network.exact import Coefficients
from verdict.network.functions import RELU
from verdict.network.graph import Affine, Graph, Input, Node, Pointwise, Product
from verdict.network.maps import Conv, Dense, Diagonal, Index, LinearMap, Sparse, Transposed, identity
from verdict.network.maps.picked import placed


def rounded(rng: np.random.Generator, *shape: int) -> Coefficients:
    return Coefficients(np.round(rng.standard_normal(shape), 2))


def random_conv(rng: np.random.Generator, shape: tuple[int, ...], channels: int | None = None) -> Conv:
    """A convolution of a tensor, with strides, pads and dilations as they fall."""
    groups = int(rng.choice([g for g in (1, 2) if shape[0] % g == 0]))
    out = groups * (int(rng.integers(1, 4)) if channels is None else -(-channels // groups))
    axes = range(len(shape) - 1)
    kernel = [int(rng.integers(1, min(4, n) + 1)) for n in shape[1:]]
    dilations = [int(rng.integers(1, 3)) if (k - 1) * 2 + 1 <= n else 1 for k, n in zip(kernel, shape[1:], strict=True)]
    pads = tuple((int(rng.integers(0, k + 1)), int(rng.integers(0, k + 1))) for k in kernel)
    strides = tuple(int(rng.integers(1, 4)) for _ in axes)
    weights = rounded(rng, out, shape[0] // groups, *kernel)
    return Conv(weights, shape, groups=groups, strides=strides, pads=pads, dilations=tuple(dilations))


def random_map(rng: np.random.Generator) -> LinearMap:
    shape = (int(rng.integers(1, 4)) * 2, *rng.integers(3, 8, size=int(rng.integers(1, 3))).tolist())
    kind = int(rng.integers(7))
    conv = random_conv(rng, shape)
    if kind < 2:
        return conv
    if kind < 4:
        return Transposed(conv)
    if kind == 4:
        return Dense(rounded(rng, 3, 5), int(rng.integers(1, 4)))
    if kind == 5:
        return Index(rng.integers(-1, 9, size=12), 9)
    rows, cols = np.nonzero(rng.random((8, 9)) < 0.3)
    return Sparse(rounded(rng, len(rows)), rows, cols, (8, 9))


@pytest.mark.parametrize("seed", seeds(60, 3000))
def test_a_part_of_a_map_makes_what_the_map_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = random_map(rng)
    outputs = np.flatnonzero(rng.random(whole.out_size) < rng.choice([0.1, 0.4]))
    if not len(outputs):
        return
    part = whole.part(outputs)
    assert np.isin(outputs, part.outputs).all()
    more = np.union1d(part.inputs, np.flatnonzero(rng.random(whole.in_size) < 0.2))
    small = placed(part, outputs, more)
    x, y = rng.standard_normal((3, whole.in_size)), rng.standard_normal((3, len(outputs)))
    np.testing.assert_allclose(small.apply(x[:, more]), whole.apply(x)[:, outputs], atol=1e-12)
    given, back = np.zeros((3, whole.out_size)), np.zeros((3, whole.in_size))
    given[:, outputs] = y
    back[:, more] = small.apply_transpose(y)
    np.testing.assert_allclose(back, whole.apply_transpose(given), atol=1e-12)
    np.testing.assert_array_equal(small.matrix().toarray(), whole.matrix().toarray()[np.ix_(outputs, more)])


def random_image_network(rng: np.random.Generator) -> tuple[Graph, int]:
    """Convolutions, ReLUs, a residual sum, a transposed convolution, a product, and ReLUs beside what they read; and a
    convolution's node deep in."""
    shape = (2, int(rng.integers(5, 9)), int(rng.integers(5, 9)))
    size = int(np.prod(shape))
    nodes: list[Node] = [Input(size)]

    def affine(*terms: tuple[LinearMap, int]) -> int:
        nodes.append(Affine(terms, rounded(rng, terms[0][0].out_size)))
        return len(nodes) - 1

    def relu(number: int) -> int:
        nodes.append(Pointwise(RELU, number, nodes[number].size))
        return len(nodes) - 1

    first = random_conv(rng, shape)
    here = relu(affine((first, 0)))
    same = [
        Conv(rounded(rng, first.out_shape[0], first.out_shape[0], k, k), first.out_shape, strides=(1, 1),
             pads=((k // 2, k // 2),) * 2, dilations=(1, 1))
        for k in (1, 3)
    ]
    branches = [affine((linear, here)) for linear in same]
    joined = affine(*((identity(nodes[branch].size), branch) for branch in branches))
    here = relu(joined)
    if rng.random() < 0.5:
        # What is in front of the ReLU is read at other places too, more or fewer.
        near, far = rng.permutation(2)
        here = relu(affine((same[near], here), (same[far], joined)))
    if rng.random() < 0.5:
        nodes.append(Product(here, branches[0], nodes[here].size))
        here = len(nodes) - 1
    up = Transposed(random_conv(rng, (2, 6, 6), first.out_shape[0]))
    if up.in_size == nodes[here].size:
        here = relu(affine((up, here)))
    last = random_conv(rng, first.out_shape) if up.in_size != nodes[here].size else None
    scaled = affine((Diagonal(rounded(rng, nodes[here].size)), here))
    if last is not None and last.in_size == nodes[scaled].size:
        scaled = affine((last, relu(scaled)))
    return Graph(tuple(nodes), scaled), scaled


@pytest.mark.parametrize("seed", seeds(25, 1000))
def test_a_cone_computes_what_the_network_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph, number = random_image_network(rng)
    neurons = np.sort(rng.choice(graph.nodes[number].size, size=min(3, graph.nodes[number].size), replace=False))
    part = cone(graph, number, neurons)
    x = rng.standard_normal((2, graph.input_size))
    whole, own = evaluate_all(graph, x), evaluate_all(part.graph, x[:, part.entries[0]])
    for new, (old, entries) in enumerate(zip(part.nodes, part.entries, strict=True)):
        if new:
            assert len(entries) <= graph.nodes[old].size
        np.testing.assert_allclose(own[part.graph.output], whole[number][:, neurons], atol=1e-9)


@pytest.mark.parametrize("seed", seeds(15, 600))
def test_bounds_in_cones_are_those_of_the_network(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cones, "OVERHEAD", 0)
    monkeypatch.setattr(cones, "WORTH", 10.0)
    rng = np.random.default_rng(seed)
    graph, number = random_image_network(rng)
    low = rng.standard_normal((2, graph.input_size))
    bounds = interval_bounds(graph, low, low + 0.2)
    neurons = np.flatnonzero(rng.random(graph.nodes[number].size) < 0.5)
    lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
    picks = unit_rows(neurons, graph.nodes[number].size, np.float64)
    expected = backward(graph, bounds, number, picks, lines).lower
    found = np.full(expected.shape, np.nan)
    below = bounds.with_ends(bounds.lower[: number + 1], bounds.upper[: number + 1])
    most = int(rng.choice([2**24, 2000, 1]))
    for at, place in places(Place(graph, below, lines, neurons), most):
        widest = max(node.size for node in place.graph.nodes)
        assert len(at) == 1 or len(at) * widest * below.batch <= most
        rows = unit_rows(place.neurons, place.graph.nodes[-1].size, np.float64)
        found[:, at] = backward(place.graph, place.bounds, place.graph.output, rows, place.lines).lower
    np.testing.assert_allclose(found, expected, atol=1e-7, rtol=1e-9)


def test_cones_are_used_and_hold_what_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    layers = [Conv(rounded(rng, 4, c, 3, 3), (c, 12, 12), strides=(1, 1), pads=((1, 1), (1, 1)), dilations=(1, 1))
              for c in (1, 4, 4)]
    nodes: list[Node] = [Input(144)]
    for layer in layers:
        nodes += [Affine(((layer, len(nodes) - 1),), rounded(rng, layer.out_size))]
        nodes += [Pointwise(RELU, len(nodes) - 1, layer.out_size)]
    nodes.append(Affine(((Dense(rounded(rng, 2, nodes[-1].size)), len(nodes) - 1),), rounded(rng, 2)))
    graph = Graph(tuple(nodes), len(nodes) - 1)
    monkeypatch.setattr(linear_module, "LARGE", 0)
    monkeypatch.setattr(cones, "OVERHEAD", 2**12)
    cut: list[int] = []
    monkeypatch.setattr(cones, "cone", lambda *args: cut.append(args[1]) or cone(*args))
    low = rng.standard_normal((1, 144))
    bounds = linear_bounds(graph, low, low + 0.1)
    assert 3 in cut
    assert (image_shape(graph, 3), image_shape(graph, 7)) == ((4, 12, 12), None)
    values = evaluate_all(graph, low + 0.1 * rng.random((200, 144)))
    for lower, upper, value in zip(bounds.lower, bounds.upper, values, strict=True):
        assert ((lower <= value) & (value <= upper)).all()
    monkeypatch.setattr(linear_module, "LARGE", 2**60)
    monkeypatch.setattr(cones, "WORTH", 0.0)
    plain = linear_bounds(graph, low, low + 0.1)
    for i in (3, 5):
        bent = graph.bends(i, plain.lower[i], plain.upper[i])
        np.testing.assert_array_equal(bent, graph.bends(i, bounds.lower[i], bounds.upper[i]))
        np.testing.assert_allclose(bounds.lower[i][bent], plain.lower[i][bent], atol=1e-9)


@pytest.mark.parametrize("seed", seeds(25, 1000))
def test_only_what_the_outputs_asked_about_depend_on_is_bounded(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph, _ = random_image_network(rng)
    rows = np.zeros((2, graph.output_size))
    rows[:, rng.choice(graph.output_size, size=min(2, graph.output_size), replace=False)] = rng.standard_normal((2, 1))
    asked = about(graph, rows)
    low = rng.standard_normal((1, graph.input_size))
    bounds, plain = (linear_bounds(g, low, low + 0.3) for g in (asked, graph))
    np.testing.assert_allclose(output_lower(asked, bounds, rows), output_lower(graph, plain, rows), atol=1e-9)
    assert bounds.unstable(asked) <= plain.unstable(graph)
    points = low + 0.3 * rng.random((50, graph.input_size))
    values = evaluate_all(asked, points)
    np.testing.assert_array_equal(values[asked.output], evaluate(graph, points))
    for lower, upper, value in zip(bounds.lower, bounds.upper, values, strict=True):
        assert ((lower - 1e-9 <= value) & (value <= upper + 1e-9)).all()
    nodes = list(graph.nodes)
    for i, mask in asked.relevant.items():
        bent = graph.bends(i, plain.lower[i], plain.upper[i])
        np.testing.assert_array_equal(asked.bends(i, plain.lower[i], plain.upper[i]), bent & mask.values)
        if i in graph.affine:
            other = np.where(mask.values, 0, rng.integers(-9, 9, len(mask)))
            nodes[i] = replace(graph.affine[i], bias=Coefficients(graph.affine[i].bias.values + other))
    # Nothing that is passed over moves what is asked about.
    moved = evaluate(Graph(tuple(nodes), graph.output), points)
    np.testing.assert_allclose(moved @ rows.T, evaluate(graph, points) @ rows.T, atol=1e-9)
