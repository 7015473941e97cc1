"""The ecosystem's suite for VNN-LIB 2, VNN-LIB SATisfactory: each case is answered as expected or refused.

The suite calls it suspect when a tool claims an operator and then has no answer to a question about it; none is. The
end of docs/vnnlib.md has what is refused: `VERDICT_WRITE=1 pytest tests/property/test_satisfactory.py` writes it anew.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import onnx
import pytest

import verdict
from verdict.base.errors import VerdictError
from verdict.cli.supports import CAPABILITIES

registry = pytest.importorskip("vnntest.core.registry", reason="vnnlib-satisfactory needs Python 3.11")

PAGE = Path(__file__).parents[2] / "docs" / "vnnlib.md"
TITLE = "## The suite VNN-LIB SATisfactory\n"
ANSWERS = {"robust": "unsat", "violated": "sat"}
# The theory that the suite asks for before a case of that kind is run.
THEORIES = {
    "network_single": "SNET", "network_multiple": "MNET", "network_equal": "MENET", "network_isomorphic": "MINET",
}  # fmt: skip
NETWORK = re.compile(r"\(declare-network\s+(\w+)(?:\s*\((equal-to|isomorphic-to)\s+\w+\))?")


def asked(case: Any, folder: Path) -> tuple[str, str]:
    """(answer, reason): what is said about one case of the suite; the answer of a refusal is empty."""
    model, query = folder / f"{case.id}.onnx", folder / f"{case.id}.vnnlib"
    onnx.save(case.build_onnx_model(), model)
    text = case.build_vnnlib_spec()
    query.write_text(text if isinstance(text, str) else "\n".join(text))
    names = [name for name, relation in NETWORK.findall(query.read_text()) if relation != "equal-to"]
    try:
        answer = verdict.verify(query, dict.fromkeys(names, model), timeout=60)
    except VerdictError as error:
        return "", reason(str(error))
    return ANSWERS.get(answer.status, "unknown"), answer.reason


def reason(error: str) -> str:
    """An error without the names of files and nodes, its first node's where it lists some."""
    first, *others = error.splitlines()
    said = others[0] if others and first.endswith(":") else first
    said = re.sub(r"\S*/\w+\.(onnx|vnnlib)[,:]?", "", said)
    said = re.sub(r"line \d+: ", "", said)
    return re.sub(r"^\s*\S+ \((\w+)\): ", r"\1: ", said).strip().replace("|", "/")


def claimed(case: Any, model: Path) -> bool:
    """Whether `verdict supports` claims what the case is named after, an operator or theory, as the suite reads it."""
    if case.node_type in THEORIES:
        return THEORIES[case.node_type] in CAPABILITIES["multiple-network-theories"]()
    operators = {node.op_type for node in onnx.load(model).graph.node if node.op_type.lower() == case.node_type}
    # A claim with a note behind it, as in "Div * by constants", is no claim of all.
    return operators <= set(CAPABILITIES["onnx-operators"]())


def test_every_case_is_answered_or_refused(tmp_path: Path) -> None:
    wrong, suspect = [], []
    passed, refused = Counter[str](), Counter[tuple[str, str]]()
    cases = list(registry.get_cases(suite="full"))
    for case in cases:
        answer, said = asked(case, tmp_path)
        if answer == case.expected_output().lower():
            passed[case.node_type] += 1
        elif answer in ANSWERS.values():
            wrong.append(f"{case.id}: {answer}, expected {case.expected_output()}")
        elif answer:
            suspect.append(f"{case.id}: unknown, {said}")
        else:
            refused[case.node_type, said] += 1
            if claimed(case, tmp_path / f"{case.id}.onnx"):
                suspect.append(f"{case.id}: {said}")
    text = f"{TITLE}\nOf its {len(cases)} queries (version 1.0.1 of the package `vnnlib-satisfactory`) Verdict\n"
    text += f"answers {passed.total()}, all as expected, and refuses {refused.total()}. A test asks all of them and "
    text += "writes this table.\nTo the suite itself what `verdict supports` claims with a note is not claimed.\n\n"
    text += "| about | refused | because |\n|---|---|---|\n"
    text += "".join(f"| {about} | {count} | {said} |\n" for (about, said), count in sorted(refused.items()))
    head, _, _ = PAGE.read_text(encoding="utf-8").partition(TITLE)
    if os.environ.get("VERDICT_WRITE"):
        PAGE.write_text(head + text, encoding="utf-8")
    assert not wrong
    assert not suspect, "\n".join(suspect)
    assert PAGE.read_text(encoding="utf-8") == head + text
