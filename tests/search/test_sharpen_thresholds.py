"""Sharper bounds of neurons that bend beside zero: a tree is done at the neuron's own threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.functions import Vee

from verdict.bounds import linear_bounds
from verdict.network.builder import Builder
from verdict.network.evaluate import evaluate_all
from verdict.network.exact import Coefficients
from verdict.network.functions import RELU
from verdict.network.graph import Graph
from verdict.network.maps import Dense
from verdict.search.means import Means
from verdict.search.neurons import sharpen as sharpening
from verdict.search.neurons.grown import Grown
from verdict.search.neurons.lemmas import Lemmas
from verdict.search.neurons.sharpen import Round, sharpen
from verdict.search.observer import BoundsObserver
from verdict.search.relus.space import Space

LOW, HIGH = np.full((1, 3), -1.0), np.full((1, 3), 1.0)
ROUNDS = 24
# The node in front of the second function, and where that bends.
NUMBER, KINK = 3, Vee.kink


def network(seed: int) -> Graph:
    """A layer of ReLUs, one of |z - 1/2|, and two outputs."""
    rng = np.random.default_rng([seed, 71])
    builder, node, size = Builder(3), 0, 3
    for width, function in ((8, RELU), (8, Vee()), (2, None)):
        weight = rng.integers(-16, 17, (width, size)) / 16
        node = builder.affine([(Dense(Coefficients(weight)), node)], Coefficients(rng.integers(-8, 9, width) / 16))
        node, size = node if function is None else builder.pointwise(function, node), width
    return builder.finish(node)


class Told(BoundsObserver):
    """Keeps the trees."""

    def __init__(self) -> None:
        self.seen: list[tuple[Space, Any, Any, Grown]] = []

    def grown(self, space: Space, unstable: Any, row: Any, grown: Grown, known: Any) -> Any:
        self.seen.append((space, unstable, row, grown))
        return grown.lower


class Numbers:
    """Stands for the checker's numbers, which a function that the checker does not have lacks."""

    def of_space(self, columns: dict[int, Any]) -> Any:
        return np.concatenate([*columns.values(), np.zeros(0, int)]).astype(np.uint32)

    def layer(self, relu: int) -> int:
        return relu


@pytest.mark.parametrize("seed", range(4))
def test_bounds_are_sound_and_sharper(seed: int) -> None:
    graph = network(seed)
    plain, told = linear_bounds(graph, LOW, HIGH), Told()
    sharp = sharpen(graph, plain, Round(ROUNDS), Means(), observer=told)
    found = evaluate_all(graph, np.random.default_rng(seed).uniform(-1, 1, (2000, 3)))
    for values, low, high in zip(found, sharp.lower, sharp.upper, strict=True):
        assert (values >= low[0] - 1e-12).all()
        assert (values <= high[0] + 1e-12).all()
    assert (sharp.upper[NUMBER] - sharp.lower[NUMBER] < plain.upper[NUMBER] - plain.lower[NUMBER]).any()
    # Behind the function that is not off or on nothing can be split.
    assert {space.number for space, *_ in told.seen} <= {NUMBER}


def test_a_tree_is_done_past_the_threshold_and_not_before() -> None:
    done, between = 0, 0
    for seed in range(12):
        graph = network(seed)
        told = Told()
        sharpen(graph, linear_bounds(graph, LOW, HIGH), Round(ROUNDS), Means(), observer=told)
        for space, unstable, row, grown in told.seen:
            offsets = np.repeat([KINK, -KINK], len(unstable))
            assert (space.offsets == offsets).all()
            # A round without a split: the tree was done.
            is_done = (grown.column < 0).any(axis=1) & (grown.lower > 0)
            done += int(is_done.sum())
            # On one side of zero, on both of the threshold: where a ReLU would be done, all rounds are used.
            beside = (grown.lower <= 0) & (grown.lower + offsets[row] > 0) & (row < len(unstable))
            between += int(((grown.column >= 0).sum(axis=1)[beside] > 1).sum())
    assert done > 0
    assert between > 0


