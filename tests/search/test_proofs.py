"""What the search over ReLU splits records is a proof that the checker accepts, however it came about."""

import os
import sys
from fractions import Fraction

import numpy as np
import pytest
from support.networks import KINDS, random_network
from support.seeds import seeds

import verdict
from verdict.base import abreast, blas
from verdict.base.copies import Copies
from verdict.base.deadline import Deadline
from verdict.base.processes import family
from verdict.base.workers import Workers
from verdict.bounds import linear_bounds
from verdict.certificate.kept import Ragged
from verdict.certificate.neurons import Disjuncts, NeuronMap
from verdict.certificate.recording import Recording
from verdict.certificate.write import robust_claim, unsat_claim, write_certificate
from verdict.checker import check
from verdict.models import data
from verdict.network.exact import ExactVector
from verdict.property import LinfBall, UnsafeSet, misclassification
from verdict.property.vnnlib1 import read_vnnlib1
from verdict.search.boxes.zoom_split import ZoomSplit
from verdict.search.effort import Effort
from verdict.search.engines.parts.bab import branch_and_bound
from verdict.search.first_box import FirstBox
from verdict.search.means import Means
from verdict.search.neurons.sharpen import Round, sharpen
from verdict.search.observer import Observer, Watch
from verdict.search.options import SearchOptions
from verdict.search.recorder import Recorder
from verdict.search.relus.options import ReluOptions
from verdict.search.relus.relu_split import ReluSplit

TIERS = ("exact", "rigorous", "python")


class Asked:
    """One question: a network, a box, an unsafe set, and the claim that it is not reached."""

    def __init__(self, network, box, unsafe, claim, query=None):
        self.network, self.claim, self.query = network, claim, query
        self.polytopes = list(unsafe.polytopes)
        self.low, self.high = box.floats()
        neurons = NeuronMap(network)
        disjuncts = Disjuncts(claim, neurons, None if query is None else query.read_bytes())
        self.proof = Recording.of_claim(neurons, disjuncts, box, self.polytopes, [])
        assert not disjuncts.left

    def bounds(self):
        return linear_bounds(self.network.graph, self.low[None], self.high[None])

    def search(self, rounds=None, threads=1, seconds=30.0, **options):
        """ReLU splits without sharpening, or after so many rounds of it."""
        graph, bounds, watch = self.network.graph, self.bounds(), Watch(proof=Recorder(self.proof))
        with Workers(threads) as workers:
            means = Means(workers, options=SearchOptions(relus=ReluOptions(**options)))
            if rounds is not None:
                bounds = sharpen(graph, bounds, Round(rounds), means, observer=watch.proof.bounds(graph))
            search = ReluSplit(graph, bounds, self.polytopes, watch, means)
            outcome = search.run(Deadline(seconds))
            if outcome.proved:
                search.finish(Deadline(seconds))
            return outcome

    def zoom(self, seconds=4.0):
        """Boxes halved in the reduced form."""
        graph, unsafe = self.network.graph, UnsafeSet(tuple(self.polytopes), self.network.graph.output_size)
        first = FirstBox(graph, self.bounds(), Deadline(seconds))
        return ZoomSplit(graph, first, unsafe, Watch(proof=Recorder(self.proof)), Means()).run(Deadline(seconds))

    def trees(self):
        return [goal.tree for part in self.proof.parts for goal in part.goals]

    def accepted(self, path, tiers=TIERS):
        asked = None if self.query is None else self.query.read_bytes()
        write_certificate(path, self.claim, self.network.data, self.proof.parts, query=asked)
        for tier in tiers:
            report = check(path, self.network.path, self.query, tier=tier, any_order=False)
            assert report.accepted, (tier, report.reason)


def ball(model, x, radius, low=-2, high=2):
    """Robustness of the network's class within the radius."""
    network = verdict.load(model)
    label = int(network.evaluate(np.array([[float(v) for v in x]]))[0].argmax())
    family = LinfBall(ExactVector.of(x), Fraction(low), Fraction(high))
    claim = robust_claim(x, radius, label, None, (Fraction(low), Fraction(high)))
    return Asked(network, family.at(radius), misclassification(label, network.output_size), claim)


