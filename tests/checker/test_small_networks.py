"""The small network of the neurons that bend on a box: exact values of the large one lie within its errors and bounds,
and proofs whose leaves are looked at there hold as they do otherwise, or not at all."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.certified import Certified, random_proof
from support.networks import WALKED, random_network
from support.seeds import seeds

from verdict.certificate.proof import Goal, ProofTree
from verdict.checker import TIERS, check
from verdict.checker.arithmetic.floats import Floats
from verdict.checker.arithmetic.integers import Integers
from verdict.checker.arithmetic.rationals import Rationals
from verdict.checker.errors import OutOfRangeError
from verdict.checker.kernel.bounds import bounded
from verdict.checker.kernel.region import Pieces
from verdict.checker.network import Affine, Network, Pointwise
from verdict.checker.readers.onnx import read_network
from verdict.checker.small.reduction import Reduction

SCALES = [(), (1.0,), (1e3, 1e6), (1e-6, 1e-3), (1e-4, 1.0, 1e4)]


@pytest.mark.parametrize("kind", WALKED)
@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10**6), st.sampled_from(SCALES), st.sampled_from([1e-2, 1.0, 100.0]), st.booleans(), st.booleans()
)
@example(0, (), 1.0, True, True)
def test_exact_values_lie_within_errors_and_bounds(
    kind: str, seed: int, scales: tuple[float, ...], radius: float, any_order: bool, force: bool
) -> None:
    rng = np.random.default_rng([seed, WALKED.index(kind)])
    with tempfile.TemporaryDirectory() as folder:
        network = read_network(random_network(rng, kind, Path(folder), scales).read_bytes())
    neurons, center = int(network.starts[-1]), rng.uniform(-1, 1, network.input_size)
    forced = rng.random(neurons) < 0.2 if force else np.zeros(neurons, bool)
    reduction = Reduction(network, forced, any_order)
    pieces = Pieces((center - radius)[None], (center + radius)[None], reduction=reduction)
    try:
        region = bounded(network, Floats(network, np.float64, any_order), pieces)
    except OutOfRangeError:
        return
    assert reduction.whole
    small, _ = reduction.finished()
    assert np.isin(np.flatnonzero(forced), reduction.columns).all()
    for _ in range(3):
        x = [Fraction(v) for v in np.clip(rng.uniform(center - radius, center + radius), *pieces_of(pieces)).tolist()]
        values = network.evaluate(x)
        for node, value in enumerate(values):
            if node in region.low:
                ends = zip(region.low[node][0].tolist(), value, region.high[node][0].tolist(), strict=True)
                assert all(low <= v <= high for low, v, high in ends)
        assert says_the_same(network, small, reduction.columns, values)


def pieces_of(pieces: Pieces) -> tuple[np.ndarray, np.ndarray]:
    return pieces.low[0], pieces.high[0]


def says_the_same(network: Network, small: Network, columns: np.ndarray, values: list[list[Fraction]]) -> bool:
    """Whether each affine node of the small network, of the true values of what it reads, is the large one's neurons
    or outputs within its errors."""
    neurons = [v for i in network.pointwise for v in values[network.nodes[i].source]]
    wanted, known = [neurons[i] for i in columns], {0: values[0]}
    for number, node in enumerate(small.nodes):
        if isinstance(node, Pointwise):
            known[number] = [max(v, Fraction(0)) for v in known[node.source]]
        elif isinstance(node, Affine):
            sums = [Fraction(b) for b in node.bias]
            for linear, source in node.terms:
                for j, row in enumerate(linear.weight[0].tolist()):
                    for k, weight in enumerate(row):
                        sums[k] += Fraction(weight) * known[source][j]
            truth = values[network.output] if number == small.output else wanted[: node.size]
            wanted = wanted if number == small.output else wanted[node.size :]
            if any(abs(a - b) > Fraction(e) for a, b, e in zip(sums, truth, node.error.tolist(), strict=True)):
                return False
            known[number] = list(truth)
    return not wanted


def test_errors_are_more_than_nothing_and_all_arithmetics_but_floats_refuse_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    network = read_network(random_network(rng, "dense", tmp_path, (1.0, 1e-4, 1e4)).read_bytes())
    low = np.full((1, network.input_size), -1.0)
    reduction = Reduction(network, np.zeros(int(network.starts[-1]), bool))
    bounded(network, Floats(network, np.float64), Pieces(low, -low, reduction=reduction))
    small, root = reduction.finished()
    assert (small.nodes[-1].error > 0).all()
    # Without them the same rows would be something else.
    bare = replace(small.nodes[-1], error=np.zeros(small.nodes[-1].size))
    other = Network(network.input_size, (*small.nodes[:-1], bare), small.output)
    values = network.evaluate([Fraction(1, 3)] * network.input_size)
    assert says_the_same(network, small, reduction.columns, values)
    assert not says_the_same(network, other, reduction.columns, values)
    rows = np.eye(small.nodes[-1].size)[None]
    for arithmetic in (Integers(small, 1), Rationals(small)):
        with pytest.raises(OutOfRangeError):
            arithmetic.lower(root, small.output, rows, reduction.lines)


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> tuple[Certified, Fraction]:
    """A proof by input splits whose leaves bound again what the part's box leaves unstable, and the exact radius."""
    found, radius = random_proof(tmp_path_factory.mktemp("again"), "boxes", 0, 1)
    parts = [replace(part, at_leaves=False, again=True) for part in found.parts]
    return replace(found, parts=parts), radius


