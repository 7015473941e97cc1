"""How the committed certificates were made: `python tests/certificates/make.py` from the root writes them anew.

They are committed and not made by the tests, so that a checker of a later version is asked about files of an earlier
one. Run this only when the format's version changes, and keep the old files too.
"""

from __future__ import annotations

import json
import sys
import warnings
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from support.certified import robust  # noqa: E402
from support.mutants import array, members, packed, stored  # noqa: E402
from support.provers import boxes  # noqa: E402

import verdict  # noqa: E402
from verdict.certificate.neurons import Disjuncts, NeuronMap  # noqa: E402
from verdict.certificate.proof import Goal, Part, ProofTree  # noqa: E402
from verdict.certificate.write import VERSION, radius_claim, robust_claim, unsat_claim, write_certificate  # noqa: E402
from verdict.models import data  # noqa: E402
from verdict.property.vnnlib1 import read_vnnlib1  # noqa: E402

CENTER = [Fraction(1, 8), Fraction(7, 8)]


def main() -> None:
    good, bad = HERE / "accepted", HERE / "rejected"
    point = [Fraction(float(v)) for v in data("digits").load()[0][3]]
    digits = robust("digits-mlp", point, Fraction(57, 2000), good, "relus", Fraction(0), Fraction(1), 1)
    assert digits is not None
    relus = members(digits.path.rename(good / "digits-relus.vcert").read_bytes())
    query = members(_query(good / "xor-query.vcert", HERE / "xor-query.vnnlib").read_bytes())
    tie = members(_tie(good / "xor-tie.vcert").read_bytes())
    _raw(good / "xor-raw.vcert")
    balls(good, bad)
    thresholds(good, bad)

    for name, parts in {
        "dropped-child": {**query, "tree.npy": _tree(query, lambda nodes: np.delete(nodes, 1))},
        "unvisited-subtree": {**query, "tree.npy": _tree(query, _leaf)},
        "gap": {**query, "tree.npy": _tree(query, _threshold)},
        "missing-part": _first_part(query),
        "unlisted-part": _manifest(query, lambda m: m["parts"].pop()),
        "larger-ball": _manifest(relus, lambda m: m["claim"].update(eps="3/100")),
        "other-class": _manifest(relus, lambda m: m["claim"].update(label=(m["claim"]["label"] + 1) % 10)),
        "closed-tie": _manifest(tie, lambda m: m["claim"].update(open=False)),
        "beyond-the-tie": _manifest(tie, lambda m: m["claim"].update(eps="126/1000", upper="1/2")),
        "safe-witness": {**tie, "witness.json": b'{"point": ["1/4", "13/16"]}'},
        "far-witness": {**tie, "witness.json": b'{"point": ["1/2", "1/2"]}'},
        "negative-beta": _number(relus, "betas", -1.0),
        "nan": _number(relus, "betas", np.nan),
        "newer-version": _manifest(query, lambda m: m.update(version=VERSION + 1)),
        "unknown-member": {**query, "surprise.npy": stored(np.zeros(1))},
        "pickle": {**query, "tree.npy": _pickle()},
    }.items():
        (bad / f"{name}.vcert").write_bytes(packed(parts))
    (bad / "other-network.vcert").write_bytes((good / "xor-raw.vcert").read_bytes())
    (bad / "cut.vcert").write_bytes(packed(query)[:-40])
    with warnings.catch_warnings(), zipfile.ZipFile(bad / "twice.vcert", "w") as archive:
        warnings.simplefilter("ignore")
        for name, content in [*query.items(), ("tree.npy", query["tree.npy"])]:
            archive.writestr(name, content)


def balls(good: Path, bad: Path) -> None:
    """Claims in the norms L1 and L2, which came later."""
    tree = ProofTree()
    tree.close_rational(0, [Fraction(1)], [])
    network, parts = verdict.load("xor"), [Part(False, [Goal([0], tree)])]
    claim = radius_claim(robust_claim(CENTER, Fraction(1, 4), 1, norm="l1"), Fraction(1, 4), True)
    point = [Fraction(3, 8), Fraction(7, 8)]
    l1 = members(write_certificate(good / "xor-l1.vcert", claim, network.data, parts, witness=point).read_bytes())
    made = verdict.robust("digits-mlp", data("digits").load()[0][3], "0.1495", norm="l2", range=(0, 1),
                          certificate=good / "digits-l2.vcert").certificate
    assert made is not None
    assert made.path is not None
    l2 = members(made.path.read_bytes())
    for name, changed in {
        "l1-closed": _manifest(l1, lambda m: m["claim"].update(open=False)),
        "l1-as-l2": _manifest(l1, lambda m: m["claim"].update(norm="l2")),
        "l1-far-witness": {**l1, "witness.json": b'{"point": ["3/8", "5/8"]}'},
        "l2-as-box": _manifest(l2, lambda m: m["claim"].pop("norm")),
        "l2-larger": _manifest(l2, lambda m: m["claim"].update(eps="154/1000")),
        "unknown-norm": _manifest(l2, lambda m: m["claim"].update(norm="l3")),
    }.items():
        (bad / f"{name}.vcert").write_bytes(packed(changed))


