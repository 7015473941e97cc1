"""Domains of a search over splits of smooth neurons, and their bounds.

A domain is the box with some neurons cut at thresholds, and one row of outputs that is to be bounded on it. It inherits
slopes and betas, which climb a few steps more; the bound is computed anew in float64 for the slopes as they are stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...bounds.alpha import Ascent, ascend_lines, minimiser
from ...bounds.backward import backward
from ...bounds.bounds import Bounds
from ...bounds.lines import Lines
from ...bounds.mixtures import Mixture, mixed, mixtures, on_grid
from ...bounds.tangents import Climb, lines_of, split_lines
from ...bounds.walk import KEEPING, LinearBound
from ...network.graph import Graph


@dataclass(frozen=True)
class Cut:
    """Entry `neuron` of Pointwise node `node` has z <= `at` (`sign` 1) or z >= `at` (-1) in front of it."""

    node: int
    neuron: int
    sign: int
    at: float


@dataclass(eq=False)
class Domain:
    """`row` is its row's number, `lower` its bound; `node` is whose the proof's tree knows it by. `states` are slopes
    below and above, and betas, (size,) of each function's node, of products shares below and above."""

    row: int
    cuts: tuple[Cut, ...] = ()
    lower: float = -np.inf
    node: int = 0
    states: dict[int, tuple[Any, Any, Any]] = field(default_factory=dict)
    # How much splitting a neuron may gain, by node, (size,), and where the bound has its pre-activations.
    loss: dict[int, Any] = field(default_factory=dict)
    pre: dict[int, Any] = field(default_factory=dict)
    point: Any = None


class Bounding:
    """Bounds domains of one box, whose node bounds are `bounds` (batch 1, float64), for `rows` (rows, outputs). With
    `mixes` the planes of products climb too."""

    def __init__(self, graph: Graph, bounds: Bounds, rows: Any, mixes: bool = True) -> None:
        self.graph, self.bounds, self.rows = graph, bounds, rows
        self.quick = bounds.astype(np.float32)
        self.nodes = [i for i in graph.ancestors(graph.output) if i in graph.pointwise]
        self.products = [i for i in graph.ancestors(graph.output) if i in graph.products] if mixes else []

    def ends(self, number: int, domains: list[Domain]) -> tuple[Any, Any, Any, Any]:
        """Of a node's pre-activations the ends (batch, size), and where and at what threshold they were split last."""
        low, high = (np.repeat(e, len(domains), axis=0) for e in self.bounds.in_front(self.graph, number))
        sign, at = np.zeros_like(low), np.zeros_like(low)
        for k, domain in enumerate(domains):
            for cut in domain.cuts:
                if cut.node == number:
                    side = high if cut.sign > 0 else low
                    side[k, cut.neuron] = self.graph.functions[number].below(cut.at) if cut.sign > 0 else cut.at
                    sign[k, cut.neuron], at[k, cut.neuron] = cut.sign, cut.at
        return low, high, sign, at

    def bound(self, domains: list[Domain], steps: int) -> None:
        """Climb so many steps, and note the bounds, in place."""
        graph, target = self.graph, self.graph.output
        rows = self.rows[[d.row for d in domains]][:, None, :]
        planes, hints = mixtures(graph, self.quick, self.products, len(domains)), {}
        for i, mixture in planes.items():
            mixture.resume([d.states.get(i) for d in domains])
        climbs: dict[int, Climb | Mixture] = dict(planes)
        for i in self.nodes:
            low, high, sign, at = (part.astype(np.float32) for part in self.ends(i, domains))
            below, floor, above, ceiling = graph.functions[i].lines(low, high)
            known = [d.states.get(i) for d in domains]
            for k, state in enumerate(known):
                if state is not None:
                    # A neuron that was split just now begins anew.
                    new = np.array([c.neuron for c in domains[k].cuts[-1:] if c.node == i], int)
                    own, over = below[k, new], above[k, new]
                    below[k] = state[0]
                    above[k] = above[k] if floor is None else state[1]
                    below[k, new], above[k, new] = own, over
            hints[i] = Lines(below, above, ceiling, offset_below=floor)
            climb = climbs[i] = Climb(graph.functions[i], (low, high), hints[i], len(domains))
            if sign.any():
                beta = np.stack([np.zeros(low.shape[1], np.float32) if s is None else s[2] for s in known])
                climb.split(sign, at, beta)
        _, _, states = ascend_lines(
            graph, self.quick, target, rows.astype(np.float32), hints, Ascent(steps, climbs=climbs))
        self._note(domains, rows, states)

    def _note(self, domains: list[Domain], rows: Any, states: dict[int, Any]) -> None:
        """The bounds in float64, of slopes and betas as they are stored."""
        graph, lines = self.graph, {}
        for i in self.nodes:
            low, high, sign, at = self.ends(i, domains)
            below, above, *beta = (np.asarray(s, np.float32).astype(np.float64) for s in states[i])
            lines[i] = lines_of(graph.functions[i], low, high, below, above)
            if beta:
                lines[i] = split_lines(lines[i], sign * beta[0], at)
        states = {i: tuple(map(on_grid, state)) if i in self.products else state for i, state in states.items()}
        bounds = mixed(graph, self.bounds, {i: states[i] for i in self.products})
        found = backward(graph, bounds, graph.output, rows, lines, KEEPING)
        relaxed = minimiser(graph, bounds, found, lines, graph.output)
        for k, domain in enumerate(domains):
            domain.lower, domain.point = float(found.lower[k, 0]), relaxed.x[k]
            domain.states = {i: (s[0][k], s[1][k], s[2][k] if len(s) > 2 else np.zeros_like(s[0][k]))
                             for i, s in states.items()}  # fmt: skip
        self._losses(domains, found, lines, relaxed.pre)

    def _losses(self, domains: list[Domain], found: LinearBound, lines: dict[int, Lines], pre: dict[int, Any]) -> None:
        for i in self.nodes:
            if i not in pre:
                continue
            low, high, _, _ = self.ends(i, domains)
            inside, nu, line = np.clip(pre[i], low, high), found.coefficients[i][:, 0, :], lines[i]
            above = line.slope_above * inside + line.offset_above
            below = line.slope_below * inside + (0 if line.offset_below is None else line.offset_below)
            off = np.abs(nu) * np.abs(self.graph.functions[i].value(inside) - np.where(nu < 0, above, below))
            for k, domain in enumerate(domains):
                domain.loss[i], domain.pre[i] = off[k], inside[k]