def random_ball(kind, seed, folder, rounds=None, **options):
    """A proof about a random network, at the largest of some radii at which there is one; else None."""
    rng = np.random.default_rng([seed, 53])
    folder = folder / str(seed)
    folder.mkdir()
    model = random_network(rng, kind, folder)
    x = [Fraction(int(v), 8) for v in rng.integers(-8, 9, verdict.load(model).input_size)]
    for tenths in (20, 15, 11, 8, 6, 4, 3, 2, 1):
        asked = ball(model, x, Fraction(tenths, 10))
        if asked.search(rounds, **options).proved:
            return asked
    return None


def vnnlib(path, low, high, polytopes, outputs):
    """A query: inputs in a box, outputs in one of some polytopes {C y <= d}, given by rows (C, d)."""
    lines = [f"(declare-const X_{i} Real)" for i in range(len(low))]
    lines += [f"(declare-const Y_{i} Real)" for i in range(outputs)]
    for i, (a, b) in enumerate(zip(low, high, strict=True)):
        lines += [f"(assert (>= X_{i} {float(a)}))", f"(assert (<= X_{i} {float(b)}))"]
    cases = []
    for rows in polytopes:
        atoms = []
        for c, d in rows:
            terms = " ".join(f"(* {float(v)} Y_{i})" for i, v in enumerate(c))
            atoms.append(f"(<= (+ {terms}) {float(d)})")
        cases.append(f"(and {' '.join(atoms)})")
    path.write_text("\n".join([*lines, f"(assert (or {' '.join(cases)}))"]))
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rounds", [None, 0, 8], ids=["plain", "alpha", "trees"])
def test_random_networks(kind, rounds, tmp_path):
    found = [asked for seed in seeds(3, 6) if (asked := random_ball(kind, seed, tmp_path, rounds))]
    for asked in found:
        asked.accepted(tmp_path / "a.vcert")
    assert any(len(tree) > 1 for asked in found for tree in asked.trees())
    lemmas = [tree for asked in found for part in asked.proof.parts for lemma in part.lemmas for tree in lemma.trees]
    if rounds is None:
        assert not lemmas
    elif kind in ("dense", "residual"):
        # The others have hardly two layers of unstable ReLUs behind each other.
        assert any(len(tree) > 1 for tree in lemmas) == (rounds > 0)


@pytest.mark.parametrize("how", ["relus", "boxes"])
@pytest.mark.parametrize("seed", range(8))
def test_several_polytopes_of_several_rows(seed, how, tmp_path):
    rng = np.random.default_rng([seed, 59])
    network = verdict.load(random_network(rng, KINDS[seed % 4], tmp_path))
    low = rng.integers(-4, 4, network.input_size) / 4
    high = low + 0.5
    samples = network.evaluate(rng.uniform(low, high, (500, network.input_size)))
    polytopes = []
    for _ in range(3):
        # No sample lies in both half-spaces, though some may lie in each of them.
        rows = rng.integers(-4, 5, (2, network.output_size)) / 2
        values = samples @ rows.T
        first = np.quantile(values[:, 0], 0.3)
        others = values[values[:, 0] <= first, 1]
        polytopes.append([(rows[0], first), (rows[1], others.min() - 0.5)])
    query = vnnlib(tmp_path / "q.vnnlib", low, high, polytopes, network.output_size)
    case = next(iter(read_vnnlib1(query).cases))
    asked = Asked(network, case.inputs, case.unsafe, unsat_claim(), query)
    outcome = asked.search() if how == "relus" else asked.zoom()
    if outcome.proved:
        asked.accepted(tmp_path / "a.vcert")
        assert [part.again for part in asked.proof.parts] == [how == "boxes"]
    else:
        assert not asked.proof.parts


def test_leaves_closed_by_linear_programs(tmp_path):
    """Without gradient steps on betas, only the LP's duals close what is fully split."""
    found = [asked for seed in range(6) if (asked := random_ball("dense", seed, tmp_path, steps=0, root_steps=0))]
    assert any(tree.has_raw for asked in found for tree in asked.trees())
    for asked in found:
        asked.accepted(tmp_path / "a.vcert")


def test_betas_are_needed(tmp_path):
    """Some leaf is closed by betas: without them the proof does not hold."""
    asked = ball("digits-mlp", [Fraction(float(v)) for v in data("digits").load()[0][0]], Fraction(114, 1000), 0, 1)
    assert asked.search().proved
    asked.accepted(tmp_path / "a.vcert", ["exact"])
    for tree in asked.trees():
        tree.betas = Ragged()
    path = write_certificate(tmp_path / "b.vcert", asked.claim, asked.network.data, asked.proof.parts)
    assert not check(path, asked.network.path, any_order=False).accepted


