"""The certificate as the kernel reads it: what it is about, its parts, its trees and their multipliers.

Only the hashes and the claim have to be right: whatever trees and multipliers are read are a proof, or they are not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RejectedError, UnreadableError
from .archive import NODE, Archive, each, member_of, only
from .claim import rational
from .multipliers import FLOATS, Group, Sizes
from .nodes import Nodes
from .onnx.view import View

# The format's versions, with what they say of splits of neurons: those of version 1 are at 0, once on a path.
VERSIONS = (1, None), (2, "thresholds")
# What a claim of version 2 looks at in the model, and what it assumes of those who compute it.
VIEWED = "output", "shapes", "assumed"
MOST_SIDE = 2**31
# A group of neurons that are bounded jointly has two to that many patterns.
MOST_TOGETHER = 8
# How well a library may be assumed to compute functions: half an ulp is a correctly rounded value.
LEAST_ULPS, MOST_ULPS = Fraction(1, 2), Fraction(2**16)


@dataclass(frozen=True)
class PartRecord:
    """A part as the manifest describes it: `at_leaves` whether every leaf bounds the hidden neurons on its own box, the
    ReLU layer of each lemma, each goal's disjuncts, and whether leaves bound them `again` that are bounded on the
    part's box."""

    at_leaves: bool
    lemmas: list[int]
    goals: list[list[int]]
    again: bool = False


class Certificate:
    """The file at `path`. `model` and `asked` are the SHA-256 that it names, `claim` its JSON, `view` what it looks at
    in the model, `ulps` what it assumes of functions."""

    def __init__(self, path: str | Path) -> None:
        self.archive = Archive(path)
        manifest = self.archive.json("manifest.json")
        version = member_of(manifest, "version", int), member_of(manifest, "splits", str, None)
        if member_of(manifest, "format", str) != "vcert" or version not in VERSIONS:
            raise UnreadableError("not a certificate of version 1, or of version 2 whose splits are thresholds")
        self.thresholds = version == VERSIONS[1]
        only(manifest, "format", "version", "splits", "producer", "model", "property", "claim", "parts",
             *(VIEWED if self.thresholds else ()))
        member_of(manifest, "producer", str, "")
        self.asked: str | None = member_of(manifest, "property", str, None)
        self.model: str = member_of(manifest, "model", str)
        shapes = {name: tuple(each(v, _side)) for name, v in member_of(manifest, "shapes", dict, {}).items()}
        self.view = View(member_of(manifest, "output", str, None), shapes)
        # Within how many units in the last place every function is assumed to be computed; None: nothing is assumed.
        self.ulps = _ulps(manifest.get("assumed"))
        self._manifest = manifest

    @property
    def claim(self) -> Any:
        """What is claimed, not yet read."""
        claim = member_of(self._manifest, "claim", dict)
        if (claim.get("kind") == "unsat") != (self.asked is not None):
            raise UnreadableError("the manifest's claim and property do not fit together")
        return claim

    def parts(self, layers: int, disjuncts: int) -> list[PartRecord]:
        """All parts, about a network of so many ReLU layers and a claim of so many disjuncts."""
        return each(self._manifest.get("parts"), lambda record: _part(record, layers, disjuncts))

    def nodes(self) -> Nodes:
        """The nodes of all trees, from the first."""
        return Nodes(self.archive.array("tree.npy", (NODE,), 1), self.thresholds)

    def witness(self) -> list[Fraction]:
        """The point that the claim's upper end rests on."""
        record = self.archive.json("witness.json")
        if not isinstance(record, dict) or set(record) != {"point"}:
            raise UnreadableError("witness.json is malformed")
        return each(record["point"], rational)

    def lines(self, part: int, neurons: int) -> Any:
        """Slopes below and above for the bounds of hidden neurons on the part's box, and which neurons need bounds
        though they may be stable, (3, neurons); None: CROWN's slopes, and none."""
        member = f"p{part}.lines.npy"
        if member not in self.archive:
            return None
        found = self.archive.array(member, FLOATS, 2).astype(np.float64)
        if found.shape != (3, neurons) or not ((found >= 0) & (found <= 1)).all():
            raise UnreadableError(f"{member}: not three numbers in [0, 1] for each neuron")
        return found

    def joint(self, part: int, inputs: int, neurons: int) -> tuple[Any, Any] | None:
        """What a part bounds jointly, int64: the neurons and the group that each is in, (2, members), and the edges
        that leaves have shares for, (2, edges), the group that each leads to and what it comes from, an input or a
        neuron, numbered behind the inputs; None where there are none."""
        names = f"p{part}.groups.npy", f"p{part}.edges.npy"
        if names[0] not in self.archive and names[1] not in self.archive:
            return None
        if not all(name in self.archive for name in names):
            raise UnreadableError(f"{names[0]} and {names[1]} belong together")
        members, edges = (self.archive.array(name, ("<u4",), 2).astype(np.int64) for name in names)
        if len(members) != 2 or (members[0] >= neurons).any() or len(np.unique(members[0])) < members.shape[1]:
            raise UnreadableError(f"{names[0]}: no neurons and their groups")
        if np.unique(members[1], return_counts=True)[1].max(initial=0) > MOST_TOGETHER:
            raise UnreadableError(f"{names[0]}: a group has more than {MOST_TOGETHER} neurons")
        if len(edges) != 2 or not np.isin(edges[0], members[1]).all() or (edges[1] >= inputs + neurons).any():
            raise UnreadableError(f"{names[1]}: no groups and what they read")
        if len(np.unique(edges[0] * (inputs + neurons) + edges[1])) < edges.shape[1]:
            raise UnreadableError(f"{names[1]}: an edge occurs twice")
        return members, edges

    def lemma(self, part: int, number: int, sizes: Sizes, size: int, most: int) -> tuple[Group, Any, Any]:
        """The multipliers of a lemma about a layer of `size`, and of each of its trees, at most `most`, the neuron and
        the side, 1 or -1."""
        found = self.bounds(f"p{part}.l{number}", sizes, size)
        if len(found[1]) > most:
            raise RejectedError(f"p{part}.l{number}: more trees than nodes")
        return found

    def bounds(self, prefix: str, sizes: Sizes, size: int) -> tuple[Group, Any, Any]:
        """The multipliers of bounds of a layer of `size`, and of each the neuron and the side, 1 or -1."""
        neuron = self.archive.array(f"{prefix}.neuron.npy", ("<u4",), 1).astype(np.intp)
        side = self.archive.array(f"{prefix}.side.npy", ("i1",), 1).astype(np.float64)
        if len(neuron) != len(side) or (neuron >= size).any() or (np.abs(side) != 1).any():
            raise UnreadableError(f"{prefix}: no neurons and sides of its layer")
        return Group(self.archive, prefix, sizes, alone=True), neuron, side

    def layers(self, prefix: str, most: int) -> list[int]:
        """Of bounds found anew, the ReLU layer that each group of them is about, one after the other."""
        found: list[int] = self.archive.array(f"{prefix}.layers.npy", ("<u4",), 1).tolist()
        if any(layer >= most for layer in found):
            raise UnreadableError(f"{prefix}: bounds of a layer that is not there")
        return found

    def inside(self, prefix: str, sizes: Sizes) -> Group:
        """The multipliers of a tree behind bounds found anew."""
        return Group(self.archive, prefix, sizes, alone=True)

    def goal(self, part: int, number: int, sizes: Sizes, alone: bool) -> Group:
        """The multipliers of a goal; `alone` if it is about one disjunct."""
        member = f"p{part}.edges.npy"
        edges = self.archive.array(member, ("<u4",), 2).shape[1] if member in self.archive else 0
        return Group(self.archive, f"p{part}.g{number}", replace(sizes, edges=edges), alone)


