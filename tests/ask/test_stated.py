"""Scales, conditions and formulas around an input: their certificates are about a query kept beside them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

import verdict
from verdict.answer.results import Trust
from verdict.base.errors import InputError
from verdict.checker import check
from verdict.models import data
from verdict.property.vnnlib1 import parse_vnnlib1

IMAGE = data("digits").load()[0][3]
SCALES = [0 if i % 2 else "1/2" for i in range(64)]


def _box(path: Path) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
    """The inputs that the query beside a certificate is about."""
    query = Path(f"{path}.vnnlib")
    (case,) = parse_vnnlib1(query.read_text(), str(query)).cases
    return case.inputs.lower, case.inputs.upper


@pytest.mark.parametrize("asked", ["that", "given", "scales"])
def test_a_proof_is_certified(asked: str, tmp_path: Path) -> None:
    network, path = verdict.load("digits-mlp"), tmp_path / "asked.vcert"
    x, y = verdict.variables(network)
    options = {"that": y[2] - y[1] > Fraction(1, 10), "given": x[3] >= Fraction(93, 100), "scales": SCALES}
    answer = verdict.robust(
        network, IMAGE, "0.02", range=(0, 1), certificate=path, timeout=60, **{asked: options[asked]}
    )
    assert (answer.status, answer.trust) == ("robust", Trust.CERTIFIED)
    assert answer.label == (None if asked == "that" else 2)
    assert answer.certificate.query == Path(f"{path}.vnnlib")
    assert check(path, network.path, answer.certificate.query).accepted
    lower, upper = _box(path)
    center = [Fraction(float(v)) for v in IMAGE]
    if asked == "scales":
        assert all(low == high for low, high in list(zip(lower, upper, strict=True))[1::2])
        assert upper[2] == min(center[2] + Fraction(1, 100), 1)
    elif asked == "given":
        assert lower[3] == Fraction(93, 100)
    else:
        assert upper[2] == min(center[2] + Fraction(1, 50), 1)


def test_a_radius_is_certified_at_its_lower_end(tmp_path: Path) -> None:
    network, path = verdict.load("digits-mlp"), tmp_path / "radius.vcert"
    x, _ = verdict.variables(network)
    found = verdict.maxeps(network, IMAGE, range=(0, 1), given=x[3] >= Fraction(9, 10), certificate=path, timeout=60)
    assert found.status == "closed"
    assert found.lower_trust is Trust.CERTIFIED
    assert found.certificate.radius == found.lower
    assert check(path, network.path, found.certificate.query).accepted
    assert _box(path)[1][2] == min(Fraction(float(IMAGE[2])) + found.lower, 1)


def test_a_witness_has_its_radius_and_its_class(tmp_path: Path) -> None:
    answer = verdict.robust(
        "digits-mlp", IMAGE, "0.4", range=(0, 1), scales=SCALES, certificate=tmp_path / "none.vcert", timeout=60
    )
    assert answer.status == "violated"
    assert 0 < answer.witness.radius <= Fraction(2, 5)
    assert answer.target not in (None, 2)
    assert not (tmp_path / "none.vcert").exists()


def test_what_cannot_be_stated_says_so(tmp_path: Path) -> None:
    network = verdict.load("digits-mlp")
    x, y = verdict.variables(network)
    with pytest.raises(InputError, match="norm l1 or l2"):
        verdict.robust(
            network, IMAGE, "0.1", norm="l1", range=(0, 1), that=y[2] > y[1], certificate=tmp_path / "a.vcert"
        )
    # Nothing in the ball is as given, and then there is nothing to certify.
    answer = verdict.robust(
        network, IMAGE, "0.01", range=(0, 1), given=x[3] <= Fraction(1, 10), certificate=tmp_path / "b.vcert"
    )
    assert answer.status == "robust"
    assert answer.certificate.path is None
    assert "empty" in answer.certificate.reason
