"""Planes with a slope for every edge in the checker: bounds below all exact values, whatever the slopes are; proofs
that rest on them are accepted, and no false claim is."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.mutants import array, members, packed, stored
from support.networks import WALKED, random_network
from support.seeds import seeds

import verdict
from verdict.checker import UnreadableError, check
from verdict.checker.arithmetic.floats import Floats
from verdict.checker.errors import OutOfRangeError
from verdict.checker.kernel.bounds import bounded
from verdict.checker.kernel.region import Pieces
from verdict.checker.readers.onnx import read_network
from verdict.checker.small.planes import Planed, groups
from verdict.checker.small.reduction import Reduction
from verdict.models import data
from verdict.search.engines.parts import bab, plane_split
from verdict.search.outcome import Outcome

# Kinds of networks whose later layers read ReLUs of inputs.
CHAINED = ("dense",)
SCALES = [(), (1.0,), (1e3, 1e6), (1e-6, 1e-3)]


@pytest.mark.parametrize("kind", WALKED)
def test_no_exact_value_lies_below_a_bound_by_any_planes(kind: str, tmp_path: Path) -> None:
    better = looked = joint = chained = odd = 0
    for seed in seeds(12, 300):
        rng = np.random.default_rng([seed, WALKED.index(kind), 31])
        network = read_network(random_network(rng, kind, tmp_path, SCALES[seed % 4]).read_bytes())
        neurons, center = int(network.starts[-1]), rng.uniform(-1, 1, network.input_size)
        radius = float(rng.choice([0.05, 0.5, 2.0]))
        # Stored chords, with which neurons that do not bend have gaps too.
        given = rng.uniform(0, 1, (3, neurons)) if rng.random() < 0.5 else None
        reduction = Reduction(network, rng.random(neurons) < 0.2, bool(seed % 2), given)
        low, high = (center - radius)[None], (center + radius)[None]
        try:
            bounded(network, Floats(network, np.float64), Pieces(low, high, reduction=reduction))
        except OutOfRangeError:
            continue
        small, root = reduction.finished()
        # Groups of any neurons, some of which the small network does not have, and some of all edges into them.
        chosen = rng.permutation(neurons)[: rng.integers(1, neurons + 1)]
        members = np.stack([chosen, rng.integers(0, 1 + len(chosen) // rng.choice([1, 3]), len(chosen))])
        sources = network.input_size + neurons
        pairs = np.array([(t, s) for t in np.unique(members[1]) for s in range(sources)]).T
        edges = pairs[:, rng.random(pairs.shape[1]) < rng.choice([0.5, 1.0])]
        slopes = rng.choice([0.0, 1.0, 0.5], (3, edges.shape[1])) * rng.uniform(0.5, 1, (3, edges.shape[1]))
        lines = {number: replace(line, planes=slopes) for number, line in reduction.lines.items()}
        rows = np.tile(rng.integers(-3, 4, (1, 2, small.size(small.output))).astype(float), (3, 1, 1))
        planed = Planed(small, groups(small, reduction.columns, members, edges, (low[0], high[0])))
        try:
            found = planed.lower(root, small.output, rows, lines)
            usual = Floats(small, np.float64).lower(root, small.output, rows, lines)
        except OutOfRangeError:
            continue
        joint += any(len(one.neurons) > 1 for some in planed.groups.values() for one in some)
        chained += any(len(one.entries) for some in planed.groups.values() for one in some)
        odd += any(((line.gap > 0) & ((line.low >= 0) | (line.high <= 0))).any() for line in lines.values())
        better += int((found > usual + 1e-9).sum())
        for corner in range(6):
            way = rng.choice([-1.0, 1.0], len(center)) if corner % 2 else rng.uniform(-1, 1, len(center))
            x = center + radius * way
            exact = network.evaluate([Fraction(v) for v in np.clip(x, low[0], high[0]).tolist()])[network.output]
            for k in range(rows.shape[1]):
                value = sum(Fraction(c) * v for c, v in zip(rows[0, k].tolist(), exact, strict=True))
                assert all(Fraction(lower) <= value for lower in found[:, k].tolist()), (kind, seed)
                looked += 1
    assert looked
    assert better
    assert joint
    assert odd or kind not in CHAINED
    assert chained or kind not in CHAINED


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A model, and a certificate about it whose leaves have planes, of splits too."""
    path = tmp_path_factory.mktemp("planes") / "planes.vcert"
    with pytest.MonkeyPatch.context() as patch:
        # Planes alone, whether they pay or not.
        for other in (bab.ReluRounds, bab.AnewSplit):
            patch.setattr(other, "run", lambda self, deadline: Outcome(False, -np.inf, 0, "not asked"))
        patch.setattr(plane_split, "CLEAR", 1e9)
        x = data("digits").load()[0][0]
        found = verdict.robust("digits-mlp", x, "0.11571", range=(0, 1), certificate=path)
    assert found.status == "robust"
    assert found.ways["planes"].closed > 0
    assert found.certificate is not None
    return verdict.load("digits-mlp").path, path.read_bytes()


