"""`verdict robust`: does every input within eps keep its class?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from verdict.cli import options
from verdict.cli.declared import Option
from verdict.cli.exitcodes import OK, UNKNOWN, VIOLATED

if TYPE_CHECKING:
    from verdict.answer.results import Verdict
    from verdict.ask.options import Options
    from verdict.ask.question import Question
    from verdict.cli.asked import Asking
    from verdict.cli.inputs import Point
    from verdict.cli.progress import Line

_CODES = {"robust": OK, "violated": VIOLATED}


def command(
    model: options.Model,
    input: options.Input,
    eps: Annotated[
        str | None,
        Option("--eps", metavar="E", panel=options.QUESTION, help="The radius, an exact number.", show_default=False),
    ] = None,
    patch: Annotated[
        int | None,
        Option(
            "--patch",
            metavar="K",
            panel=options.QUESTION,
            help="Instead of a radius: a K x K square anywhere in the image may be anything in the valid range.",
            show_default=False,
        ),
    ] = None,
    pixels: Annotated[
        int | None,
        Option(
            "--pixels",
            metavar="K",
            panel=options.QUESTION,
            help="Instead of a radius: any K pixels may be anything in the valid range (L0).",
            show_default=False,
        ),
    ] = None,
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
    verbose: options.Verbose = False,
    json: options.Json = False,
) -> int:
    """Does every input within E of this one, or with another patch or other pixels, keep its class?

    Exit code 0: robust; 1: violated; 3: unknown or timed out; 2: bad input.
    """
    from verdict.base.errors import InputError
    from verdict.cli.asked import Asking, Source
    from verdict.cli.inputs import Reading
    from verdict.cli.questions import Questions

    if (eps is not None) + (patch is not None) + (pixels is not None) != 1:
        raise InputError("expected one of --eps, --patch and --pixels")
    if eps is None and (norm != "linf" or scales or perturbation or given or integers):
        raise InputError("--patch and --pixels take no norm, scales, condition, whole numbers or perturbation")
    search = how.options()
    source = Source(model, input, output, shape, Reading(header, label_column, labels))
    asking = Asking(
        "maxeps" if eps is None else "robust", source, eps=eps, norm=norm, scales=scales, that=that, given=given,
        integers=integers, perturbation=perturbation, mean=mean, std=std, range=range, label=label, target=target,
    )
    if eps is not None:
        return Questions(asking, search, _Robust(eps, verbose), json).run()
    word = "few" if patch is None else "patch"
    return Questions(asking, search, _Replaced(word, patch or pixels or 0, verbose), json).run()


class _Robust:
    header: Sequence[tuple[str, int]] = (
        ("class", 5),
        ("status", 8),
        ("witness class", 13),
        ("seconds", 7),
        ("reason", 6),
    )

    def __init__(self, eps: str, verbose: bool) -> None:
        from verdict.base.number import exact

        self.verbose, self.eps, self.size = verbose, eps, {"eps": str(exact(eps, "--eps"))}

    @property
    def where(self) -> str:
        """The set in words."""
        return f"at eps {self.eps} ({self.measure})"

    def about(self, asking: Asking, question: Question, point: Point) -> Question:
        return question

    def ask(self, asking: Asking, question: Question, point: Point, options: Options, shown: Line) -> Verdict:
        from verdict.cli.asking import ask
        from verdict.cli.output import measure

        self.range, self.measure = asking.range, measure(question.domain)
        self.classes = asking.network.classes
        found: Verdict = ask(question, options, shown.stage)
        return found

    def code(self, answers: Sequence[Verdict]) -> int:
        """The code of the worst answer: one violation refutes the whole range."""
        codes = [_CODES.get(answer.status, UNKNOWN) for answer in answers]
        return VIOLATED if VIOLATED in codes else max(codes)

    def record(self, answer: Verdict, point: Point) -> dict[str, Any]:
        from verdict.cli.output import certificate_record, rounded, ways, witness_numbers

        witness = answer.witness
        return {
            "status": answer.status,
            **self.size,
            "label": answer.label,
            "target": answer.target,
            "trust": None if answer.trust is None else str(answer.trust),
            "semantics": list(answer.semantics),
            "witness": witness_numbers(witness),
            "certificate": certificate_record(answer.certificate),
            "engine": answer.engine,
            "seconds": round(answer.seconds, 6),
            "stages": rounded(answer.stages),
            "ways": ways(answer.ways),
            "reason": answer.reason,
        }

    def row(self, answer: Verdict, point: Point) -> Sequence[str]:
        target = "" if answer.target is None else str(answer.target)
        label = "" if answer.label is None else str(answer.label)
        return [label, answer.status, target, f"{answer.seconds:.2f}", answer.reason]

    def text(self, answer: Verdict, point: Point) -> list[tuple[str, str]]:
        from verdict.cli.output import (
            PROOFS,
            certificate_text,
            closed_text,
            deployed_text,
            holds_for,
            parameters_text,
            range_text,
            stages_text,
        )
        from verdict.cli.questions import label_text

        label = answer.label
        lines = [("answer", f"{answer.status} {self.where}")]
        lines += [] if label is None else [("class", label_text(label, point, self.classes))]
        if answer.status == "violated" and answer.witness is not None:
            where = "input itself" if answer.witness.radius == 0 else "witness"
            lines.append(("because", f"{deployed_text(answer.witness, label)} at the {where}"))
            lines += parameters_text(answer.witness)
            lines.append(("trust", "replayed in exact arithmetic and in ONNX Runtime"))
        elif answer.trust is not None:
            lines.append(("trust", PROOFS[answer.trust]))
            lines.append(("holds for", holds_for(answer.semantics, answer.assumed)))
            lines += [("note", answer.reason)] if answer.reason else []
        else:
            lines.append(("because", answer.reason))
        lines += certificate_text(answer.certificate)
        lines.append(("valid range", range_text(self.range)))
        lines.append(("search", f"{answer.engine}, {answer.seconds:.2f} s: {stages_text(answer.stages)}".rstrip(": ")))
        return lines + (closed_text(answer.ways) if self.verbose else [])


class _Replaced(_Robust):
    """The same about inputs of which a patch or some pixels are replaced: a question to `verdict prove`."""

    def __init__(self, word: str, count: int, verbose: bool) -> None:
        self.word, self.count, self.verbose = word, count, verbose
        self.size = {"patch" if word == "patch" else "pixels": str(count)}

    @property
    def where(self) -> str:
        if self.word == "patch":
            return f"for any {self.count} x {self.count} patch"
        return "for any pixel" if self.count == 1 else f"for any {self.count} pixels"

    def about(self, asking: Asking, question: Question, point: Point) -> Question:
        from verdict.base.errors import InputError
        from verdict.cli.vocabulary import names_file, names_for

        aim = question.aim
        if asking.range is None:
            raise InputError("what replaces pixels lies in the valid range, expected one (see --range)")
        if any(names_file(end) for end in asking.range):
            raise InputError("what replaces pixels lies in one valid range for all of them, expected two numbers")
        given = f"{self.word}({self.count}, {', '.join(asking.range)})"
        if aim.that is not None:
            return asking.about(point, "prove", that=aim.that, given=given, label=aim.label)
        label = int(names_for(asking.network, point)["label"] if aim.label is None else aim.label)
        that = "stays()" if aim.target is None else f"beats({aim.target})"
        return asking.about(point, "prove", that=that, given=given, label=label)

    def ask(self, asking: Asking, question: Question, point: Point, options: Options, shown: Line) -> Verdict:
        from verdict.answer.gate import witness_class
        from verdict.cli.asking import ask

        self.range, self.classes, label = asking.range, asking.network.classes, question.aim.label
        held: Verdict = ask(question, options, shown.stage)
        if label is None or "that" in asking.said:
            return held
        target = None if held.witness is None else witness_class(asking.network, held.witness, label)
        return replace(held, label=label, target=target)
