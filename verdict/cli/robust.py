"""`verdict robust`: does every input within eps keep its class?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from verdict.cli import options
from verdict.cli.exitcodes import OK, UNKNOWN, VIOLATED

if TYPE_CHECKING:
    from verdict.cli.inputs import Point
    from verdict.cli.progress import Line
    from verdict.network.network import Network
    from verdict.results import Verdict

_CODES = {"robust": OK, "violated": VIOLATED}


def command(
    model: options.Model,
    input: options.Input,
    eps: options.Eps,
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
    engine: options.Engine = None,
    solver: options.Solver = None,
    bounds: options.Bounds = None,
    timeout: options.Timeout = None,
    threads: options.Threads = 2,
    device: options.Device = "cpu",
    certificate: options.Certificate = None,
    json: options.Json = False,
) -> int:
    """Does every input within E of this one keep its class?

    Exit code 0: robust; 1: violated; 3: unknown or timed out; 2: bad input.
    """
    from verdict.cli.questions import Questions

    request = options.Request(
        model, input, norm, range, label, target, engine, solver, bounds, timeout, threads, device, json,
        perturbation, mean, std, certificate, scales, that, given,
    )
    return Questions(request, _Robust(eps)).run()


class _Robust:
    header: Sequence[tuple[str, int]] = (
        ("class", 5),
        ("status", 8),
        ("witness class", 13),
        ("seconds", 7),
        ("reason", 6),
    )

    def __init__(self, eps: str) -> None:
        from verdict.api import exact

        self.eps, self.exact_eps = eps, exact(eps, "--eps")

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
            "eps": str(self.exact_eps),
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
        lines = [("answer", f"{answer.status} at eps {self.eps} ({self.measure})")]
        lines += [] if label is None else [("class", label_text(label, point))]
        if answer.status == "violated" and answer.witness is not None:
            where = "input itself" if answer.witness.radius == 0 else "witness"
            lines.append(("because", f"{deployed_text(answer.witness, label)} at the {where}"))
            lines += parameters_text(answer.witness)
            lines.append(("trust", "replayed in exact arithmetic and in ONNX Runtime"))
        elif answer.trust is not None:
            lines.append(("trust", PROOFS[answer.trust]))
            lines.append(("holds for", SEMANTICS[answer.semantics]))
        else:
            lines.append(("because", answer.reason))
        lines += certificate_text(answer.certificate)
        lines.append(("valid range", range_text(self.range)))
        lines.append(("search", f"{answer.engine}, {answer.seconds:.2f} s: {stages_text(answer.stages)}".rstrip(": ")))
        return lines
