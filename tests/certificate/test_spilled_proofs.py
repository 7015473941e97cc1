"""Proofs that are larger than what memory may hold: written from the disk, accepted, refused once a bit is wrong, and
given up in good order where the disk is full or the time is up."""

import contextlib
import errno
import os
import pickle
import zipfile
from fractions import Fraction

import numpy as np
import pytest

import verdict
from verdict.base.deadline import Deadline, OutOfTime
from verdict.base.errors import InputError
from verdict.certificate import shelf
from verdict.certificate.draft import Draft
from verdict.certificate.members import Group
from verdict.certificate.proof import Goal, Part, ProofTree
from verdict.certificate.write import robust_claim, write_certificate
from verdict.checker import check
from verdict.checker.errors import UnreadableError
from verdict.models import data

NEURONS = 40


@pytest.fixture
def small_shelf(monkeypatch):
    """Memory for some hundred leaves."""
    monkeypatch.setattr(shelf.SHELF, "most", 2**14)


def _claim():
    point = [Fraction(float(v)) for v in data("digits").load()[0][3]]
    return robust_claim(point, Fraction(1, 1000), 2, ends=(Fraction(0), Fraction(1)))


def _tree(depth=11, seed=0):
    """Splits of one neuron after the other, each leaf with slopes, betas and weights of its own."""
    rng, level, tree = np.random.default_rng(seed), np.array([0]), ProofTree(np.arange(NEURONS))
    for number in range(depth):
        level = np.concatenate(tree.split_neurons(level, np.full(len(level), number)))
    for some in np.array_split(rng.permutation(level), 30):
        betas = rng.random((len(some), NEURONS)) * 1e-3
        tree.close(some, rng.random((len(some), NEURONS)), betas.astype(np.float32))
    return tree


def _is_away(tree):
    rows = tree.kept["slopes"].rows, tree.betas.rows
    return all(each.held < each.all().nbytes for each in rows)


def _whole(tree):
    return {name: np.concatenate(list(member.parts)) for name, member in Group([tree]).members()}


def test_a_proof_from_the_disk_is_the_same_and_is_accepted(small_shelf, monkeypatch, tmp_path):
    network, tree = verdict.load("digits-mlp"), _tree()
    assert _is_away(tree)
    monkeypatch.setattr(shelf.SHELF, "most", 2**30)
    other = _tree()
    assert not _is_away(other)
    paths = []
    for name, each in (("a", tree), ("b", other)):
        part = Part(False, [Goal(list(range(9)), each)])
        paths.append(write_certificate(tmp_path / f"{name}.vcert", _claim(), network.data, [part]))
    archives = [zipfile.ZipFile(path) for path in paths]
    assert archives[0].namelist() == archives[1].namelist()
    assert all(archives[0].read(name) == archives[1].read(name) for name in archives[0].namelist())
    assert check(paths[0], network.path, any_order=False, tier="rigorous").accepted


