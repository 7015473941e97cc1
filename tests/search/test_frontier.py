"""How many domains a search needs yet, by how fast its least bound rises."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verdict.search.relus.frontier import Frontier


def _seen(*points):
    frontier = Frontier()
    for visited, least in points:
        frontier.saw(visited, least)
    return frontier.domains


def test_nobody_knows_before_the_domains_have_doubled():
    assert _seen() == math.inf
    assert _seen((10, -1.0)) == math.inf
    assert _seen((10, -1.0), (19, -0.5)) == math.inf
    # Nor is anything known of a search that was cut before its roots were bounded.
    assert _seen((10, -math.inf), (20, -0.5)) == math.inf


def test_a_bound_that_rises_with_each_doubling_meets_zero():
    assert _seen((10, -3.0), (20, -2.0)) == pytest.approx(60)
    # The last doubling counts, not the easy first ones.
    assert _seen((1, -50.0), (10, -3.0), (20, -2.0)) == pytest.approx(60)


def test_a_bound_that_does_not_rise_or_hardly_says_nothing():
    assert _seen((10, -3.0), (20, -3.0)) == math.inf
    assert _seen((10, -3.0), (20, -2.9)) == math.inf


@given(st.floats(0.1, 2.0), st.integers(3, 8))
def test_a_tree_whose_splits_gain_the_same_is_foretold(gain, depth):
    """Level after level is visited, and the bound of each is higher by the gain; the last one is closed."""
    points = [(2 ** (level + 1) - 1, (level - depth) * gain) for level in range(depth)]
    assert points[-1][0] + _seen(*points) == pytest.approx(2 ** (depth + 1) - 1, rel=0.1)
