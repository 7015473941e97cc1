"""What an answer says, in titles and texts for people: the lines of its page.

They are made of what the answer says and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from .decimals import above, below, rational
from .trust import PROOFS, REFUTATIONS, holds_for

if TYPE_CHECKING:
    from ..network.exact import FloatArray
    from .about import About
    from .results import Certificate, Largest, Pruning, Radius, Verdict, Witness

# A fraction whose numbers have more digits is shown as a decimal.
READABLE = 12


def subject(answer: Any) -> About | None:
    """What an answer is about, None where it is about no input."""
    found: About | None = None if answer.about is None else answer.about()
    return None if found is None or not found.x.size else found


def shown_witness(answer: Any, about: About) -> FloatArray | None:
    """The input (size,) that the network gets at the witness: the deployed one, or else the exact one's floats."""
    witness: Witness | None = answer.witness
    if witness is None:
        witness = getattr(answer, "closest", None) or getattr(answer, "real", None)
    if witness is None:
        return None
    found = witness.array() if witness.input is None else witness.input
    return found if found.size == about.x.size else None


def ends(answer: Radius | Largest | Pruning) -> str:
    """The interval of an answer: rounded outward, or the number itself."""
    exact = answer.lower if answer.lower == answer.upper else None
    if exact is not None:
        text = rational(exact) if _length(exact) <= READABLE else None
        return f"exactly {text or f'a fraction of {_length(exact)} digits, about {float(exact):.10g}'}"
    if answer.upper is None:
        return f"at least {below(answer.lower)}"
    return f"in [{below(answer.lower)}, {above(answer.upper)}]"


def _length(value: Fraction) -> int:
    return max(len(str(abs(value.numerator))), len(str(value.denominator)))


def lines(answer: Any, about: About | None = None) -> list[tuple[str, str]]:
    """What an answer says, for people: titles and texts."""
    said = _LINES[type(answer).__name__](answer, about)
    certificate: Certificate | None = getattr(answer, "certificate", None)
    if certificate is not None:
        said.append(("certificate", certificate_line(certificate)))
    engine = getattr(answer, "engine", "")
    said.append(("search", f"{engine + ', ' if engine else ''}{answer.seconds:.2f} s"))
    if answer.reason:
        said.append(("note", answer.reason))
    return [(title, text) for title, text in said if text]


def _class(label: int | None, about: About | None) -> str:
    if label is None:
        return ""
    return f"class {label}" if about is None else about.named(label)


def _of_verdict(answer: Verdict, about: About | None) -> list[tuple[str, str]]:
    trust = "" if answer.trust is None else (REFUTATIONS | PROOFS)[answer.trust]
    if answer.status == "violated" and answer.trust is not None:
        trust = "a witness, evaluated in exact rationals and in ONNX Runtime"
    return [
        ("answer", answer.status),
        ("class", _class(answer.label, about)),
        ("witness", _class(answer.target, about) if answer.status == "violated" else ""),
        ("trust", trust),
        ("holds for", holds_for(answer.semantics, answer.assumed)),
    ]


# What is proved of a radius whose lower end is 0.
NOTHING = "nothing: no radius above 0 is known to be safe"


def proved(answer: Radius, safe: str) -> str:
    """What is proved of a radius, and what that rests on; `safe` is the word for where it holds."""
    if not answer.lower and answer.status != "safe":
        return NOTHING
    everywhere = answer.is_unlimited or not answer.lower
    where = "at every radius" if everywhere else f"below {below(answer.lower)}"
    return f"{safe} {where}: {PROOFS[answer.lower_trust]}"


def _of_radius(answer: Radius, about: About | None) -> list[tuple[str, str]]:
    safe = "every radius" if answer.is_unlimited else "every radius within the valid range"
    refuted = "" if answer.upper_trust is None else REFUTATIONS[answer.upper_trust]
    rival = _class(answer.target, about)
    return [
        ("radius", f"{safe} is safe" if answer.status == "safe" else f"{ends(answer)} ({answer.status})"),
        ("class", _class(answer.label, about)),
        ("proved below", PROOFS[answer.lower_trust] if answer.lower or answer.status == "safe" else NOTHING),
        ("refuted above", f"{rival} catches up: {refuted}" if rival and refuted else refuted),
    ]


def _of_largest(answer: Largest, about: About | None) -> list[tuple[str, str]]:
    return [
        ("largest", f"{ends(answer)} ({answer.status})"),
        ("reached", f"{answer.witness.unsafe}, at an input in exact arithmetic"),
        ("proved", PROOFS[answer.upper_trust]),
    ]


def _of_pruning(answer: Pruning, about: About | None) -> list[tuple[str, str]]:
    return [
        ("threshold", f"{ends(answer)} ({answer.status})"),
        ("left out", f"{answer.removed} of {answer.weights} weights"),
        ("proved", PROOFS[answer.trust]),
    ]


def certificate_line(made: Certificate) -> str:
    if made.report is None:
        return made.reason or "none"
    name = "" if made.path is None else f"{made.path.name}, {made.size} bytes: "
    reason = made.reason or made.report.reason
    state = "accepted by the independent checker" if made.accepted else f"not accepted: {reason}"
    return f"{name}{state}, {made.report.leaves} {'leaf' if made.report.leaves == 1 else 'leaves'}"


_LINES: dict[str, Callable[[Any, Any], list[tuple[str, str]]]] = {
    "Verdict": _of_verdict, "Radius": _of_radius, "Largest": _of_largest, "Pruning": _of_pruning,
}
