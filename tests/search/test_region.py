"""The exact optimum of a linear region, and the rational linear algebra behind it."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from support.brute import least_radius
from support.networks import random_network
from support.seeds import seeds

import verdict
from verdict.base.deadline import Deadline
from verdict.network.exact import ExactVector
from verdict.property import LinfBall, misclassification
from verdict.search.points.lazy_region import gradients, nearest_by_rows, sides
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


def _least_by_one_program(graph, family, polytope, phases, size, reach) -> float | None:
    """The least radius of a region, by a program with all its sides and the radius as a variable."""
    center, (low, high) = family.center.floats(), (np.full(size, -2.0), np.full(size, 2.0))
    parts = [gradients(graph, phases, graph.output, polytope.matrix.values, -polytope.offset.values)]
    every = [(number, place) for number, on in phases.items() for place in range(len(on))]
    parts.append(sides(graph, phases, every))
    rows = np.concatenate([np.column_stack([a, np.zeros(len(a))]) for a, _ in parts])
    one = np.eye(size)
    ball = np.concatenate([np.column_stack([sign * one, -np.ones(size)]) for sign in (1, -1)])
    ends = np.concatenate([*(b for _, b in parts), center, -center])
    cost = np.append(np.zeros(size), 1.0)
    limits = [*zip(low, high, strict=True), (0.0, reach)]
    found = linprog(cost, np.concatenate([rows, ball]), ends, bounds=limits)
    return float(found.fun) if found.status == 0 else None


def test_the_nearest_point_of_a_region_is_that_of_the_program_with_all_its_sides(tmp_path):
    there = away = 0
    for seed in seeds(12, 40):
        rng = np.random.default_rng(seed)
        network = verdict.load(random_network(rng, "dense", tmp_path))
        graph, size = network.graph, network.graph.input_size
        x = rng.integers(-8, 9, size) / 8
        family = LinfBall(ExactVector.of(x), Fraction(-2), Fraction(2))
        label = int(network.evaluate(x[None])[0].argmax())
        for polytope in misclassification(label, graph.output_size).polytopes:
            for point in rng.uniform(-2, 2, (5, size)):
                phases = phases_at(graph, point)
                wanted = _least_by_one_program(graph, family, polytope, phases, size, 4.0)
                found = nearest_by_rows(graph, family, polytope, phases, 4.0, Deadline())
                assert (found is None) == (wanted is None)
                if found is None or wanted is None:
                    away += 1
                    continue
                assert found[1] == pytest.approx(wanted, abs=1e-6)
                assert nearest_by_rows(graph, family, polytope, phases, 0.9 * wanted - 1e-3, Deadline()) is None
                there += 1
    assert there > 20
    assert away > 20


def test_an_unsafe_center_is_its_own_nearest_point(tmp_path):
    """At radius 0 no step is a share of the radius."""
    inside = 0
    for seed in seeds(6, 30):
        rng = np.random.default_rng(seed)
        network = verdict.load(random_network(rng, "dense", tmp_path))
        graph, size = network.graph, network.graph.input_size
        x = rng.integers(-8, 9, size) / 8
        outputs = network.evaluate(x[None])[0]
        family = LinfBall(ExactVector.of(x), Fraction(-2), Fraction(2))
        for polytope in misclassification(int(outputs.argmin()), graph.output_size).polytopes:
            if (polytope.matrix.values @ outputs + polytope.offset.values <= 0).all():
                found = nearest_by_rows(graph, family, polytope, phases_at(graph, x), 4.0, Deadline())
                assert found is not None
                assert found[1] == 0
                assert found[0] == pytest.approx(x)
                inside += 1
    assert inside
