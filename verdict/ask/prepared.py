"""A question about a ball, prepared: its network, family of sets, label and unsafe set, checked against each other.

`robust`, `maxeps` and `bounds` ask it, the command `encode` writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..answer.results import Witness
from ..base.errors import EmptySetError, InputError
from ..network.exact import ExactVector
from ..network.network import Network
from .arguments import each_end
from .parts import Aim, Domain, ModelFile, Point
from .question import Question
from .values import Array
from .wording import read_formulas, refuse_unused

if TYPE_CHECKING:
    from ..property import Box, ScaledBall, UnsafeSet
    from ..property.language import Formula



@dataclass(frozen=True, eq=False)
class Prepared:
    """A network, a centre, its label and the unsafe set, checked against each other.

    `asked` is the network that the question names; `network` may be another one, made of it.
    """

    asked: Network
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
        from .queries import emptiness

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
        return robust_claim(ball.points, radius, label, self.target, (_one(ball.low), _one(ball.high)), norm)


def _one(ends: Sequence[Fraction | None]) -> Any:
    """One limit for all coordinates, where they have the same."""
    return ends[0] if len(set(ends)) == 1 else list(ends)


def prepared(question: Question) -> Prepared:
    """The parts of a question about a ball, checked. Raises InputError and PropertyError, and what loading raises."""
    from ..answer.replay import scores
    from ..network.evaluate import classify
    from ..property import UnsafeSet

    domain, aim = question.domain, question.aim
    if domain.norm is not None and domain.perturbation is not None:
        raise InputError(f"a perturbation has a radius of its own, not one in the norm {domain.norm}")
    refuse_unused(aim.that, domain.given, aim.label, aim.target)
    network = network_of(question)
    point = asked_point(question)
    center = center_of(network, point.values())
    family = _family(network, center, domain)
    that, given = read_formulas(network, center, aim, domain.given, point.image)
    at = center.floats()
    predicted = classify(scores(network, network.runtime(at), at))
    label = predicted if aim.label is None else aim.label
    kept = None if that is not None else label
    try:
        subject, unsafe = _unsafe(network, replace(aim, label=label, that=that), given)
    except EmptySetError as error:
        nothing = UnsafeSet((), network.output_size)
        return Prepared(network, network, family, nothing, kept, aim.target, predicted, given=given, always=str(error))
    ready = Prepared(network, subject, family, unsafe, kept, aim.target, predicted, that=that, given=given)
    return ready if domain.perturbation is None else _behind(ready, domain)


def network_of(question: Question) -> Network:
    """The network of a question about a ball, behind the normalisation of its input if one is given."""
    domain = question.domain
    normalised_too = domain.mean is not None or domain.std is not None
    # Behind a normalisation outputs stand one after another, and nothing would tell one from another.
    network = question.model.load(classes=question.aim.that is None or normalised_too)
    if not normalised_too:
        return network
    made = _normalised(network, domain.mean or (Fraction(0),), domain.std or (Fraction(1),))
    return replace(made, names=network.names)


@lru_cache(maxsize=2)
def _normalised(network: Network, mean: tuple[Fraction, ...], std: tuple[Fraction, ...]) -> Network:
    from ..compose.behind import normalised

    return normalised(network, [float(value) for value in mean], [float(value) for value in std])


def asked_point(question: Question) -> Point:
    """The input that a question is about. Raises InputError where it is about none."""
    if question.point is None:
        raise InputError(f"a question of the kind {question.kind} needs an input")
    return question.point


def _family(network: Network, center: ExactVector, domain: Domain) -> ScaledBall:
    from ..property import ScaledBall
    from ..property.norm_ball import ball_family
    from ..property.norms import norm_of

    low, high = _ends_of(domain, network)
    measure = norm_of(domain.norm or "linf")
    family = ball_family(measure, center, low, high)
    if domain.scales is None:
        return family
    if not measure.is_box or domain.perturbation is not None:
        raise InputError("scales go with the norm linf and without a perturbation")
    if len(domain.scales) != network.input_size:
        raise InputError(f"{len(domain.scales)} scales, expected one for each of {network.input_size} inputs")
    return ScaledBall(center, domain.scales, low, high)


def _ends_of(domain: Domain, network: Network) -> tuple[Any, Any]:
    """The ends of the valid range: None, one number for all inputs, or one for each. Raises InputError."""
    low, high = domain.range or (None, None)
    if low is not None and high is not None:
        each_end(low, high, network.input_size)
    check_range(network, *(low if isinstance(low, tuple) else [low]), *(high if isinstance(high, tuple) else [high]))
    return low, high


def _behind(ready: Prepared, domain: Domain) -> Prepared:
    """The question about the parameters of a perturbation."""
    from ..compose.behind import behind
    from ..property.fronts import from_text

    if ready.network.passes_inputs:
        raise InputError("with a perturbation a formula may be about the outputs only: its inputs are the parameters")
    front = from_text(domain.perturbation) if isinstance(domain.perturbation, str) else domain.perturbation
    if front is None:
        return ready
    low, high = domain.range or (None, None)
    if isinstance(low, tuple) or isinstance(high, tuple):
        raise InputError("with a perturbation the valid range is one for all inputs, expected two numbers")
    made = behind(front, ready.asked, ready.family.center, low, high)
    return replace(ready, network=made.network, family=made.family, front=made.front)


def check_range(network: Network, *ends: Fraction | None) -> None:
    """Raise InputError for a set whose ends the network's inputs cannot hold."""
    greatest = min(Fraction(float(np.finfo(port.dtype).max)) for port in network.inputs)
    for end in ends:
        if end is not None and abs(end) > greatest:
            kind = network.inputs[0].dtype
            raise InputError(f"an end of the input set is {float(end):.4g}, out of the range of floats ({kind})")


