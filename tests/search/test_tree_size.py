"""How large a tree will get by what splits gain."""

import math
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verdict.search.relus.tree_size import TreeSize


@cache
def _leaves(missing: float, poorer: float, better: float) -> int:
    """The leaves of a tree whose splits all gain the same."""
    if missing <= 0:
        return 1
    return _leaves(missing - poorer, poorer, better) + _leaves(missing - better, poorer, better)


def _after(*halves: tuple[float, float]) -> TreeSize:
    size = TreeSize()
    for poorer, better in halves:
        size.learn(-100.0, [-100.0 + better, -100.0 + poorer])
    return size


def test_nobody_knows_before_the_first_split():
    assert not TreeSize().is_known
    assert TreeSize().domains([1.0]) == math.inf


def test_equal_halves_double_with_each_gain():
    assert _after((2.0, 2.0)).domains([6.0]) == pytest.approx(8, rel=0.01)


@given(st.integers(1, 4), st.integers(0, 4), st.integers(1, 24))
def test_unequal_halves_make_about_as_many_as_are_counted(poorer, more, missing):
    """Phi's power is at most the leaves, and less by what the last splits gain too much."""
    better, size = poorer + more, _after((poorer, poorer + more))
    leaves = _leaves(missing, poorer, better)
    assert size.domains([float(missing)]) <= 1.01 * leaves
    assert leaves <= 1.01 * size.domains([float(missing + better)])


def test_a_half_that_gains_nothing_makes_a_tree_without_end():
    assert _after((0.0, 3.0)).domains([1.0]) == math.inf
    # And what is too large for a float as well.
    assert _after((1e-9, 1e-9)).domains([1e6]) == math.inf


def test_closed_halves_gain_what_was_missing_and_none_is_worse_than_its_parent():
    size = TreeSize()
    size.learn(-1.0, [math.inf, 5.0])
    assert size.domains([1.0]) == pytest.approx(2, rel=0.01)
    size.learn(-1.0, [-2.0, 5.0])
    assert size.domains([1.0]) > 2


def test_the_latest_splits_count_most():
    size = _after((4.0, 4.0), *[(1.0, 1.0)] * 20)
    assert size.domains([8.0]) == pytest.approx(2**8, rel=0.05)


def test_domains_add_up():
    size = _after((1.0, 1.0))
    assert size.domains([2.0, 3.0]) == pytest.approx(12, rel=0.01)
    assert size.domains([]) == 0