def test_one_bit_of_a_split_makes_it_a_proof_of_nothing(small_shelf, tmp_path):
    """A node more or less, or of another kind, and the trees no longer fit."""
    network = verdict.load("digits-mlp")
    part = Part(False, [Goal(list(range(9)), _tree())])
    path = write_certificate(tmp_path / "a.vcert", _claim(), network.data, [part])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    start, rng = 128, np.random.default_rng(0)
    for at in rng.integers(0, (len(members["tree.npy"]) - start) // 13, 5).tolist():
        changed = bytearray(members["tree.npy"])
        changed[start + 13 * at] ^= 1 << int(rng.integers(0, 8))
        with zipfile.ZipFile(tmp_path / "b.vcert", "w") as archive:
            for name, content in members.items():
                archive.writestr(name, bytes(changed) if name == "tree.npy" else content)
        with contextlib.suppress(UnreadableError):
            assert not check(tmp_path / "b.vcert", network.path, any_order=False, tier="rigorous").accepted


def test_trees_go_to_other_processes_whole(small_shelf):
    tree = _tree()
    tree.close([1023, 1024], rows=np.ones((2, 3)))
    for each in (tree, tree.reweighted(lambda rows: rows @ np.eye(3)[:2].T)):
        found = _whole(pickle.loads(pickle.dumps(each)))
        assert all((values == found[name]).all() for name, values in _whole(each).items())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no copies of a process here")
def test_a_copy_of_the_process_writes_to_a_file_of_its_own(small_shelf):
    """What the copy puts away leaves alone what this process has put away and still will."""
    tree = _tree()
    before = _whole(tree)
    child = os.fork()
    if child == 0:
        same = [(values == _whole(tree)[name]).all() for name, values in before.items()]
        _tree(seed=1)
        os._exit(0 if all(same) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    _tree(seed=2)
    assert all((values == before[name]).all() for name, values in _whole(tree).items())


def test_the_file_is_gone_with_its_rows(monkeypatch):
    monkeypatch.setattr(shelf, "SHELF", shelf.Shelf(2**14))
    tree = _tree()
    file = shelf.SHELF._file
    assert file() is not None
    del tree
    assert file() is None


def _full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _draft(path):
    return Draft(path, verdict.load("digits-mlp"), _claim())


def test_a_full_disk_costs_the_certificate_and_says_so(small_shelf, monkeypatch, tmp_path):
    draft = _draft(tmp_path / "a.vcert")
    monkeypatch.setattr(shelf._File, "put", _full)
    draft.parts.append(Part(False, [Goal(list(range(9)), _tree())]))
    made = draft.finish(Deadline(), 1)
    assert made.path is None
    assert os.strerror(errno.ENOSPC) in made.reason
    assert list(tmp_path.iterdir()) == []
    # The next question begins anew.
    monkeypatch.undo()
    draft = _draft(tmp_path / "a.vcert")
    draft.parts.append(Part(False, [Goal(list(range(9)), _tree())]))
    assert draft.finish(Deadline(), 1).path is not None


def test_a_search_goes_on_with_trees_that_are_lost(small_shelf, monkeypatch, tmp_path):
    """Also where they come from other processes and hang in a tree that has lost nothing."""
    network, put = verdict.load("digits-mlp"), shelf._File.put
    monkeypatch.setattr(shelf._File, "put", _full)
    inside = _tree()
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        inside.check()
    monkeypatch.setattr(shelf._File, "put", put)
    for lost in (inside, pickle.loads(pickle.dumps(inside))):
        tree = ProofTree(np.arange(NEURONS))
        node, _ = tree.split_inputs(0, 0, 0.0)
        tree.check()
        tree.graft(int(node[0]), lost, lambda rows: rows)
        tree.split_inputs(2, 1, 0.0)
        with pytest.raises(InputError, match=os.strerror(errno.ENOSPC)):
            write_certificate(tmp_path / "a.vcert", _claim(), network.data, [Part(True, [Goal(list(range(9)), tree)])])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("end", [KeyboardInterrupt(), OutOfTime("the time limit was reached")])
def test_what_ends_the_writing_leaves_no_file(small_shelf, monkeypatch, tmp_path, end):
    draft, count = _draft(tmp_path / "a.vcert"), 0

    def checkpoint():
        nonlocal count
        count += 1
        if count == 3:
            raise end

    monkeypatch.setattr("verdict.certificate.write.checkpoint", checkpoint)
    draft.parts.append(Part(False, [Goal(list(range(9)), _tree())]))
    made = draft.finish(Deadline(), 1)
    assert made.path is None
    assert made.reason.endswith("before it was written")
    assert list(tmp_path.iterdir()) == []


def test_a_proof_that_no_checker_reads_is_not_written(monkeypatch, tmp_path):
    monkeypatch.setattr("verdict.certificate.write.MOST_BYTES", 10_000)
    part = Part(False, [Goal(list(range(9)), _tree())])
    with pytest.raises(InputError, match="no checker reads"):
        write_certificate(tmp_path / "a.vcert", _claim(), verdict.load("digits-mlp").data, [part])
    assert list(tmp_path.iterdir()) == []
