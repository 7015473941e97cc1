"""The question "does the class stay around this input?": its network, input, family of sets, label and unsafe set.

`robust` and `maxeps` ask it, the command `encode` writes it; here its parts are checked against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import InputError
from .network.exact import ExactVector
from .network.network import Network
from .number import Number, exact
from .results import Witness

if TYPE_CHECKING:
    from .property import ScaledBall, UnsafeSet
    from .property.fronts import Front
    from .property.language import Formula

NORMS = ("linf", "l1", "l2")


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

    def shown(self, witness: Witness | None) -> Witness | None:
        """The witness with the input that the deployed network gets, where its point holds parameters."""
        if witness is None or self.front is None:
            return witness
        return replace(witness, input=self.front.runtime(witness.array()))

    def rival(self, witness: Witness | None) -> int | None:
        """The class that a witness gets instead; None where the question is not about classes."""
        from .certificate.gate import witness_class

        return None if witness is None or self.label is None else witness_class(self.network, witness, self.label)

    def claim(self, radius: Fraction) -> dict[str, Any]:
        """The claim of a certificate that the property holds at this radius."""
        from .certificate.write import robust_claim
        from .property import NormBall

        ball, label = self.family, self.predicted if self.label is None else self.label
        norm = ball.norm if isinstance(ball, NormBall) else "linf"
        return robust_claim(ball.points, radius, label, self.target, _one(ball.low), _one(ball.high), norm)


def _one(ends: Sequence[Fraction | None]) -> Any:
    """One limit for all coordinates, where they have the same."""
    return ends[0] if len(set(ends)) == 1 else list(ends)


def robustness_question(
    network: Network,
    x: npt.ArrayLike | Sequence[Fraction],
    *,
    norm: str = "linf",
    scales: Sequence[Number] | None = None,
    perturbation: Front | str | None = None,
    range: tuple[Number, Number] | None = None,
    label: int | None = None,
    target: int | None = None,
    that: Formula | None = None,
    given: Formula | None = None,
) -> Question:
    """The parts of a question, checked; arguments as in `verdict.robust`. Raises InputError and PropertyError."""
    from .certificate.replay import scores
    from .network.evaluate import classify
    from .property import LinfBall, NormBall, ScaledBall, misclassification

    if norm not in NORMS:
        raise InputError(f"norm {norm!r} is not supported, expected one of {', '.join(NORMS)}")
    if norm != "linf" and perturbation is not None:
        raise InputError(f"a perturbation has a radius of its own, not one in the norm {norm}")
    center = center_of(network, x)
    low, high = (None, None) if range is None else (exact(range[0], "range"), exact(range[1], "range"))
    if low is not None and high is not None and low > high:
        raise InputError(f"the range is empty: {float(low):g} is above {float(high):g}")
    family: ScaledBall = LinfBall(center, low, high) if norm == "linf" else NormBall(norm, center, low, high)
    if scales is not None:
        if norm != "linf" or perturbation is not None:
            raise InputError("scales go with the norm linf and without a perturbation")
        family = ScaledBall(center, [exact(scale, "a scale") for scale in scales], low, high)
    point = center.floats()
    predicted = classify(scores(network, network.runtime(point), point))
    label = predicted if label is None else label
    if that is not None or given is not None:
        if perturbation is not None:
            raise InputError("formulas are about the inputs themselves: they do not go with a perturbation")
        subject, unsafe = _stated(network, that, given, None if that is not None else (label, target))
        return Question(subject, family, unsafe, None if that is not None else label, target, predicted)
    unsafe = misclassification(label, network.output_size, target)
    if perturbation is None:
        return Question(network, family, unsafe, label, target, predicted)
    from .compose.behind import behind
    from .property.fronts import from_text

    front = from_text(perturbation) if isinstance(perturbation, str) else perturbation
    made = behind(front, network, center, low, high)
    return Question(made.network, made.family, unsafe, label, target, predicted, made.front)


def _stated(
    network: Network, that: Formula | None, given: Formula | None, classes: tuple[int, int | None] | None
) -> tuple[Network, UnsafeSet]:
    """The network with its inputs passed through, and where inputs as `given` violate `that`, or the class changes."""
    from .property import misclassification
    from .property.conditions import region_of, under, widened
    from .search.heads import refuse_head

    if classes is not None:
        unsafe = widened(misclassification(classes[0], network.output_size, classes[1]), network)
    elif that is not None:
        unsafe = region_of(~that, network)
    subject = network.passing_inputs()
    unsafe = unsafe if given is None else under(unsafe, region_of(given, network))
    refuse_head(subject, unsafe)
    return subject, unsafe


def center_of(network: Network, x: npt.ArrayLike | Sequence[Fraction]) -> ExactVector:
    """The point that an array of numbers stands for, as the network's inputs hold it. Raises InputError."""
    values = np.asarray(x)
    if values.dtype.kind in "fiub":
        flat = values.astype(np.float64).ravel()
        if not np.isfinite(flat).all():
            bad = int(np.flatnonzero(~np.isfinite(flat))[0])
            raise InputError(f"the input holds {flat[bad]} at position {bad}, expected finite numbers")
    elif values.dtype.kind != "O":
        raise InputError(f"the input has type {values.dtype}, expected numbers")
    if values.size != network.input_size:
        shapes = " and ".join(str(port.shape) for port in network.inputs)
        raise InputError(
            f"the input has {values.size} numbers (shape {values.shape}), "
            f"{network.path.name} expects {network.input_size} (shape {shapes})"
        )
    # Float64 data for a float32 network: what is deployed sees the float32 number, so that is the centre.
    if values.dtype.kind == "f":
        parts, start = [], 0
        for port in network.inputs:
            parts.append(flat[start : start + port.size].astype(port.dtype).astype(np.float64))
            start += port.size
        return ExactVector.of(np.concatenate(parts))
    # As Python's numbers: NumPy's integers would overflow in exact arithmetic.
    return ExactVector.of(values.ravel().tolist())


def refuse_certificate(question: Question) -> None:
    """Raise InputError where the checker's claims cannot say what is asked."""
    from .property import LinfBall

    if question.network.passes_inputs or (question.front is None and not isinstance(question.family, LinfBall)):
        raise InputError(
            "a certificate about a radius says that a class stays: for scales and formulas use prove, which keeps its "
            "question beside the certificate"
        )


def at_center(question: Question) -> Witness | None:
    """The centre itself as a witness, where it is unsafe already (a wrong label, a tie)."""
    from .certificate.replay import replay_deployed

    center = question.family.center
    if len(center) and center.floats().tolist() == [float(f) for f in center.fractions()]:
        return replay_deployed(question.network, question.unsafe, center.floats(), Fraction(0))
    return None