def _planes(parts: dict[str, bytes]) -> list[str]:
    return sorted(name for name in parts if name.endswith(".planes.npy"))


@pytest.mark.parametrize("tier", ["exact", "rigorous"])
def test_a_proof_by_planes_is_accepted(proof: tuple[Path, bytes], tmp_path: Path, tier: str) -> None:
    model, certificate = proof
    parts = members(certificate)
    assert sum(len(array(parts[name])) for name in _planes(parts)) > len(_planes(parts))
    path = tmp_path / "good.vcert"
    path.write_bytes(certificate)
    report = check(path, model, tier=tier)
    assert report.accepted
    assert report.tier == "rigorous"


def test_chords_alone_would_not_do(proof: tuple[Path, bytes], tmp_path: Path) -> None:
    model, certificate = proof
    parts = {name: kept for name, kept in members(certificate).items()
             if not any(word in name for word in (".planes", ".planed", ".edges", ".groups"))}
    path = tmp_path / "chords.vcert"
    path.write_bytes(packed(parts))
    assert not check(path, model, tier="rigorous").accepted
    # The tier of Python's numbers has no planes.
    path.write_bytes(certificate)
    assert not check(path, model, tier="python", any_order=False).accepted


@pytest.mark.parametrize("seed", seeds(8, 200))
def test_no_planes_prove_what_is_false(proof: tuple[Path, bytes], tmp_path: Path, seed: int) -> None:
    """The exact radius is 0.11571815554859."""
    model, certificate = proof
    rng, parts = np.random.default_rng(seed), members(certificate)
    manifest = json.loads(parts["manifest.json"])
    manifest["claim"]["eps"] = "579/5000" if seed % 2 else "13/100"
    parts["manifest.json"] = json.dumps(manifest).encode()
    for name in _planes(parts):
        planes = array(parts[name])
        some = rng.random(planes.shape) < rng.choice([0.0, 0.1, 1.0])
        planes[some] = rng.choice([0, 1, 65535, 30000], int(some.sum())).astype(planes.dtype)
        parts[name] = stored(planes)
    path = tmp_path / "false.vcert"
    path.write_bytes(packed(parts))
    assert not check(path, model, tier="rigorous", any_order=False).accepted


def test_what_does_not_fit_is_refused(proof: tuple[Path, bytes], tmp_path: Path) -> None:
    model, certificate = proof
    good, path = members(certificate), tmp_path / "odd.vcert"
    edges = next(name for name in good if name.endswith(".edges.npy"))
    groups_ = edges.replace("edges", "groups")
    together, one = array(good[groups_]), np.array([[1], [0]], np.uint32)
    planes, ends = _planes(good)[0], array(good[edges])
    planed = planes.replace("planes", "planed")
    values, numbers = array(good[planes]), array(good[planed])

    def changed(column: int, to: int) -> np.ndarray:
        other = ends.copy()
        other[column, 0] = to
        return other

    odd = {
        "a group that is not there": {edges: stored(changed(0, 10**6))},
        "a neuron that is not there": {groups_: stored(together + np.array([[10**6], [0]], np.uint32))},
        "a neuron twice": {groups_: stored(np.concatenate([together, together[:, :1]], axis=1))},
        "one group of all": {groups_: stored(together * one), edges: stored(0 * ends[:, :1])},
        "no groups": {groups_: b""},
        "a source that is not there": {edges: stored(changed(1, 10**6))},
        "an edge twice": {edges: stored(np.concatenate([ends[:, :-1], ends[:, :1]], axis=1))},
        "three rows": {edges: stored(np.concatenate([ends, ends[:1]]))},
        "fewer planes": {planes: stored(values[:, :-1])},
        "other leaves": {planed: stored(numbers + np.uint32(10**6))},
        "a leaf twice": {planed: stored(np.zeros_like(numbers))} if len(numbers) > 1 else {planed: stored(numbers[:0])},
        "slopes above one": {planes: stored(1.5 * np.ones(values.shape))},
        "no number": {planes: stored(np.full(values.shape, np.nan))},
        "planes without edges": {edges: b""},
    }
    for change in odd.values():
        parts = {**good, **change}
        path.write_bytes(packed({key: kept for key, kept in parts.items() if kept}))
        with pytest.raises(UnreadableError):
            check(path, model, tier="rigorous", any_order=False)
    del good[planed]
    path.write_bytes(packed(good))
    with pytest.raises(UnreadableError, match="belong together"):
        check(path, model, tier="rigorous", any_order=False)
