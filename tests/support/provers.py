"""Small provers that write certificates: boxes halved, and ReLUs split with optimised slopes and lemmas."""

from __future__ import annotations

from typing import Any

import numpy as np

from verdict.bounds.backward import backward
from verdict.bounds.bounds import Bounds
from verdict.bounds.interval import carry_up
from verdict.bounds.linear import linear_bounds, tighten, unit_rows
from verdict.bounds.lines import crown_lines
from verdict.certificate.kept import numbers_of
from verdict.certificate.neurons import NeuronMap
from verdict.certificate.nodes import Forest
from verdict.certificate.proof import Goal, Lemma, Part, ProofTree
from verdict.network.graph import Graph
from verdict.property import Polytope, UnsafeSet
from verdict.search.relus.ascent import optimise
from verdict.search.relus.branch import branch, losses
from verdict.search.relus.space import Space
from verdict.search.rows import Rows


def _halve(low: Any, high: Any, slope: Any) -> tuple[Any, Any]:
    """Both halves of each box, along the coordinate whose width times sensitivity is largest."""
    width = high - low
    score = np.abs(slope) * width + 1e-3 * width / np.maximum(width.max(axis=1, keepdims=True), 1e-300)
    at = (np.arange(len(low)), np.where(width > 0, score, -1).argmax(axis=1))
    middle = low[at] / 2 + high[at] / 2
    left_high, right_low = high.copy(), low.copy()
    left_high[at], right_low[at] = middle, middle
    return np.concatenate([low, right_low]), np.concatenate([left_high, high])


def boxes(graph: Graph, unsafe: UnsafeSet, low: Any, high: Any, margin: float = 1e-3, most: int = 5000) -> Any:
    """A tree of input splits that excludes all polytopes with a margin; None if `most` boxes do not suffice."""
    rows, tree, visited = Rows(unsafe), ProofTree(), 0
    todo = [(0, low, high)]
    while todo:
        batch, todo = todo[:32], todo[32:]
        ids, lows, highs = (np.array([b[k] for b in batch]) for k in range(3))
        visited += len(ids)
        if visited > most:
            return None
        bounds = linear_bounds(graph, lows, highs)
        lines = {i: crown_lines(graph, bounds, i) for i in graph.pointwise}
        found = backward(graph, bounds, graph.output, rows.matrix, lines)
        left = np.flatnonzero(~(rows.slack(found.lower) > margin))
        if not len(left):
            continue
        slope = found.slope[left, rows.decisive(found.lower)[left]]
        halves = _halve(lows[left], highs[left], slope)
        count = len(left)
        axis = (halves[1][:count] != highs[left]).argmax(axis=1)
        first, second = tree.split_inputs(ids[left], axis, halves[1][np.arange(count), axis])
        numbers = [*first.tolist(), *second.tolist()]
        todo += [(n, halves[0][k], halves[1][k]) for k, n in enumerate(numbers)]
    return tree


def split_space(space: Space, domains: Any, trees: list[ProofTree], rounds: int, margin: float = 1e-4) -> bool:
    """Split ReLUs until every domain is above `margin`; domain i grows tree i. False if open after `rounds`."""
    nodes, owner = np.zeros(len(domains), int), np.arange(len(domains))
    for turn in range(rounds + 1):
        domains, seen = optimise(space, domains, 20 if turn == 0 else 5)
        loss = losses(space, domains, seen)
        stop = (domains.lower > margin) | (turn == rounds) | ~(loss >= 0).any(axis=1)
        for i in np.flatnonzero(stop):
            trees[owner[i]].close(nodes[i], domains.slopes[i : i + 1], domains.betas[i : i + 1])
        done = bool((domains.lower > margin)[stop].all())
        left = np.flatnonzero(~stop)
        if not len(left) or (turn == rounds):
            return done
        before = domains.signs[left]
        domains = branch(space, domains.take(left), loss[left])
        split = (domains.signs[: len(left)] != before).argmax(axis=1)
        halves = [[], []]
        for k, i in enumerate(left):
            on, off = trees[owner[i]].split_neurons(nodes[i], trees[owner[i]].columns[split[k]])
            halves[0].append(int(on[0]))
            halves[1].append(int(off[0]))
        nodes, owner = np.array(halves[0] + halves[1]), np.tile(owner[left], 2)
    return False


