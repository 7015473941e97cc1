"""Linear programs on domains that are not split to the end."""

import numpy as np
from support.networks import random_network

import verdict
from verdict.bounds import linear_bounds
from verdict.network.exact import Coefficients
from verdict.property import Polytope
from verdict.search.relus.leaf import close_leaf
from verdict.search.relus.programs import Programs
from verdict.search.relus.space import Domains, Space


def asked(seed, folder):
    """Whether y_0 - y_1 stays above the middle of its samples in a domain with some ReLUs split as at a sample."""
    rng = np.random.default_rng([seed, 47])
    graph = verdict.load(random_network(rng, "dense", folder)).graph
    bounds = linear_bounds(graph, -np.ones((1, graph.input_size)), np.ones((1, graph.input_size)))
    points = rng.uniform(-1, 1, (2000, graph.input_size))
    values = verdict.network.evaluate.evaluate_all(graph, points)
    row = np.zeros((1, graph.output_size))
    row[0, :2] = 1, -1
    space = Space(graph, bounds, row, np.zeros(1))
    sides = np.zeros((len(points), space.size), np.int8)
    for i, columns in space.columns.items():
        sides[:, space.slices[i]] = np.where(values[graph.nodes[i].sources[0]][:, columns] > 0, 1, -1)
    signs = np.where(rng.random(space.size) < 0.5, sides[0], 0).astype(np.int8)
    inside = ((signs == 0) | (sides == signs)).all(axis=1)
    return space, row, signs, (values[graph.output] @ row[0])[inside]


def test_a_program_closes_what_is_safe_and_nothing_else(tmp_path):
    proved = 0
    for seed in range(20):
        space, row, signs, values = asked(seed, tmp_path)
        for margin in (0.5, -1e-3):
            # Unsafe where the row is at most `limit`: just below the samples, or above the least of them.
            limit = float(np.floor((values.min() - margin) * 1024)) / 1024
            found, _ = close_leaf(space, signs, Polytope(Coefficients(row), Coefficients([limit])))
            assert found is None or limit < values.min()
            proved += found is not None
    assert proved >= 5


def test_programs_reach_further_while_they_prove(tmp_path):
    space, row, _, values = asked(0, tmp_path)
    assert space.size > 3
    safe = Polytope(Coefficients(row), Coefficients([float(np.floor(values.min())) - 1000]))
    unsafe = Polytope(Coefficients(row), Coefficients([float(np.ceil(values.max()))]))
    signs = np.zeros((space.size + 1, space.size), np.int8)
    # Domain k has k ReLUs left to split, all others off.
    for k in range(space.size + 1):
        signs[k, k:] = -1
    zeros, lower = np.zeros(signs.shape, np.float32), np.full(len(signs), -1, np.float32)
    numbers, depths = np.zeros(len(signs), int), np.count_nonzero(signs, axis=1)
    domains = Domains(numbers, signs, zeros, zeros, lower, depths, numbers, np.zeros(len(numbers)))
    proofs = Programs(space).close(domains, [safe] * len(domains), lambda: False)
    assert list(proofs) == list(range(1, space.size + 1))
    assert Programs(space).close(domains, [unsafe] * len(domains), lambda: False).keys() < {1}
    assert not Programs(space).close(domains, [safe] * len(domains), lambda: True)
    lower[:] = 1
    assert not Programs(space).close(domains, [safe] * len(domains), lambda: False)
