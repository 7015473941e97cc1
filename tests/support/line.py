"""Exact truths about networks with one input: every piece of the line, in rationals."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

import verdict
from support.networks import Draft
from verdict.network.exact import ExactVector
from verdict.network.network import Network

Layers = Sequence[tuple[np.ndarray, np.ndarray]]


def saved(layers: Layers, path: Path) -> Network:
    """The network relu(... relu(W1 x + b1) ...) with a last layer without ReLU; float32 arrays (outputs, inputs)."""
    draft, h = Draft(np.random.default_rng(0)), "x"
    for i, (matrix, bias) in enumerate(layers):
        names = [draft.constant(np.asarray(values, np.float32)) for values in (matrix, bias)]
        h = draft.add("Gemm", h, *names, transB=1)
        h = h if i == len(layers) - 1 else draft.add("Relu", h)
    return verdict.load(draft.save(path, (layers[0][0].shape[1],), len(layers[-1][1]), h))


def radius(
    layers: Layers, x: Fraction, label: int, limits: tuple[Fraction, Fraction] | None = None
) -> Fraction | None:
    """The distance from x to the nearest point, within some limits, where another output is at least as large as
    `label`'s; None: nowhere."""
    low, high = limits or (None, None)
    return min((abs(point - x) for point in _reached(layers, x, label) if _in(point, low, high)), default=None)


def largest(network: Network, layers: Layers, low: Fraction, high: Fraction, row: Sequence[int]) -> Fraction:
    """The largest value of row . outputs on [low, high]: at an end, or where a neuron changes sides."""
    points = [low, high, *(kink for kink in _kinks(layers) if low < kink < high)]
    return max(
        sum(int(r) * y for r, y in zip(row, network.evaluate_exact(ExactVector.of([p])).fractions(), strict=True))
        for p in points
    )


def _kinks(layers: Layers) -> list[Fraction]:
    """All points where some neuron may change sides, in order."""
    kinks: list[Fraction] = []
    for depth in range(1, len(layers)):
        found = list(kinks)
        for start, end in _between(kinks):
            slopes, constants = _piece(layers[:depth], start, end)
            found += [p for s, c in zip(slopes, constants, strict=True) if s for p in [-c / s] if _in(p, start, end)]
        kinks = sorted(set(found))
    return kinks


def _reached(layers: Layers, x: Fraction, label: int) -> list[Fraction]:
    """Points among which the nearest violation is: x itself, kinks, and zeros of a margin within a piece."""
    points = [x]
    for start, end in _between(_kinks(layers)):
        slopes, constants = _piece(layers, start, end)
        for i, (s, c) in enumerate(zip(slopes, constants, strict=True)):
            slope, constant = slopes[label] - s, constants[label] - c
            zero = [-constant / slope] if i != label and slope else []
            points += [p for p in (*zero, start, end) if p is not None and _in(p, start, end)]
    return [p for p in points if _is_reached(layers, p, label)]


def _is_reached(layers: Layers, point: Fraction, label: int) -> bool:
    values = [point]
    for i, (matrix, bias) in enumerate(layers):
        values = [
            sum((Fraction(float(w)) * v for w, v in zip(row, values, strict=True)), Fraction(float(b)))
            for row, b in zip(matrix, bias, strict=True)
        ]
        values = values if i == len(layers) - 1 else [max(v, Fraction(0)) for v in values]
    return any(value >= values[label] for i, value in enumerate(values) if i != label)


def _between(kinks: Sequence[Fraction]) -> list[tuple[Fraction | None, Fraction | None]]:
    ends = [None, *kinks, None]
    return list(itertools.pairwise(ends))


def _in(point: Fraction, start: Fraction | None, end: Fraction | None) -> bool:
    return (start is None or start <= point) and (end is None or point <= end)


def _piece(layers: Layers, start: Fraction | None, end: Fraction | None) -> tuple[list[Fraction], list[Fraction]]:
    """Slopes and constants of the last layer's values (in front of a ReLU) on a piece without kinks before it."""
    if start is not None and end is not None:
        inside = (start + end) / 2
    else:
        inside = start + 1 if start is not None else end - 1 if end is not None else Fraction(0)
    slopes, constants = [Fraction(1)], [Fraction(0)]
    for i, (matrix, bias) in enumerate(layers):
        rows = [[Fraction(float(w)) for w in row] for row in matrix]
        slopes, constants = (
            [sum((w * s for w, s in zip(row, slopes, strict=True)), Fraction(0)) for row in rows],
            [
                sum((w * c for w, c in zip(row, constants, strict=True)), Fraction(float(b)))
                for row, b in zip(rows, bias, strict=True)
            ],
        )
        if i < len(layers) - 1:
            on = [s * inside + c > 0 for s, c in zip(slopes, constants, strict=True)]
            slopes = [s if o else Fraction(0) for s, o in zip(slopes, on, strict=True)]
            constants = [c if o else Fraction(0) for c, o in zip(constants, on, strict=True)]
    return slopes, constants
