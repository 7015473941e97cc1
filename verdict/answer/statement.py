"""The certification statement: what an answer lets one say about a submitted model, no more and no less.

"The submitted model NAME (SHA-256 ...) is known to abide by the property of ... up to a threshold of ... over the input
range ...": the sentence, then what stands behind it, and what was not shown.
"""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from ..base.errors import InputError
from .decimals import above, below, rational
from .lines import READABLE, certificate_line
from .trust import PROOFS, REFUTATIONS, SEMANTICS

if TYPE_CHECKING:
    from fractions import Fraction

    from .about import About
    from .results import Certificate, Radius, Verdict

NOT_SHOWN = (
    "anything about other inputs, larger perturbations, or another measure of them; that the label itself is right; "
    "what happens before the network's input; other arithmetic than is named here"
)


def statement(answer: Verdict | Radius) -> str:
    """The statement in Markdown. Raises InputError for an answer that is not about one input of one model."""
    about = None if answer.about is None else answer.about()
    if about is None or not about.model:
        raise InputError("a statement is about one input of one model, such as the answers of robust and maxeps")
    lower = getattr(answer, "lower", None)
    said = _of_decision(answer, about) if lower is None else _of_radius(answer, about)  # type: ignore[arg-type]
    certificate: Certificate | None = answer.certificate
    if certificate is not None:
        said.append(f"Certificate: {certificate_line(certificate)}.")
    said.append(f"Verdict {metadata.version('verdict-nn')}, engine {answer.engine}, {answer.seconds:.2f} s.")
    if answer.reason:
        said.append(f"Note: {answer.reason}.")
    said.append(f"Not shown: {NOT_SHOWN}.")
    return "\n".join([said[0], "", *(f"* {line}" for line in said[1:])]) + "\n"


def _subject(about: About) -> str:
    return f"The submitted model {about.model}"


def _wanted(about: About, label: int | None) -> str:
    """The property in words, and the inputs that it is about."""
    if label is None:
        kept = f"every input has {about.property}"
    elif about.target is None:
        kept = f"every input is given {about.named(label)}"
    else:
        kept = f"{about.named(label)} scores more than {about.named(about.target)} on every input"
    given = f", of the inputs with {about.given}" if about.given else ""
    return f"local robustness at {about.place}, that {kept}{given}"


def _within(about: About, threshold: str) -> str:
    return f"up to a threshold of {threshold} ({about.measure}), over {about.limits}"


def _exactly(value: Fraction) -> str:
    """A threshold that is not above the number."""
    text = rational(value)
    return text if text is not None and len(text) <= 2 * READABLE else below(value)


def _of_decision(answer: Verdict, about: About) -> list[str]:
    whole = f"{_wanted(about, answer.label)}, {_within(about, _exactly(about.eps))}" if about.eps is not None else ""
    if answer.status == "robust" and answer.trust is not None:
        return [
            f"{_subject(about)} is known to abide by the property of {whole}.",
            f"Rests on: {PROOFS[answer.trust]}.",
            f"Holds for: {SEMANTICS.get(answer.semantics, 'the network over the real numbers')}.",
        ]
    if answer.status == "violated":
        return [
            f"{_subject(about)} is known to break the property of {whole}.",
            "Rests on: a counterexample, evaluated in exact rationals and in ONNX Runtime.",
        ]
    return [f"{_subject(about)} is not known to abide by or to break the property of {whole}."]


def _of_radius(answer: Radius, about: About) -> list[str]:
    wanted = _wanted(about, answer.label)
    if answer.status == "wrong-label":
        return [f"{_subject(about)} is known to break the property of {wanted}, at that input itself."]
    if not answer.lower:
        return [f"{_subject(about)} is not known to abide by the property of {wanted}, up to any threshold above 0."]
    made, proved, trust = answer.certificate, answer.lower, PROOFS[answer.lower_trust]
    below_all = "every radius" if answer.is_unlimited else _exactly(proved)
    lines = [f"{_subject(about)} is known to abide by the property of {wanted}, {_within(about, below_all)}."]
    lines.append(f"Rests on: {trust}; it holds at every radius below the threshold.")
    order = made is not None and made.accepted and made.any_order
    lines.append(f"Holds for: {SEMANTICS[('real', 'float32') if order else ('real',)]}.")
    if answer.upper is not None and answer.upper_trust is not None:
        lines.append(f"Broken at {above(answer.upper)}: {REFUTATIONS[answer.upper_trust]}.")
    for_floats = answer.float32
    if not order and for_floats is not None and for_floats.accepted and for_floats.radius is not None:
        lines.append(f"Up to {_exactly(for_floats.radius)} also for: {SEMANTICS[('real', 'float32')]}.")
    return lines
