"""The dual function of a margin: below every value that is reached, concave, and tight where the network is convex."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.smooth import smooth_network

import verdict
from verdict.cli.main import main
from verdict.property import Box, misclassification
from verdict.search.neurons.duality import dualities

BOX = Box([Fraction(-1, 2), Fraction(-1, 4)], [Fraction(1, 2), Fraction(3, 4)])


def test_y_equals_x_squared() -> None:
    """Score x^2 against 0.3 on [-0.5, 2.5], which holds its vertex: -0.3 is reached, and is the dual's best."""
    network = verdict.load("square")
    least, most = dualities(network.graph, Box([Fraction(-1, 2)], [Fraction(5, 2)]), misclassification(0, 2))
    assert least.seen == pytest.approx(-0.3, abs=1e-6)
    assert most.seen == pytest.approx(-(2.5**2) + 0.3, abs=1e-6)
    for each in (least, most):
        assert (each.values <= each.seen + 1e-9).all()
        assert 0 <= each.gap < 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_weak_duality_and_concavity(seed: int, tmp_path: Path) -> None:
    network = verdict.load(smooth_network(tmp_path, seed))
    for each in dualities(network.graph, BOX, misclassification(0, 2)):
        assert (each.values <= each.seen).all()
        bent = each.values[2:] - 2 * each.values[1:-1] + each.values[:-2]
        assert (bent <= 1e-7 * (1 + np.abs(each.values[1:-1]))).all()
        assert each.best == each.values.max()


def test_the_command_says_it_and_draws_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bounds", "square", "--input", "square#0", "--eps", "1.5", "--dual"]
    assert main([*words, "--plot", str(tmp_path / "d.png")]) == 0
    said = capsys.readouterr().out
    assert said.count("strong duality") == 2
    assert (tmp_path / "d.png").stat().st_size > 1000
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["dual"]
    assert [each["name"][:5] for each in found] == ["the m", "minus"]
    assert found[0]["best"] == pytest.approx(-0.3, abs=1e-6)
    assert main([*words, "--norm", "l2"]) == 2
    assert "--dual is about boxes" in capsys.readouterr().err
