"""What becomes of a certificate when the time runs out, Ctrl-C comes, or the proof is no good."""

import gzip
import time
from fractions import Fraction

import pytest
from support.networks import twins
from support.provers import boxes

import verdict
from verdict.answer.results import Trust
from verdict.base.deadline import Deadline
from verdict.base.errors import InputError
from verdict.certificate import draft as drafts
from verdict.certificate.draft import Draft, prepare
from verdict.certificate.proof import Goal, Part, ProofTree
from verdict.certificate.write import robust_claim
from verdict.checker import OutOfTimeError
from verdict.property import Box, misclassification

CENTER = [Fraction(1, 8), Fraction(7, 8)]


def _draft(path, eps=Fraction(1, 16), label=1, tree=None):
    """xor around CENTER, where class 1 stays up to radius 1/8, with a proof by boxes unless a tree is given."""
    network = verdict.load("xor")
    box = Box([c - eps for c in CENTER], [c + eps for c in CENTER])
    draft = Draft(path, network, robust_claim(CENTER, eps, label))
    proof = draft.recording(box, misclassification(label, 2))
    if tree is None:
        tree = boxes(network.graph, misclassification(label, 2), *box.floats())
    proof.parts.append(Part(True, [Goal(proof.disjuncts[0], tree)]))
    return draft


def _left(folder):
    return sorted(p.name for p in folder.iterdir())


def test_accepted(tmp_path):
    made = _draft(tmp_path / "c.vcert").finish(Deadline(), 1)
    assert made.accepted
    assert made.any_order
    assert _left(tmp_path) == ["c.vcert"]


def test_a_proof_that_does_not_hold_is_not_kept(tmp_path):
    path = tmp_path / "c.vcert"
    path.write_text("older")
    made = _draft(path, Fraction(3, 16), tree=ProofTree()).finish(Deadline(), 1)
    assert made.path is None
    assert not made.accepted
    assert "the checker rejects it" in made.reason
    assert path.read_text() == "older"
    assert _left(tmp_path) == ["c.vcert"]


def test_a_part_of_the_claim_without_a_proof(tmp_path):
    draft = _draft(tmp_path / "c.vcert")
    draft.parts.clear()
    assert draft.finish(Deadline(), 1, "it was too slow").reason == "it was too slow"
    assert _left(tmp_path) == []


def test_without_time_the_file_is_written_unchecked(tmp_path):
    made = _draft(tmp_path / "c.vcert").finish(Deadline(0.0), 1)
    assert made.report is None
    assert not made.accepted
    assert "time ran out" in made.reason
    assert verdict.check(made.path, verdict.load("xor")).accepted


def test_too_slow_for_the_exact_tier_is_checked_in_floats(tmp_path, monkeypatch):
    real = drafts.check

    def slow(*words, tier, progress, **options):
        if tier == "exact":
            time.sleep(0.2)
            progress(1)
        return real(*words, tier=tier, progress=progress, **options)

    monkeypatch.setattr(drafts, "check", slow)
    monkeypatch.setattr(drafts, "TRIAL", 0.1)
    draft = _draft(tmp_path / "c.vcert", tree=_many(200))
    made = draft.finish(Deadline(10), 1)
    assert made.report.tier == "rigorous"
    assert not made.accepted
    assert "longer than the time left" in made.reason


def _many(leaves):
    """A proof that needs one leaf, with many."""
    tree, node = ProofTree(), 0
    low = 1 / 16
    for _ in range(leaves - 1):
        low = (low + 3 / 16) / 2
        _, (node,) = tree.split_inputs(node, 0, low)
    return tree