def box_at(question: Prepared, radius: Fraction) -> Box:
    """The inputs at one radius. Raises InputError where they are out of the range of floats."""
    box = question.family.at(radius)
    check_range(question.network, min(box.lower), max(box.upper))
    return box


def _unsafe(network: Network, aim: Aim, given: Formula | None) -> tuple[Network, UnsafeSet]:
    """Where the class changes, or `that` does not hold, under a condition; the network passes its inputs through where
    they are mentioned."""
    from ..property import misclassification

    outputs, label, that = network.output_size, aim.label or 0, aim.that
    if isinstance(that, str):
        raise InputError(f"the formula {that!r:.60} is text, expected it read")
    if that is None and given is None:
        return network, misclassification(label, outputs, aim.target)
    from ..property.conditions import about_inputs, region_of, under, widened
    from ..search.heads import refuse_head

    passes = given is not None or (that is not None and about_inputs(that))
    passed, subject = (network.input_size, network.passing_inputs()) if passes else (0, network)
    if that is None:
        unsafe = widened(misclassification(label, outputs, aim.target), passed)
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
    values = Array.of(x, what).values()
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = int(np.flatnonzero(~np.isfinite(values))[0])
        raise InputError(f"{what} holds {values.ravel()[bad]} at position {bad}, expected finite numbers")
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


def has_claim(question: Prepared) -> bool:
    """Whether a certificate's claim in numbers says what is asked: that a class stays, in a ball without scales."""
    from ..property import LinfBall, NormBall

    ball = question.family
    is_known = ball.norm.is_certified if isinstance(ball, NormBall) else isinstance(ball, LinfBall)
    plain = question.front is not None or is_known
    return plain and question.label is not None and not question.network.passes_inputs


def at_center(question: Prepared) -> Witness | None:
    """The centre itself as a witness, where it is unsafe already (a wrong label, a tie)."""
    from ..answer.replay import replay_deployed

    center = question.family.center
    if len(center) and center.floats().tolist() == [float(f) for f in center.fractions()]:
        return replay_deployed(question.network, question.unsafe, center.floats(), Fraction(0))
    return None


# A question about whole numbers is not one about a perturbation.
WHOLE_PARAMETERS = "integers are numbers of inputs, and with a perturbation its parameters move"


def pinned_to(question: Question, ready: Prepared) -> Callable[..., Question]:
    """The same question without its whole numbers, under one more condition on the inputs or in another valid range;
    what is known of it by now (its network, its class, its formulas) stays."""
    from ..property.language import all_of

    # The class is `label`, which is None where a formula is asked about.
    aim = replace(question.aim, label=ready.label, that=ready.that)
    model = ModelFile.of(ready.asked)

    def under(condition: Formula | None, ends: tuple[Any, Any] | None = None) -> Question:
        parts = [part for part in (ready.given, condition) if part is not None]
        domain = replace(question.domain, given=all_of(parts) if parts else None, integers=None, mean=None, std=None)
        if ends is not None:
            domain = replace(domain, range=ends)
        return replace(question, models=(model,), domain=domain, aim=aim)

    return under
