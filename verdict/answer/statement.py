"""The certification statement: what an answer lets one say about a submitted model, no more and no less.

"The submitted model NAME (SHA-256 ...) is known to abide by the property of ... up to a threshold of ... over the input
range ...": the sentence, then what stands behind it, and what was not shown. `Statement` has both its forms, Markdown
for people and JSON for programs (docs/statement.schema.json).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import metadata
from typing import TYPE_CHECKING, Any

from ..base.errors import InputError
from .claim import Claim, Submitted
from .decimals import above, below, rational
from .lines import READABLE, certificate_line
from .trust import PROOFS, REFUTATIONS, holds_for

if TYPE_CHECKING:
    from ..checker import Report
    from .about import About
    from .results import Certificate, Largest, Pruning, Radius, Verdict

# The version of the form in JSON, and what each form begins with.
VERSION = 1
MARKS = {".md": "<!-- Certification statement, written by Verdict -->", ".json": '{\n  "form": "verdict-statement"'}
# What is known: that the model abides by the property, that it breaks it, or neither.
KNOWN = {"abides": "known to abide by", "breaks": "known to break",
         "open": "not known to abide by or to break"}
NOT_SHOWN = (
    "anything about other inputs, larger thresholds, or another measure of them",
    "that labels and the property are what they should be",
    "what happens before the network's input",
    "other arithmetic than is named here",
)

_FLOAT32 = "float32 arithmetic: the proof is about the network over the real numbers"


@dataclass
class Statement:
    """A statement in parts: what is `known` (abides, breaks, open) of the models of the claim about the property that
    is `wanted`, and what that rests on; every number is text, rounded so that it claims no more than was shown."""

    claim: Claim
    known: str
    wanted: str
    threshold: str = ""
    trust: str = ""
    rests_on: str = ""
    semantics: tuple[str, ...] = ()
    broken_at: tuple[str, str] = ("", "")
    also: str = ""
    also_in_float32: bool = False
    assumed: Fraction | None = None
    certificate: Any = None
    certificate_text: str = ""
    engine: str = ""
    seconds: float = 0.0
    reason: str = ""
    not_shown: tuple[str, ...] = field(default=NOT_SHOWN)

    @property
    def sentence(self) -> str:
        several = len(self.claim.models) > 1
        names = " and ".join(map(str, self.claim.models))
        up_to = f", up to a threshold of {self.threshold} ({self.claim.measure})" if self.threshold else ""
        over = f", over {self.claim.inputs}" if self.claim.inputs else ""
        verb = "are" if several else "is"
        return (f"The submitted model{'s' * several} {names} {verb} {KNOWN[self.known]} the property of "
                f"{self.wanted}{up_to}{over}.")

    def markdown(self) -> str:
        """The statement for people."""
        said = [f"Rests on: {self.rests_on}."] if self.rests_on else []
        if self.semantics and self.known == "abides":
            over = holds_for(self.semantics, self.assumed) or "the network over the real numbers"
            said.append(f"Holds for: {over}.")
        said += [f"Broken at {self.broken_at[0]}: {self.broken_at[1]}."] if self.broken_at[0] else []
        said += [self.also] if self.also else []
        said += [f"Certificate: {self.certificate_text}."] if self.certificate_text else []
        by = f", engine {self.engine}" if self.engine else ""
        said.append(f"Verdict {metadata.version('verdict-nn')}{by}, {self.seconds:.2f} s.")
        said += [f"Note: {self.reason}."] if self.reason else []
        said.append(f"Not shown: {'; '.join(self.not_shown)}.")
        return "\n".join([self.sentence, "", *(f"* {line}" for line in said)]) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """The statement for programs."""
        return {
            "form": "verdict-statement", "version": VERSION, "verdict": metadata.version("verdict-nn"),
            "statement": self.sentence,
            "known": self.known,
            "models": [
                {"name": m.name, "sha256": m.sha256[:64], "output": m.output or None, "origin": m.origin or None}
                for m in self.claim.models
            ],
            "property": self.wanted,
            "threshold": {"value": self.threshold, "measure": self.claim.measure} if self.threshold else None,
            "inputs": self.claim.inputs,
            "trust": self.trust or None, "rests_on": self.rests_on or None,
            "holds_for": list(self.semantics) if self.known == "abides" else [],
            "broken_at": {"value": self.broken_at[0], "because": self.broken_at[1]} if self.broken_at[0] else None,
            "certificate": self.certificate,
            "engine": self.engine or None, "seconds": round(self.seconds, 6), "reason": self.reason,
            "not_shown": list(self.not_shown),
        }


def statement(answer: Any) -> Statement:
    """The statement that an answer lets one make. Raises InputError for an answer that claims nothing."""
    from ..checker import Report

    if isinstance(answer, Report):
        return _of_report(answer)
    about: About | None = None if answer.about is None else answer.about()
    if about is None or about.claim is None:
        raise InputError("a statement is about a model and a property, such as the answers of robust and maxeps")
    made: Statement = _MADE[type(answer).__name__](answer, about, about.claim)
    certificate: Certificate | None = answer.certificate
    if certificate is not None:
        made.certificate, made.certificate_text = certificate.to_dict(), certificate_line(certificate)
    if made.known == "abides" and "float32" not in made.semantics:
        made.not_shown += (_FLOAT32 + (", up to a smaller threshold also in float32" if made.also_in_float32 else ""),)
    made.not_shown += _taken(made)
    if made.known == "abides" and (certificate is None or not certificate.accepted):
        made.not_shown += ("that the proof was checked independently: there is no accepted certificate",)
    made.engine, made.seconds, made.reason = getattr(answer, "engine", ""), answer.seconds, answer.reason
    return made


def _property(about: About, claim: Claim, label: int | None) -> str:
    """The property in words; where a class is to stay, with that class."""
    if not claim.keeps:
        return claim.property
    if label is None:
        kept = f"{claim.what} has {claim.property}" if claim.property else "the class stays"
    elif claim.target is None:
        kept = f"{claim.what} is given {about.named(label)}"
    else:
        kept = f"{about.named(label)} scores more than {about.named(claim.target)} on {claim.what}"
    given = f", of the inputs with {claim.given}" if claim.given else ""
    return f"local robustness at {claim.place}, that {kept}{given}"


def _at_most(value: Fraction) -> str:
    """A threshold that is not above the number."""
    return _written(value, below)


def _at_least(value: Fraction) -> str:
    """A threshold that is not below the number."""
    return _written(value, above)


def _written(value: Fraction, rounded: Callable[[Fraction], str]) -> str:
    """A number as it is, where that can be read, or rounded."""
    text = rational(value)
    return text if text is not None and len(text) <= 2 * READABLE else rounded(value)


def _of_verdict(answer: Verdict, about: About, claim: Claim) -> Statement:
    threshold = "" if claim.threshold is None else _at_most(claim.threshold)
    known = {"robust": "abides", "violated": "breaks"}.get(answer.status, "open")
    made = Statement(
        claim, known, _property(about, claim, answer.label), threshold, semantics=answer.semantics,
        assumed=answer.assumed,
    )
    if answer.trust is not None:
        made.trust = str(answer.trust)
        made.rests_on = PROOFS.get(answer.trust, "a counterexample, evaluated in exact rationals and in ONNX Runtime")
    if known == "breaks":
        made.rests_on = "a counterexample, evaluated in exact rationals and in ONNX Runtime"
    return made


def _of_radius(answer: Radius, about: About, claim: Claim) -> Statement:
    wanted = _property(about, claim, answer.label)
    if answer.status == "wrong-label":
        return Statement(claim, "breaks", f"{wanted}, at that input itself", trust="replayed",
                         rests_on="the input itself, evaluated in exact rationals and in ONNX Runtime")
    if not (answer.lower or answer.is_unlimited):
        return Statement(claim, "open", f"{wanted}, up to any threshold above 0")
    threshold = "every radius" if answer.is_unlimited else _at_most(answer.lower)
    certificate, in_floats = answer.certificate, answer.float32
    order = certificate is not None and certificate.accepted and certificate.any_order
    made = Statement(
        claim, "abides", wanted, threshold, str(answer.lower_trust),
        f"{PROOFS[answer.lower_trust]}; it holds at every radius below the threshold",
        ("real", "float32") if order else ("real",), assumed=answer.assumed,
    )
    if answer.upper is not None and answer.upper_trust is not None:
        made.broken_at = above(answer.upper), REFUTATIONS[answer.upper_trust]
    if not order and in_floats is not None and in_floats.accepted and in_floats.radius is not None:
        made.also_in_float32 = True
        over = holds_for(("real", "float32"), in_floats.assumed)
        made.also = f"Up to {_at_most(in_floats.radius)} also for: {over}."
    return made


def _of_largest(answer: Largest, about: About, claim: Claim) -> Statement:
    return Statement(
        claim, "abides", claim.property, _at_least(answer.upper), str(answer.upper_trust),
        PROOFS[answer.upper_trust], ("real",),
        also=f"Reached: {_at_most(answer.lower)}, by an input in exact arithmetic; no threshold below that holds.",
    )


def _of_pruning(answer: Pruning, about: About, claim: Claim) -> Statement:
    return Statement(
        claim, "abides", claim.property, _at_most(answer.lower), str(answer.trust),
        f"{PROOFS[answer.trust]}; {answer.removed} of {answer.weights} weights are left out then", ("real",),
        also="" if answer.lower == answer.upper else f"Above {_at_least(answer.upper)} it does not hold.",
    )


_MADE: dict[str, Callable[[Any, Any, Any], Statement]] = {
    "Verdict": _of_verdict, "Radius": _of_radius, "Largest": _of_largest, "Pruning": _of_pruning,
}


def _of_report(report: Report) -> Statement:
    """What an independent check of a certificate lets one say: its claim, where it was accepted."""
    said = report.statement.members()
    model, query, limits = said["model"], said["query"], said["range"]
    name, digest = (model["file"], model["sha256"]) if model else ("that the certificate names", "not read")
    over = f"the input range [{limits['low']}, {limits['high']}]" if isinstance(limits, dict) and {
        "low", "high"} <= limits.keys() and isinstance(limits["low"], str) else "the inputs that the claim names"
    about = f" (query {query['file']}, SHA-256 {query['sha256']})" if query else ""
    size = said["input"]
    at = f", of an input of {size['size']} numbers with the SHA-256 {size['sha256']}" if size else ""
    claim = Claim((Submitted(name.replace("\\", "/").rpartition("/")[2], digest, said["chosen"] or ""),), "", over)
    known = "abides" if report.accepted else "open"
    made = Statement(claim, known, f"what a certificate claims: {report.claim}{at}{about}")
    if report.accepted:
        made.trust = "certified" if report.tier in ("exact", "python") else "rigorous"
        made.rests_on = f"an independent check of the certificate, {report.leaves} leaves, tier {report.tier}"
        made.semantics, made.assumed = ("real", "float32") if report.any_order else ("real",), report.assumed
        made.not_shown += () if report.any_order else (_FLOAT32,)
    made.not_shown += _taken(made)
    made.seconds, made.reason = report.seconds, report.reason
    return made


def _taken(made: Statement) -> tuple[str, ...]:
    """What is assumed of whoever computes functions."""
    if made.assumed is None or made.known != "abides":
        return ()
    return (f"that float32 programs compute every function within {made.assumed} ulp of its value, or of 1",)
