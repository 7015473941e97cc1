"""Proof trees in the plainest way, a dictionary for each kind of multipliers, to compare the packed ones with."""

from __future__ import annotations

from typing import Any

import numpy as np

from verdict.certificate.nodes import ANEW, INPUT, LEAF, NEURON
from verdict.certificate.proof import RAW, slope_bytes

NAMES = "slopes", "above", "shares", "betas", "rows", "planes", "raw"


class PlainTree:
    """What `ProofTree` is said to be, one node after the other."""

    def __init__(self, columns: Any, chords: Any = None) -> None:
        self.columns, self.chords = columns, chords
        self.nodes: list[list[Any]] = [[LEAF, 0, 0.0, 0]]
        self.kept: dict[str, dict[int, Any]] = {name: {} for name in NAMES}
        self.convert: Any = None

    def split(self, kind: int, node: int, variable: int, value: float) -> tuple[int, int]:
        first = len(self.nodes)
        for name in ("slopes", "above", "shares", "betas", "rows"):
            if node in self.kept[name]:
                self.kept[name][first] = self.kept[name][first + 1] = self.kept[name].pop(node)
        self.nodes[node] = [kind, variable, value, first]
        self.nodes += [[LEAF, 0, 0.0, 0], [LEAF, 0, 0.0, 0]]
        return first, first + 1

    def unsplit(self, node: int) -> None:
        first = self.nodes[node][3]
        for kept in self.kept.values():
            kept.pop(node, None)
        self.nodes[node] = [LEAF, 0, 0.0, 0]
        for half in (first, first + 1) if first else ():
            self.unsplit(half)

    def close(self, node: int, slopes: Any = None, betas: Any = None, rows: Any = None) -> None:
        if slopes is not None:
            self.kept["slopes"][node] = slope_bytes(slopes)
        if betas is not None:
            self.kept["betas"][node] = dict(zip(self.columns.tolist(), np.asarray(betas).tolist(), strict=True))
        if rows is not None:
            self.kept["rows"][node] = np.maximum(rows, 0).astype(np.float32)

    def close_raw(self, node: int, rows: Any, multipliers: Any) -> None:
        self.nodes[node][1] = RAW
        self.kept["raw"][node] = rows, multipliers

    def graft(self, node: int, other: PlainTree, there: int = 0) -> None:
        kind, variable, value, first = other.nodes[there]
        if kind != LEAF:
            on, off = self.split(kind, node, variable, value)
            self.graft(on, other, first)
            self.graft(off, other, first + 1)
            return
        if there in other.kept["raw"]:
            self.close_raw(node, *other.kept["raw"][there])
        if there in other.kept["slopes"]:
            slopes = np.zeros(len(self.columns), np.uint8)
            slopes[np.searchsorted(self.columns, other.columns)] = other.kept["slopes"][there]
            self.kept["slopes"][node] = slopes
        for name in ("betas", "rows"):
            if there in other.kept[name]:
                self.kept[name][node] = other.kept[name][there]

    def preorder(self, node: int = 0, path: tuple[int, ...] = ()) -> list[tuple[int, tuple[int, ...]]]:
        kind, variable, _, first = self.nodes[node]
        if kind in (LEAF, ANEW):
            return [(node, path)]
        path = (*path, variable) if kind == NEURON else path
        return [(node, path), *self.preorder(first, path), *self.preorder(first + 1, path)]


def written(trees: list[PlainTree], above: tuple[int, ...] = ()) -> tuple[list[Any], dict[str, Any]]:
    """The nodes and the arrays of a group of trees."""
    nodes = [tuple(tree.nodes[n][:3]) for tree in trees for n, _ in tree.preorder()]
    leaves = [(tree, n, (*above, *path)) for tree in trees for n, path in tree.preorder() if tree.nodes[n][0] == LEAF]
    arrays: dict[str, Any] = {}
    sloped = [i for i, (tree, n, _) in enumerate(leaves) if n in tree.kept["slopes"]]

    def stacked(name: str, some: Any = None) -> Any:
        found = [tree.kept[name][n] for i, (tree, n, _) in enumerate(leaves)
                 if n in tree.kept[name] and (some is None or i in some)]
        return np.stack(found) if found else None

    if sloped and len(trees[0].columns):
        arrays["columns"], arrays["slopes"] = trees[0].columns, stacked("slopes")
        above_lines, shares = stacked("above", sloped), stacked("shares", sloped)
        if above_lines is not None:
            arrays["above"] = above_lines
            if shares is not None and len(shares) == len(above_lines):
                arrays["shares"] = shares
        elif trees[0].chords is not None:
            arrays["chords"] = trees[0].chords
        if len(sloped) < len(leaves):
            arrays["sloped"] = np.array(sloped, np.uint32)
    if any(n in tree.kept["betas"] for tree, n, _ in leaves):
        betas: list[float] = []
        for tree, n, path in leaves:
            own = dict(tree.kept["betas"].get(n, {}))
            betas += [max(0.0, own.pop(m, 0.0)) for m in reversed(path)][::-1]
        exact = np.array(betas)
        if betas:
            arrays["betas"] = exact.astype(np.float32) if (exact.astype(np.float32) == exact).all() else exact
    rows = [(i, tree.kept["rows"][n]) for i, (tree, n, _) in enumerate(leaves) if n in tree.kept["rows"]]
    if rows:
        some = np.stack([r for _, r in rows])
        convert = trees[0].convert
        some = some if convert is None else convert(some)
        arrays["lambda"] = np.zeros((len(leaves), some.shape[1]), some.dtype)
        arrays["lambda"][[i for i, _ in rows]] = some
    planed = [i for i, (tree, n, _) in enumerate(leaves) if n in tree.kept["planes"]]
    if planed:
        arrays["planes"], arrays["planed"] = stacked("planes"), np.array(planed, np.uint32)
    raw = [tree.kept["raw"][n] for tree, n, _ in leaves if n in tree.kept["raw"]]
    if raw:
        weights = np.stack([np.asarray(r, np.float64) for r, _ in raw])
        convert = trees[0].convert
        weights = weights if convert is None else convert(weights)
        arrays["raw"] = np.concatenate([weights, np.stack([mu for _, mu in raw])], axis=1)
    return nodes, arrays


__all__ = ["INPUT", "NEURON", "PlainTree", "written"]
