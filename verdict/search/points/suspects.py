"""Points that a search meets on its way, and that look unsafe.

Whether they are is decided by a replay in rationals, which takes milliseconds to seconds a point; a search that offers
every minimiser of its bounds does little else. So floats are asked first, all points at once.
"""

from __future__ import annotations

from ...network.evaluate import evaluate
from ...network.exact import FloatArray
from ...network.graph import Graph
from ...property import UnsafeSet

# What looks safe by no more than this may be unsafe once it is rounded to the input's type.
NEAR = 1e-4


def suspects(graph: Graph, unsafe: UnsafeSet, points: FloatArray) -> FloatArray:
    """Those of the points (k, input_size) that look unsafe."""
    slack: FloatArray = unsafe.slack(evaluate(graph, points))
    return points[slack <= NEAR]
