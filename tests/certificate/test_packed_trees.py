"""Trees as they are packed and put away say what plain ones say, in memory and on disk."""

import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.plain_trees import INPUT, NEURON, PlainTree, written
from verdict.certificate import nodes, shelf
from verdict.certificate.nodes import ANEW
from verdict.certificate.proof import Goal, Lemma, Part, ProofTree, Stated, slope_bytes
from verdict.certificate.write import NODE, _put_parts

COLUMNS = np.array([1, 3, 4, 8], np.uint32)
WHAT = "neurons", "inputs", "close", "planes", "raw", "unsplit", "graft"
STEPS = st.lists(st.tuples(st.sampled_from(WHAT), st.integers(0, 2**31)), max_size=25)


class _Both:
    """A packed tree and a plain one that the same is done to."""

    def __init__(self, columns=COLUMNS, chords=None):
        self.packed, self.plain = ProofTree(columns, chords), PlainTree(columns, chords)
        # The numbers of the plain tree's leaves in the packed one.
        self.leaves = {0: 0}

    def some(self, rng, most=5):
        return rng.permutation(list(self.leaves))[: rng.integers(1, most + 1)].tolist()

    def split(self, kind, rng):
        plain = self.some(rng, 8)
        variables = rng.choice(self.plain.columns, len(plain)) if kind == NEURON else rng.integers(0, 3, len(plain))
        values = rng.normal(size=len(plain))
        way = self.packed.split_neurons if kind == NEURON else self.packed.split_inputs
        halves = zip(*way([self.leaves.pop(n) for n in plain], variables, values), strict=True)
        for node, variable, value, (on, off) in zip(plain, variables.tolist(), values.tolist(), halves, strict=True):
            self.leaves |= dict(zip(self.plain.split(kind, node, variable, value), (int(on), int(off)), strict=True))

    def close(self, rng):
        plain, size = self.some(rng), len(self.plain.columns)
        slopes, rows = rng.random((len(plain), size)), rng.normal(size=(len(plain), 2))
        betas = rng.normal(size=(len(plain), size)) * (rng.random((len(plain), size)) < 0.5)
        given = [values if rng.random() < 0.7 else None for values in (slopes, betas, rows)]
        if rng.random() < 0.8:
            given[1] = None if given[1] is None else given[1].astype(np.float32)
        self.packed.close([self.leaves[n] for n in plain], *given)
        for i, node in enumerate(plain):
            self.plain.close(node, *(None if values is None else values[i] for values in given))

    def one(self, what, rng):
        node, size = self.some(rng)[0], len(self.plain.columns)
        if what == "planes":
            self.plain.kept["planes"][node] = shares = rng.integers(0, 2**16, 3).astype(np.uint16)
            self.packed.close_planes(self.leaves[node], shares)
        elif what == "raw":
            rows, multipliers = rng.random(2), rng.normal(size=9)
            self.plain.close_raw(node, rows, multipliers)
            self.packed.close_raw(self.leaves[node], rows, multipliers)
        elif what == "unsplit":
            top = int(rng.integers(0, len(self.plain.nodes)))
            order = [n for n, _ in self.plain.preorder()]
            if top not in order:
                return
            # The packed tree's number of the same node: both are walked alike.
            number, stack = {}, [(0, 0)]
            while stack:
                here, there = stack.pop()
                number[here] = there
                if self.plain.nodes[here][3]:
                    first, other = self.plain.nodes[here][3], self.packed.node(there)[3]
                    stack += [(first, other), (first + 1, other + 1)]
            self.plain.unsplit(top)
            self.packed.unsplit(number[top])
            self.leaves = {n: number.get(n, 0) for n, _ in self.plain.preorder() if not self.plain.nodes[n][3]}
        else:
            other = _Both(np.sort(rng.choice(self.plain.columns, rng.integers(1, size + 1), replace=False)))
            for step in rng.choice(["neurons", "close", "raw", "inputs"], 6).tolist():
                other.do(step, rng)
            before = len(self.plain.nodes)
            for name, scaled in (("rows", lambda rows: 2 * rows), ("raw", lambda pair: (2 * pair[0], pair[1]))):
                other.plain.kept[name] = {n: scaled(found) for n, found in other.plain.kept[name].items()}
            self.plain.graft(node, other.plain)
            self.packed.graft(self.leaves[node], other.packed.reweighted(lambda rows: 2 * rows), lambda rows: rows)
            if len(self.plain.nodes) > before:
                self.renumber()

    def renumber(self):
        stack, self.leaves = [(0, 0)], {}
        while stack:
            here, there = stack.pop()
            first, other = self.plain.nodes[here][3], self.packed.node(there)[3]
            if first:
                stack += [(first, other), (first + 1, other + 1)]
            else:
                self.leaves[here] = there

    def do(self, what, rng):
        if what in ("neurons", "inputs"):
            self.split(NEURON if what == "neurons" else INPUT, rng)
        elif what == "close":
            self.close(rng)
        else:
            self.one(what, rng)


