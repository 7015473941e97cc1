"""Searches without a valid range: beyond the first reach, up to every distance, and what stops them otherwise."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.forced import maxeps
from support.line import saved

import verdict
from verdict.answer.results import Trust
from verdict.network.exact import ExactVector
from verdict.property import ScaledBall
from verdict.search import reach
from verdict.search.options import SearchOptions


def valley(path: Path, depth: float, inputs: int = 1):
    """y0 = |x_0| + ... and y1 = depth: a tie where the distances add up to `depth`."""
    eye = np.eye(inputs)
    return saved(
        [
            (np.vstack([eye, -eye]), np.zeros(2 * inputs)),
            (np.vstack([np.ones(2 * inputs), np.zeros(2 * inputs)]), np.array([0, depth])),
        ],
        path / "valley.onnx",
    )


def plain(path: Path):
    """y0 = 1 + relu(x) and y1 = 0: class 0 everywhere."""
    return saved([(np.array([[1.0]]), np.zeros(1)), (np.array([[1.0], [0.0]]), np.array([1.0, 0.0]))], path / "p.onnx")


@pytest.mark.parametrize("engine", ["auto", "bab", "milp", "smt"])
def test_a_radius_beyond_the_first_reach(engine: str, tmp_path: Path) -> None:
    answer = verdict.maxeps(valley(tmp_path, 20.0), [0.0], engine=engine, timeout=60)
    assert answer.status in ("exact", "closed")
    assert answer.lower <= 20 == answer.upper


@pytest.mark.parametrize(("norm", "radius"), [("linf", 2**19), ("l1", 2**20), ("l2", 2**19.5)])
def test_a_radius_far_beyond_it_in_every_norm(norm: str, radius: float, tmp_path: Path) -> None:
    answer = verdict.maxeps(valley(tmp_path, 2.0**20, inputs=2), [0.0, 0.0], norm=norm, timeout=60)
    assert answer.upper is not None
    assert float(answer.lower) <= radius * (1 + 1e-12)
    assert float(answer.upper) >= radius * (1 - 1e-12)
    assert answer.status in ("exact", "closed") or answer.reason


def test_scales_change_the_unit_of_a_far_radius(tmp_path: Path) -> None:
    answer = verdict.maxeps(valley(tmp_path, 100.0, inputs=2), [0.0, 0.0], scales=["1/4", 0], timeout=60)
    assert answer.lower <= 400 == answer.upper
    assert answer.status in ("exact", "closed")


@pytest.mark.parametrize("engine", ["auto", "milp"])
def test_a_class_that_never_changes_is_safe_at_every_radius(engine: str, tmp_path: Path) -> None:
    answer = verdict.maxeps(plain(tmp_path), [0.0], engine=engine, certificate=tmp_path / "c.vcert", timeout=60)
    assert answer.status == "safe"
    assert answer.is_unlimited
    assert answer.upper is None
    # The certificate is about one radius, and no more is called certified.
    assert answer.lower_trust is Trust.Z3
    assert answer.certificate is not None
    assert answer.certificate.radius == answer.lower


NO_Z3 = SearchOptions(most_coefficients=0)


def test_where_z3_does_not_know_the_end_of_the_search_is_said(tmp_path: Path) -> None:
    network = saved([(np.zeros((1, 1)), np.zeros(1)), (np.zeros((2, 1)), np.array([1.0, 0.0]))], tmp_path / "c.onnx")
    answer = maxeps(network, [0.0], NO_Z3, engine="bab", timeout=120)
    assert answer.status == "interval"
    assert not answer.is_unlimited
    assert "the largest float32" in answer.reason
    assert answer.lower == reach.FARTHEST
    # Numbers so large that a float's rounding is more than the margin: no proof, and the radius of that is named.
    answer = maxeps(plain(tmp_path), [0.0], NO_Z3, engine="bab", timeout=120)
    assert answer.status == "interval"
    assert answer.lower > 2**20
    assert "was not proved" in answer.reason


def test_without_z3_a_far_radius_is_reached_by_growing(tmp_path: Path) -> None:
    answer = maxeps(valley(tmp_path, 1e6), [0.0], NO_Z3, engine="bab", timeout=120)
    assert answer.lower <= 10**6 <= answer.upper
    assert answer.status == "closed"


def test_a_range_with_one_end(tmp_path: Path) -> None:
    network = valley(tmp_path, 50.0)
    family = ScaledBall(ExactVector.of([0]), [Fraction(1)], [Fraction(-1)], [None])
    _, y = verdict.variables(network)
    answer = verdict.maxradius(network, family, y[1] > y[0], timeout=60)
    assert answer.lower <= 50 == answer.upper
    assert answer.closest is not None
    assert answer.closest.point.fractions() == [50]


def test_several_layers_of_weights_of_any_size(tmp_path: Path) -> None:
    """y = (w2 relu(w1), b): both weights change, by about as much as the bias is far."""
    for size in (2.0**-40, 1.0, 2.0**30):
        network = saved(
            [(np.array([[size]]), np.zeros(1)), (np.array([[size], [0.0]]), np.array([0.0, 2 * size * size]))],
            tmp_path / "w.onnx",
        )
        answer = verdict.maxweights(network, [1.0], timeout=60)
        # (w1 + r)(w2 + r) + ... = 2 size^2 - r: between a tenth and all of the size, or of its square.
        assert answer.upper is not None
        assert answer.closest is not None
        assert 0 < answer.lower <= answer.upper < 2 * max(size, size * size)
        assert answer.status != "interval" or answer.reason


@pytest.mark.parametrize("engine", ["auto", "smt"])
@pytest.mark.parametrize("within", ["0.01", "1/64"])
def test_an_end_at_0_is_found_whether_the_ends_of_the_set_are_floats_or_not(engine: str, within: str) -> None:
    # Every positive eps moves the outputs by more than 0; eps = 0 moves them by 0, and a tie is unsafe.
    x = np.array([0.1, 0.9], np.float32)
    found = verdict.maxgeneral("xor", verdict.region("xor", x, within), theta=0, engine=engine)
    assert (found.status, found.exact) == ("exact", 0)
