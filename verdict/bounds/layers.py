"""Layer by layer: what the methods that tighten one neuron at a time share.

A neuron's bounds help every layer above it, so the layers are taken from below; each is first tightened by
backward substitution, which costs next to nothing, and what it gains is passed on at once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..base.deadline import Deadline
from ..network.exact import FloatArray
from ..network.graph import Graph
from .backward import output_bounds
from .ball import Ball
from .bounds import Bounds
from .interval import carry_up
from .linear import linear_bounds, tighten

# Improves one node of bounds of one box within a time.
Step = Callable[[Bounds, int, Deadline], Bounds]


def layer_by_layer(
    graph: Graph, lower: FloatArray, upper: FloatArray, clock: Deadline, step: Step, ball: Ball | None = None
) -> Bounds:
    """Bounds of every node over one box [lower, upper], each (1, input_size), or the `ball` in it: linear ones,
    improved by `step`.

    Pre-activations get their neurons that are still unstable improved, the output all of its neurons. Every
    layer may take an equal part of the time left; what it does not reach keeps the bounds that it has.
    """
    bounds = linear_bounds(graph, lower, upper, clock.passed, ball)
    targets = target_nodes(graph)
    for place, number in enumerate(targets):
        if clock.passed():
            break
        bounds = substituted(graph, bounds, number, clock)
        bounds = step(bounds, number, clock.share(1 / (len(targets) - place), np.inf))
    return bounds


def target_nodes(graph: Graph) -> list[int]:
    """The nodes worth tightening, in topological order: pre-activations with a ReLU below them, and the output."""
    read = {*graph.in_front, graph.output}
    return [i for i in graph.affine if i in read and not set(graph.bent).isdisjoint(graph.ancestors(i))]


def open_ends(graph: Graph, bounds: Bounds, number: int) -> list[tuple[int, float]]:
    """(neuron, +1 for its lower end or -1 for its upper): the unstable neurons of a pre-activation, the one with
    the largest triangle first, which loosens most above it; all neurons of the output, as they come."""
    low, high = bounds.lower[number][0], bounds.upper[number][0]
    if number == graph.output:
        neurons = np.arange(len(low))
    else:
        neurons = np.flatnonzero(graph.bends(number, low, high))
        neurons = neurons[np.argsort(low[neurons] * high[neurons], kind="stable")]
    return [(int(neuron), sign) for neuron in neurons for sign in (1.0, -1.0)]


def substituted(graph: Graph, bounds: Bounds, number: int, clock: Deadline | None = None) -> Bounds:
    """The bounds with one node's intersected with backward substitution from all that is known below it."""
    if number != graph.output:
        below = bounds.with_ends(bounds.lower[: number + 1], bounds.upper[: number + 1])
        low, high = tighten(graph, below, {}, (clock or Deadline()).passed)
        return replaced(graph, bounds, number, low, high)
    size = graph.output_size
    found = output_bounds(graph, bounds, np.concatenate([np.eye(size), -np.eye(size)])).lower
    low = np.maximum(bounds.lower[number], found[:, :size])
    return replaced(graph, bounds, number, low, np.minimum(bounds.upper[number], -found[:, size:]))


def replaced(graph: Graph, bounds: Bounds, number: int, low: FloatArray, high: FloatArray) -> Bounds:
    """The bounds with those of node `number` replaced by tighter ones, which the layers above take up as
    intervals do."""
    below = bounds.with_ends((*bounds.lower[:number], low), (*bounds.upper[:number], high))
    return carry_up(graph, below, known=bounds)
