"""Forged certificates: what an attacker writes who can make every checksum right.

The attack: a proof with a part missing (a child dropped, a subtree never visited, siblings exchanged, a disjunct left
out), a proof about something else (another network, another property, a larger ball), or one that borrows what it may
not use (a lemma of another box, of its own layer, a ReLU split on both sides). A checker that follows pointers, trusts
stored bounds or only looks at leaves accepts some of them.

The defence: a tree is its preorder and nothing else, no bound is stored, bounds belong to their part, and every number
in the file is either a multiplier, which may be anything of the right sign, or is checked (docs/certificate.md). Random
damage is in tests/checker/test_mutants.py, files that attack the reader in tests/checker/test_hostile.py.
"""

import json
from fractions import Fraction

import numpy as np
import pytest
from support.certified import random_proof
from support.handmade import layers, one_leaf
from support.mutants import array, members, packed, stored

from verdict.certificate.proof import Goal, Lemma, Part, ProofTree
from verdict.certificate.write import NODE, robust_claim, write_certificate
from verdict.checker import UnreadableError, check


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    """A proof by input splits."""
    return random_proof(tmp_path_factory.mktemp("boxes"), "boxes", 0, 1)[0]


@pytest.fixture(scope="module")
def relus(tmp_path_factory):
    """A proof by ReLU splits and lemmas."""
    return random_proof(tmp_path_factory.mktemp("relus"), "relus", 1, 10)[0]


def _said(found, target, **changes):
    """What the checker says of the certificate with these members changed by functions of their arrays or JSON."""
    parts = members(found.path.read_bytes())
    for name, change in changes.items():
        name = name.replace("__", ".")
        if name.endswith("json"):
            record = json.loads(parts[name])
            change(record)
            parts[name] = json.dumps(record).encode()
        else:
            parts[name] = stored(change(array(parts[name])))
    target.write_bytes(packed(parts))
    try:
        report = check(target, found.model, any_order=False)
    except UnreadableError as error:
        return f"unreadable: {error}"
    return "accepted" if report.accepted else f"rejected: {report.reason}"


def _end(nodes, start):
    """Where the subtree at `start` ends."""
    left, at = 1, start
    while left:
        left += 1 if nodes["kind"][at] else -1
        at += 1
    return at


def _dropped(nodes):
    return np.delete(nodes, slice(1, _end(nodes, 1)))


def _unvisited(nodes):
    return np.concatenate([np.zeros(1, NODE), nodes[1:]])


def _siblings(nodes):
    middle = _end(nodes, 1)
    return np.concatenate([nodes[:1], nodes[middle:], nodes[1:middle]])


def _root(**values):
    def change(nodes):
        for name, value in values.items():
            nodes[name][0] = value
        return nodes

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_dropped, "breaks off"),
        (_unvisited, "leaf 0 does not exclude"),
        (_siblings, "no split of its domain"),
        (lambda nodes: nodes[:-1], "breaks off"),
        (lambda nodes: np.concatenate([nodes, nodes[-1:]]), "behind the last tree"),
        (_root(value=-1.0), "no split of its domain"),
        (_root(value=np.nan), "no split of its domain"),
        (_root(value=np.inf), "no split of its domain"),
        (_root(variable=3), "no split of its domain"),
        (_root(variable=2**32 - 1), "no split of its domain"),
        (_root(kind=3), "no split of its domain"),
        (_root(kind=2, variable=2**31, value=0), "no split of its domain"),
    ],
)
def test_trees_of_boxes(boxes, tmp_path, change, reason):
    said = _said(boxes, tmp_path / "forged.vcert", tree__npy=change)
    assert said.startswith("rejected")
    assert reason in said


def test_a_relu_split_on_both_sides_at_once(relus, tmp_path):
    """On and then off again is an empty domain to whoever takes the second split for another neuron's."""

    def twice(nodes):
        first = np.flatnonzero(nodes["kind"] == 2)[0]
        copy = nodes[first : first + 1]
        return np.concatenate([nodes[: first + 1], copy, np.zeros(1, NODE), nodes[first + 1 :]])

    assert "split twice" in _said(relus, tmp_path / "forged.vcert", tree__npy=twice)


