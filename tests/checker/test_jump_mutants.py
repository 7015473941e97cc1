"""Damaged certificates of a network that jumps: none proves a claim that fails at a jump itself, or beyond it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from support import tiny
from support.mutants import KINDS, array, members, packed

import verdict
from verdict.ask.answering import ask
from verdict.ask.options import Options
from verdict.ask.question import Question
from verdict.checker import UnreadableError, check
from verdict.search.options import SearchOptions

node = helper.make_node
MUTANTS = 5_000 if os.environ.get("VERDICT_LONG") else 240


def model(path: Path) -> Path:
    """Class 0 leads by 17/16 - [x + y >= 0] - [-x - y - 1/2 >= 0] - 2 [x - 1 >= 0]: by 1/16 at least, until x is 1."""
    weights = {"W": [[1.0, -1.0, 1.0], [1.0, -1.0, 0.0]], "b": [0.0, -0.5, -1.0], "c": [1.0625, 0.0], "zero": 0.0}
    weights["V"] = [[-1.0, 0.0], [-1.0, 0.0], [-2.0, 0.0]]
    nodes = [node("MatMul", ["x", "W"], ["m"]), node("Add", ["m", "b"], ["z"])]
    nodes += [node("GreaterOrEqual", ["z", "zero"], ["t"]), node("Cast", ["t"], ["s"], to=TensorProto.FLOAT)]
    nodes += [node("MatMul", ["s", "V"], ["v"]), node("Add", ["v", "c"], ["y"])]
    arrays = {name: np.array(w, np.float32) for name, w in weights.items()}
    return tiny.write(path, nodes, {"x": [1, 2]}, {"y": [1, 2]}, arrays)


@pytest.mark.parametrize("wrong", ["1", "101/100"])
def test_no_mutant_proves_what_fails_at_the_jump(wrong: str, tmp_path: Path) -> None:
    path, network = tmp_path / "c.vcert", verdict.load(model(tmp_path / "m.onnx"))
    question = Question.of("robust", [network], np.zeros(2, np.float32), eps="99/100")
    options = Options(engine="bab", timeout=60, certificate=path)
    answer = ask(question, options, search=SearchOptions(few_inputs=-1, only="relus"))
    assert answer.certificate is not None
    assert answer.certificate.accepted, answer.certificate.reason
    parts = members(path.read_bytes())
    # Neurons are split.
    assert (array(parts["tree.npy"])["kind"] == 2).any()
    manifest = json.loads(parts["manifest.json"])
    assert manifest["claim"]["eps"] == "99/100"
    manifest["claim"]["eps"] = wrong
    false = {**parts, "manifest.json": json.dumps(manifest).encode()}
    rng, target, kinds, rejected = np.random.default_rng(3), tmp_path / "mutant.vcert", list(KINDS.values()), 0
    target.write_bytes(packed(false))
    assert not check(target, network.path).accepted
    for number in range(MUTANTS):
        target.write_bytes(kinds[number % len(kinds)](dict(false), rng))
        try:
            report = check(target, network.path)
        except UnreadableError:
            continue
        rejected += not report.accepted
        if report.accepted:
            # A bit of the claim itself may make it true again.
            claim = json.loads(members(target.read_bytes())["manifest.json"])["claim"]
            assert verdict.robust(network, [0, 0], claim["eps"], engine="smt").status == "robust", claim
    assert rejected > MUTANTS // 4

