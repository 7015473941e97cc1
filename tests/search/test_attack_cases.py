"""An attack on many cases at once finds what is unsafe, in the case's own box, and spares deciding the others."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.networks import random_network
from support.seeds import seeds

import verdict
from verdict.base.deadline import Deadline
from verdict.network.evaluate import evaluate
from verdict.network.exact import Coefficients
from verdict.property import Box, Polytope, UnsafeSet, misclassification
from verdict.property.cases import Case
from verdict.search import decide
from verdict.search.points.attack_cases import attack_cases


def _around(center: list[int], eps: str) -> Box:
    return Box([c - Fraction(eps) for c in center], [c + Fraction(eps) for c in center])


def _found(cases: list[Case], clock: Deadline) -> dict[int, Any]:
    return dict(attack_cases(verdict.load("xor").graph, cases, clock))


def test_violated_cases_of_xor() -> None:
    """At (0, 1), class 1, the radius is 1/4; at (0, 0), class 0, too."""
    cases = [Case(_around([0, i % 2], "0.3" if i in (5, 6) else "0.2"), misclassification(i % 2, 2)) for i in range(12)]
    found = _found(cases, Deadline(60))
    # It ends with the first of those that are looked at together, so one of the two may be left.
    assert found
    assert set(found) <= {5, 6}
    for number, point in found.items():
        low, high = cases[number].inputs.floats()
        assert (low <= point).all()
        assert (point <= high).all()
        assert cases[number].unsafe.slack(evaluate(verdict.load("xor").graph, point[None]))[0] <= 0
    assert not _found(cases[:5], Deadline(60))


def test_cases_with_other_numbers_of_rows_side_by_side() -> None:
    """What nothing satisfies, what one row asks, and what all outputs satisfy."""
    never = Polytope(Coefficients([[1.0, 0.0], [-1.0, 0.0]]), Coefficients([-1.0, -1.0]))
    always = Polytope(Coefficients([[0.0, 0.0]]), Coefficients([0.0]))
    box, unsafe = _around([0, 1], "0.2"), misclassification(1, 2)
    cases = [Case(box, UnsafeSet((never,), 2)), Case(box, unsafe), Case(box, UnsafeSet((always, never), 2))]
    assert set(_found(cases, Deadline(60))) == {2}


def _lively(rng: np.random.Generator, folder: Path) -> Any:
    """A network whose first output changes with its inputs nearly everywhere."""
    while True:
        network = verdict.load(random_network(rng, "dense", folder))
        low = rng.integers(-16, 12, (40, network.input_size)) / 16
        here, there = (evaluate(network.graph, low + shift)[:, 0] for shift in (0, 0.25))
        if np.median(np.abs(there - here)) > 0.05:
            return network


def _query(path: Path, network: Any, rng: np.random.Generator, limit: float) -> Path:
    names = [f"X_{i}" for i in range(network.input_size)] + [f"Y_{i}" for i in range(network.output_size)]
    cases = []
    for _ in range(30):
        low = rng.integers(-16, 12, network.input_size) / 16
        ends = " ".join(f"(>= X_{i} {a}) (<= X_{i} {a + 0.25})" for i, a in enumerate(low))
        at = float(evaluate(network.graph, (low + 0.125)[None])[0, 0])
        # The middle itself is no witness.
        cases.append(f"(and {ends} (>= Y_0 {at + limit:.6f}))")
    path.write_text("\n".join(f"(declare-const {n} Real)" for n in names) + f"\n(assert (or {' '.join(cases)}))\n")
    return path


@pytest.mark.parametrize("seed", seeds(4, 40))
def test_no_case_is_decided_where_one_has_a_witness(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng([seed, 107])
    network = _lively(rng, tmp_path)
    path = _query(tmp_path / "q.vnnlib", network, rng, 0.01)
    monkeypatch.setattr(decide, "decide", lambda *given: pytest.fail("a case was decided by itself"))
    answer = verdict.verify(path, network, timeout=60)
    assert answer.status == "violated"
    assert answer.trust == "replayed"
    assert answer.ways["attack"].found


def test_it_keeps_to_its_clock() -> None:
    cases = [Case(_around([0, 1], "0.2"), misclassification(1, 2))] * 40
    assert not _found(cases, Deadline(0))
