"""One row of a store: a question, its options, and what came of it; and the columns in which tables show it.

What came of it is the record of an answer, or a word of why there is none: a process that crashed, or was ended from
outside, or a question that was refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ..answer.decimals import above, below

if TYPE_CHECKING:
    from ..answer.results import Radius, Verdict

# Why a row holds no answer, beside the statuses of answers (docs/record.md).
FAILED: Mapping[str, str] = {
    "timed-out": "the time limit was reached before there was anything to answer with",
    "out-of-memory": "its process needed more memory than it may take, and was ended",
    "crashed": "its process ended without an answer",
    "refused": "the question makes no sense, or its files cannot be read: the reason says why",
}
# What a further run asks again where that is asked for: what may come out otherwise on another day.
AGAIN = ("crashed", "out-of-memory", "refused")
REFUTED = ("violated", "wrong-label")


@dataclass(frozen=True, eq=False, repr=False)
class Entry:
    """A question and its options as JSON, with their hashes, and what came of it.

    `batch` says in which batch it was asked and `place` where, `name` what its case is called, `truth` the class that
    the data set gives and `predicted` the network's own. `record` is the record of the answer (docs/record.md), None
    where there is none, `about` what it needs to show itself, `at` when it was written, UTC.
    """

    key: str
    options_key: str
    asked: Mapping[str, Any]
    batch: str
    place: int
    name: str
    status: str
    reason: str = ""
    truth: int | None = None
    predicted: int | None = None
    record: Mapping[str, Any] | None = None
    about: Mapping[str, Any] | None = None
    seconds: float = 0.0
    at: str = ""

    def __repr__(self) -> str:
        return f"<Entry {self.kind} {self.name}: {self.status}>"

    @property
    def question(self) -> Mapping[str, Any]:
        """The question as JSON, which `verdict.Question.from_json` reads."""
        found: Mapping[str, Any] = self.asked["question"]
        return found

    @property
    def options(self) -> Mapping[str, Any]:
        """The options as JSON, which `verdict.Options.from_json` reads."""
        found: Mapping[str, Any] = self.asked["options"]
        return found

    @property
    def kind(self) -> str:
        """The kind of the question: robust, maxeps, verify, ..."""
        return str(self.question["kind"])

    @property
    def model(self) -> str:
        """The names of the models' files, without folders."""
        return " and ".join(PurePath(model["path"]).name for model in self.question["models"])

    @property
    def models(self) -> tuple[str, ...]:
        """The hashes of the models."""
        return tuple(model.get("sha256", "") for model in self.question["models"])

    @property
    def eps(self) -> Fraction | None:
        """The radius that was asked about, None where it is the answer."""
        text = self.question.get("domain", {}).get("eps")
        return None if text is None else Fraction(text)

    @property
    def label(self) -> int | None:
        """The class that had to stay."""
        said = None if self.record is None else self.record["answer"].get("label")
        found: int | None = self.question.get("aim", {}).get("label") if said is None else said
        return found

    @cached_property
    def answer(self) -> Verdict | Radius | None:
        """The answer itself, which shows and states itself; None where there is none. Raises InputError."""
        from ..answer.recalled import recalled
        from ..base.errors import InputError, VerdictError

        try:
            return None if self.record is None else recalled(self.record, self.about)
        except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError, VerdictError) as error:
            why = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
            raise InputError(f"the row of {self.name!r} holds no record of an answer ({why[:200]})") from error

    @property
    def certificate(self) -> Mapping[str, Any] | None:
        """What became of the certificate, None where none was asked for."""
        return None if self.record is None else self.record["evidence"]["certificate"]

    def copied(self, **changed: Any) -> Entry:
        """The same row with other members."""
        return replace(self, **changed)

    def columns(self) -> dict[str, Any]:
        """The row as one of a table: exact numbers as floats, rounded to the safe side."""
        answer = {} if self.record is None else self.record["answer"]
        evidence = {} if self.record is None else self.record["evidence"]
        lower, upper = (answer.get(end) for end in ("lower", "upper"))
        trust, certificate = evidence.get("trust"), self.certificate
        said = (trust or {}).get("lower") if isinstance(trust, Mapping) else trust
        return {
            "batch": self.batch, "case": self.name, "kind": self.kind, "model": self.model,
            "true": self.truth, "predicted": self.predicted, "label": self.label, "target": answer.get("target"),
            "eps": None if self.eps is None else float(self.eps), "status": self.status,
            "lower": None if lower is None else float(below(Fraction(lower))),
            "upper": None if upper is None else float(above(Fraction(upper))),
            "trust": said, "seconds": round(self.seconds, 6),
            "certificate": None if certificate is None else certificate["file"],
            "checked": None if not certificate or certificate["file"] is None else bool(certificate["accepted"]),
            "reason": self.reason, "question": self.key, "options": self.options_key,
        }


# The columns of a table, also of one without rows.
COLUMNS = (
    "batch", "case", "kind", "model", "true", "predicted", "label", "target", "eps", "status", "lower", "upper",
    "trust", "seconds", "certificate", "checked", "reason", "question", "options",
)