def test_ctrl_c_ends_the_checking_only(tmp_path, monkeypatch):
    def interrupted(*words, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(drafts, "check", interrupted)
    path = tmp_path / "c.vcert"
    answer = verdict.robust(verdict.load("xor"), [0.125, 0.875], "1/16", certificate=path)
    assert (answer.status, answer.trust) == ("robust", Trust.RIGOROUS)
    assert answer.semantics == ("real",)
    assert "interrupted" in answer.certificate.reason
    assert answer.certificate.path == path
    assert _left(tmp_path) == ["c.vcert"]


def test_ctrl_c_while_writing_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*words, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(drafts, "write_certificate", interrupted)
    answer = verdict.robust(verdict.load("xor"), [0.125, 0.875], "1/16", certificate=tmp_path / "c.vcert")
    assert (answer.status, answer.trust) == ("robust", Trust.RIGOROUS)
    assert answer.certificate.path is None
    assert _left(tmp_path) == []


def test_a_full_disk_costs_the_certificate_only(tmp_path, monkeypatch):
    def full(*words, **options):
        raise InputError("c.vcert: cannot be written: No space left on device")

    monkeypatch.setattr(drafts, "write_certificate", full)
    answer = verdict.robust(verdict.load("xor"), [0.125, 0.875], "1/16", certificate=tmp_path / "c.vcert")
    assert answer.status == "robust"
    assert "No space left" in answer.certificate.reason


@pytest.mark.parametrize("name", ["", "missing/c.vcert", "a\0b"])
def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path, name):
    with pytest.raises(InputError, match="certificate"):
        prepare(tmp_path / name)


def test_a_gap_that_halving_closes(tmp_path):
    """One leaf that linear bounds leave open: the checker says so, and the leaf is halved."""
    network = verdict.load(twins(tmp_path))
    draft = Draft(tmp_path / "c.vcert", network, robust_claim([Fraction(0)], Fraction(1), 0))
    proof = draft.recording(Box([Fraction(-1)], [Fraction(1)]), misclassification(0, 2))
    proof.parts.append(Part(True, [Goal(proof.disjuncts[0], ProofTree())]))
    assert not _accepted_as_it_is(draft, tmp_path / "d.vcert")
    made = draft.finish(Deadline(), 1)
    assert made.accepted
    assert made.report.leaves > 1


def _accepted_as_it_is(draft, path):
    drafts.write_certificate(path, draft.claim, draft.subject.data, draft.parts)
    return verdict.check(path, draft.subject.path).accepted


def test_a_network_that_is_no_file_is_written_beside(tmp_path):
    packed = tmp_path / "xor.onnx.gz"
    packed.write_bytes(gzip.compress(verdict.load("xor").data))
    network = verdict.load(packed)
    answer = verdict.robust(network, [0.125, 0.875], "1/16", certificate=tmp_path / "c.vcert")
    assert answer.trust is Trust.CERTIFIED
    assert answer.certificate.network == tmp_path / "c.vcert.onnx"
    assert verdict.check(answer.certificate.path, answer.certificate.network).accepted
    assert answer.certificate.network.read_bytes() == network.data


@pytest.mark.parametrize("ended", [("exact",), ("exact", "rigorous")], ids=len)
def test_a_leaf_that_takes_longer_than_there_is(ended, tmp_path, monkeypatch):
    """One leaf tells nothing of its progress: the checker has a clock of its own, and a quicker tier has the rest."""
    asked = {}

    def check(*files, tier, seconds, **how):
        asked[tier] = seconds
        if tier in ended:
            raise OutOfTimeError("the time limit was reached")
        return checked(*files, tier=tier, **how)

    checked = drafts.check
    monkeypatch.setattr(drafts, "check", check)
    made = _draft(tmp_path / "c.vcert").finish(Deadline(1000), 1)
    assert 0 < asked["exact"] < 601
    assert 0 < asked["rigorous"] < 901
    if len(ended) == 1:
        assert made.report.tier == "rigorous"
        assert made.report.accepted
    else:
        assert made.report is None
    assert "would have taken longer than the time left" in made.reason
    # Without a limit there is none.
    asked.clear()
    _draft(tmp_path / "d.vcert").finish(Deadline(), 1)
    assert asked["exact"] is None
