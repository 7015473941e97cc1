"""The importer checks itself: on random points the graph must compute what ONNX Runtime computes.

A wrong pad or a forgotten axis gives a network that is verified perfectly and is not the user's. The
tolerance is not a guess but a running bound on what float32 rounding can do to this graph at these points.
"""

from __future__ import annotations

import numpy as np

from ..errors import ModelError
from .evaluate import evaluate, float32_error
from .exact import FloatArray
from .network import Network

POINTS = 4


def check_against_runtime(network: Network) -> None:
    """Raise ModelError unless ONNX Runtime agrees with the graph on a few random points."""
    rng = np.random.default_rng(0)
    # Zero, the unit box and a wider one: raw pixels, normalised data and clipped ranges all occur.
    scales = np.array([0.0, 1.0, 1.0, 3.0])[:POINTS, None]
    points = (rng.uniform(-0.5, 1.0, (POINTS, network.input_size)) * scales).astype(np.float32)
    outputs = evaluate(network.graph, points.astype(np.float64))
    errors = float32_error(network.graph, points.astype(np.float64))
    for point, output, error in zip(points, outputs, errors, strict=True):
        actual = network.runtime(point)
        expected, tolerance = _through_head(network.head, output, error)
        if expected is None:
            continue
        if actual.shape != expected.shape:
            raise ModelError(f"{network.path}: the import gives {expected.size} outputs, ONNX Runtime {actual.size}")
        worst = int(np.argmax(np.abs(actual - expected) - tolerance))
        if not abs(actual[worst] - expected[worst]) <= tolerance[worst]:
            raise ModelError(
                f"{network.path}: the import disagrees with ONNX Runtime: output {worst} is "
                f"{expected[worst]:.9g} here and {actual[worst]:.9g} there, more than rounding explains "
                f"({tolerance[worst]:.2g})"
            )


def _through_head(head: str | None, output: FloatArray, error: FloatArray) -> tuple[FloatArray | None, FloatArray]:
    """The output after the dropped head, and its tolerance; None where rounding could decide."""
    if head is None:
        return output, error
    if head == "ArgMax":
        best = int(output.argmax())
        rivals = np.delete(output + error, best)
        clear = not len(rivals) or output[best] - error[best] > rivals.max()
        return (np.array([float(best)]) if clear else None), np.zeros(1)
    shifted = output - output.max()
    log = shifted - np.log(np.exp(shifted).sum())
    # Both heads move by at most twice the largest change of their inputs (as functions to the sup norm).
    spread = np.full_like(output, 2 * error.max() + 1e-6 * (1 + np.abs(log)))
    return (np.exp(log) if head == "Softmax" else log), spread
