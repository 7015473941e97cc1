"""`verdict maxeps`: how far can this input be perturbed before its class changes?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from verdict.cli import options
from verdict.cli.declared import Option
from verdict.cli.exitcodes import BAD_INPUT, OK, UNKNOWN

if TYPE_CHECKING:
    from verdict.answer.results import Radius
    from verdict.ask.options import Options
    from verdict.ask.question import Question
    from verdict.cli.asked import Asking
    from verdict.cli.inputs import Point
    from verdict.cli.progress import Line


def command(
    model: options.Model,
    input: options.Input,
    norm: options.Norm = "linf",
    scales: options.Scales = None,
    that: options.That = None,
    given: options.Given = None,
    integers: options.Integers = "",
    perturbation: options.Perturbation = None,
    mean: options.Mean = None,
    std: options.Std = None,
    range: options.Range = None,
    label: options.Label = None,
    target: options.Target = None,
    output: options.Output = None,
    shape: options.Shape = None,
    header: options.Header = None,
    label_column: options.LabelColumn = None,
    labels: options.Labels = None,
    how: options.Search = options.USUAL,
    save: Annotated[
        Path | None,
        Option(
            "--save",
            metavar="DIR",
            panel=options.OUTPUT,
            help="Write the witness there: .npy, and .png pictures where the input is an image.",
            show_default=False,
        ),
    ] = None,
    verbose: options.Verbose = False,
    json: options.Json = False,
) -> int:
    """How far can this input be perturbed before its class changes?

    The answer is an interval, proved to refuted, exact when it closes. Ctrl-C and --timeout end the search
    and keep what it has reached.

    Exit code 0: the interval is closed; 3: it is not; 2: bad input.
    """
    from verdict.cli.asked import Asking, Source
    from verdict.cli.inputs import Reading
    from verdict.cli.questions import Questions

    search = how.options()
    source = Source(model, input, output, shape, Reading(header, label_column, labels))
    asking = Asking(
        "maxeps", source, norm=norm, scales=scales, that=that, given=given, integers=integers,
        perturbation=perturbation, mean=mean, std=std, range=range, label=label, target=target,
    )
    return Questions(asking, search, _MaxEps(save, verbose), json).run()


class _MaxEps:
    header: Sequence[tuple[str, int]] = (
        ("class", 5),
        ("proved", 15),
        ("refuted", 15),
        ("status", 11),
        ("witness class", 13),
        ("seconds", 7),
    )

    def __init__(self, save: Path | None, verbose: bool) -> None:
        self.folder, self.verbose = save, verbose
        self.saved: dict[str, list[str]] = {}
        self.failed = False
        if save is not None:
            from verdict.base.writing import made_folder

            made_folder(save, "--save")

    def about(self, asking: Asking, question: Question, point: Point) -> Question:
        return question

    def ask(self, asking: Asking, question: Question, point: Point, options: Options, shown: Line) -> Radius:
        from verdict.cli.asking import ask
        from verdict.cli.output import measure

        self.range, self.measure = asking.range, measure(question.domain)
        self.classes = asking.network.classes
        if self.folder is not None:
            from verdict.cli.save import places

            for place in places(self.folder, point).values():
                place.check()
        answer: Radius = ask(question, options, shown.interval)
        if self.folder is not None and answer.witness is not None:
            from verdict.base.errors import InputError
            from verdict.cli.printing import note
            from verdict.cli.save import save_witness

            try:
                self.saved[point.name] = save_witness(self.folder, asking.network, point, answer.witness)
            except InputError as error:
                # The answer is worth more than the file: it is shown, and the exit code tells of the file.
                note(f"error: {error}")
                self.failed = True
        return answer

    def code(self, answers: Sequence[Radius]) -> int:
        if self.failed:
            return BAD_INPUT
        return UNKNOWN if any(answer.status == "interval" for answer in answers) else OK

    def record(self, answer: Radius, point: Point) -> dict[str, Any]:
        from verdict.cli.output import certificate_record, down, rounded, up, ways, witness_numbers

        witness = answer.witness
        return {
            "status": answer.status,
            "lower": down(answer.lower),
            "upper": up(answer.upper),
            "exact": None if answer.exact is None else str(answer.exact),
            "unlimited": answer.is_unlimited,
            "label": answer.label,
            "target": answer.target,
            "trust": {
                "lower": str(answer.lower_trust),
                "upper": None if answer.upper_trust is None else str(answer.upper_trust),
            },
            "witness": witness_numbers(witness),
            "witness_radius": None if witness is None else up(witness.radius),
            "certificate": certificate_record(answer.certificate),
            "float32": certificate_record(answer.float32),
            "engine": answer.engine,
            "seconds": round(answer.seconds, 6),
            "stages": rounded(answer.stages),
            "ways": ways(answer.ways),
            "reason": answer.reason,
            "saved": self.saved.get(point.name, []),
        }

    def row(self, answer: Radius, point: Point) -> Sequence[str]:
        from verdict.cli.output import above, below

        return [
            "" if answer.label is None else str(answer.label),
            below(answer.lower),
            "none known" if answer.upper is None else above(answer.upper),
            answer.status,
            "" if answer.target is None else str(answer.target),
            f"{answer.seconds:.2f}",
        ]

    def text(self, answer: Radius, point: Point) -> list[tuple[str, str]]:
        from verdict.cli.output import certificate_text, closed_text, range_text, stages_text
        from verdict.cli.questions import label_text

        lines = [] if answer.label is None else [("class", label_text(answer.label, point, self.classes))]
        lines += _wrong(answer) if answer.status == "wrong-label" else _interval(answer, self.measure)
        lines += _float32(answer) + certificate_text(answer.certificate)
        lines.append(("valid range", range_text(self.range)))
        lines.append(("search", f"{answer.engine}, {answer.seconds:.2f} s: {stages_text(answer.stages)}".rstrip(": ")))
        lines += closed_text(answer.ways) if self.verbose else []
        if answer.reason and answer.status != "wrong-label":
            lines.append(("note", answer.reason))
        for path in self.saved.get(point.name, []):
            lines.append(("saved", path))
        if self.folder is not None and answer.witness is None:
            lines.append(("saved", "nothing: there is no witness that ONNX Runtime confirms"))
        return lines


def _wrong(answer: Radius) -> list[tuple[str, str]]:
    return [
        ("radius", f"0: {answer.reason}"),
        ("expected", f"{_wanted(answer)}, so no perturbation at all is safe"),
    ]


def _wanted(answer: Radius) -> str:
    return "the property" if answer.label is None else f"class {answer.label}"


def _interval(answer: Radius, measure: str) -> list[tuple[str, str]]:
    from verdict.answer.lines import proved
    from verdict.cli.output import REFUTATIONS, above, below, deployed_text, parameters_text, rational

    lines = []
    if answer.status == "safe":
        wanted = "breaks the property" if answer.label is None else "changes the class"
        within = "" if answer.is_unlimited else " within the valid range"
        lines.append(("radius", f"none: no perturbation{within} {wanted}"))
    elif answer.exact is not None:
        exact = rational(answer.exact) or "a long fraction, see --json"
        lines.append(("radius", f"exactly {exact} = {_decimal(answer)}"))
    elif answer.upper is None:
        least = f"at least {below(answer.lower)} ({measure})" if answer.lower else "not known"
        lines.append(("radius", f"{least}; no violation found"))
    else:
        gap = float((answer.upper - answer.lower) / answer.upper)
        state = "closed" if answer.status == "closed" else "not closed"
        ends = f"[{below(answer.lower)}, {above(answer.upper)}]"
        lines.append(("radius", f"in {ends} ({measure}), {state}: relative gap {gap:.1e}"))
    lines.append(("proved", proved(answer, "safe")))
    if answer.upper is not None and answer.upper_trust is not None and answer.closest is not None:
        rival = answer.closest.unsafe
        what = f"where {rival} catches up with class {answer.label}" if answer.label is not None else f"by {rival}"
        event = f"unsafe at {above(answer.upper)}, {what}"
        lines.append(("refuted", f"{event}: {REFUTATIONS[answer.upper_trust]}"))
    if answer.witness is not None and answer.witness.radius is not None:
        deployed = deployed_text(answer.witness, answer.label)
        lines.append(("witness", f"{deployed} at radius {above(answer.witness.radius)}"))
        lines += parameters_text(answer.witness)
    return lines


def _float32(answer: Radius) -> list[tuple[str, str]]:
    """What certificates say of other radii than the lower end."""
    from verdict.cli.output import below

    asked, made, lines = answer.certificate, answer.float32, []
    if asked is None or answer.status == "wrong-label":
        return []
    if asked.radius is not None and asked.radius < answer.lower:
        lines.append(("certified", f"safe below {below(asked.radius)} only: nearer to the lower end took too long"))
    elif asked.radius is not None and answer.is_unlimited:
        lines.append(("certified", f"safe below {below(asked.radius)}"))
    if made is None or made.radius is None:
        return [*lines, ("float32", "no radius was proved for every float32 evaluation order")]
    where = "" if made.path == asked.path else f": {made.path}"
    if_so = "" if made.assumed is None else f", with every function computed within {made.assumed} ulp (assumed)"
    return [*lines, ("float32", f"safe below {below(made.radius)} for every float32 evaluation order{if_so}{where}")]


def _decimal(answer: Radius) -> str:
    from verdict.cli.output import above, below

    low, high = below(answer.lower), above(answer.lower)
    return low if low == high else f"{low}..."
