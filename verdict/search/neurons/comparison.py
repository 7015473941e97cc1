"""What each method's bounds look like on one question: widths per layer, unstable neurons, margins, time.

The margins y_label - y_t are put behind the outputs as one more affine node, so that every method bounds them as
it bounds anything else: a margin proved positive is a class that cannot win.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...answer.results import Trust
from ...base.deadline import TIME_LIMIT, Deadline, OutOfTime
from ...base.errors import PropertyError, TimeLimitError, UnsupportedError
from ...network.exact import Coefficients, FloatArray
from ...network.functions import Function
from ...network.graph import Affine, Graph, kind_of
from ...network.maps import Dense
from ...property import Problem, UnsafeSet
from .methods import Method

# The share of its time in which a method looks for better bounds; in the rest it carries up what it has.
SHARE = 0.8


@dataclass(frozen=True, eq=False, repr=False)
class Layer:
    """One layer's pre-activations, or the outputs: `lower`, `upper` of shape (size,), and how many are unstable.
    `function` is what comes behind pre-activations."""

    name: str
    lower: FloatArray
    upper: FloatArray
    unstable: int
    function: Function | None = None

    def __repr__(self) -> str:
        size, width = self.lower.size, self.widths.mean()
        return f"<Layer {self.name}: {size} neurons, {self.unstable} unstable, mean width {width:.4g}>"

    @property
    def widths(self) -> FloatArray:
        width: FloatArray = self.upper - self.lower
        return width


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """The bounds of one method: its ReLU layers in order, the outputs last.

    `margins` are lower bounds (rivals,) on y_label less each rival's output, `rivals` their names; `seconds` are
    of wall time.
    """

    method: str
    label: int
    trust: Trust
    seconds: float
    layers: tuple[Layer, ...]
    rivals: tuple[str, ...]
    margins: FloatArray
    note: str = ""

    def __repr__(self) -> str:
        least = f"least margin {self.margins.min():.4g}" if self.margins.size else "no rival"
        unstable = f"{self.unstable} unstable neurons"
        return f"<Bounds by {self.method}: {len(self.layers)} layers, {unstable}, {least}, {self.trust}>"

    @property
    def unstable(self) -> int:
        """How many ReLUs may be on either side of zero."""
        return sum(layer.unstable for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """The bounds in summary, for JSON."""
        layers = [
            {
                "name": layer.name,
                "size": layer.lower.size,
                "mean_width": _finite(layer.widths.mean()),
                "max_width": _finite(layer.widths.max(initial=0)),
                "unstable": layer.unstable,
            }
            for layer in self.layers
        ]
        return {
            "method": self.method,
            "trust": str(self.trust),
            "seconds": round(self.seconds, 6),
            "layers": layers,
            "unstable": self.unstable,
            "margins": {rival: _finite(low) for rival, low in zip(self.rivals, self.margins, strict=True)},
            "note": self.note,
        }


def _finite(value: float) -> float | None:
    """For JSON, which has no infinity."""
    return float(value) if math.isfinite(value) else None


def compare(
    problem: Problem,
    label: int,
    methods: Sequence[Method],
    seconds: float | None = None,
    on_progress: Callable[[str], object] | None = None,
) -> list[Comparison]:
    """Each method on a problem's input set, all within `seconds`; its unsafe set says which margins.

    What a method has not reached in its share of the time keeps looser bounds; methods for which none is left are
    missing. Raises TimeLimitError if all are. Methods that do not take the network's functions are left out, with a
    note of the last one that does; UnsupportedError if none does.

    A margin is the first row of a polytope C y <= d less its limit: positive where the polytope is out of reach.
    Raises PropertyError for coefficients that no float equals; class comparisons have none.
    """
    graph, inputs, unsafe = problem.network.graph, problem.inputs, problem.unsafe
    asked = with_margins(graph, unsafe)
    results: list[Comparison] = []
    refusals: list[tuple[str, UnsupportedError]] = []
    whole = Deadline(seconds)
    for number, method in enumerate(methods):
        if on_progress is not None:
            on_progress(method.name)
        clock = whole.share(SHARE / (len(methods) - number), math.inf)
        try:
            found = method.run(asked, inputs, clock)
        except UnsupportedError as refusal:
            refusals.append((method.name, refusal))
            continue
        except OutOfTime as end:
            if not results:
                raise TimeLimitError(f"{TIME_LIMIT} before any method was through") from end
            break
        took, low, high = clock.elapsed(), found.bounds.lower, found.bounds.upper
        layers = []
        for relu in asked.pointwise:
            source = asked.nodes[relu].sources[0]
            ends, function = (low[source][0], high[source][0]), asked.functions[relu]
            layers.append(Layer(_name(graph, relu), *ends, int(np.count_nonzero(function.bends(*ends))), function))
        outputs = slice(graph.output_size)
        layers.append(Layer("outputs", low[asked.output][0, outputs], high[asked.output][0, outputs], 0))
        margins = low[asked.output][0, graph.output_size :]
        rivals = tuple(polytope.name for polytope in unsafe.polytopes)
        results.append(Comparison(method.name, label, method.trust, took, tuple(layers), rivals, margins, found.note))
    if refusals and not results:
        raise refusals[0][1]
    if refusals:
        left_out = "; ".join(f"{name} is left out: {refusal}" for name, refusal in refusals)
        results[-1] = replace(results[-1], note="; ".join(filter(None, [results[-1].note, left_out])))
    return results


def with_margins(graph: Graph, unsafe: UnsafeSet) -> Graph:
    """The graph with a last node that holds the outputs and then, for each polytope, its first row's margin."""
    polytopes = unsafe.polytopes
    if not all(polytope.matrix.is_dyadic and polytope.offset.is_dyadic for polytope in polytopes):
        raise PropertyError("the unsafe set has coefficients that no float64 equals")
    matrix = np.concatenate([np.eye(graph.output_size), *(polytope.matrix.values[:1] for polytope in polytopes)])
    limits = np.array([polytope.offset.values[0] for polytope in polytopes])
    bias = Coefficients(np.concatenate([np.zeros(graph.output_size), -limits]))
    last = Affine(((Dense(Coefficients(matrix)), graph.output),), bias)
    return Graph((*graph.nodes, last), len(graph.nodes), graph.names)


def _name(graph: Graph, number: int) -> str:
    """The ReLU's ONNX name, or its number in the graph."""
    name = graph.names[number] if number < len(graph.names) else ""
    return name or f"{kind_of(graph.nodes[number]).lower()} {number}"
