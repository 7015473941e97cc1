"""Random networks that jump, of two inputs, and all that they can give on a box: found by looking everywhere.

Behind the first layer such a network is constant between the lines at which a neuron jumps, on each line between two
crossings, and at the crossings. So one rational point of each of these faces tells all outputs. Values are computed
here from what the operators mean, by Python's rationals, and by nothing of Verdict's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from support import tiny

node = helper.make_node
TENTH = Fraction(float(np.float32(0.1)))


def sign(z: Fraction) -> Fraction:
    return Fraction((z > 0) - (z < 0))


# What each kind of jump makes of a number.
KINDS: dict[str, Any] = {
    "Sign": sign, "larq": lambda z: sign(sign(z) + TENTH), "Greater": lambda z: Fraction(z > 0),
    "LessOrEqual": lambda z: Fraction(z <= 0), "Where": lambda z: Fraction(3, 2) if z >= 0 else Fraction(-1, 2),
    "Floor": lambda z: Fraction(math.floor(z)), "Ceil": lambda z: Fraction(math.ceil(z)),
    "Round": lambda z: Fraction(round(z)),
}
# What follows the last jump may be rounded a little by floats: small numbers are not.
SIZES = ((3,), (4,), (3, 3), (4, 2), (2, 3, 2))


def operators(kind: str, z: str, y: str) -> list[Any]:
    if kind == "larq":
        return [node("Sign", [z], [f"{y}s"]), node("Add", [f"{y}s", "tenth"], [f"{y}a"]), node("Sign", [f"{y}a"], [y])]
    if kind in ("Greater", "LessOrEqual"):
        return [node(kind, [z, "zero"], [f"{y}c"]), node("Cast", [f"{y}c"], [y], to=TensorProto.FLOAT)]
    if kind == "Where":
        return [node("GreaterOrEqual", [z, "zero"], [f"{y}c"]), node("Where", [f"{y}c", "up", "down"], [y])]
    return [node(kind, [z], [y])]


@dataclass
class Jumping:
    """Layers of (weights (out, in), biases (out,), kind), and a last one of two outputs without a kind."""

    layers: list[tuple[Any, Any, str]]

    @classmethod
    def random(cls, rng: np.random.Generator) -> Jumping:
        """Multiples of a half, so that many numbers lie at jumps and no float is rounded."""
        sizes, layers, width = SIZES[rng.integers(len(SIZES))], [], 2
        for size in sizes:
            kind = str(rng.choice(list(KINDS)))
            is_binary = rng.random() < 0.4
            weights = rng.choice([-1, 1], (size, width)) / 1.0 if is_binary else rng.integers(-4, 5, (size, width)) / 2
            weights[~weights.any(axis=1), 0] = 1.0
            layers.append((weights, rng.integers(-3, 4, size) / 2 * (rng.random() < 0.7), kind))
            width = size
        last = rng.integers(-3, 4, (2, width)) / 1.0
        return cls([*layers, (last, rng.integers(-2, 3, 2) / 1.0, "")])

    def write(self, path: Path) -> Path:
        nodes, weights, x = [], {"zero": 0.0, "tenth": 0.1, "up": 1.5, "down": -0.5}, "x"
        for k, (matrix, bias, kind) in enumerate(self.layers):
            weights |= {f"W{k}": matrix.T, f"b{k}": bias}
            z = f"z{k}" if kind else "y"
            nodes += [node("MatMul", [x, f"W{k}"], [f"m{k}"]), node("Add", [f"m{k}", f"b{k}"], [z])]
            if kind:
                nodes += operators(kind, f"z{k}", f"r{k}")
            x = f"r{k}"
        used = {name for n in nodes for name in n.input}
        arrays = {name: np.array(w, np.float32) for name, w in weights.items() if name in used}
        return tiny.write(path, nodes, {"x": [1, 2]}, {"y": [1, 2]}, arrays)

    def value(self, x: list[Fraction]) -> list[Fraction]:
        for matrix, bias, kind in self.layers:
            rows = zip(matrix.tolist(), bias.tolist(), strict=True)
            x = [sum((Fraction(w) * v for w, v in zip(row, x, strict=True)), Fraction(b)) for row, b in rows]
            x = [KINDS[kind](z) for z in x] if kind else x
        return x

    def lines(self, low: list[Fraction], high: list[Fraction]) -> list[tuple[Fraction, Fraction, Fraction]]:
        """a x + b y = c for every place where a neuron of the first layer jumps in the box, and the box's sides."""
        found = [(Fraction(i == 0), Fraction(i == 1), end[i]) for i in (0, 1) for end in (low, high)]
        matrix, bias, kind = self.layers[0]
        for (a, b), c in zip(matrix.tolist(), bias.tolist(), strict=True):
            both = zip(map(Fraction, (a, b)), low, high, strict=True)
            ends = [sorted((w * start, w * end)) for w, start, end in both]
            least, most = (sum((e[side] for e in ends), Fraction(c)) for side in (0, 1))
            halves = range(math.floor(2 * least), math.ceil(2 * most) + 1)
            jumps = [Fraction(k, 2) for k in halves] if kind in ("Floor", "Ceil", "Round") else [Fraction(0)]
            found += [(Fraction(a), Fraction(b), j - Fraction(c)) for j in jumps if least <= j <= most]
        return list(dict.fromkeys(found))


def faces(network: Jumping, low: list[Fraction], high: list[Fraction]) -> list[list[Fraction]]:
    """A point of every crossing in the box, of every piece of a line between crossings, and of what lies beside it."""
    lines = network.lines(low, high)
    on: dict[int, set[tuple[Fraction, Fraction]]] = {i: set() for i in range(len(lines))}
    for (i, (a, b, c)), (j, (d, e, f)) in combinations(enumerate(lines), 2):
        under = a * e - b * d
        if under:
            point = ((c * e - b * f) / under, (a * f - c * d) / under)
            if _inside(low, point, high):
                on[i].add(point)
                on[j].add(point)
    near, found = Fraction(1, 10**9), {p for points in on.values() for p in points}
    for i, points in on.items():
        for (x, y), (u, v) in pairwise(sorted(points)):
            middle = (x + u) / 2, (y + v) / 2
            beside = [(middle[0] + s * near * lines[i][0], middle[1] + s * near * lines[i][1]) for s in (-1, 0, 1)]
            found |= {p for p in beside if _inside(low, p, high)}
    return [list(p) for p in found]


def _inside(low: list[Fraction], point: tuple[Fraction, Fraction], high: list[Fraction]) -> bool:
    return all(start <= v <= end for start, v, end in zip(low, point, high, strict=True))