@pytest.mark.parametrize("model", ["digits-mlp", "digits-conv", "digits-resnet"])
def test_the_whole_search_with_rounds_of_sharpening(model, tmp_path):
    """Short searches between, so that a neuron's trees come from several rounds."""
    effort = Effort(Deadline(120), options=SearchOptions(few_inputs=0, least_search=0.0, share=0.0, growth=2))
    x = [Fraction(float(v)) for v in data("digits").load()[0][0]]
    asked = ball(model, x, Fraction(6, 100), 0, 1)
    outcomes = [
        branch_and_bound(asked.network.graph, asked.bounds(), asked.polytopes, effort, Watch(proof=listener))
        for listener in (Observer(), Recorder(asked.proof))
    ]
    assert [o.proved for o in outcomes] == [True, True]
    asked.accepted(tmp_path / "a.vcert", ["exact", "rigorous"])


def test_a_search_that_ends_otherwise_records_nothing(tmp_path):
    asked = ball("xor", [Fraction(1, 8), Fraction(7, 8)], Fraction(1))
    assert not asked.search().proved
    assert asked.proof.parts == []


def test_bounds_that_got_tighter_hurt_no_leaf(tmp_path):
    """Trees that grew on loose bounds are checked on the tight ones that later lemmas give to the layers before."""
    x = [Fraction(float(v)) for v in data("digits").load()[0][0]]
    asked = ball("digits-resnet", x, Fraction(1, 6), 0, 1)
    graph, bounds, watch = asked.network.graph, asked.bounds(), Watch(proof=Recorder(asked.proof))
    lemmas = watch.proof.bounds(graph)
    for rounds in (0, 1, 4, 16, 64):
        bounds = sharpen(graph, bounds, Round(rounds), Means(), observer=lemmas)
    search = ReluSplit(graph, bounds, asked.polytopes, watch)
    assert search.run(Deadline(60)).proved
    search.finish(Deadline(60))
    # Trees of several spaces.
    (part,) = asked.proof.parts
    assert len({lemma.trees[0].space for lemma in part.lemmas}) > 1
    asked.accepted(tmp_path / "a.vcert", ["exact", "rigorous"])


@pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux")
def test_what_copies_of_the_process_close_is_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(abreast, "COPIED", 0.0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})
    x = [Fraction(float(v)) for v in data("digits").load()[0][0]]
    before, leaves, shared = family(os.getpid()), [], []
    whole = Copies.map
    monkeypatch.setattr(Copies, "map", lambda self, items, here: shared.append(0) or whole(self, items, here))
    for is_own in (False, True):
        monkeypatch.setattr(blas, "is_own", is_own)
        asked = ball("digits-resnet", x, Fraction(1, 6), 0, 1)
        # No programs: which domains they look at depends on the time that the others took.
        assert asked.search(threads=2, programs=False).proved
        assert bool(shared) == is_own
        asked.accepted(tmp_path / "a.vcert")
        leaves.append(sum(tree.leaves for tree in asked.trees()))
    assert leaves[0] == leaves[1]
    assert set(family(os.getpid())) <= set(before)


def test_narrow_leaves_are_split_further(tmp_path):
    """What float32 takes is made large here, so that leaves with little to spare are many."""
    x = [Fraction(float(v)) for v in data("digits").load()[0][0]]
    leaves = []
    for ample in (4.0, 800.0):
        asked = ball("digits-resnet", x, Fraction(1, 6), 0, 1)
        asked.proof.any_order = True
        assert asked.search(ample=ample).proved
        asked.accepted(tmp_path / "a.vcert", ["exact", "rigorous"])
        leaves.append(sum(tree.leaves for tree in asked.trees()))
    assert leaves[1] > leaves[0]


def test_narrow_leaves_stay_closed_when_there_is_no_time(tmp_path):
    asked = ball("digits-resnet", [Fraction(float(v)) for v in data("digits").load()[0][0]], Fraction(1, 6), 0, 1)
    asked.proof.any_order = True
    asked.search(seconds=5, ample=1e9)
    asked.accepted(tmp_path / "a.vcert", ["exact"])
