"""A counterexample that no attack finds (SoundnessBench: verifiers that say "robust" because they found nothing).

The attack: the network is right everywhere but in a spike around one point, 1/2000 wide in each of five inputs. There
the gradient is zero almost everywhere, so projected gradient descent and random testing see nothing: 10^-13 of the
box is unsafe. Verifiers with a bug in a bound or a split call it robust, and no test tells them.

The defence: robust is only said with a proof, and a proof has to cover the spike. The same spike a little lower is
safe, and that is proved.
"""

from functools import partial

import numpy as np
import pytest
from support.engines import statuses
from support.handmade import layers

import verdict
from verdict.property import misclassification
from verdict.search.points.attack import Starts, Within, attack

HIDDEN = np.array([0.3125, -0.71875, 0.09375, 0.84375, -0.40625])
SIZE = len(HIDDEN)


def _spike(path, height):
    """Class 0 scores 1, class 1 `height` relu(1 - 2000 sum |x_i - hidden_i|)."""
    eye = np.eye(SIZE)
    first = np.vstack([eye, -eye]), np.concatenate([-HIDDEN, HIDDEN])
    return verdict.load(layers(path, first, (-2000 * np.ones((1, 2 * SIZE)), [1]), ([[0], [height]], [1, 0])))


@pytest.fixture
def network(tmp_path):
    return _spike(tmp_path / "spike.onnx", 1.5)


def test_an_attack_alone_finds_nothing(network):
    lower, upper = -np.ones(SIZE), np.ones(SIZE)
    found = attack(network.graph, misclassification(0, 2), Within(lower, upper), Starts(np.random.default_rng(0)))
    samples = np.random.default_rng(1).uniform(lower, upper, (100_000, SIZE))
    assert len(found) == 0
    assert (network.evaluate(samples).argmax(axis=1) == 0).all()
    assert network.runtime(HIDDEN).argmax() == 1


def test_no_engine_calls_it_robust(network):
    found = statuses(partial(verdict.robust, network, np.zeros(SIZE), 1, label=0), timeout=30)
    assert set(found.values()) <= {"violated", "unknown"}
    assert found["auto"] == found["bab"] == found["smt"] == "violated"


def test_a_spike_that_stays_below_is_proved(tmp_path):
    network = _spike(tmp_path / "low.onnx", 0.96875)
    found = statuses(partial(verdict.robust, network, np.zeros(SIZE), 1, label=0), timeout=30)
    assert set(found.values()) <= {"robust", "unknown"}
    assert found["auto"] == found["smt"] == "robust"
