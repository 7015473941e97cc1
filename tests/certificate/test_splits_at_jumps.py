"""Neurons split at a jump: each half has its own value there, the jump itself belongs to one of them, in every tier."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from support import tiny

from verdict.certificate.proof import Goal, Part, ProofTree
from verdict.certificate.write import robust_claim, write_certificate
from verdict.checker import check

TIERS = ("exact", "rigorous", "python")
node = helper.make_node


def model(path: Path, margin: float, shift: float, jumps: tuple[str, str]) -> Path:
    """Class 0 leads by 1 + margin - [x >= 0] - [-x - shift >= 0], or as the comparisons say."""
    weights = {"W": [[1.0, -1.0]], "b": [0.0, -shift], "zero": 0.0, "c": [1 + margin, 0.0]}
    weights["V"] = [[-1.0, 0.0], [-1.0, 0.0]]
    nodes = [node("MatMul", ["x", "W"], ["m"]), node("Add", ["m", "b"], ["z"])]
    nodes.append(node("Split", ["z"], ["u", "v"], axis=1))
    for k, (name, jump) in enumerate(zip("uv", jumps, strict=True)):
        nodes += [node(jump, [name, "zero"], [f"t{k}"]), node("Cast", [f"t{k}"], [f"s{k}"], to=TensorProto.FLOAT)]
    nodes += [node("Concat", ["s0", "s1"], ["s"], axis=1), node("MatMul", ["s", "V"], ["n"])]
    nodes += [node("Add", ["n", "c"], ["y"])]
    arrays = {name: np.array(w, np.float32) for name, w in weights.items()}
    return tiny.write(path, nodes, {"x": [1, 1]}, {"y": [1, 2]}, arrays)


def proof(folder: Path, network: Path, splits: list[tuple[int, float]]) -> Path:
    """All halves of these splits are closed, with betas of 4."""
    tree = ProofTree([0, 1])
    leaves = [0]
    for neuron, at in splits:
        halves = [np.concatenate(tree.split_neurons(leaf, neuron, at)) for leaf in leaves]
        leaves = np.concatenate(halves).tolist()
    tree.close(leaves, betas=np.full((len(leaves), len(splits)), 4.0))
    claim = robust_claim([Fraction(0)], Fraction(1), 0)
    return write_certificate(folder / "c.vcert", claim, network.read_bytes(), [Part(False, [Goal([0], tree)])])


BOTH = [(0, 0.0), (1, 0.0)]
JUMPS = list(product(["GreaterOrEqual", "Greater"], repeat=2))


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("jumps", JUMPS)
def test_a_split_at_a_jump_leaves_nothing_of_it(tmp_path: Path, tier: str, jumps: tuple[str, str]) -> None:
    """Between -1/2 and 0 the lead is 1 + margin, else margin: lines lose more than that."""
    network = model(tmp_path / "m.onnx", 0.0625, 0.5, jumps)
    report = check(proof(tmp_path, network, BOTH), network, tier=tier)
    assert report.accepted, report.reason
    assert not report.any_order
    assert "does not exclude" in check(proof(tmp_path, network, []), network, tier=tier).reason
    # Beyond the jump both values are left on one side, where x <= -1/2 may be.
    for at in (2.0**-149, 0.25) if jumps[0] == "GreaterOrEqual" else ():
        assert "does not exclude" in check(proof(tmp_path, network, [(0, at), (1, 0.0)]), network, tier=tier).reason


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("jumps", JUMPS)
@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_a_tie_or_less_is_never_proved(tmp_path: Path, tier: str, shift: float, jumps: tuple[str, str]) -> None:
    for margin in (0.0, -0.0625):
        network = model(tmp_path / "m.onnx", margin, shift, jumps)
        for splits in ([], [(0, 0.0)], [(1, 0.0)], BOTH, BOTH[::-1]):
            assert not check(proof(tmp_path, network, splits), network, tier=tier).accepted


@pytest.mark.parametrize("tier", TIERS)
def test_the_jump_itself_counts(tmp_path: Path, tier: str) -> None:
    """[x >= 0] + [-x >= 0] is 2 at 0 and 1 elsewhere: what holds everywhere but at 0 is not proved."""
    network = model(tmp_path / "m.onnx", 0.0625, 0.0, ("GreaterOrEqual", "GreaterOrEqual"))
    for splits in ([], [(0, 0.0)], [(1, 0.0)], BOTH, BOTH[::-1]):
        assert not check(proof(tmp_path, network, splits), network, tier=tier).accepted
