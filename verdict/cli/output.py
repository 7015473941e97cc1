"""How answers are shown: numbers that are rounded outward, trust in words."""

from __future__ import annotations

import shlex
from decimal import ROUND_FLOOR, Context
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

from verdict.answer.decimals import above as above
from verdict.answer.decimals import below as below
from verdict.answer.decimals import rational as rational
from verdict.answer.results import Certificate, Witness
from verdict.answer.trust import PROOFS as PROOFS
from verdict.answer.trust import REFUTATIONS as REFUTATIONS
from verdict.answer.trust import holds_for as holds_for
from verdict.ask.parts import Domain
from verdict.network.exact import float_above, float_below

if TYPE_CHECKING:
    from verdict.answer.credit import Credits
    from verdict.ask.options import Options
    from verdict.ask.question import Question


class Answer(Protocol):
    """What a record is made of."""

    def to_dict(self) -> dict[str, Any]: ...


def margin_text(value: float) -> str:
    """A lower bound in four digits, rounded down."""
    if value in (float("inf"), float("-inf")):
        return str(value)
    return f"{Context(prec=4, rounding=ROUND_FLOOR).create_decimal_from_float(float(value)).normalize():f}"


def down(value: Fraction) -> float:
    """The greatest float64 that is at most `value`."""
    return float_below(value)


def up(value: Fraction | None) -> float | None:
    """The least float64 that is at least `value`."""
    # Adding zero turns -0.0 into 0.0.
    return None if value is None else float_above(value) + 0.0


def witness_numbers(witness: Witness | None) -> list[float] | None:
    """The input of a deployed witness, flat; its entries are floats of the network's own type."""
    if witness is None:
        return None
    return [float(v) for v in (witness.array() if witness.input is None else witness.input)]


def parameters(witness: Witness | None) -> list[float] | None:
    """The parameters of the perturbation that make a deployed witness's input."""
    return None if witness is None or witness.input is None else [float(v) for v in witness.array()]


def parameters_text(witness: Witness) -> list[tuple[str, str]]:
    """The line that shows them."""
    found = parameters(witness)
    return [] if found is None else [("parameters", ", ".join(f"{value:.9g}" for value in found))]


def measure(domain: Domain) -> str:
    """What a radius is measured in."""
    if domain.perturbation is None:
        from verdict.property.norms import norm_of

        scaled = ", in units of the scales" if domain.scales is not None else ""
        return norm_of(domain.norm or "linf").title + scaled
    return str(getattr(domain.perturbation, "unit", domain.perturbation))


def deployed_text(witness: Witness, label: int | None) -> str:
    """What ONNX Runtime says at a deployed witness; a tie is unsafe, and no other class has won there."""
    outputs = witness.runtime_outputs
    if outputs is None:
        return "ONNX Runtime was not asked"
    if label is None:
        return "broken in ONNX Runtime too"
    if outputs.size == 1:  # the network ends in ArgMax
        return f"ONNX Runtime answers class {int(outputs[0])}"
    rival = max((i for i in range(outputs.size) if i != label), key=lambda i: float(outputs[i]))
    if outputs[rival] > outputs[label]:
        return f"ONNX Runtime answers class {rival}"
    return f"ONNX Runtime scores another class as high as class {label} (a tie is unsafe)"


def stages_text(stages: dict[str, float]) -> str:
    """`attack 0.1 s, bounds 0.2 s`: the stages that took a visible time."""
    return ", ".join(f"{name} {seconds:.2f} s" for name, seconds in stages.items() if seconds >= 0.01)


def range_text(limits: tuple[str, str] | None) -> str:
    """The valid range in words."""
    return "unlimited (see --range)" if limits is None else f"[{limits[0]}, {limits[1]}]"


def rounded(stages: dict[str, float]) -> dict[str, Any]:
    """Stage times for JSON, to the microsecond."""
    return {name: round(seconds, 6) for name, seconds in stages.items()}


def ways(closed: Credits) -> dict[str, Any]:
    """Who has closed what, for JSON."""
    return {name: credit.to_dict() for name, credit in closed.items()}


def closed_text(closed: Credits) -> list[tuple[str, str]]:
    """The line that says who has closed what, for --verbose."""
    from verdict.answer.credit import text

    return [("closed by", text(closed))] if closed else []


def leaves_text(count: int) -> str:
    """`1 leaf`, `2 leaves`."""
    return "1 leaf" if count == 1 else f"{count} leaves"


def certificate_text(made: Certificate | None, query: str | None = None) -> list[tuple[str, str]]:
    """What became of a certificate that was asked for, and the command that checks it."""
    if made is None:
        return []
    if made.path is None:
        return [("certificate", f"none: {made.reason}")]
    checked = "not checked"
    if made.report is not None:
        report = made.report
        work = f"tier {report.tier}, {leaves_text(report.leaves)} in {report.seconds:.2f} s"
        checked = f"accepted by the checker over {report.semantics}, {work}"
    command = ["verdict", "check", str(made.network), str(made.path)]
    asked = query or made.query
    command += [] if asked is None else ["--property", str(asked)]
    lines = [("certificate", f"{made.path}, {made.size} bytes: {checked}"), ("check it", shlex.join(command))]
    return lines + ([("note", made.reason)] if made.reason else [])


def certificate_record(made: Certificate | None) -> dict[str, Any] | None:
    """A certificate for JSON; null where none was asked for."""
    return None if made is None else made.to_dict()


def recorded(question: Question, options: Options, answer: Answer) -> dict[str, Any]:
    """The member of a command's JSON object that holds the record of the answer (docs/record.md)."""
    from verdict.answer.record import record

    return {"record": record(question.pinned().to_json(), options.to_json(), answer.to_dict())}


def recorded_values(question: Question, options: Options, values: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The same of an answer that is no object of its own, but these values."""
    from verdict.answer.record import made, record

    return {"record": record(question.pinned().to_json(), options.to_json(), made(question.kind, values, seconds))}