def test_halves_of_a_relu_exchanged(relus, tmp_path):
    """The multipliers of one side are put to the other: they prove nothing there, or the tree is still right."""
    parts = members(relus.path.read_bytes())
    goals = [g for g, goal in enumerate(relus.parts[0].goals) if len(goal.tree) > 3]
    lemma_nodes = sum(len(tree) for lemma in relus.parts[0].lemmas for tree in lemma.trees)
    start = lemma_nodes + sum(len(goal.tree) for goal in relus.parts[0].goals[: goals[0]])
    nodes = array(parts["tree.npy"])
    end, middle = _end(nodes, start), _end(nodes, start + 1)
    nodes = np.concatenate([nodes[: start + 1], nodes[middle:end], nodes[start + 1 : middle], nodes[end:]])
    (tmp_path / "forged.vcert").write_bytes(packed({**parts, "tree.npy": stored(nodes)}))
    report = check(tmp_path / "forged.vcert", relus.model, any_order=False)
    again = check(tmp_path / "forged.vcert", relus.model, any_order=False, tier="python")
    assert report.accepted <= again.accepted


def _set(value):
    def change(values):
        values.ravel()[0] = value
        return values

    return change


@pytest.mark.parametrize("value", [-1.0, -1e-30, np.nan, np.inf, -np.inf])
def test_multipliers_of_the_wrong_sign(relus, tmp_path, value):
    goal = next(g for g, goal in enumerate(relus.parts[0].goals) if len(goal.tree) > 3)
    said = _said(relus, tmp_path / "forged.vcert", **{f"p0__g{goal}__betas__npy": _set(value)})
    assert "outside their range" in said


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
@pytest.mark.parametrize("kind", ["lambda", "raw"])
def test_weights_of_rows_of_the_wrong_sign(tmp_path, kind, value):
    """With lambda = -1 "y_0 > y_1" would prove "y_1 > y_0"."""
    model = layers(tmp_path / "wrong.onnx", ([[0], [0]], [0, 1]))
    path = one_leaf(model, [Fraction(0)], Fraction(1))
    assert not check(path, model).accepted
    parts = members(path.read_bytes())
    nodes = array(parts["tree.npy"])
    nodes["variable"][0] = 1 if kind == "raw" else 0
    target = tmp_path / "forged.vcert"
    target.write_bytes(packed({**parts, "tree.npy": stored(nodes), f"p0.g0.{kind}.npy": stored(np.array([[value]]))}))
    with pytest.raises(UnreadableError, match=r"outside their range|raw multipliers do not fit"):
        check(target, model)


@pytest.mark.parametrize(
    ("weights", "accepted"), [(["-1"], False), (["1"], False), (["nan"], False), (["1/0"], False), (["0"], False)]
)
def test_rational_weights_prove_nothing_false(tmp_path, weights, accepted):
    model = layers(tmp_path / "wrong.onnx", ([[0], [0]], [0, 1]))
    tree = ProofTree()
    tree.close_rational(0, [Fraction(1)], [])
    claim = robust_claim([Fraction(0)], Fraction(1), 0)
    path = write_certificate(tmp_path / "c.vcert", claim, model.read_bytes(), [Part(False, [Goal([0], tree)])])
    parts = members(path.read_bytes())
    record = json.dumps([{"lambda": weights, "betas": []}]).encode()
    path.write_bytes(packed({**parts, "p0.g0.rational.json": record}))
    try:
        found = check(path, model).accepted
    except UnreadableError:
        found = False
    assert found == accepted