def _members(folder, parts):
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        _put_parts(archive, parts)
    with zipfile.ZipFile(folder / "a.zip") as archive:
        found = {name: np.lib.format.read_array(archive.open(name)) for name in archive.namelist()}
    return found


def _is_same(found, prefix, nodes, arrays):
    own = {name: values for name, values in found.items() if name.startswith(prefix + ".")}
    own = {name.removeprefix(prefix + ".").removesuffix(".npy"): values for name, values in own.items()}
    assert list(own) == list(arrays)
    for name, values in arrays.items():
        # Betas of neurons that are not on the path, which are not written, may have made float64 of all.
        assert own[name].dtype == values.dtype or (name, own[name].dtype) == ("betas", np.float64), name
        assert own[name].shape == values.shape, name
        assert (own[name] == values).all(), name
    assert (found["tree.npy"] == np.array(nodes, NODE)).all()
    return True


@pytest.fixture(scope="module", params=["small", "large"])
def folder(request, tmp_path_factory):
    """Where members go; as of large trees, whatever is put down goes to the disk at once, and nodes are looked at level
    by level."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "large":
            patch.setattr(shelf.SHELF, "most", 0)
            patch.setattr(nodes, "SMALL", 0)
        yield tmp_path_factory.mktemp("packed")


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(0, 2**31), st.booleans())
def test_a_packed_tree_says_what_a_plain_one_says(folder, steps, seed, has_chords):
    rng = np.random.default_rng(seed)
    both = _Both(chords=np.array([0, 0.5, 1, 0.25], np.float32) if has_chords else None)
    for what, own in steps:
        both.do(what, np.random.default_rng(own))
    plain, arrays = written([both.plain])
    assert both.packed.leaves == len(both.leaves)
    _is_same(_members(folder, [Part(False, [Goal([0], both.packed)])]), "p0.g0", plain, arrays)
    matrix = rng.random((2, 3))
    both.plain.convert = lambda rows: rows @ matrix
    plain, arrays = written([both.plain])
    other = both.packed.reweighted(lambda rows: None).reweighted(lambda rows: rows @ matrix)
    _is_same(_members(folder, [Part(False, [Goal([0], other)])]), "p0.g0", plain, arrays)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 6))
def test_the_trees_of_a_lemma_are_numbered_through(folder, seed, count):
    rng = np.random.default_rng(seed)
    several, lemma = [_Both() for _ in range(count)], Lemma(0)
    for i, both in enumerate(several):
        for what in rng.choice(["neurons", "close", "close", "raw"], 6).tolist():
            both.do(what, rng)
        lemma.add(i, 1, both.packed)
    plain, arrays = written([both.plain for both in several])
    named = {"neuron": np.arange(count, dtype=np.uint32), "side": np.ones(count, np.int8)} | arrays
    _is_same(_members(folder, [Part(False, [], [lemma])]), "p0.l0", plain, named)


def test_bounds_found_anew_have_the_last_split_s_betas(folder):
    """Of one neuron split several times; neurons without multipliers have none, and no beta is negative."""
    rng, tree, inside = np.random.default_rng(0), ProofTree(COLUMNS), ProofTree([3, 8])
    (node,), _ = tree.split_neurons(0, 3)
    (node,), _ = tree.split_neurons(node, 5)
    (node,), _ = tree.split_neurons(node, 3, 1.0)
    slopes, betas, rows = rng.random((2, 2)), np.float32([[0.5, 2], [-1, 3]]), np.float32([[1], [2]])
    bound = Stated(1, [4, 4], [1, -1], [3, 8], slopes, [0.5, 1], betas, rows)
    on, off = inside.split_neurons(0, 8)
    inside.close(np.concatenate([on, off]), betas=np.float32([[1, 2], [3, 4]]))
    tree.anew(node, [bound], inside)
    found = _members(folder, [Part(False, [Goal([0], tree.reweighted(lambda rows: 3 * rows))])])
    assert found["p0.g0.b0.l0.betas.npy"].tolist() == [0, 0, 0.5, 0, 0, 0]
    assert found["p0.g0.b0.l0.lambda.npy"].tolist() == [[3], [6]]
    assert (found["p0.g0.b0.l0.slopes.npy"] == slope_bytes(slopes)).all()
    # The paths of what is inside begin above it.
    assert found["p0.g0.b0.betas.npy"].tolist() == [0, 0, 1, 2, 0, 0, 3, 4]
    assert found["tree.npy"]["kind"].tolist() == [NEURON] * 3 + [ANEW, NEURON] + [0] * 5
    assert tree.leaves == 5
