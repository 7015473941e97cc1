"""What a user gets: a `Verdict`, `Radius`, `Largest` or `Pruning`, each with its evidence, its trust and its semantics.

The numbers are exact rationals; `float_below` and `float_above` give their printable ends. Only the gate
(`verdict.answer.gate`) makes these objects, and none that is undecided without saying why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..network.exact import ExactVector, FloatArray
from .credit import Credits
from .record import evidence
from .shown import Short, Shown
from .trust import Trust as Trust
from .trust import weakest as weakest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..checker import Report
    from ..network.network import Network
    from .about import About


# The relative gap at which an interval counts as closed.
CLOSED = Fraction(1, 10**6)


def is_closed(lower: Fraction, upper: Fraction) -> bool:
    """Whether an interval counts as closed: its gap is at most 1e-6 of its upper end, however small that is."""
    return upper - lower <= CLOSED * abs(upper)


def _explained(answer: Verdict | Largest | Radius | Pruning) -> None:
    """Refuse an answer that leaves something open and does not say why: a defect in what made it."""
    if answer.status in ("interval", "unknown") and not answer.reason:
        raise ValueError(f"the status is {answer.status} and no reason is given")


def _exactly(values: ExactVector) -> list[float | str]:
    """Each number as a float where that is the number itself, else as `p/q`."""
    return [float(f) if f == v else str(v) for f, v in zip(values.floats().tolist(), values.fractions(), strict=True)]


def _floats(values: FloatArray) -> list[float | None]:
    """Floats for JSON, which has neither infinity nor not-a-number."""
    return [float(value) if np.isfinite(value) else None for value in values]


def _times(answer: Verdict | Largest | Radius | Pruning) -> dict[str, Any]:
    stages = {} if isinstance(answer, Pruning) else answer.stages
    return {"seconds": round(answer.seconds, 6), "stages": {name: round(s, 6) for name, s in stages.items()}}


def _ends(answer: Largest | Radius | Pruning) -> dict[str, Any]:
    if isinstance(answer, Pruning):
        exact = answer.lower if answer.lower == answer.upper else None
    else:
        exact = answer.exact
    return {
        "lower": str(answer.lower),
        "upper": None if answer.upper is None else str(answer.upper),
        "exact": None if exact is None else str(exact),
    }


def _dict(what: Witness | Certificate | None) -> dict[str, Any] | None:
    return None if what is None else what.to_dict()


def _assumed(ulps: Fraction | None) -> dict[str, str] | None:
    return None if ulps is None else {"ulp": str(ulps)}


class Unasked(Short):
    """An answer is neither true nor false: `assert robust(...)` would pass on a violation."""

    # What to ask instead.
    _tells = "status == 'robust'"

    def __bool__(self) -> bool:
        raise TypeError(f"a {type(self).__name__} is neither true nor false, expected a question such as {self._tells}")


@dataclass(frozen=True, eq=False, repr=False)
class Witness(Short):
    """An input that reaches the unsafe set over the reals, as an exact replay has shown.

    `point` is the input, `outputs` the exact outputs there, `unsafe` the polytope reached in words, `radius`
    its exact distance where one is asked for. `runtime_outputs` is what ONNX Runtime computes at the point,
    set where the point is one that the deployed network can be given and it is unsafe there too. `rounded` says
    that coordinates fixed at numbers that are no floats were given to ONNX Runtime as the nearest ones.
    Where the point holds the parameters of a perturbation, `input` is what they make of the network's input.
    """

    point: ExactVector
    outputs: ExactVector
    unsafe: str
    radius: Fraction | None = None
    runtime_outputs: FloatArray | None = None
    rounded: bool = False
    input: FloatArray | None = None

    @property
    def deployed(self) -> bool:
        """Whether ONNX Runtime confirms the violation at this very point."""
        return self.runtime_outputs is not None

    def array(self) -> npt.NDArray[np.float64]:
        """The point as float64 (exact for a deployed witness, which is a float32 point)."""
        return self.point.floats()

    def to_dict(self) -> dict[str, Any]:
        """The witness for JSON."""
        return {
            "point": _exactly(self.point),
            "outputs": _exactly(self.outputs),
            "unsafe": self.unsafe,
            "radius": None if self.radius is None else str(self.radius),
            "runtime_outputs": None if self.runtime_outputs is None else _floats(self.runtime_outputs),
            "input": None if self.input is None else _floats(self.input),
        }


@dataclass(frozen=True, eq=False, repr=False)
class Certificate(Unasked):
    """What became of a certificate that was asked for.

    `path` is the file, of `size` bytes, None where none was written, and `network` the ONNX file that it is about,
    written beside it where the network asked about is no such file. `report` is the checker's, None where the file was
    not checked to its end. `reason` says why there is no file, or why the exact checker has not accepted it.
    `radius` is the radius that it proves, where one was asked for, and `end` the number that it proves a largest value
    to be below; `query` is the VNN-LIB query that it is about.
    """

    path: Path | None
    network: Path | None = None
    size: int = 0
    report: Report | None = None
    reason: str = ""
    radius: Fraction | None = None
    query: Path | None = None
    end: Fraction | None = None
    _tells = "accepted"

    @property
    def accepted(self) -> bool:
        """Whether the checker accepted the file in exact arithmetic."""
        return self.report is not None and self.report.accepted and self.report.tier == "exact"

    def to_dict(self) -> dict[str, Any]:
        """What became of it, for JSON."""
        report = None if self.path is None else self.report
        return {
            "file": None if self.path is None else str(self.path),
            "network": None if self.network is None else str(self.network),
            "property": None if self.query is None else str(self.query),
            "bytes": self.size,
            "radius": None if self.radius is None else str(self.radius),
            "end": None if self.end is None else str(self.end),
            "accepted": self.accepted,
            "tier": None if report is None else report.tier,
            "semantics": [] if report is None else ["real", "float32"] if self.any_order else ["real"],
            "leaves": None if report is None else report.leaves,
            "seconds": None if report is None else round(report.seconds, 6),
            "reason": self.reason,
            "assumed_ulp": None if self.assumed is None else str(self.assumed),
        }

    @property
    def assumed(self) -> Fraction | None:
        """Within how many ulps functions are computed, of what it says of float32; None: that holds without."""
        return None if self.report is None else self.report.assumed

    @property
    def any_order(self) -> bool:
        """Whether the checker accepted it for every float32 evaluation order too, in whichever tier."""
        return self.report is not None and self.report.any_order


@dataclass(frozen=True, eq=False, repr=False)
class Verdict(Shown, Unasked):
    """The answer to "does the property hold for every input in the set?".

    `status` is robust, violated or unknown; `reason` says why it is unknown. `label` is the class that has to
    stay and `target` the one that the witness gets, both None where the
    property is not about classes. `semantics` names the truths that the answer holds for: "real", "deployed", and
    "float32", every evaluation order of the network in float32. `certificate` is None where none was asked for.
    Where the status is unknown, `real` can be a violation over the reals that ONNX Runtime does not confirm. `ways`:
    which way of working has closed what share of the question (`verdict.answer.credit`).
    """

    status: str
    label: int | None
    engine: str
    seconds: float
    trust: Trust | None = None
    target: int | None = None
    witness: Witness | None = None
    reason: str = ""
    semantics: tuple[str, ...] = ()
    stages: dict[str, float] = field(default_factory=dict)
    ways: Credits = field(default_factory=dict)
    certificate: Certificate | None = None
    real: Witness | None = None
    about: Callable[[], About | None] | None = None

    def __post_init__(self) -> None:
        _explained(self)

    @property
    def assumed(self) -> Fraction | None:
        """Within how many ulps functions are computed, of what it says of float32; None: that holds without."""
        return None if self.certificate is None else self.certificate.assumed

    def to_dict(self) -> dict[str, Any]:
        """The answer, its evidence and its times for JSON (docs/record.md)."""
        return {
            "answer": {
                "kind": "verdict", "status": self.status, "label": self.label, "target": self.target,
                "reason": self.reason,
            },
            "evidence": evidence(
                trust=None if self.trust is None else str(self.trust), engine=self.engine,
                semantics=list(self.semantics), witness=_dict(self.witness), real=_dict(self.real),
                certificate=_dict(self.certificate), assumed=_assumed(self.assumed),
            ),
            "times": _times(self),
            "ways": {name: credit.to_dict() for name, credit in self.ways.items()},
        }


def certificate_of(answer: Verdict) -> Certificate:
    """What became of the certificate of an answer, which may have none to tell why."""
    return Certificate(None, reason=answer.reason) if answer.certificate is None else answer.certificate


@dataclass(frozen=True, eq=False, repr=False)
class Largest(Shown, Unasked):
    """The answer to "how large does a value get on a set?": an interval with evidence for each end.

    The input `witness`, which is rational, gives exactly `lower`, by the value that `witness.unsafe` names. `deployed`
    is what ONNX Runtime computes at the floats nearest to it, None where the set holds no such floats.
    No input gives more than `upper` (trust `upper_trust`). `exact` is the largest value itself when the ends meet.
    `status`: exact, closed (`is_closed`), interval, and then `reason` says why. `certificate` is one of "less than its
    `end`", which can be a hair above `upper`, None where none was asked for.
    """

    _tells = "upper <= 0.1"
    lower: Fraction
    upper: Fraction
    exact: Fraction | None
    status: str
    engine: str
    seconds: float
    upper_trust: Trust
    witness: Witness
    deployed: FloatArray | None = None
    reason: str = ""
    stages: dict[str, float] = field(default_factory=dict)
    lower_trust: Trust = Trust.EXACT
    certificate: Certificate | None = None
    about: Callable[[], About | None] | None = None

    def __post_init__(self) -> None:
        _explained(self)

    def to_dict(self) -> dict[str, Any]:
        """The answer, its evidence and its times for JSON (docs/record.md)."""
        return {
            "answer": {"kind": "largest", "status": self.status, **_ends(self), "reason": self.reason},
            "evidence": evidence(
                trust={"lower": str(self.lower_trust), "upper": str(self.upper_trust)}, engine=self.engine,
                closest=_dict(self.witness), certificate=_dict(self.certificate),
            ),
            "times": _times(self),
        }


@dataclass(frozen=True, eq=False, repr=False)
class Radius(Shown, Unasked):
    """The answer to "how far can this input be perturbed?": an interval with evidence for each end.

    The property holds at every radius below `lower` (trust `lower_trust`). At `upper` it does not (trust
    `upper_trust`, witness `closest`, exact over the reals); `upper` is None when no violation is known, and
    then `status` is "safe" if the whole valid range is proved, or, `is_unlimited`, every radius without an end.
    `exact` is the radius itself when the two ends meet. `witness` is a nearby input on which ONNX Runtime is wrong too;
    its own radius can be a rounding error larger than `upper`. `label` and `target` are None where the property is not
    about classes. `status`: exact, closed (`is_closed`), interval, and then `reason` says why, safe, wrong-label.
    `certificate` is None where none was asked for; `float32` is the certificate of the largest radius that was found
    to hold for every float32 evaluation order too. `ways` says which way of working has closed what share of it.
    """

    _tells = "lower >= 0.1"
    lower: Fraction
    upper: Fraction | None
    exact: Fraction | None
    status: str
    label: int | None
    engine: str
    seconds: float
    lower_trust: Trust
    upper_trust: Trust | None = None
    target: int | None = None
    closest: Witness | None = None
    witness: Witness | None = None
    reason: str = ""
    stages: dict[str, float] = field(default_factory=dict)
    ways: Credits = field(default_factory=dict)
    certificate: Certificate | None = None
    float32: Certificate | None = None
    is_unlimited: bool = False
    about: Callable[[], About | None] | None = None

    def __post_init__(self) -> None:
        _explained(self)

    @property
    def assumed(self) -> Fraction | None:
        """Within how many ulps functions are computed, of what it says of float32; None: that holds without."""
        made = self.certificate if self.float32 is None else self.float32
        return None if made is None else made.assumed

    def to_dict(self) -> dict[str, Any]:
        """The answer, its evidence and its times for JSON (docs/record.md)."""
        upper = None if self.upper_trust is None else str(self.upper_trust)
        return {
            "answer": {
                "kind": "radius", "status": self.status, **_ends(self), "unlimited": self.is_unlimited,
                "label": self.label, "target": self.target, "reason": self.reason,
            },
            "evidence": evidence(
                trust={"lower": str(self.lower_trust), "upper": upper}, engine=self.engine,
                closest=_dict(self.closest), witness=_dict(self.witness), certificate=_dict(self.certificate),
                float32=_dict(self.float32), assumed=_assumed(self.assumed),
            ),
            "times": _times(self),
            "ways": {name: credit.to_dict() for name, credit in self.ways.items()},
        }


@dataclass(frozen=True, eq=False, repr=False)
class Pruning(Shown, Unasked):
    """The answer to "how many weights can be left out?": at `lower` the networks agree (trust), and at every magnitude
    above `upper` they do not.

    Both are magnitudes of weights or 0; `status` is exact where they are equal, else interval. `network` is the one
    pruned at `lower`, with `removed` of `weights` weights set to zero; `reason` says why an interval is left.
    `certificate` is about the pair at `lower`, None where none was asked for.
    """

    _tells = "lower >= 0.1"
    lower: Fraction
    upper: Fraction
    status: str
    trust: Trust
    network: Network
    removed: int
    weights: int
    seconds: float
    reason: str = ""
    certificate: Certificate | None = None
    about: Callable[[], About | None] | None = None

    def __post_init__(self) -> None:
        _explained(self)

    def to_dict(self) -> dict[str, Any]:
        """The answer, its evidence and its times for JSON (docs/record.md)."""
        return {
            "answer": {
                "kind": "pruning", "status": self.status, **_ends(self), "removed": self.removed,
                "weights": self.weights, "reason": self.reason,
            },
            "evidence": evidence(trust=str(self.trust), certificate=_dict(self.certificate)),
            "times": _times(self),
        }