def _manifest(path, value):
    def change(record):
        *way, last = path
        for step in way:
            record = record[step]
        record[last] = value(record[last]) if callable(value) else value

    return change


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("model",), lambda v: v[::-1], "another network"),
        (("model",), lambda v: v.upper(), "another network"),
        (("property",), "0" * 64, "another property"),
        (("claim", "eps"), "9/10", "does not exclude"),
        (("claim", "label"), lambda v: 1 - v, "does not exclude"),
        (("claim", "low"), "3", "outside its valid range"),
        (("claim", "input"), ["3", "3", "-3"], "no split of its domain"),
        (("claim", "kind"), "unsat", "unreadable"),
        (("parts", 0, "goals", 0, "disjuncts"), [9], "unreadable"),
        (("parts", 0, "goals", 0, "disjuncts"), [-1], "unreadable"),
        (("parts", 0, "goals", 0, "disjuncts"), [True], "unreadable"),
        (("parts",), [], "behind the last tree"),
        (("version",), 1, "version"),
        (("version",), 3, "version"),
        (("splits",), "zero", "version"),
        (("version",), True, "unreadable"),
        (("format",), "vcert2", "version"),
    ],
)
def test_claims_about_something_else(boxes, tmp_path, path, value, reason):
    said = _said(boxes, tmp_path / "forged.vcert", manifest__json=_manifest(path, value))
    assert said != "accepted"
    assert reason in said


def test_a_flipped_bit_of_the_network(boxes, tmp_path):
    data = bytearray(boxes.model.read_bytes())
    for at in range(0, len(data), 37):
        data[at] ^= 1
        (tmp_path / "model.onnx").write_bytes(data)
        assert "another network" in check(boxes.path, tmp_path / "model.onnx").reason
        data[at] ^= 1


def test_a_disjunct_left_out(relus, tmp_path):
    parts = [Part(relus.parts[0].at_leaves, relus.parts[0].goals[1:], relus.parts[0].lemmas)]
    path = write_certificate(tmp_path / "c.vcert", relus.claim, relus.model.read_bytes(), parts)
    assert "nothing is said about 1 disjuncts" in check(path, relus.model, any_order=False).reason


def _humps(path):
    """Class 0 scores 1/10 - relu(w), class 1 0 and class 2 -1, with w = 2 relu(x - 1/2) - relu(x) - 1/2 <= -1/2.

    Linear bounds do not see that w is never positive; the splits of both ReLUs show it.
    """
    first, second = ([[1], [1]], [0, -0.5]), ([[-1, 2]], [-0.5])
    return layers(path, first, second, ([[-1], [0], [0]], [0.1, 0, -1]))


def _lemma():
    """w <= 0. Where one of the two ReLUs is on and the other off, it takes the signs of x and x - 1/2 with it."""
    found, tree = Lemma(1), ProofTree([0, 1])
    for half, betas in zip(tree.split_neurons(0, 0), ([[0, 0], [1, 0]], [[2, 0], [0, 0]]), strict=True):
        on, off = tree.split_neurons(half, 1)
        tree.close([*on, *off], betas=np.array(betas, float))
    found.add(0, -1, tree)
    return found


def test_a_lemma_is_no_use_outside_its_part(tmp_path):
    model, claim = _humps(tmp_path / "humps.onnx"), robust_claim([Fraction(0)], Fraction(1), 0)

    def accepted(*parts):
        found = [Part(False, [Goal([d], ProofTree()) for d in goals], lemmas) for goals, lemmas in parts]
        return check(write_certificate(tmp_path / "c.vcert", claim, model.read_bytes(), found), model).accepted

    assert accepted(([0, 1], [_lemma()]))
    assert accepted(([0], [_lemma()]), ([1], []))
    assert not accepted(([0, 1], []))
    assert not accepted(([0], []), ([1], [_lemma()]))
    assert not accepted(([1], [_lemma()]), ([0], []))


@pytest.mark.parametrize("neuron", [2, 3])
def test_a_lemma_that_splits_what_it_is_about(tmp_path, neuron):
    """z >= 0 follows from splitting z and taking the side z >= 0, for whoever lets a lemma split its own layer."""
    model = layers(tmp_path / "two.onnx", ([[1], [1]], [0, 0]), ([[1, -1], [1, 1]], [0, 0]), ([[1, 0], [0, 0]], [1, 0]))
    tree, lemma = ProofTree(), Lemma(1)
    tree.split_neurons(0, neuron)
    lemma.add(0, 1, tree)
    claim, part = robust_claim([Fraction(0)], Fraction(1), 0), Part(False, [Goal([0], ProofTree())], [lemma])
    path = write_certificate(tmp_path / "c.vcert", claim, model.read_bytes(), [part])
    assert "no split of its domain" in check(path, model, any_order=False).reason
