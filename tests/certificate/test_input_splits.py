"""What a search over input splits proves is recorded, and the checker agrees."""

import itertools

import numpy as np
import pytest
from support.asked import SORTS, Asked, ask
from support.networks import KINDS, Draft
from support.recorded import record
from support.seeds import seeds

import verdict
from verdict.certificate.complete import _halve
from verdict.certificate.neurons import Disjuncts, NeuronMap
from verdict.certificate.nodes import LEAF, Forest
from verdict.certificate.proof import Goal, Part, ProofTree
from verdict.certificate.write import unsat_claim, write_certificate
from verdict.checker import check
from verdict.search.boxes.options import BoxOptions
from verdict.search.boxes.pace import HALVING, HARD, Pace
from verdict.search.boxes.tree import BoxTree
from verdict.search.options import SearchOptions

TIERS = ("exact", "rigorous", "python")


ONLY_BOXES = SearchOptions(few_relus=-1)


def _asked(folder, sort, count):
    """The first `count` questions of a sort, each in a folder of its own."""
    for number in range(count):
        serial = (number // len(KINDS) * len(SORTS) + SORTS.index(sort)) * len(KINDS) + number % len(KINDS)
        inside = folder / str(serial)
        inside.mkdir()
        yield ask(serial, inside), inside


def _accepted(folder, sort, options):
    """What is recorded of some questions of a sort; what is proved is true, whole and accepted in every tier."""
    for asked, inside in _asked(folder, sort, len(seeds(4, 6))):
        found = record(asked, inside, options=options)
        assert not (found.proved and asked.truth == "violated")
        assert not found.left
        for tier in TIERS if found.proved else ():
            report = check(found.path, asked.network.path, asked.query, tier=tier, any_order=False)
            assert report.accepted, (asked.name, tier, report.reason)
        yield found


@pytest.mark.parametrize("sort", [s for s in SORTS if s != "point"])
def test_what_is_proved_is_accepted(tmp_path, sort):
    accepted = 0
    for found in _accepted(tmp_path, sort, ONLY_BOXES):
        accepted += found.proved
    assert accepted >= 1


@pytest.mark.parametrize("sort", ["radius", "rows", "mixed", "halfspaces"])
def test_boxes_closed_by_splitting_their_relus(tmp_path, sort):
    """Hard work from the first box on: the input tree goes on with ReLU splits, slopes, betas and weights."""
    options, worked = SearchOptions(few_relus=-1, boxes=BoxOptions(patience=0)), 0
    for found in _accepted(tmp_path, sort, options):
        worked += sum("slopes" in goal.tree.kept for part in found.parts for goal in part.goals)
    assert worked


@pytest.mark.parametrize("sort", ["radius", "rows", "mixed", "halfspaces"])
def test_halvings_that_were_given_up_are_not_in_the_proof(tmp_path, sort, monkeypatch):
    """Groups end at once and mostly as more boxes than they were: the tree is as if they had never been halved."""
    turn, reopened = itertools.cycle((HALVING, HARD)), 0

    def begin(pace, boxes):
        pace._group, pace._on_group, pace._most = boxes, 0.0, 0.0

    def reopen(tree, boxes):
        nonlocal reopened
        reopened += len(boxes)
        unsplit(tree, boxes)

    unsplit = BoxTree.reopen
    monkeypatch.setattr(Pace, "next", lambda pace: next(turn))
    monkeypatch.setattr(Pace, "begin", begin)
    monkeypatch.setattr(BoxTree, "reopen", reopen)
    options = SearchOptions(few_relus=-1, boxes=BoxOptions(patience=0, hard_batch=1))
    for found in _accepted(tmp_path, sort, options):
        trees = [goal.tree for part in found.parts for goal in part.goals]
        assert [tree.leaves for tree in trees] == [_leaves(tree) for tree in trees]
    assert reopened


def _leaves(tree):
    return len(Forest([tree.nodes]).leaves)


def _identity(folder):
    """y = x, and a query of two disjuncts, each excluded by a mean of its two rows and by no row alone."""
    draft = Draft(np.random.default_rng(0))
    last = draft.add("Gemm", "x", draft.constant(np.eye(2, dtype=np.float32)), draft.constant(np.zeros(2, np.float32)))
    model = verdict.load(draft.save(folder / "identity.onnx", (2,), 2, last))
    query = folder / "means.vnnlib"
    query.write_text(
        "".join(f"(declare-const {name} Real)\n" for name in ("X_0", "X_1", "Y_0", "Y_1"))
        + "".join(f"(assert (>= X_{i} -1))(assert (<= X_{i} 1))\n" for i in range(2))
        + "(assert (or"
        " (and (<= (+ Y_0 Y_1) -0.25) (<= (- (* -1 Y_0) (* 0.875 Y_1)) -0.125))"
        " (and (<= (* 2 (- Y_0 Y_1)) -0.5) (<= (- (* 0.875 Y_1) Y_0) -0.125))))"
    )
    return Asked("means", model, query, "robust")


def test_each_disjunct_of_a_leaf_has_its_own_weights(tmp_path):
    asked = _identity(tmp_path)
    found = record(asked, tmp_path, options=ONLY_BOXES)
    (part,) = found.parts
    (goal,) = part.goals
    (weights,) = goal.tree.kept["rows"].rows.take(np.array([0]))
    assert len(goal.tree) == 1
    assert found.proved
    assert (weights > 0).all()
    good = [True] * len(TIERS)
    for changed, expected in ((weights, good), (weights[[2, 3, 0, 1]], None), (0 * weights, None),
                              (weights * [1, 1, 0, 0], None), (weights * 1024, good)):
        goal.tree.close(0, rows=np.float32(changed)[None])
        write_certificate(found.path, unsat_claim(), asked.network.data, found.parts, query=asked.query.read_bytes())
        accepted = [check(found.path, asked.network.path, asked.query, tier=tier).accepted for tier in TIERS]
        assert accepted == (expected or [False] * len(TIERS)), changed


def test_no_weights_prove_what_is_false(tmp_path):
    """A query with a solution is refused, whatever the weights of its one leaf: its rows' mean is negative there."""
    tried = 0
    for asked, inside in _asked(tmp_path, "rows", len(seeds(8, 16))):
        if asked.truth != "violated":
            continue
        rng, data = np.random.default_rng(tried), asked.query.read_bytes()
        claim = Disjuncts(unsat_claim(), NeuronMap(asked.network), data)
        rows = sum(len(d.offset) for d in claim.all)
        for weights in (np.ones(rows), rng.random(rows), rng.random(rows) * (rng.random(rows) < 0.5)):
            tree = ProofTree()
            tree.close(0, rows=weights[None])
            parts = [Part(True, [Goal(list(range(len(claim.all))), tree)])]
            path = write_certificate(inside / "false.vcert", unsat_claim(), asked.network.data, parts, query=data)
            for tier in TIERS:
                assert not check(path, asked.network.path, asked.query, tier=tier, any_order=False).accepted
            tried += 1
    assert tried >= 6


def test_disjuncts_that_contradict_themselves(tmp_path):
    """Reading the query drops them; the checker does not, and a certificate of the rest must speak of them too."""
    asked = _identity(tmp_path)
    text = asked.query.read_text()
    asked.query.write_text(text.replace("(assert (or", "(assert (or (and (<= (* 3 Y_0) 1) (>= (* 7 Y_0) 2.5))"))
    path = tmp_path / "c.vcert"
    answer = verdict.verify(asked.query, asked.network, certificate=path)
    assert answer.trust is verdict.Trust.CERTIFIED, answer.certificate
    for tier in TIERS:
        assert check(path, asked.network.path, asked.query, tier=tier).accepted


def test_what_is_completed_is_halved_where_something_moves():
    """An input fixed at 0.1 lies between two neighbouring floats, where halves are no smaller."""
    tree, low, high = ProofTree(), np.array([np.nextafter(0.1, 0), -1.0]), np.array([0.1, 1.0])
    for wanted in ({0}, {0, 1}, {0, 1, 2, 3}):
        assert len(_halve(tree, wanted, low, high)) == 2 * len(wanted)
    nodes = [tree.node(n) for n in range(len(tree))]
    assert {variable for kind, variable, *_ in nodes if kind != LEAF} == {1}
