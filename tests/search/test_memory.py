"""The queues when memory is short: depth first, and still complete."""

from fractions import Fraction

import numpy as np
import pytest
from support.brute import least_radius
from support.networks import random_network

import verdict
from verdict.base.deadline import Deadline
from verdict.base.workers import Workers
from verdict.bounds import linear_bounds
from verdict.network.exact import ExactVector
from verdict.property import LinfBall, misclassification
from verdict.search.boxes.input_split import InputSplit
from verdict.search.boxes.options import BoxOptions
from verdict.search.means import Means
from verdict.search.observer import Watch
from verdict.search.options import SearchOptions
from verdict.search.relus.options import ReluOptions
from verdict.search.relus.queue import DomainQueue
from verdict.search.relus.relu_split import ReluSplit
from verdict.search.relus.space import Domains


def domains(lower):
    count = len(lower)
    return Domains(
        np.arange(count),
        np.zeros((count, 3), np.int8),
        np.zeros((count, 3), np.float32),
        np.zeros((count, 3), np.float32),
        np.array(lower, np.float32),
        np.zeros(count, int),
        np.zeros(count, int),
        np.zeros(count),
    )


def test_the_worst_domain_comes_first_until_memory_is_short():
    queue = DomainQueue(most=12)
    queue.push(domains([-1, -3, -2]))
    assert queue.least == -3
    assert queue.pop(1).lower.tolist() == [-3]
    queue.push(domains([-5, -4, -6]))
    assert queue.pop(2).lower.tolist() == [-1, -2]
    assert len(queue) == 3


@pytest.mark.parametrize("seed", range(6))
def test_a_search_short_of_memory_still_proves(seed, tmp_path):
    rng = np.random.default_rng([seed, 37])
    network = verdict.load(random_network(rng, "dense", tmp_path))
    graph = network.graph
    x = rng.integers(-8, 9, graph.input_size) / 8
    label = int(network.evaluate(x[None])[0].argmax())
    truth = least_radius(graph, x, label, -2, 2)
    assert truth > 0
    # At the radius 4 the ball holds the whole range.
    lower, upper = LinfBall(ExactVector.of(x), Fraction(-2), Fraction(2)).floats(min(truth * 0.9, 4.0))
    unsafe = misclassification(label, graph.output_size)
    options = SearchOptions(boxes=BoxOptions(most_open=2), relus=ReluOptions(most_open=1))
    with Workers(2) as workers:
        means = Means(workers, options=options)
        boxes = InputSplit(graph, unsafe, lower, upper, means=means).run(Deadline(60))
        bounds = linear_bounds(graph, lower[None], upper[None])
        relus = ReluSplit(graph, bounds, list(unsafe.polytopes), means=means).run(Deadline(60))
    assert boxes.proved
    assert relus.proved


def test_an_error_in_a_thread_is_raised():
    def fail(item):
        raise ValueError(item)

    with Workers(2) as workers, pytest.raises(ValueError, match="1"):
        workers.map(fail, [1, 2, 3])


def test_a_search_that_found_a_counterexample_never_goes_on_to_a_proof(tmp_path):
    """The batch it was found in is lost: running on must not call the rest a proof. (Once it did.)"""
    found = 0
    for seed in range(8):
        rng = np.random.default_rng([seed, 41])
        network = verdict.load(random_network(rng, "dense", tmp_path))
        graph = network.graph
        x = rng.integers(-8, 9, graph.input_size) / 8
        label = int(network.evaluate(x[None])[0].argmax())
        unsafe = misclassification(label, graph.output_size)
        lower, upper = (x - 2)[None], (x + 2)[None]
        bounds = linear_bounds(graph, lower, upper)
        search = ReluSplit(graph, bounds, list(unsafe.polytopes), Watch(lambda points: True))
        first = search.run(Deadline(30))
        if first.proved:
            continue
        found += 1
        assert not first.resumable
        assert not search.run(Deadline(30)).proved
    assert found >= 3
