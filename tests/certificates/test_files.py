"""Committed certificates of earlier versions: accepted, or refused for the reason that the README gives."""

from __future__ import annotations

from pathlib import Path

import pytest

import verdict
from verdict.checker import UnreadableError, check

HERE = Path(__file__).parent
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (HERE / "README.md").read_text().splitlines()
    if line.startswith(("| accepted", "| rejected"))
]


@pytest.mark.parametrize(("name", "network", "query", "answer", "what"), ROWS, ids=[row[0] for row in ROWS])
@pytest.mark.parametrize("tier", ["exact", "rigorous", "python"])
def test_the_answer_is_still_the_same(name, network, query, answer, what, tier):
    model, asked = verdict.load(network).path, HERE / f"{query}.vnnlib" if query else None
    try:
        report = check(HERE / f"{name}.vcert", model, asked, tier=tier)
    except UnreadableError as error:
        accepted, said = False, str(error)
    else:
        accepted, said = report.accepted, report.semantics if report.accepted else report.reason
    assert accepted == name.startswith("accepted/"), said
    assert said.endswith(answer) if accepted else answer in said


def test_every_file_has_a_row():
    assert sorted(row[0] for row in ROWS) == sorted(str(f.relative_to(HERE))[:-6] for f in HERE.glob("*/*.vcert"))
