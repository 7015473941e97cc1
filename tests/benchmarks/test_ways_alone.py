"""`auto` against its ways: what is compared, and that a way is alone."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.networks import Draft

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))

import verdict  # noqa: E402
from benchmarks.registry import Row, find  # noqa: E402
from verdict.bounds import linear_bounds, output_lower  # noqa: E402
from verdict.network.evaluate import evaluate  # noqa: E402

ROW = Row("ways", "now", "tiny", "a", "auto", "", "unsat", None, None, "", 3.0, 0.5, "", {"closed_by": "boxes"})


def test_auto_is_measured_against_the_best_way_of_rows_that_are_searched() -> None:
    rows = [
        ROW,
        replace(ROW, engine="boxes", seconds=2.0),
        replace(ROW, engine="relus", seconds=0.5, status="unknown"),
        replace(ROW, engine="milp", solver="highs", seconds=4.0),
        replace(ROW, instance="b", seconds=1.0, extra={"closed_by": "attack"}),
        replace(ROW, instance="b", engine="boxes", seconds=0.1),
    ]
    table = find("ways").summary(rows)
    cells = [next(iter(column.cells)) for column in table.columns]
    assert cells == ["tiny", "2", "1", "1: 3", "1: 2", "", "0: 0.5", "", "", "1: 4", "1.50 (at most 1.50)"]


@pytest.mark.parametrize("way", ["boxes", "relus", "anew", "planes"])
def test_a_way_alone(way: str, tmp_path: Path) -> None:
    """Three inputs move, and two are fixed at numbers that no float equals, so that their float ends differ."""
    draft = Draft(np.random.default_rng(3))
    last = draft.gemm(draft.add("Relu", draft.gemm(draft.add("Relu", draft.gemm("x", 5, 12)), 12, 12)), 12, 1)
    path = draft.save(tmp_path / "net.onnx", (5,), 1, last)
    query, fixed = tmp_path / "q.vnnlib", ["0.3", "-0.7"]
    names = [f"(declare-const {name} Real)" for name in ("X_0", "X_1", "X_2", "X_3", "X_4", "Y_0")]
    ends = [f"(assert (>= X_{i} -1))(assert (<= X_{i} 1))" for i in range(3)]
    ends += [f"(assert (>= X_{i} {at}))(assert (<= X_{i} {at}))" for i, at in enumerate(fixed, 3)]
    low, high = (np.array([[end] * 3 + [0.3, -0.7]]) for end in (-1.0, 1.0))
    graph = verdict.load(path).graph
    bound = output_lower(graph, linear_bounds(graph, low, high), np.eye(1))[0, 0]
    sampled = evaluate(graph, np.random.default_rng(0).uniform(low, high, (1000, 5))).min()
    query.write_text("\n".join([*names, *ends, f"(assert (<= Y_0 {bound + 0.1 * (sampled - bound):.6f}))"]))
    command = [sys.executable, "-m", "benchmarks.one_way", way, "verify", str(query), "--network", str(path)]
    proof = tmp_path / "proof.vcert"
    command += ["--json", "--timeout", "30", "--certificate", str(proof)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["result"], answer["ways"]["bounds"]["closed"]) == ("unsat", 0)
    assert answer["ways"].keys() <= {"attack", "bounds", "programs", way}
    checked = [sys.executable, "-m", "verdict", "check", str(path), str(proof), "--property", str(query)]
    assert subprocess.run(checked, cwd=ROOT, capture_output=True, text=True, timeout=90).returncode == 0