def thresholds(good: Path, bad: Path) -> None:
    """Splits of neurons at any threshold and several times on a path, which version 2 of the format brought."""
    point = [Fraction(float(v)) for v in data("digits").load()[0][3]]
    made = robust("digits-mlp", point, Fraction(27, 1000), good, "relus", Fraction(0), Fraction(1))
    assert made is not None
    made.path.unlink()
    tree = next(goal.tree for goal in made.parts[0].goals if len(goal.tree) > 1)
    _, neuron, _, first = tree.node(0)
    # Beside its kink, on the side where it is on; then another neuron, which goes on bending on one side.
    (above,), _ = tree.split_neurons(first, neuron, 1 / 16)
    tree.split_neurons(above, int(tree.columns[tree.columns != neuron][0]), -1 / 32)
    new = members(made.write(good / "digits-thresholds.vcert").read_bytes())
    for name, changed in {
        "thresholds-in-version-1": _manifest(new, lambda m: m.update(version=1, splits=None)),
        "unnamed-splits": _manifest(new, lambda m: m.pop("splits")),
        "same-threshold-twice": {**new, "tree.npy": _tree(new, _same_again)},
        "thresholds-larger": _manifest(new, lambda m: m["claim"].update(eps="3/100")),
    }.items():
        (bad / f"{name}.vcert").write_bytes(packed(changed))


def _same_again(nodes: Any) -> Any:
    nodes["value"][nodes["value"] == 1 / 16] = 0
    return nodes


def _query(path: Path, text: Path) -> Path:
    """Two boxes of the xor network, each with a tree of input splits."""
    network, neurons = verdict.load("xor"), NeuronMap(verdict.load("xor"))
    disjuncts, parts = Disjuncts(unsat_claim(), neurons, text.read_bytes()), []
    for case in read_vnnlib1(text).cases:
        found = [disjuncts.inside(case.inputs.lower, case.inputs.upper, p) for p in case.unsafe.polytopes]
        tree = boxes(network.graph, case.unsafe, *case.inputs.floats())
        parts.append(Part(True, [Goal([d for ds in found for d in ds], tree)]))
    return write_certificate(path, unsat_claim(), network.data, parts, query=text.read_bytes())


def _tie(path: Path) -> Path:
    """The exact radius 1/8, proved by a leaf in rationals and a witness."""
    tree = ProofTree()
    tree.close_rational(0, [Fraction(1)], [])
    claim = radius_claim(robust_claim(CENTER, Fraction(1, 8), 1), Fraction(1, 8), True)
    witness = [Fraction(1, 4), Fraction(3, 4)]
    return write_certificate(path, claim, verdict.load("xor").data, [Part(False, [Goal([0], tree)])], witness=witness)


def _raw(path: Path) -> Path:
    """Multipliers as a solver would give them: the ReLU of b - a is on, the other off."""
    network, tree = verdict.load("xor"), ProofTree()
    weight = NeuronMap(network).checked.nodes[3].terms[0][0].weight[0]
    tree.close_raw(0, [1.0], (weight[:, 1] - weight[:, 0]) * [0, 1])
    claim = robust_claim(CENTER, Fraction(1, 9), 1)
    return write_certificate(path, claim, network.data, [Part(False, [Goal([0], tree)])])


def _tree(parts: dict[str, bytes], change: Any) -> bytes:
    return stored(change(array(parts["tree.npy"])))


def _leaf(nodes: Any) -> Any:
    nodes[0] = (0, 0, 0.0)
    return nodes


def _threshold(nodes: Any) -> Any:
    nodes["value"][0] = 7.0
    return nodes


def _manifest(parts: dict[str, bytes], change: Any) -> dict[str, bytes]:
    manifest = json.loads(parts["manifest.json"])
    change(manifest)
    return {**parts, "manifest.json": json.dumps(manifest).encode()}


def _first_part(parts: dict[str, bytes]) -> dict[str, bytes]:
    """All that belongs to the second part cut out, its tree too."""
    nodes, at, left = array(parts["tree.npy"]), 0, 1
    while left:
        left += 1 if nodes["kind"][at] else -1
        at += 1
    return {**_manifest(parts, lambda m: m["parts"].pop()), "tree.npy": stored(nodes[:at])}


def _number(parts: dict[str, bytes], what: str, value: float) -> dict[str, bytes]:
    name = min(n for n in parts if n.endswith(f"{what}.npy") and array(parts[n]).size)
    values = array(parts[name])
    values.ravel()[0] = value
    return {**parts, name: stored(values)}


def _pickle() -> bytes:
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"cos\nsystem\n(S'exit 7'\ntR."


if __name__ == "__main__":
    main()