def sharpened(graph: Graph, bounds: Bounds, neurons: NeuronMap, rounds: int) -> tuple[Bounds, list[Lemma]]:
    """Bounds of all nodes on the box, each layer's unstable neurons sharpened by trees of so many rounds of splits."""
    lines, lemmas = {}, []
    feeds = {node.source: i for i, node in enumerate(graph.nodes) if i in graph.functions}

    def improve(so_far: Bounds) -> tuple[Any, Any]:
        number = len(so_far.lower) - 1
        low, high = tighten(graph, so_far, lines)
        unstable = np.flatnonzero((low[0] < 0) & (high[0] > 0))
        if len(unstable):
            so_far = Bounds((*so_far.lower[:-1], low), (*so_far.upper[:-1], high))
            lemma, found = _lemma(graph, so_far, number, unstable, neurons, neurons.layer(feeds[number]), rounds)
            lemmas.append(lemma)
            low[0, unstable] = np.maximum(low[0, unstable], found[: len(unstable)])
            high[0, unstable] = np.minimum(high[0, unstable], -found[len(unstable) :])
        return low, high

    box = Bounds(bounds.lower[:1], bounds.upper[:1])
    return carry_up(graph, box, improve=improve), lemmas


def _lemma(graph: Any, bounds: Any, number: int, unstable: Any, neurons: Any, layer: int, rounds: int) -> Any:
    picks = unit_rows(unstable, graph.nodes[number].size, np.float64)
    rows = np.concatenate([picks, -picks])
    space = Space(graph, bounds, rows, np.zeros(len(rows)), number)
    columns, roots = neurons.of_space(space.columns), space.root()
    lemma, bound = Lemma(layer), np.zeros(len(rows))
    for i in range(len(rows)):
        tree = ProofTree(columns)
        split_space(space, roots.take(slice(i, i + 1)), [tree], rounds, np.inf if rounds == 0 else 0.0)
        lemma.add(unstable[i % len(unstable)], 1 if i < len(unstable) else -1, tree)
        bound[i] = _least(space, tree, i)
    return lemma, bound


def _least(space: Space, tree: ProofTree, row: int) -> float:
    """The least rigorous bound of a tree's leaves."""
    from verdict.search.relus.space import Domains

    place = {int(c): i for i, c in enumerate(tree.columns)}
    least, stack = np.inf, [(0, np.zeros(space.size, np.int8))]
    forest = Forest([tree.nodes])
    every = np.arange(len(tree))
    sloped, multiplied = (numbers_of(kept, forest, every) for kept in (tree.kept["slopes"], tree.betas))
    while stack:
        node, signs = stack.pop()
        kind, variable, _, first = tree.node(node)
        if kind:
            for half, sign in ((0, 1), (1, -1)):
                cut = signs.copy()
                cut[place[variable]] = sign
                stack.append((first + half, cut))
            continue
        slopes = tree.kept["slopes"].rows.take(sloped[[node]])[0] / np.float32(255)
        betas, (entries, _) = np.zeros(space.size, np.float32), tree.betas.entries(multiplied[[node]])
        betas[[place[int(n)] for n in entries["neuron"]]] = entries["value"]
        none = np.zeros(1, int)
        domain = Domains(np.array([row]), signs[None], slopes[None], betas[None], np.zeros(1), none, none, np.zeros(1))
        least = min(least, float(space.verify(domain)[0]))
    return least


def relus(graph: Graph, polytopes: list[Polytope], low: Any, high: Any, neurons: NeuronMap, disjuncts: list[list[int]],
          rounds: int = 12, lemma_rounds: int = 0) -> Part | None:
    """A part of ReLU splits, one goal for each polytope of one row; None if some is left open."""
    bounds, lemmas = sharpened(graph, linear_bounds(graph, low[None], high[None]), neurons, lemma_rounds)
    rows = np.concatenate([p.matrix.values for p in polytopes])
    offsets = np.concatenate([p.offset.values for p in polytopes])
    space = Space(graph, bounds, rows, np.nextafter(offsets, np.inf))
    columns = neurons.of_space(space.columns)
    part = Part(False, [], lemmas)
    for i, found in enumerate(disjuncts):
        tree = ProofTree(columns)
        if not split_space(space, space.root().take(slice(i, i + 1)), [tree], rounds):
            return None
        part.goals.append(Goal(found, tree))
    return part
