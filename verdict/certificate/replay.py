"""Replaying a witness: in exact rationals, and in ONNX Runtime at a point that the deployed network can be given.

A candidate from a float solver or an attack is only a hint. The exact replay decides whether it is a
violation over the reals; the deployed replay needs a point whose coordinates are floats of the input's type
and still inside the exact input set.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from ..network.exact import ExactVector, FloatArray
from ..network.network import Network
from ..property import Box, Perturbation, UnsafeSet
from ..results import Witness

# How far past the exact radius, relatively, a deployed witness is looked for.
PUSHES = (0.0, 1e-8, 1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 1e-2)


def replay_exactly(
    network: Network, unsafe: UnsafeSet, point: ExactVector, radius: Fraction | None = None
) -> Witness | None:
    """A witness at `point` if its exact outputs are unsafe, else None."""
    outputs = network.evaluate_exact(point)
    polytope = unsafe.containing(outputs)
    return None if polytope is None else Witness(point, outputs, polytope.name, radius)


def replay_deployed(
    network: Network, unsafe: UnsafeSet, point: FloatArray, radius: Fraction | None = None
) -> Witness | None:
    """A witness at a point of the deployed input type if it is unsafe exactly and in ONNX Runtime."""
    outputs = network.runtime(point)
    if unsafe.slack(scores(network, outputs, point)[None])[0] > 0:
        return None
    witness = replay_exactly(network, unsafe, ExactVector.of(point), radius)
    if witness is None:
        return None
    return Witness(witness.point, witness.outputs, witness.unsafe, radius, outputs)


def scores(network: Network, outputs: FloatArray, point: FloatArray) -> FloatArray:
    """ONNX Runtime's outputs as the graph's: an ArgMax's answer becomes one-hot, and where the graph passes its
    inputs through to its outputs (`passing_inputs`) the point is appended."""
    if network.head != "ArgMax":
        return np.concatenate([outputs, point]) if network.passes_inputs else outputs
    hot = np.zeros(network.output_size)
    hot[int(outputs[0])] = 1.0
    return hot


def deployable(network: Network, inputs: Box, point: ExactVector | FloatArray) -> FloatArray | None:
    """The point nearest to `point` whose coordinates are floats of the input's type, inside the exact box.

    None where a coordinate's interval holds no such float.
    """
    wanted = point.floats() if isinstance(point, ExactVector) else np.asarray(point, dtype=np.float64)
    lower, upper = inputs.floats()
    result, start = np.clip(wanted, lower, upper), 0
    for port in network.inputs:
        dtype = np.dtype(port.dtype)
        for i in range(start, start + port.size):
            value = dtype.type(result[i])
            # Rounding moves by at most half an ulp, so one step back is enough if any float lies inside.
            if Fraction(float(value)) < inputs.lower[i]:
                value = np.nextafter(value, dtype.type(np.inf))
            elif Fraction(float(value)) > inputs.upper[i]:
                value = np.nextafter(value, dtype.type(-np.inf))
            if not inputs.lower[i] <= Fraction(float(value)) <= inputs.upper[i]:
                return None
            result[i] = float(value)
        start += port.size
    return result


def confirm(
    network: Network, unsafe: UnsafeSet, inputs: Box, candidates: Iterable[ExactVector | FloatArray]
) -> tuple[Witness | None, str]:
    """The first candidate that survives both replays inside the set, else (None, why the last one failed)."""
    reason = "no candidate was found"
    for candidate in candidates:
        point = deployable(network, inputs, candidate)
        if point is None:
            reason = "the candidate has no float of the input's type near it inside the input set"
            continue
        witness = replay_deployed(network, unsafe, point)
        if witness is not None:
            return witness, ""
        exact = replay_exactly(network, unsafe, ExactVector.of(point)) is not None
        reason = (
            "a violation over the reals that ONNX Runtime does not confirm"
            if exact
            else "the candidate is not a violation in exact arithmetic"
        )
    return None, reason


def confirm_near(
    network: Network, unsafe: UnsafeSet, family: Perturbation, closest: ExactVector, radius: Fraction
) -> Witness | None:
    """A deployed witness as little beyond the exact one at `radius` as rounding allows.

    The exact witness of a least radius is a tie, which float32 rounding may break either way; moving it
    outward by a tiny factor breaks it for good.
    """
    center, target = family.center.floats(), closest.floats()
    for push in PUSHES:
        inputs = family.at(radius * (1 + Fraction(push)))
        moved = center + (target - center) * (1 + push)
        witness, _ = confirm(network, unsafe, inputs, [moved])
        if witness is not None:
            return replace(witness, radius=family.radius_of(witness.point))
    return None