@pytest.mark.parametrize("seed", range(4))
def test_a_round_that_is_stopped_goes_on(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharpening, "TOGETHER", 2)
    graph, done, told = network(seed), Round(ROUNDS), Told()
    plain = linear_bounds(graph, LOW, HIGH)
    whole, bounds, turns = sharpen(graph, plain, Round(ROUNDS), Means()), plain, 0
    while NUMBER not in done.nodes:
        turns, before = turns + 1, set(done.neurons.get(NUMBER, ()))
        bounds = sharpen(graph, bounds, done, Means(), lambda: len(told.seen) > 1, told)
        # What is done is not grown again, and something is done in each turn.
        assert before < done.neurons[NUMBER]
        assert not before & {int(j) for _, unstable, *_ in told.seen for j in unstable}
        told.seen.clear()
    assert turns > 1
    assert (bounds.lower[NUMBER] >= whole.lower[NUMBER]).all()
    assert (bounds.upper[NUMBER] <= whole.upper[NUMBER]).all()
    again = sharpen(graph, bounds, done, Means(), observer=told)
    assert not told.seen
    assert (again.lower[NUMBER] == bounds.lower[NUMBER]).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_rows_of_a_wide_layer_come_in_portions(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neurons of a layer have trees of their own, so a portion of two is bounded as all of them are."""
    graph, told, alone = network(seed), Told(), Told()
    plain = linear_bounds(graph, LOW, HIGH)
    whole = sharpen(graph, plain, Round(ROUNDS), Means(), observer=told)
    monkeypatch.setattr(sharpening, "MOST_ROWS", 2 * 2 * graph.nodes[NUMBER].size)
    found = sharpen(graph, plain, Round(ROUNDS), Means(), observer=alone)
    assert len({id(space) for space, *_ in alone.seen}) > len({id(space) for space, *_ in told.seen}) == 1
    assert max(len(space.rows) for space, *_ in alone.seen) == 4
    neurons = [sorted({int(j) for _, unstable, *_ in each.seen for j in unstable}) for each in (told, alone)]
    assert neurons[0] == neurons[1]
    for ends, others in ((whole.lower, found.lower), (whole.upper, found.upper)):
        np.testing.assert_allclose(others[NUMBER], ends[NUMBER], rtol=1e-5, atol=1e-5)


def test_lemmas_keep_the_end_that_makes_a_neuron_stable() -> None:
    kept = 0
    for seed in range(12):
        graph = network(seed)
        plain = linear_bounds(graph, LOW, HIGH)
        lemmas = Lemmas(graph, Numbers())  # type: ignore[arg-type]
        sharp = sharpen(graph, plain, Round(ROUNDS), Means(), observer=lemmas)
        low, high = sharp.lower[NUMBER][0], sharp.upper[NUMBER][0]
        for (side, neuron), (bound, _) in lemmas._kept.get(NUMBER, {}).items():
            assert bound <= (low[neuron] if side > 0 else -high[neuron])
            if low[neuron] >= KINK or high[neuron] <= KINK:
                assert side == (1 if low[neuron] >= KINK else -1)
                assert bound >= side * KINK
                kept += 1
    assert kept > 0


def test_what_lemmas_prove_only_grows() -> None:
    """A proof that rests on what was kept by some round holds with what later ones keep: none forgets an end."""
    later = restored = 0
    for seed in range(12):
        rng = np.random.default_rng([seed, 72])
        builder, node, size = Builder(3), 0, 3
        for width in (8, 8, 8, 8, 2):
            weight = rng.integers(-16, 17, (width, size)) / 16
            node = builder.affine([(Dense(Coefficients(weight)), node)], Coefficients(rng.integers(-8, 9, width) / 16))
            node, size = (builder.pointwise(RELU, node), width) if width > 2 else (node, width)
        graph = builder.finish(node)
        lemmas, bounds = Lemmas(graph, Numbers()), linear_bounds(graph, LOW, HIGH)  # type: ignore[arg-type]
        known: dict[tuple[int, int, int], float] = {}
        bounded: dict[int, Any] = {}
        for splits in (1, 4, 16, 64):
            sharp = sharpen(graph, bounds, Round(splits), Means(), observer=lemmas)
            now = {(node, *key): bound for node, kept in lemmas._kept.items() for key, (bound, _) in kept.items()}
            assert all(now[key] >= bound for key, bound in known.items())
            assert all((lemmas.bounded[node] >= before).all() for node, before in bounded.items())
            for (number, side, neuron), bound in now.items():
                low, high = sharp.lower[number][0, neuron], sharp.upper[number][0, neuron]
                assert bound <= (low if side > 0 else -high)
                # The end that a stable neuron would not need, kept for what was proved before it was stable.
                restored += (high <= 0 if side > 0 else low >= 0) and (number, side, neuron) in known
            later += len(now) > len(known) > 0
            known, bounded = now, dict(lemmas.bounded)
    assert later
    assert restored
