"""What splits and rounds have gained: the usual where nothing is known, and rates that gain little are left out."""

from __future__ import annotations

import numpy as np
import pytest

from verdict.search.relus.edge_gains import PAYS, RATES, RELIABLE, Gains, Rounds

ALL = range(len(RATES))


def test_what_is_expected_is_the_product_of_the_halves_and_the_usual_where_nothing_is_known() -> None:
    gains, losses = Gains(3), np.array([2.0, 2.0, 0.0])
    assert gains.expected(losses).tolist() == [4.0, 4.0, 0.0]
    gains.learn(((0, 0, 0.5), (0, 1, 0.25)))
    # What is not known has what the known ones have.
    assert gains.expected(losses).tolist() == pytest.approx([0.5, 0.5, 0.0])
    gains.learn(((1, 0, 0.1), (1, 1, 0.05)))
    assert gains.expected(losses).tolist() == pytest.approx([0.5, 0.02, 0.0])
    assert not gains.is_known(0)
    for _ in range(RELIABLE - 1):
        gains.learn(((0, 0, 0.5), (0, 1, 0.25)))
    assert gains.is_known(0)
    assert not gains.is_known(1)


def test_a_rate_that_gains_little_is_left_out_and_tried_again() -> None:
    rounds = Rounds()
    assert all(map(rounds.pays, ALL))
    for _ in range(10):
        rounds.learn(((0, 0.0), (1, 0.5)))
    assert not rounds.pays(0)
    assert rounds.pays(1)
    halves = 0
    while not rounds.pays(0):
        rounds.learn(((1, 0.5),))
        halves += 1
    assert halves > 1


def test_the_best_rate_always_pays() -> None:
    rounds = Rounds()
    for _ in range(50):
        rounds.learn(((0, 0.0), (1, PAYS / 3), (2, PAYS / 10)))
    assert [rounds.pays(number) for number in ALL] == [False, True, False]
    # Where no half had a round nothing is learnt.
    rounds.learn(())
    assert [rounds.pays(number) for number in ALL] == [False, True, False]
