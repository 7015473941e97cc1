"""Replaying a witness: in exact rationals, and in ONNX Runtime at a point that the deployed network can be given.

A candidate from a float solver or an attack is only a hint. The exact replay decides whether it is a
violation over the reals; the deployed replay needs a point whose coordinates are floats of the input's type
and still inside the exact input set, but for coordinates that the set fixes at a number that is no float: there
the network is given the nearest one, as it would be in use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np

from ..base.deadline import seconds_left
from ..base.errors import UnsupportedError
from ..network.evaluate import exact_seconds
from ..network.exact import ExactVector, FloatArray
from ..network.network import Network
from ..property import Box, Perturbation, UnsafeSet
from .results import Witness

# The share of a ball's radius by which a candidate keeps from its surface, so that rounding leaves it inside.
ROOM = 1e-5
# How far past the exact radius, relatively, a deployed witness is looked for.
PUSHES = (0.0, 1e-8, 1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 1e-2)
# By how much an estimate of the time for an exact replay may exceed the time left.
PATIENCE = 2.0


def replay_exactly(
    network: Network, unsafe: UnsafeSet, point: ExactVector, radius: Fraction | None = None
) -> Witness | None:
    """A witness at `point` if its exact outputs are unsafe, else None.

    Where functions have no rational values, all vectors of an enclosure of the outputs have to be unsafe; the witness
    has its centre. A point of which nothing can be told is none.
    """
    if not network.has_exact_values:
        try:
            found = unsafe.reached(partial(network.evaluate_enclosed, point))
        except UnsupportedError:
            # So far out, or outside a function's domain, that nothing can be told of it.
            return None
        return None if found is None else Witness(point, found[1].centre, found[0].name, radius)
    outputs = network.evaluate_exact(point)
    polytope = unsafe.containing(outputs)
    return None if polytope is None else Witness(point, outputs, polytope.name, radius)


def too_dear(network: Network) -> str:
    """Why an exact replay is not begun, "" where it is: it would take several times the time that is left."""
    needed = exact_seconds(network.graph)
    if needed <= PATIENCE * seconds_left():
        return ""
    return f"exact arithmetic on this network, which has to confirm it, takes about {needed:.0f} s for one input"


def replay_deployed(
    network: Network,
    unsafe: UnsafeSet,
    point: FloatArray,
    radius: Fraction | None = None,
    exactly: ExactVector | None = None,
) -> Witness | None:
    """A witness at a point of the deployed input type if it is unsafe exactly and in ONNX Runtime.

    Where the input set fixes coordinates at numbers that are no floats, `exactly` is the point of the set that the
    exact replay takes and `point` what the deployed network is given for it.
    """
    outputs = network.runtime(point)
    if np.isnan(outputs).any() or unsafe.slack(scores(network, outputs, point)[None])[0] > 0:
        return None
    witness = replay_exactly(network, unsafe, ExactVector.of(point) if exactly is None else exactly, radius)
    if witness is None:
        return None
    return Witness(witness.point, witness.outputs, witness.unsafe, radius, outputs, exactly is not None)


def scores(network: Network, outputs: FloatArray, point: FloatArray) -> FloatArray:
    """ONNX Runtime's outputs as the graph's: what comes behind a head becomes scores in the same order, and where the
    graph passes its inputs through to its outputs (`passing_inputs`) the point is appended."""
    if network.head is not None:
        parts, start = [], 0
        for port in network.outputs:
            count = port.size if port.head is None else port.head.file_size(port.size)
            part = outputs[start : start + count]
            parts.append(part if port.head is None else port.head.order(part, port.size))
            start += count
        outputs = np.concatenate(parts)
    return np.concatenate([outputs, point]) if network.passes_inputs else outputs


def deployable(
    network: Network, inputs: Box, point: ExactVector | FloatArray
) -> tuple[FloatArray, ExactVector | None] | None:
    """The point nearest to `point` whose coordinates are floats of the input's type, inside the exact box.

    A coordinate that the box fixes at a number that is no such float gets the nearest float, which is all that the
    deployed network can be given; then the exact point of the box comes second, else None. The whole result is None
    where an interval of positive width holds no float of the type.
    """
    wanted = point.floats() if isinstance(point, ExactVector) else np.asarray(point, dtype=np.float64)
    lower, upper = inputs.floats()
    if inputs.ball is not None:
        wanted = inputs.ball.inward(wanted[None], ROOM)[0]
    result, start = np.clip(wanted, lower, upper), 0
    fixed: dict[int, Fraction] = {}
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
                if inputs.lower[i] < inputs.upper[i]:
                    return None
                fixed[i], value = inputs.lower[i], dtype.type(float(inputs.lower[i]))
            result[i] = float(value)
        start += port.size
    if not fixed:
        return result, None
    return result, ExactVector.of([fixed.get(i, Fraction(float(value))) for i, value in enumerate(result)])


def confirm(
    network: Network, unsafe: UnsafeSet, inputs: Box, candidates: Iterable[ExactVector | FloatArray]
) -> tuple[Witness | None, str]:
    """The first candidate that survives both replays inside the set, else (None, why the last one failed)."""
    reason = "no candidate was found"
    for candidate in candidates:
        placed = deployable(network, inputs, candidate)
        if placed is None:
            reason = "the candidate has no float of the input's type near it inside the input set"
            continue
        point, exactly = placed
        if not inputs.contains(ExactVector.of(point) if exactly is None else exactly):
            reason = "the candidate lies outside the input set once it is rounded to the input's type"
            continue
        dear = too_dear(network)
        if dear:
            seen = unsafe.slack(scores(network, network.runtime(point), point)[None])[0] <= 0
            return None, f"a violation that the attack found, and ONNX Runtime {'too' if seen else 'not'}; {dear}"
        witness = replay_deployed(network, unsafe, point, exactly=exactly)
        if witness is not None:
            return witness, ""
        exact = replay_exactly(network, unsafe, ExactVector.of(point) if exactly is None else exactly) is not None
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
    target = closest.floats()
    for push in PUSHES:
        inputs = family.at(radius * (1 + Fraction(push)))
        witness, _ = confirm(network, unsafe, inputs, [family.pushed(target, push)])
        if witness is not None:
            return replace(witness, radius=family.radius_of(witness.point))
    return None
