"""The exact optimum of a linear region, and the rational linear algebra behind it."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.brute import least_radius
from support.networks import random_network
from support.seeds import seeds

import verdict
from verdict.network.exact import ExactVector
from verdict.property import LinfBall, misclassification
from verdict.search.points.region import best_in_region, phases_at, solve_exactly

small = st.integers(-5, 5).map(Fraction)


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(small, min_size=n + 1, max_size=n + 1), max_size=6)))
def test_solutions_solve(system):
    unknowns = len(system[0]) - 1 if system else 1
    solution = solve_exactly(system, unknowns)
    rank = np.linalg.matrix_rank(np.array([[float(a) for a in row[:-1]] for row in system])) if system else 0
    assert (solution is not None) == (rank == unknowns)
    if solution is not None and len(system) == unknowns:
        for row in system:
            assert sum(a * x for a, x in zip(row[:-1], solution, strict=True)) == row[-1]


def test_vertices_are_exact_ties(tmp_path):
    """Where the region's optimum is found it is a rational point on the decision boundary, not near it."""
    ties = 0
    for seed in seeds(16, 30):
        rng = np.random.default_rng(seed)
        network = verdict.load(random_network(rng, "dense", tmp_path))
        graph = network.graph
        x = rng.integers(-8, 9, graph.input_size) / 8
        label = int(network.evaluate(x[None])[0].argmax())
        least = least_radius(graph, x, label, -2, 2)
        family = LinfBall(ExactVector.of(x), Fraction(-2), Fraction(2))
        for polytope in misclassification(label, graph.output_size).polytopes:
            for point in rng.uniform(-2, 2, (5, graph.input_size)):
                for candidate in best_in_region(graph, family, polytope, phases_at(graph, point), 4.0):
                    outputs = network.evaluate_exact(candidate)
                    radius = family.radius_of(candidate)
                    if radius is None or not polytope.contains(outputs):
                        continue
                    assert float(radius) >= least - 1e-6
                    row = polytope.matrix.fractions()[0]
                    ties += sum(c * y for c, y in zip(row, outputs.fractions(), strict=True)) == 0
                    break
    assert ties > 20
