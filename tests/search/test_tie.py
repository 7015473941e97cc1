"""Rational multipliers at a tie: exactly zero where a domain touches the unsafe set, none where it reaches into it."""

from fractions import Fraction

import numpy as np
import pytest
from support.networks import KINDS, random_network
from support.seeds import seeds

import verdict
from verdict.bounds import linear_bounds
from verdict.network.exact import ExactVector
from verdict.property import Box, LinfBall, misclassification
from verdict.search.points.region import regions_at
from verdict.search.relus.space import Space
from verdict.search.tie import tie_multipliers


def _space(network, box, polytope):
    low, high = box.floats()
    bounds = linear_bounds(network.graph, low[None], high[None])
    return Space(network.graph, bounds, polytope.matrix.values, polytope.offset.values)


def test_a_corner_where_the_classes_tie():
    """No ReLU of xor changes its side in this box, so no multiplier is needed; the classes tie in a corner."""
    network = verdict.load("xor")
    center, eps = [Fraction(0), Fraction(1)], Fraction(1, 4)
    box = Box([Fraction(0), 1 - eps], [eps, Fraction(1)])
    (polytope,) = misclassification(1, 2).polytopes
    space = _space(network, box, polytope)
    signs = np.ones(space.size, np.int8)
    assert tie_multipliers(space, signs, polytope, box) == [Fraction(0)] * space.size
    # A little further out the unsafe set is reached.
    wider = LinfBall(ExactVector.of(center), Fraction(0), Fraction(1)).at(eps + Fraction(1, 10**20))
    assert tie_multipliers(_space(network, wider, polytope), signs, polytope, wider) is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_regions_of_an_exact_witness(tmp_path, kind):
    """At the exact radius the regions around the witness only touch the unsafe set."""
    found = 0
    for seed in seeds(5, 12):
        rng = np.random.default_rng(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        network = verdict.load(random_network(rng, kind, folder))
        x = rng.integers(-4, 5, network.input_size) / 4
        answer = verdict.maxeps(network, x, engine="smt")
        if answer.exact is None or answer.exact == 0 or answer.closest is None:
            continue
        ball = LinfBall(ExactVector.of(x))
        polytope = next(
            p for p in misclassification(answer.label, network.output_size).polytopes
            if p.contains(answer.closest.outputs)
        )
        for phases in regions_at(network.graph, answer.closest.point):
            box = ball.at(answer.exact)
            space = _space(network, box, polytope)
            signs = [np.where(phases[i][columns], 1, -1) for i, columns in space.columns.items()]
            signs = np.concatenate([*signs, np.zeros(0)]).astype(np.int8)
            betas = tie_multipliers(space, signs, polytope, box)
            assert betas is None or all(beta >= 0 for beta in betas)
            found += betas is not None
    assert found >= 2
