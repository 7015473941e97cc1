"""The importer checks itself: at points that it samples the graph must compute what ONNX Runtime computes.

A wrong pad or a forgotten axis gives a network that is verified perfectly and is not the user's. The
tolerance is not a guess but a running bound on what rounding can do to this graph at these points. A first look is
taken when a network is loaded, a second one at points of the question's own inputs.
"""

from __future__ import annotations

import numpy as np

from ...base.errors import ModelError
from ...network.evaluate import BoolArray, look
from ...network.exact import FloatArray
from ...network.graph import Graph
from ...network.network import Network

# Zero, the unit box, and large magnitudes: raw pixels, normalised data and clipped ranges all occur.
SCALES = (0.0, 1.0, 3e3, 1e8)
# A graph with more products than this is looked at in two points, or in one.
MANY_PRODUCTS = 2 * 10**8, 10**9
# Relative rounding and underflow; for doubles with room for constants that are themselves rounded more than once.
SINGLE, DOUBLE = (2.0**-24, 2.0**-126), (2.0**-48, 2.0**-1022)
# A function that is not defined up to here has a domain.
FAR = 1e300


def products(graph: Graph) -> int:
    """How many products one evaluation takes."""
    return sum(linear.out_size * linear.fan_in for node in graph.affine.values() for linear, _ in node.terms)


def check_against_runtime(network: Network) -> None:
    """Raise ModelError unless ONNX Runtime loads the file and agrees with the graph on a few random points.

    Where an input makes numbers that the network's type does not hold, the point is passed over; the file is loaded and
    run in any case.
    """
    rng = np.random.default_rng(0)
    most = sum(products(network.graph) > limit for limit in MANY_PRODUCTS)
    scales = np.array((SCALES, SCALES[1:3], SCALES[1:2])[most])[:, None]
    points = rng.uniform(-0.5, 1.0, (len(scales), network.input_size)) * scales
    check_on(network, points, overflow_is_an_error=False)


def check_on(network: Network, points: FloatArray, *, overflow_is_an_error: bool = True) -> None:
    """Raise ModelError unless ONNX Runtime agrees with the graph at `points` (count, input_size).

    A number beyond the network's type is an error, since what is proved over the reals says nothing of such a run; or
    the point is passed over.
    """
    unit, smallest = DOUBLE if network.is_double else SINGLE
    # A float32 number is one of every type that the network may cast its input to.
    with np.errstate(all="ignore"):
        points = points if network.is_double else points.astype(np.float32).astype(np.float64)
        largest = float(np.finfo(np.float64 if network.is_double else np.float32).max) / 2
        seen = look(network.graph, points, unit, smallest, largest, network.roundings)
    # The graph may pass its inputs on, which the file does not.
    count = network.output_size - (network.input_size if network.passes_inputs else 0)
    if not seen.fits.any() and len(points):
        _run(network, points[0])
    for point, output, error, inside in zip(
        points, seen.outputs[:, :count], seen.errors[:, :count], seen.fits, strict=True
    ):
        if not inside and not overflow_is_an_error:
            continue
        _compare_at(network, point, output, error)


def _run(network: Network, point: FloatArray) -> None:
    """Raise ModelError unless ONNX Runtime runs the file and gives as many outputs as the heads leave."""
    actual = network.runtime(point)
    expected = sum(p.size if p.head is None else p.head.file_size(p.size) for p in network.outputs)
    if actual.size != expected:
        raise ModelError(f"{network.path}: the import gives {expected} outputs, ONNX Runtime {actual.size}")


def _compare_at(network: Network, point: FloatArray, output: FloatArray, error: FloatArray) -> None:
    actual = network.runtime(point)
    expected, tolerance, behind = _through_heads(network, output, error)
    if actual.shape != expected.shape:
        raise ModelError(f"{network.path}: the import gives {expected.size} outputs, ONNX Runtime {actual.size}")
    # Behind a head rounding may decide between classes, or take a logarithm to minus infinity.
    vague = behind & ~np.isfinite(tolerance)
    # Where all probabilities went to zero their shares are no numbers, here and there.
    lost = np.where(vague, np.isnan(actual) & ~np.isnan(expected), ~np.isfinite(actual))
    has_domain = any(not function.inside(-FAR, FAR) for function in network.graph.functions.values())
    if has_domain and (lost & np.isnan(expected)).any():
        raise ModelError(
            f"{network.path}: the network has no value at an input whose largest entry is {np.abs(point).max():.3g}: a "
            "function (Log, Sqrt, Reciprocal, Div, Pow) is asked outside its domain there"
        )
    if lost.any():
        raise ModelError(
            f"{network.path}: ONNX Runtime gives {actual[lost][0]} for an output at an input whose largest entry is "
            f"{np.abs(point).max():.3g}, where the import gives {expected[lost][0]:.9g}"
        )
    if vague.all():
        return
    with np.errstate(invalid="ignore"):
        worst = int(np.argmax(np.where(vague, -np.inf, np.abs(actual - expected) - tolerance)))
    if not abs(actual[worst] - expected[worst]) <= tolerance[worst]:
        raise ModelError(
            f"{network.path}: the import disagrees with ONNX Runtime: output {worst} is "
            f"{expected[worst]:.9g} here and {actual[worst]:.9g} there, more than rounding explains "
            f"({tolerance[worst]:.2g})"
        )


def _through_heads(network: Network, output: FloatArray, error: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """The file's outputs, their tolerances (infinite where rounding could decide), and which are behind a head."""
    if network.head is None:
        return output, error, np.zeros(len(output), dtype=bool)
    values, spreads, behind, start = [], [], [], 0
    for port in network.outputs:
        part = slice(start, start + port.size)
        found = (output[part], error[part]) if port.head is None else port.head.through(output[part], error[part])
        value, spread = found or (np.zeros(1), np.full(1, np.inf))
        values.append(value)
        spreads.append(spread)
        behind.append(np.full(len(value), port.head is not None))
        start += port.size
    return np.concatenate(values), np.concatenate(spreads), np.concatenate(behind)