def _ulps(record: Any) -> Fraction | None:
    if record is None:
        return None
    only(record, "ulp")
    found = rational(member_of(record, "ulp", str))
    if not LEAST_ULPS <= found <= MOST_ULPS:
        raise UnreadableError(f"functions within {found} ulp, expected from {LEAST_ULPS} to {MOST_ULPS}")
    return found


def _side(value: Any) -> int:
    if type(value) is not int or not 0 < value <= MOST_SIDE:
        raise UnreadableError("the manifest's shapes have sides that are no counts")
    return value


def _part(record: Any, layers: int, disjuncts: int) -> PartRecord:
    only(record, "bounds", "lemmas", "goals")
    bounds = member_of(record, "bounds", str)
    if bounds not in ("leaf", "root", "both"):
        raise UnreadableError("a part's bounds are neither of the leaf nor of the root, nor of both")
    goals = each(record.get("goals"), lambda goal: _goal(goal, disjuncts))
    lemmas = each(member_of(record, "lemmas", list, []), lambda lemma: _lemma(lemma, layers))
    if bounds == "leaf" and lemmas:
        raise UnreadableError("lemmas in a part whose leaves compute their own bounds")
    if not 0 < sum(map(len, goals)) <= disjuncts:
        raise UnreadableError("a part without goals, or with more disjuncts than the claim")
    return PartRecord(bounds == "leaf", lemmas, goals, bounds == "both")


def _goal(record: Any, disjuncts: int) -> list[int]:
    only(record, "disjuncts")
    found = each(record.get("disjuncts"), lambda v: v)
    if not found or any(not isinstance(d, int) or isinstance(d, bool) or not 0 <= d < disjuncts for d in found):
        raise UnreadableError("a goal's disjuncts are not those of the claim")
    return found


def _lemma(record: Any, layers: int) -> int:
    only(record, "layer")
    layer: int = member_of(record, "layer", int)
    if not 0 <= layer < layers:
        raise UnreadableError(f"a lemma about ReLU layer {layer}")
    return layer
