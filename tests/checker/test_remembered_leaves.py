"""Leaves that were excluded before are not looked at again, and any other leaf is."""


from support.networks import twins

import verdict
from verdict.certificate.proof import Goal, Part, ProofTree
from verdict.certificate.write import robust_claim, write_certificate
from verdict.checker import Memory, check, open_leaves

THRESHOLDS = [-0.9, 0.9]


def _write(path, network, label, splits):
    tree = ProofTree()
    for threshold in splits:
        # The last leaf, from the threshold before to 1, is halved.
        tree.split_inputs([len(tree) - 1], [0], [threshold])
    return write_certificate(path, robust_claim([0], 1, label), network.data, [Part(True, [Goal([0], tree)])])


def test_only_new_leaves_are_looked_at(tmp_path, monkeypatch):
    network, memory, path = verdict.load(twins(tmp_path)), Memory(), tmp_path / "a.vcert"
    _write(path, network, 0, [])
    assert check(path, network.path, memory=memory).open == ((0, 0, 0),)
    _write(path, network, 0, THRESHOLDS)
    left = open_leaves(path, network.path, memory=memory)
    assert left == open_leaves(path, network.path)
    assert 0 < len(left) < len(THRESHOLDS)

    def bounded(*args, **kwargs):
        raise AssertionError("a leaf that was excluded before is bounded again")

    with monkeypatch.context() as patch:
        patch.setattr("verdict.checker.small.view.bounded", bounded)
        closed = [n for n in range(len(THRESHOLDS) + 1) if (0, 0, n) not in left]
        assert open_leaves(path, network.path, among=[(0, 0, n) for n in closed], memory=memory) == []


def test_a_leaf_is_known_for_its_own_claim_of_rows_only(tmp_path):
    network, memory = verdict.load(twins(tmp_path)), Memory()
    path = _write(tmp_path / "a.vcert", network, 0, THRESHOLDS)
    before = open_leaves(path, network.path, memory=memory)
    # For float32 nothing follows from what holds over the reals.
    assert open_leaves(path, network.path, any_order=True, memory=memory) == open_leaves(
        path, network.path, any_order=True
    )
    assert set(before) <= set(open_leaves(path, network.path, any_order=True))
