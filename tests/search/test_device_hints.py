"""What a device says about bounds decides only where to look: the proofs are the CPU's."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from support.brute import least_radius
from support.networks import random_network

import verdict
from verdict.answer.results import Trust
from verdict.base.deadline import Deadline
from verdict.base.device import CPU, Device
from verdict.models import data
from verdict.network.exact import ExactVector
from verdict.property import LinfBall, misclassification
from verdict.search import radius as radius_module
from verdict.search.boxes.input_split import InputSplit
from verdict.search.means import Means
from verdict.search.radius import RadiusSearch


class Liar(Device):
    """A device whose every bound is far above the truth, or far below."""

    is_rigorous = False

    def fetch(self, values):
        return np.full(values.shape, 1e9 if self.name == "optimist" else -1e9)


def search_on(device):
    network = verdict.load("digits-mlp")
    family = LinfBall(ExactVector.of(data("digits").load()[0][3]), Fraction(0), Fraction(1))
    return RadiusSearch(network, family, misclassification(2, 10), Deadline(60), device=device)


RADII = [0.005, 0.02, 0.03, 0.05]


def test_an_optimist_proves_nothing():
    here, there = search_on(CPU), search_on(Liar("optimist"))
    safe = [here.safe_at(radius) for radius in RADII]
    assert any(any(row) for row in safe)
    assert not all(all(row) for row in safe)
    assert [there.safe_at(radius) for radius in RADII] == safe


def test_a_pessimist_costs_only_the_proofs():
    search = search_on(Liar("pessimist"))
    search.prove_by_bounds()
    assert search.lower == 0


@pytest.mark.parametrize("radius", RADII)
def test_hints_agree_with_proofs(radius, other):
    assert search_on(other).safe_at(radius) == search_on(CPU).safe_at(radius)


def test_radii_proved_with_hints(other, monkeypatch):
    # However long a device takes to begin.
    monkeypatch.setattr(radius_module, "FINE_SECONDS", np.inf)
    here, there = search_on(CPU), search_on(other)
    here.prove_by_bounds()
    there.prove_by_bounds()
    assert there.lower_trust is Trust.RIGOROUS
    assert float(there.lower) == pytest.approx(float(here.lower), rel=0.02)


def _boxes(seed, factor, folder, device):
    """Whether the search over input splits proves robustness at a multiple of the least radius of a random network,
    and how many boxes it visits."""
    rng = np.random.default_rng([seed, 29])
    network = verdict.load(random_network(rng, "dense", folder))
    x = rng.integers(-8, 9, network.input_size) / 8
    label = int(network.evaluate(x[None])[0].argmax())
    radius = least_radius(network.graph, x, label, -2, 2)
    low, high = LinfBall(ExactVector.of(x), Fraction(-2), Fraction(2)).floats(radius * factor)
    unsafe = misclassification(label, network.graph.output_size)
    search = InputSplit(network.graph, unsafe, low, high, means=Means(device=device))
    outcome = search.run(Deadline(20 if factor < 1 else 0.5))
    return outcome.proved, outcome.domains


SEEDS = [14, 63, 69]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_an_optimist_closes_no_box(seed, factor, tmp_path):
    proved, boxes = _boxes(seed, factor, tmp_path, CPU)
    assert proved == (factor < 1)
    assert boxes > 10
    assert _boxes(seed, factor, tmp_path, Liar("optimist"))[0] == proved


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_boxes_halved_by_hints(seed, factor, tmp_path, other):
    assert _boxes(seed, factor, tmp_path, other)[0] == (factor < 1)