@pytest.mark.parametrize("tier", TIERS)
def test_leaves_that_bound_again_are_accepted(proof: tuple[Certified, Fraction], tmp_path: Path, tier: str) -> None:
    found, _ = proof
    report = check(found.write(tmp_path / "good.vcert"), found.model, tier=tier)
    assert report.accepted
    # What floats have found is not called exact, and float32's rounding was not charged.
    assert (report.tier, report.any_order) == ("python" if tier == "python" else "rigorous", False)


@pytest.mark.parametrize("tier", TIERS)
def test_a_leaf_that_is_too_large_is_found(proof: tuple[Certified, Fraction], tmp_path: Path, tier: str) -> None:
    found, _ = proof
    disjuncts = found.parts[0].goals[0].disjuncts
    part = replace(found.parts[0], goals=[Goal(disjuncts, ProofTree())])
    report = check(replace(found, parts=[part]).write(tmp_path / "whole.vcert"), found.model, tier=tier)
    assert not report.accepted
    assert report.open == ((0, 0, 0),)


@pytest.mark.parametrize("seed", seeds(3, 100))
def test_what_is_false_is_never_accepted(proof: tuple[Certified, Fraction], tmp_path: Path, seed: int) -> None:
    found, radius = proof
    rng, tree = np.random.default_rng(seed), ProofTree()
    center = np.array([float(Fraction(v)) for v in found.claim["input"]])
    wide = radius * Fraction(21, 20)
    open_leaves = [(0, center - float(wide), center + float(wide))]
    for _ in range(60):
        node, low, high = open_leaves.pop(int(rng.integers(len(open_leaves))))
        axis = int(rng.integers(len(low)))
        middle = min(max(float(rng.uniform(low[axis], high[axis])), low[axis]), high[axis])
        ((first,), (second,)) = tree.split_inputs(node, axis, middle)
        top, bottom = high.copy(), low.copy()
        top[axis] = bottom[axis] = middle
        open_leaves += [(int(first), low, top), (int(second), bottom, high)]
    part = replace(found.parts[0], goals=[Goal(found.parts[0].goals[0].disjuncts, tree)])
    path = replace(found, parts=[part]).write(tmp_path / "false.vcert", eps=str(wide))
    report = check(path, found.model, tier="rigorous")
    assert not report.accepted
    assert "does not exclude" in report.reason or "no split of its domain" in report.reason
