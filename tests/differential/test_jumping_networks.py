"""Networks that jump: every engine on random small ones, against all that they can give, found by looking everywhere.

Inputs at jumps count, and ties are unsafe. `VERDICT_LONG=2000 pytest tests/differential/test_jumping_networks.py` asks
2,000 questions.
"""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.forced import verify
from support.jumping import Jumping, faces
from support.tally import Tally

import verdict
from verdict.search.options import SearchOptions

COUNT = int(os.environ.get("VERDICT_LONG", "12"))
SECONDS = 4.0 if "VERDICT_LONG" in os.environ else 1.0
BLOCK = 6
WAYS = {
    "input": ("bab", {"few_inputs": 1000}), "auto": ("auto", {}), "neurons": ("bab", {"few_inputs": -1}),
    "smt": ("smt", {}), "milp": ("milp", {}),
}


def query(path: Path, low: list[float], high: list[float], row: list[int], limit: Fraction) -> Path:
    lines = [f"(declare-const X_{i} Real)" for i in range(2)] + [f"(declare-const Y_{i} Real)" for i in range(2)]
    for i in range(2):
        lines += [f"(assert (>= X_{i} {low[i]}))", f"(assert (<= X_{i} {high[i]}))"]
    left = f"(+ (* {row[0]}.0 Y_0) (* {row[1]}.0 Y_1))".replace("* -", "* -")
    lines.append(f"(assert (<= {left} {float(limit)}))")
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("first", range(0, COUNT, BLOCK))
def test_no_engine_is_wrong(first, tmp_path, record_property):
    tally = Tally()
    for serial in range(first, min(first + BLOCK, COUNT)):
        rng = np.random.default_rng([serial, 77])
        network = Jumping.random(rng)
        low = (rng.integers(-6, 5, 2) / 2).tolist()
        high = [v + float(w) for v, w in zip(low, rng.integers(0, 7, 2) / 2, strict=True)]
        row = [int(v) for v in rng.choice([-2, -1, 1, 2], 2)]
        points = faces(network, [Fraction(v) for v in low], [Fraction(v) for v in high])
        values = [sum(Fraction(w) * y for w, y in zip(row, network.value(p), strict=True)) for p in points]
        least = min(values)
        # Exactly there, which is a tie and unsafe, or beyond, or a little less.
        limit = least + Fraction(rng.choice([0, -1, 1, -1, 2]), rng.choice([1, 2, 8]))
        truth = "violated" if least <= limit else "robust"
        folder = tmp_path / str(serial)
        folder.mkdir()
        loaded = verdict.load(network.write(folder / "j.onnx"))
        asked = query(folder / "q.vnnlib", low, high, row, limit)
        for way, (engine, numbers) in WAYS.items():
            certificate = folder / f"{way}.vcert"
            search = SearchOptions(**numbers)
            answer = verify(asked, loaded, search, engine=engine, timeout=SECONDS, certificate=certificate)
            tally.counts[f"{way} {answer.status}"] += 1
            assert answer.status in (truth, "unknown"), (serial, way, answer.status)
            if answer.status == "unknown":
                tally.unknown.append(f"{serial} {way}: {answer.reason}")
            if answer.witness is not None:
                there = network.value(answer.witness.point.fractions())
                assert sum(Fraction(w) * y for w, y in zip(row, there, strict=True)) <= limit
            if answer.certificate is not None and answer.certificate.path is not None:
                assert verdict.check(certificate, loaded.path, asked).accepted
                tally.counts[f"{way} certified"] += 1
            elif answer.status == "robust":
                tally.unknown.append(f"{serial} {way}: no certificate: {getattr(answer.certificate, 'reason', '')}")
    print(dict(sorted(tally.counts.items())), *tally.unknown, sep="\n")
    record_property("tally", str(tally.counts))
