"""What the commands about pairs and weights share: the set of inputs, a search's options, how a number is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

from verdict.cli import options
from verdict.cli.declared import Option
from verdict.cli.exitcodes import OK, UNKNOWN, VIOLATED

if TYPE_CHECKING:
    from verdict.answer.results import Largest, Radius, Verdict
    from verdict.ask.options import Options
    from verdict.ask.question import Question
    from verdict.network.network import Network
    from verdict.property import Box

Input = Annotated[
    str | None,
    Option(
        "--input",
        metavar="FILE[#I]",
        panel=options.QUESTION,
        help="An input, as in verdict robust; without one the set is the whole --range.",
        show_default=False,
    ),
]
Within = Annotated[
    str | None,
    Option(
        "--within",
        metavar="E",
        panel=options.QUESTION,
        help="The set: every input within E of --input, in each entry. Default: 0, the input alone.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class InputSet:
    """The options that name a set of inputs, as the user typed them."""

    input: str | None
    within: str | None
    range: tuple[str, str] | None
    header: str | None = None
    label_column: str | None = None

    def read(self, model: str, network: Network) -> Box:
        """The set. Raises InputError for what makes no sense."""
        from verdict.ask.pairs import region
        from verdict.base.errors import InputError
        from verdict.cli.asked import shipped_range
        from verdict.cli.inputs import Reading, read_inputs, refuse_without
        from verdict.cli.vocabulary import ends

        named = self.range or shipped_range(model)
        limits = None if named is None else ends(named, network)
        refuse_without(self.input, within=self.within, header=self.header, label_column=self.label_column)
        if self.input is None:
            return region(network, range=limits)
        found = read_inputs(self.input, network, Reading(self.header, self.label_column))
        if len(found.points) != 1:
            raise InputError(f"--input {self.input}: {len(found.points)} inputs, expected one")
        return region(network, found.points[0].values, self.within or "0", limits or found.valid_range)


def read_pair(
    first: str, second: str, output: list[str] | None, shape: list[str] | None, *, classes: bool = False
) -> tuple[Network, Network]:
    """Two networks, with the output that is named for both, or for each, and the shapes given. Raises InputError."""
    from verdict.ask.loading import for_classes, load_several
    from verdict.base.errors import InputError
    from verdict.ops.importer.shapes import read_shapes

    names: list[str | None] = [*output] if output else [None]
    if len(names) > 2:
        raise InputError(f"--output is given {len(names)} times, expected once for both networks or once for each")
    a, b = load_several([first, second], read_shapes(shape), [names[0], names[-1]])
    return (for_classes(a), for_classes(b)) if classes else (a, b)


@dataclass(frozen=True)
class Show:
    """How an answer is shown: under a title, or as JSON with the record of the question and its options."""

    title: str
    json: bool
    question: Question
    options: Options


def find_number(show: Show, display: Callable[[Any], int]) -> int:
    """Ask for a number and `display` the answer, also what it is by the time a limit ends the search."""
    from verdict.cli.asking import ask
    from verdict.cli.progress import line

    with line(show.title) as shown:
        shown.show = display
        answer = ask(show.question, show.options, shown.interval)
    return display(answer)


def show_largest(answer: Largest, show: Show) -> int:
    """Print the largest value; the exit code."""
    from verdict.cli.output import (
        PROOFS,
        above,
        below,
        certificate_text,
        recorded,
    )

    if show.json:
        from verdict.cli.printing import print_json

        print_json(
            {
                **ends(answer),
                "trust": {"lower": str(answer.lower_trust), "upper": str(answer.upper_trust)},
                "value": answer.witness.unsafe,
                "witness": [float(v) for v in answer.witness.array()],
                **searched(answer),
                **recorded(show.question, show.options, answer),
            }
        )
        return UNKNOWN if answer.status == "interval" else OK
    lines = [
        ("largest", _interval(answer.lower, answer.upper, answer.status)),
        ("reached", f"{answer.witness.unsafe} by {below(answer.lower)} at an input: exact arithmetic"),
        ("proved", f"nowhere more than {above(answer.upper)}: {PROOFS[answer.upper_trust]}"),
        *certified_end(answer),
        *certificate_text(answer.certificate),
        search_line(answer),
    ]
    write(show.title, [*lines, *([("note", answer.reason)] if answer.reason else [])])
    return UNKNOWN if answer.status == "interval" else OK


def show_radius(answer: Radius, show: Show, unit: str) -> int:
    """Print the interval of radii; the exit code."""
    from verdict.answer.lines import proved
    from verdict.cli.output import REFUTATIONS, above, below, certificate_text, recorded

    if show.json:
        from verdict.cli.printing import print_json

        print_json(
            {
                **ends(answer),
                "trust": {
                    "lower": str(answer.lower_trust),
                    "upper": None if answer.upper_trust is None else str(answer.upper_trust),
                },
                "label": answer.label,
                "target": answer.target,
                "witness": None if answer.closest is None else [float(v) for v in answer.closest.array()],
                **searched(answer),
                **recorded(show.question, show.options, answer),
            }
        )
        return UNKNOWN if answer.status == "interval" else OK
    if answer.upper is not None:
        radius = _interval(answer.lower, answer.upper, answer.status)
    elif answer.status == "safe":
        radius = "none: nothing breaks it"
    else:
        radius = f"at least {below(answer.lower)}" if answer.lower else "not known"
    lines = [] if answer.label is None else [("class", str(answer.label))]
    lines += [
        ("radius", f"{radius} ({unit})"),
        ("proved", proved(answer, "holds")),
    ]
    if answer.upper is not None and answer.closest is not None and answer.upper_trust is not None:
        event = f"broken at {above(answer.upper)} ({answer.closest.unsafe})"
        lines.append(("refuted", f"{event}: {REFUTATIONS[answer.upper_trust]}"))
    lines += [*_certified_radius(answer), *certificate_text(answer.certificate)]
    lines.append(search_line(answer))
    write(show.title, [*lines, *([("note", answer.reason)] if answer.reason else [])])
    return UNKNOWN if answer.status == "interval" else OK


def _numbers(values: list[Fraction]) -> str:
    """The first of some numbers, for people."""
    more = f", ... ({len(values)} in all, see --json)" if len(values) > 12 else ""
    return ", ".join(f"{float(value):.6g}" for value in values[:12]) + more


def show_verdict(answer: Verdict, show: Show) -> int:
    """Print a yes or no; the exit code."""
    from verdict.cli.output import PROOFS, certificate_record, certificate_text, recorded

    point: list[Fraction] = [] if answer.witness is None else answer.witness.point.fractions()
    outputs: list[Fraction] = [] if answer.witness is None else answer.witness.outputs.fractions()
    if show.json:
        from verdict.cli.printing import print_json

        print_json(
            {
                "status": answer.status,
                "trust": None if answer.trust is None else str(answer.trust),
                "witness": None if answer.witness is None else [float(v) for v in point],
                "outputs": None if answer.witness is None else [float(v) for v in outputs],
                "certificate": certificate_record(answer.certificate),
                **searched(answer),
                **recorded(show.question, show.options, answer),
            }
        )
    else:
        words = {"robust": "yes: it holds for all of the set", "violated": "no: there is a counterexample"}
        lines = [("answer", words.get(answer.status, "unknown"))]
        if answer.trust is not None and answer.status == "robust":
            lines.append(("trust", PROOFS[answer.trust]))
        elif answer.witness is not None:
            lines.append(("witness", _numbers(point)))
            lines.append(("outputs", ", ".join(f"{float(v):.6g}" for v in outputs)))
            lines.append(("trust", "replayed in exact arithmetic and in ONNX Runtime"))
        else:
            lines.append(("because", answer.reason))
        lines += certificate_text(answer.certificate)
        lines.append(search_line(answer))
        write(show.title, lines)
    return {"robust": OK, "violated": VIOLATED}.get(answer.status, UNKNOWN)


def certified_end(answer: Largest) -> list[tuple[str, str]]:
    """What a certificate is about, where that is not the end that the search has proved."""
    from verdict.cli.output import above

    made = answer.certificate
    if made is None or made.path is None or made.end is None or made.end <= answer.upper:
        return []
    return [("certified", f"nowhere more than {above(made.end)}")]


def _certified_radius(answer: Radius) -> list[tuple[str, str]]:
    """The same for a radius."""
    from verdict.cli.output import below

    made = answer.certificate
    if made is None or made.path is None or made.radius is None:
        return []
    covered = made.radius >= answer.lower and not answer.is_unlimited
    return [] if covered else [("certified", f"holds below {below(made.radius)}")]


def ends(answer: Largest | Radius) -> dict[str, Any]:
    """How far a search for a number has come, for JSON."""
    from verdict.cli.output import certificate_record, down, up

    return {
        "status": answer.status,
        "lower": down(answer.lower),
        "upper": up(answer.upper),
        "exact": None if answer.exact is None else str(answer.exact),
        "certificate": certificate_record(answer.certificate),
    }


def searched(answer: Largest | Radius | Verdict) -> dict[str, Any]:
    """What a search took, for JSON."""
    from verdict.cli.output import rounded

    return {
        "engine": answer.engine,
        "seconds": round(answer.seconds, 6),
        "stages": rounded(answer.stages),
        "reason": answer.reason,
    }


def _interval(lower: Fraction, upper: Fraction, status: str) -> str:
    """Two ends, or the number at which they meet."""
    from verdict.cli.output import above, below, rational

    if lower == upper:
        return f"exactly {rational(lower) or 'a long fraction, see --json'}, about {below(lower)}"
    return f"in [{below(lower)}, {above(upper)}], {'not closed' if status == 'interval' else 'closed'}"


def search_line(answer: Largest | Radius | Verdict) -> tuple[str, str]:
    """What a search took, in words."""
    from verdict.cli.output import stages_text

    return "search", f"{answer.engine}, {answer.seconds:.2f} s: {stages_text(answer.stages)}".rstrip(": ")


def write(title: str, lines: list[tuple[str, str]]) -> None:
    """A title and what is to be said under it."""
    from verdict.cli.printing import tell

    tell(f"{title}\n", is_title=True)
    for name, text in lines:
        tell(f"  {name:<12} {text}")
