"""A network behind a small one: behind a perturbation's parameters, or behind the normalisation of its input.

Brightness, contrast or blur make the input from a few parameters, x' = clip(x + matrix p); a normalised network takes
(x - mean) / std. With these nodes in front of it the network takes the parameters, or the pixels, and its question is
the usual one, in their unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from ..base.errors import InputError
from ..network.exact import ExactVector, FloatArray
from ..network.network import Network
from ..property.fronts import Front
from ..property.linf import LinfBall
from .composer import Composer


@dataclass(frozen=True, eq=False)
class Behind:
    """The network that takes parameters, their family around zero, and the network that makes its input from them."""

    network: Network
    family: LinfBall
    front: Network


def behind(
    front: Front,
    network: Network,
    center: ExactVector,
    low: Fraction | None = None,
    high: Fraction | None = None,
) -> Behind:
    """The network behind a perturbation of `center`, whose entries are floats of the input's type in [low, high].

    The ends of the range are rounded to the network's floats. Raises InputError where the front does not fit the input.
    """
    name = type(front).__name__.lower()
    x, shape = center.floats(), network.inputs[0].shape if len(network.inputs) == 1 else (network.input_size,)
    ends = tuple(None if end is None else float(end) for end in (low, high))
    matrix = front.matrix(x, shape, *ends)
    if matrix.ndim != 2 or matrix.shape[1] != len(x) or not np.isfinite(matrix).all():
        raise InputError(f"{name}: the matrix has shape {matrix.shape}, expected finite numbers (parameters, {len(x)})")

    def made(draft: Composer) -> str:
        moved = draft.affine(draft.x, matrix, x)
        return moved if ends == (None, None) else draft.clip(moved, *ends)

    whole, part = Composer(len(matrix), network), Composer(len(matrix), network)
    family = LinfBall(ExactVector.of([Fraction(0)] * len(matrix)), *_limits(front, matrix, low, high))
    return Behind(
        whole.finish(whole.run(network, made(whole)), f"{network.path.name} behind {name}"),
        family,
        part.finish(made(part), name),
    )


def _limits(
    front: Front, matrix: FloatArray, low: Fraction | None, high: Fraction | None
) -> tuple[Fraction | None, Fraction | None]:
    """The ends of the parameters: the front's own or, for a single one, where every entry has reached its clip."""
    least, greatest = front.limits()
    steps = np.abs(matrix[matrix != 0])
    if len(matrix) > 1 or low is None or high is None or not len(steps):
        return least, greatest
    # A little beyond, for the rounding of the matrix to the network's floats.
    reach = Fraction(float((float(high - low) / steps).max()) * 1.001)
    return (-reach if least is None else max(least, -reach)), (reach if greatest is None else min(greatest, reach))


def normalised(network: Network, mean: npt.ArrayLike, std: npt.ArrayLike) -> Network:
    """The network that takes x and gives the network's outputs at (x - mean) / std.

    `mean` and `std` hold one number, or one for each channel of an image input, or one for each entry.
    """
    shape = network.inputs[0].shape if len(network.inputs) == 1 else (network.input_size,)
    shift, divisor = (_spread(values, shape, what) for values, what in ((mean, "mean"), (std, "std")))
    if not (divisor > 0).all():
        raise InputError(f"std is {divisor.min():g}, expected more than 0")
    draft = Composer(network.input_size, network)
    x = draft.divide(draft.shift(draft.x, -shift), divisor)
    return draft.finish(draft.run(network, x), f"{network.path.name} before normalisation")


def _spread(values: npt.ArrayLike, shape: tuple[int, ...], what: str) -> FloatArray:
    given: FloatArray = np.atleast_1d(np.asarray(values, dtype=np.float64))
    size = int(np.prod(shape))
    if given.size in (1, size):
        return np.broadcast_to(given.ravel(), (size,))
    for axis in (1, len(shape) - 1):
        if len(shape) > 2 and given.size == shape[axis]:
            sides = [1] * len(shape)
            sides[axis] = given.size
            result: FloatArray = np.broadcast_to(given.reshape(sides), shape).ravel()
            return result
    raise InputError(f"{what} has {given.size} numbers, expected 1, one for each channel, or {size} (shape {shape})")
