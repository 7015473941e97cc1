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
    from verdict.cli.inputs import Point
    from verdict.cli.progress import Line
    from verdict.network.network import Network

# What of the options `verdict prove` takes.
SEARCHED = ("engine", "solver", "bounds", "timeout", "threads", "device", "certificate")
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
    engine: options.Engine = None,
    solver: options.Solver = None,
    bounds: options.Bounds = None,
    timeout: options.Timeout = None,
    threads: options.Threads = 2,
    device: options.Device = "cpu",
    certificate: options.Certificate = None,
    json: options.Json = False,
) -> int:
    """Does every input within E of this one, or with another patch or other pixels, keep its class?

    Exit code 0: robust; 1: violated; 3: unknown or timed out; 2: bad input.
    """
    from verdict.base.errors import InputError
    from verdict.cli.questions import Questions

    if (eps is not None) + (patch is not None) + (pixels is not None) != 1:
        raise InputError("expected one of --eps, --patch and --pixels")
    if eps is None and (norm != "linf" or scales or perturbation or given):
        raise InputError("--patch and --pixels take no norm, scales, condition or perturbation")
    request = options.Request(
        model, input, norm, range, label, target, engine, solver, bounds, timeout, threads, device, json,
        perturbation, mean, std, certificate, scales, that, given, "", output, header, label_column, labels, shape,
    )
    kind = _Robust(eps) if eps is not None else _Replaced("few" if patch is None else "patch", patch or pixels or 0)
    return Questions(request, kind).run()


class _Robust:
    header: Sequence[tuple[str, int]] = (
        ("class", 5),
        ("status", 8),
        ("witness class", 13),
        ("seconds", 7),
        ("reason", 6),
    )

    def __init__(self, eps: str) -> None:
        from verdict.base.number import exact

        self.eps, self.size = eps, {"eps": str(exact(eps, "--eps"))}

    @property
    def where(self) -> str:
        """The set in words."""
        return f"at eps {self.eps} ({self.measure})"

    def ask(self, network: Network, point: Point, options: dict[str, Any], shown: Line) -> Verdict:
        import verdict
        from verdict.cli.output import measure

        self.range, self.measure = options["range"], measure(options["perturbation"], options["norm"])
        return verdict.robust(network, point.values, self.eps, on_progress=shown.stage, **options)

    def code(self, answers: Sequence[Verdict]) -> int:
        """The code of the worst answer: one violation refutes the whole range."""
        codes = [_CODES.get(answer.status, UNKNOWN) for answer in answers]
        return VIOLATED if VIOLATED in codes else max(codes)

    def record(self, answer: Verdict, point: Point) -> dict[str, Any]:
        from verdict.cli.output import certificate_record, rounded, witness_numbers

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
            "reason": answer.reason,
        }

    def row(self, answer: Verdict, point: Point) -> Sequence[str]:
        target = "" if answer.target is None else str(answer.target)
        label = "" if answer.label is None else str(answer.label)
        return [label, answer.status, target, f"{answer.seconds:.2f}", answer.reason]

    def text(self, answer: Verdict, point: Point) -> list[tuple[str, str]]:
        from verdict.cli.output import (
            PROOFS,
            SEMANTICS,
            certificate_text,
            deployed_text,
            parameters_text,
            range_text,
            stages_text,
        )
        from verdict.cli.questions import label_text

        label = answer.label
        lines = [("answer", f"{answer.status} {self.where}")]
        lines += [] if label is None else [("class", label_text(label, point))]
        if answer.status == "violated" and answer.witness is not None:
            where = "input itself" if answer.witness.radius == 0 else "witness"
            lines.append(("because", f"{deployed_text(answer.witness, label)} at the {where}"))
            lines += parameters_text(answer.witness)
            lines.append(("trust", "replayed in exact arithmetic and in ONNX Runtime"))
        elif answer.trust is not None:
            lines.append(("trust", PROOFS[answer.trust]))
            lines.append(("holds for", SEMANTICS[answer.semantics]))
            lines += [("note", answer.reason)] if answer.reason else []
        else:
            lines.append(("because", answer.reason))
        lines += certificate_text(answer.certificate)
        lines.append(("valid range", range_text(self.range)))
        lines.append(("search", f"{answer.engine}, {answer.seconds:.2f} s: {stages_text(answer.stages)}".rstrip(": ")))
        return lines


class _Replaced(_Robust):
    """The same about inputs of which a patch or some pixels are replaced: a question to `verdict prove`."""

    def __init__(self, word: str, count: int) -> None:
        self.word, self.count = word, count
        self.size = {"patch" if word == "patch" else "pixels": str(count)}

    @property
    def where(self) -> str:
        if self.word == "patch":
            return f"for any {self.count} x {self.count} patch"
        return "for any pixel" if self.count == 1 else f"for any {self.count} pixels"

    def ask(self, network: Network, point: Point, options: dict[str, Any], shown: Line) -> Verdict:
        import verdict
        from verdict.answer.gate import witness_class
        from verdict.base.errors import InputError
        from verdict.cli.vocabulary import names_for

        self.range = options["range"]
        if self.range is None:
            raise InputError("what replaces pixels lies in the valid range, expected one (see --range)")
        names = names_for(network, point)
        label = names["label"] if options["label"] is None else options["label"]
        stays = names["stays"](of=label) if options["target"] is None else names["beats"](options["target"], of=label)
        asked = {k: v for k, v in options.items() if k in SEARCHED}
        that = options.get("that")
        held = verdict.prove(
            network, stays if that is None else that, names[self.word](self.count, *self.range),
            on_progress=shown.stage, **asked,
        )
        if that is not None:
            return held
        target = None if held.witness is None else witness_class(network, held.witness, int(label))
        return replace(held, label=int(label), target=target)
