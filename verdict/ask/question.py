"""The question "does the class stay around this input?": its network, input, family of sets, label and unsafe set.

`robust` and `maxeps` ask it, the command `encode` writes it; here its parts are checked against each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..answer.results import Witness
from ..base import arguments
from ..base.errors import EmptySetError, InputError
from ..base.number import Number, exact
from ..network.exact import ExactVector
from ..network.network import Network
from .arguments import range_of, scales_of
from .wording import read_formulas, refuse_unused

if TYPE_CHECKING:
    from ..property import Box, ScaledBall, UnsafeSet
    from ..property.fronts import Front
    from ..property.language import Formula



@dataclass(frozen=True, eq=False)
class Question:
    """A network, a centre, its label and the unsafe set, checked against each other."""

    network: Network
    family: ScaledBall
    unsafe: UnsafeSet
    # None where a formula is asked about and not a class.
    label: int | None
    target: int | None
    predicted: int
    # What makes the input, where the network takes the parameters of a perturbation.
    front: Network | None = None
    that: Formula | None = None
    given: Formula | None = None
    # Why the property holds everywhere, whatever the radius, where it does.
    always: str = ""

    def emptiness(self, radius: Fraction) -> str:
        """Why the property holds for every input at this radius without any search; "" where that is not plain."""
        if self.always or self.given is None:
            return self.always
        from ..property.language import inputs
        from ..property.language.sets import box
        from .prove import emptiness

        ball = self.family.at(radius)
        return emptiness(box(inputs(len(ball.lower)), ball.lower, ball.upper) & self.given, self.network, ball)

    def shown(self, witness: Witness | None) -> Witness | None:
        """The witness with the input that the deployed network gets, where its point holds parameters."""
        if witness is None or self.front is None:
            return witness
        return replace(witness, input=self.front.runtime(witness.array()))

    def rival(self, witness: Witness | None) -> int | None:
        """The class that a witness gets instead; None where the question is not about classes."""
        from ..answer.gate import witness_class

        return None if witness is None or self.label is None else witness_class(self.network, witness, self.label)

    def claim(self, radius: Fraction) -> dict[str, Any]:
        """The claim of a certificate that the property holds at this radius."""
        from ..certificate.write import robust_claim
        from ..property import NormBall

        ball, label = self.family, self.predicted if self.label is None else self.label
        norm = ball.norm.name if isinstance(ball, NormBall) else "linf"
        return robust_claim(ball.points, radius, label, self.target, _one(ball.low), _one(ball.high), norm)


def _one(ends: Sequence[Fraction | None]) -> Any:
    """One limit for all coordinates, where they have the same."""
    return ends[0] if len(set(ends)) == 1 else list(ends)


def robustness_question(
    network: Network,
    x: Any,
    *,
    norm: str = "linf",
    scales: Sequence[Number] | None = None,
    perturbation: Front | str | None = None,
    range: tuple[Number, Number] | None = None,
    label: int | None = None,
    target: int | None = None,
    that: Formula | str | None = None,
    given: Formula | str | None = None,
) -> Question:
    """The parts of a question, checked; arguments as in `verdict.robust`. Raises InputError and PropertyError."""
    from ..answer.replay import scores
    from ..network.evaluate import classify
    from ..property import ScaledBall, UnsafeSet
    from ..property.norm_ball import ball_family
    from ..property.norms import norm_of

    measure = norm_of(norm)
    if not measure.is_box and perturbation is not None:
        raise InputError(f"a perturbation has a radius of its own, not one in the norm {measure.name}")
    label, target = arguments.optional_whole(label, "label"), arguments.optional_whole(target, "target")
    refuse_unused(that, given, label, target)
    center = center_of(network, x)
    low, high = range_of(range) or (None, None)
    check_range(network, low, high)
    family = ball_family(measure, center, low, high)
    if scales is not None:
        if not measure.is_box or perturbation is not None:
            raise InputError("scales go with the norm linf and without a perturbation")
        family = ScaledBall(center, scales_of(scales, network.input_size), low, high)
    that, given = read_formulas(network, center, label, that, given)
    point = center.floats()
    predicted = classify(scores(network, network.runtime(point), point))
    label = predicted if label is None else label
    asked = None if that is not None else label
    try:
        subject, unsafe = _stated(network, label, target, that, given)
    except EmptySetError as error:
        nothing = UnsafeSet((), network.output_size)
        return Question(network, family, nothing, asked, target, predicted, given=given, always=str(error))
    if perturbation is None:
        return Question(subject, family, unsafe, asked, target, predicted, that=that, given=given)
    if subject.passes_inputs:
        raise InputError("with a perturbation a formula may be about the outputs only: its inputs are the parameters")
    from ..compose.behind import behind
    from ..property.fronts import from_text

    front = from_text(perturbation) if isinstance(perturbation, str) else perturbation
    made = behind(front, network, center, low, high)
    return Question(made.network, made.family, unsafe, asked, target, predicted, made.front, that, given)


def check_range(network: Network, low: Fraction | None, high: Fraction | None) -> None:
    """Raise InputError for a set whose ends the network's inputs cannot hold."""
    greatest = min(Fraction(float(np.finfo(port.dtype).max)) for port in network.inputs)
    for end in (low, high):
        if end is not None and abs(end) > greatest:
            kind = network.inputs[0].dtype
            raise InputError(f"an end of the input set is {float(end):.4g}, out of the range of floats ({kind})")


