"""Random questions about random small networks, with the answer by brute force: what all engines must agree on.

Every question is a VNN-LIB 1 file, so that it goes the whole way from the file to the gate. Its offsets are
placed at a chosen distance, on a chosen side, of where the answer changes: the least margin by brute force says
where that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np

import verdict
from support.brute import least_margin, least_radius
from support.networks import KINDS, random_network

SORTS = ("radius", "halfspaces", "rows", "fixed", "point", "mixed", "thirds")
# How far, relative to the outputs, a question lies from the place where its answer changes; 0: a tie, as far as
# floats can tell.
DISTANCES = (0.1, 0.1, 1e-2, 1e-3, 1e-4, 0.0)
# A brute-force margin below this, relative to the outputs, is within the LP solver's tolerances.
TIE = 2e-5


@dataclass(frozen=True)
class Asked:
    """One question: `truth` is robust, violated, or None where brute force cannot tell (a tie); of samples alone robust
    is what they see, and no proof, where violated is one."""

    name: str
    network: verdict.Network
    query: Path
    truth: str | None
    sampled: bool = False


@dataclass
class UnionOnBox:
    lower: list[Fraction]
    upper: list[Fraction]
    polytopes: list[tuple[np.ndarray, np.ndarray]]  # rows over the outputs and then the inputs, offsets

    def text(self, outputs: int) -> str:
        inputs = len(self.lower)
        names = [f"Y_{i}" for i in range(outputs)] + [f"X_{i}" for i in range(inputs)]
        lines = [f"(declare-const {name} Real)" for name in (*names[outputs:], *names[:outputs])]
        for i, (low, high) in enumerate(zip(self.lower, self.upper, strict=True)):
            lines += [f"(assert (>= X_{i} {number(low)}))", f"(assert (<= X_{i} {number(high)}))"]
        disjuncts = []
        for rows, offset in self.polytopes:
            parts = [f"(<= {_sum(row, names)} {number(Fraction(d))})" for row, d in zip(rows, offset, strict=True)]
            disjuncts.append(f"(and {' '.join(parts)})")
        return "\n".join([*lines, "(assert (or", *disjuncts, "))", ""])


def number(value: Fraction) -> str:
    """A rational as VNN-LIB writes it: a decimal where there is a short one, else a quotient."""
    decimal = Decimal(value.numerator) / Decimal(value.denominator)
    if Fraction(decimal) == value:
        return f"{decimal:f}"
    return f"(/ {value.numerator} {value.denominator})"


def _sum(row: np.ndarray, names: Sequence[str]) -> str:
    return f"(+ 0 {' '.join(f'(* {c:g} {name})' for c, name in zip(row, names, strict=True) if c)})"


def ask(serial: int, folder: Path) -> Asked:
    """Question number `serial`, always the same; its two files are written to `folder`."""
    kind, sort = KINDS[serial % len(KINDS)], SORTS[serial // len(KINDS) % len(SORTS)]
    rng = np.random.default_rng([serial, 2016])
    network = verdict.load(random_network(rng, kind, folder))
    if sort == "radius":
        asked, truth = _around_the_radius(rng, network)
    else:
        asked, truth = _around_the_margin(rng, network, sort)
    query = folder / f"{serial}.vnnlib"
    query.write_text(asked.text(network.output_size))
    return Asked(f"{serial} ({kind}, {sort})", network, query, truth)


def _around_the_radius(rng: np.random.Generator, network: verdict.Network) -> tuple[UnionOnBox, str | None]:
    """Robustness at a radius just below or just above the least one."""
    center, size = rng.integers(-8, 9, network.input_size) / 8, network.output_size
    values = network.evaluate(center[None])[0]
    label, distance = int(values.argmax()), float(rng.choice(DISTANCES))
    tied = np.sort(values)[-2] == values[label]
    radius = 0.0 if tied else least_radius(network.graph, center, label, -2, 2)
    if not np.isfinite(radius):
        truth, eps = "robust", Fraction(4)
    elif radius == 0:
        truth, eps = "violated", Fraction(1, 8)
    else:
        truth, side = (("robust", -1), ("violated", 1))[int(rng.integers(2))]
        eps = Fraction(round(radius * (1 + side * distance), 12)).limit_denominator(10**9)
        if distance < TIE:
            truth = None
    lower = [max(Fraction(x) - eps, Fraction(-2)) for x in center]
    upper = [min(Fraction(x) + eps, Fraction(2)) for x in center]
    polytopes = []
    for rival in range(size):
        if rival != label:
            row = np.zeros((1, size + len(center)))
            row[0, label], row[0, rival] = 1.0, -1.0
            polytopes.append((row, np.zeros(1)))
    return UnionOnBox(lower, upper, polytopes), truth


def _around_the_margin(rng: np.random.Generator, network: verdict.Network, sort: str) -> tuple[UnionOnBox, str | None]:
    """A union of random polytopes on a random box, moved to a chosen distance of the least margin."""
    box = random_box(rng, network.input_size, sort)
    ends = np.array([float(f) for f in box[0]]), np.array([float(f) for f in box[1]])
    polytopes = []
    for _ in range(int(rng.integers(1, 4))):
        rows = rng.integers(-2, 3, (1 if sort == "halfspaces" else int(rng.integers(1, 4)), network.output_size))
        rows[~rows.any(axis=1), 0] = 1
        also = rng.integers(-2, 3, (len(rows), network.input_size)) * (sort == "mixed")
        polytopes.append((np.hstack([rows, also]).astype(float), rng.integers(-8, 9, len(rows)) / 8))
    scale = max(1.0, float(np.abs(network.evaluate(np.stack([*ends, (ends[0] + ends[1]) / 2]))).max()))
    margin = least_margin(network.graph, *ends, polytopes)
    truth, side = (("robust", -1), ("violated", 1))[int(rng.integers(2))]
    distance = float(rng.choice(DISTANCES))
    # Raising every offset by s lowers the margin by s; a multiple of 2**-40 keeps the offsets floats.
    shift = np.round((margin + side * distance * scale) * 2.0**40) / 2.0**40
    moved = [(rows, offset + shift) for rows, offset in polytopes]
    return UnionOnBox(*box, moved), None if distance < TIE else truth


def random_box(rng: np.random.Generator, size: int, sort: str) -> tuple[list[Fraction], list[Fraction]]:
    center = [Fraction(int(n), 8) for n in rng.integers(-8, 9, size)]
    reach = [Fraction(int(n), 8) for n in rng.integers(1, 9, size)]
    if sort == "thirds":
        center = [c + Fraction(1, 3) for c in center]
    elif sort == "point":
        reach = [Fraction(0)] * size
    elif sort == "fixed":
        kept = rng.integers(size)
        reach = [r if i == kept or rng.random() < 0.3 else Fraction(0) for i, r in enumerate(reach)]
    return [c - r for c, r in zip(center, reach, strict=True)], [c + r for c, r in zip(center, reach, strict=True)]
