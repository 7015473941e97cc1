"""Disjuncts that contradict themselves: the reader leaves them out, the certificate proves them all the same."""

import pytest
from support.engines import write_query

import verdict
from verdict.checker import check

BOX = ("(>= X_0 0)", "(<= X_0 1)", "(>= X_1 0.9)", "(<= X_1 1)")


@pytest.mark.parametrize(
    "rows",
    [
        "(<= (+ (* 3 Y_0) Y_1) 0.1) (>= (+ (* 6 Y_0) (* 2 Y_1)) (/ 2 3))",
        "(<= Y_0 7) (<= Y_1 0) (>= Y_1 0.000000000000000001)",
        "(<= (+ X_0 Y_0) 1) (<= Y_1 5) (>= (+ X_0 Y_0) 2) (>= (+ X_0 Y_0) 1.5)",
    ],
)
@pytest.mark.parametrize("other", ["", "(<= Y_0 -1)"])
def test_a_contradiction_is_certified(tmp_path, rows, other):
    network = verdict.load("xor")
    query = write_query(tmp_path / "q.vnnlib", 2, 2, *BOX, f"(or (and {rows}) {other})")
    answer = verdict.verify(query, network, certificate=tmp_path / "q.vcert")
    assert answer.status == "robust"
    assert answer.certificate.path is not None, answer.certificate.reason
    assert check(tmp_path / "q.vcert", network.path, query).accepted


def test_rows_that_can_be_met_are_not_excluded(tmp_path):
    """Y_1 is |a - b|: the same rows with limits that meet, which is a question and no contradiction."""
    network = verdict.load("xor")
    query = write_query(tmp_path / "q.vnnlib", 2, 2, *BOX, "(<= (* 2 Y_1) 1.2)", "(>= Y_1 0.5)")
    assert verdict.verify(query, network, certificate=tmp_path / "q.vcert").status == "violated"
    assert not (tmp_path / "q.vcert").exists()