def box_at(question: Question, radius: Fraction) -> Box:
    """The inputs at one radius. Raises InputError where they are out of the range of floats."""
    box = question.family.at(radius)
    check_range(question.network, min(box.lower), max(box.upper))
    return box


def _stated(
    network: Network, label: int, target: int | None, that: Formula | None, given: Formula | None
) -> tuple[Network, UnsafeSet]:
    """Where the class changes, or `that` does not hold, under a condition; the network passes its inputs through where
    they are mentioned."""
    from ..property import misclassification

    outputs = network.output_size
    if that is None and given is None:
        return network, misclassification(label, outputs, target)
    from ..property.conditions import about_inputs, region_of, under, widened
    from ..search.heads import refuse_head

    passes = given is not None or (that is not None and about_inputs(that))
    passed, subject = (network.input_size, network.passing_inputs()) if passes else (0, network)
    if that is None:
        unsafe = widened(misclassification(label, outputs, target), passed)
    else:
        unsafe = region_of(~that, outputs, passed, "the property holds for all numbers x and y")
    if given is not None:
        empty = "the input set is empty: the condition contradicts itself"
        unsafe = under(unsafe, region_of(given, outputs, passed, empty))
    refuse_head(subject, unsafe)
    return subject, unsafe


def center_of(network: Network, x: Any) -> ExactVector:
    """The point that an array of numbers stands for, or one array for each named input, as the inputs hold it.

    An array is flat, or has the input's shape up to axes of 1. Raises InputError.
    """
    if not isinstance(x, Mapping):
        values = _array(x, "the input")
        _check_shape(network, values)
        parts = np.split(values.ravel(), np.cumsum([port.size for port in network.inputs])[:-1])
    else:
        names = [port.name for port in network.inputs]
        if set(x) != set(names):
            raise InputError(f"arrays are given for {', '.join(map(repr, x))}, the inputs are {', '.join(names)}")
        parts = []
        for port in network.inputs:
            values = _array(x[port.name], f"the input {port.name}")
            if values.size != port.size or not fits(values.shape, port.shape):
                raise InputError(f"the input {port.name} has shape {values.shape}, expected {port.shape}")
            parts.append(values.ravel())
    held = [_held(part, port.dtype) for part, port in zip(parts, network.inputs, strict=True)]
    if all(part.dtype.kind == "f" for part in held):
        return ExactVector.of(np.concatenate(held))
    # As Python's numbers: NumPy's integers would overflow in exact arithmetic.
    return ExactVector.of([value for part in held for value in part.tolist()])


def _array(x: Any, what: str) -> npt.NDArray[Any]:
    try:
        values = np.asarray(x)
    except ValueError as error:  # rows of different lengths
        raise InputError(f"{what} is no array: {error}") from error
    if values.dtype.kind == "U":  # decimals as text
        values = values.astype(object)
    if values.dtype.kind not in "fiubO":
        raise InputError(f"{what} has type {values.dtype}, expected numbers")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = int(np.flatnonzero(~np.isfinite(values))[0])
        raise InputError(f"{what} holds {values.ravel()[bad]} at position {bad}, expected finite numbers")
    if values.dtype.kind == "O":
        numbers = [exact(value, f"{what}, position {i}") for i, value in enumerate(values.ravel().tolist())]
        values = np.array([*numbers, None], dtype=object)[:-1].reshape(values.shape)
    return values


def _check_shape(network: Network, values: npt.NDArray[Any]) -> None:
    shapes = " and ".join(str(port.shape) for port in network.inputs)
    if values.size != network.input_size:
        raise InputError(
            f"the input has {values.size} numbers (shape {values.shape}), "
            f"{network.path.name} expects {network.input_size} (shape {shapes})"
        )
    if not fits(values.shape, network.inputs[0].shape if len(network.inputs) == 1 else (network.input_size,)):
        raise InputError(f"the input has shape {values.shape}, {network.path.name} takes {shapes}: {RESHAPE}")


# What to do about an array of another shape.
RESHAPE = "expected the same axes in the same order, up to axes of 1, or a flat array (transpose or flatten it first)"


def fits(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether an array of as many numbers is flat, or has the wanted shape up to axes of 1."""
    long = [side for side in shape if side != 1]
    return len(long) <= 1 or long == [side for side in wanted if side != 1]


def _held(values: npt.NDArray[Any], dtype: str) -> npt.NDArray[Any]:
    """The numbers as an input of this type holds them: float64 data for a float32 network is deployed as float32."""
    if values.dtype.kind != "f":
        return values
    with np.errstate(over="ignore"):
        held: npt.NDArray[Any] = values.astype(np.float64).astype(dtype).astype(np.float64)
    if not np.isfinite(held).all():
        raise InputError(f"the input holds {values[~np.isfinite(held)][0]:g}, out of the range of floats ({dtype})")
    return held


def has_claim(question: Question) -> bool:
    """Whether a certificate's claim in numbers says what is asked: that a class stays, in a ball without scales."""
    from ..property import LinfBall, NormBall

    ball = question.family
    is_known = ball.norm.is_certified if isinstance(ball, NormBall) else isinstance(ball, LinfBall)
    plain = question.front is not None or is_known
    return plain and question.label is not None and not question.network.passes_inputs


def at_center(question: Question) -> Witness | None:
    """The centre itself as a witness, where it is unsafe already (a wrong label, a tie)."""
    from ..answer.replay import replay_deployed

    center = question.family.center
    if len(center) and center.floats().tolist() == [float(f) for f in center.fractions()]:
        return replay_deployed(question.network, question.unsafe, center.floats(), Fraction(0))
    return None
