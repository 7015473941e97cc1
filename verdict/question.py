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
from .norms import NORMS, norm_of
from .number import Number, exact
from .results import Witness

if TYPE_CHECKING:
    from .property import ScaledBall, UnsafeSet
    from .property.fronts import Front
    from .property.language import Formula



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
    from .property import LinfBall, NormBall, ScaledBall

    norm = norm_of(norm)
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
    asked = None if that is not None else label
    subject, unsafe = _stated(network, label, target, that, given)
    if perturbation is None:
        return Question(subject, family, unsafe, asked, target, predicted)
    if subject.passes_inputs:
        raise InputError("with a perturbation a formula may be about the outputs only: its inputs are the parameters")
    from .compose.behind import behind
    from .property.fronts import from_text

    front = from_text(perturbation) if isinstance(perturbation, str) else perturbation
    made = behind(front, network, center, low, high)
    return Question(made.network, made.family, unsafe, asked, target, predicted, made.front)


def _stated(
    network: Network, label: int, target: int | None, that: Formula | None, given: Formula | None
) -> tuple[Network, UnsafeSet]:
    """Where the class changes, or `that` does not hold, under a condition; the network passes its inputs through where
    they are mentioned."""
    from .property import misclassification

    outputs = network.output_size
    if that is None and given is None:
        return network, misclassification(label, outputs, target)
    from .property.conditions import about_inputs, region_of, under, widened
    from .search.heads import refuse_head

    passes = given is not None or (that is not None and about_inputs(that))
    passed, subject = (network.input_size, network.passing_inputs()) if passes else (0, network)
    if that is None:
        unsafe = widened(misclassification(label, outputs, target), passed)
    else:
        unsafe = region_of(~that, outputs, passed)
    unsafe = unsafe if given is None else under(unsafe, region_of(given, outputs, passed))
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


def has_claim(question: Question) -> bool:
    """Whether a certificate's claim in numbers says what is asked: that a class stays, in a ball without scales."""
    from .property import LinfBall

    plain = question.front is not None or isinstance(question.family, LinfBall)
    return plain and question.label is not None and not question.network.passes_inputs


def at_center(question: Question) -> Witness | None:
    """The centre itself as a witness, where it is unsafe already (a wrong label, a tie)."""
    from .certificate.replay import replay_deployed

    center = question.family.center
    if len(center) and center.floats().tolist() == [float(f) for f in center.fractions()]:
        return replay_deployed(question.network, question.unsafe, center.floats(), Fraction(0))
    return None
