"""`verdict prove`: does a property hold for every input of a set, both written as formulas?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from verdict.cli import options
from verdict.cli.declared import Option
from verdict.cli.exitcodes import OK, UNKNOWN, VIOLATED

if TYPE_CHECKING:
    from fractions import Fraction

    from verdict.network.network import Network
    from verdict.results import Verdict


def command(
    model: options.Model,
    that: Annotated[
        str, Option("--that", metavar="FORMULA", panel=options.QUESTION, help="What has to hold.")
    ],
    given: Annotated[
        str,
        Option(
            "--given", metavar="FORMULA", panel=options.QUESTION, help="For which inputs: every x bounded."
        ),
    ],
    input: Annotated[
        str | None,
        Option(
            "--input",
            metavar="FILE[#I]",
            panel=options.QUESTION,
            help="An input that near(), fixed(), patch(), stays(), top() and margin() are about.",
        ),
    ] = None,
    integers: Annotated[
        str,
        Option(
            "--integers",
            metavar="I,J,K:L",
            panel=options.QUESTION,
            help="Inputs that take whole numbers only: numbers and ranges.",
        ),
    ] = "",
    query: Annotated[
        str | None,
        Option(
            "--query", metavar="FILE", panel=options.OUTPUT, help="Keep the question as a VNN-LIB 1 file."
        ),
    ] = None,
    engine: options.Engine = None,
    solver: options.Solver = None,
    bounds: options.Bounds = None,
    timeout: options.Timeout = None,
    threads: options.Threads = 2,
    device: options.Device = "cpu",
    certificate: options.Certificate = None,
    json: options.Json = False,
) -> int:
    """Does a property hold for every input as given? `x` are the inputs, `y` the outputs.

    Exit code 0: it does (answer robust); 1: violated; 3: unknown or timed out; 2: bad input.
    """
    import verdict
    from verdict.cli.questions import check_limits
    from verdict.property.language.written import read_formula

    check_limits(timeout, threads)
    network = verdict.load(model)
    names = _names(network, input)
    answer = verdict.prove(
        network,
        read_formula(that, names, "--that"),
        read_formula(given, names, "--given"),
        integers=_numbers(integers),
        query=query,
        engine=engine or "auto",
        solver=solver,
        bounds=bounds,
        timeout=timeout,
        threads=threads,
        device=device,
        certificate=certificate,
    )
    _show(answer, names, json)
    return {"robust": OK, "violated": VIOLATED}.get(answer.status, UNKNOWN)


def _names(network: Network, input: str | None) -> dict[str, Any]:
    """The vocabulary, with the input's own numbers where there is one."""
    from verdict import variables
    from verdict.api import center_of
    from verdict.cli.inputs import read_inputs
    from verdict.errors import InputError
    from verdict.network.evaluate import classify
    from verdict.property.language.words import words

    x, y = variables(network)
    shape = network.inputs[0].shape if len(network.inputs) == 1 else ()
    if input is None:
        return words(x, y, shape=shape)
    points = read_inputs(input, network).points
    if len(points) != 1:
        raise InputError(f"--input {input}: {len(points)} inputs, expected one")
    center = center_of(network, points[0].values)
    label = classify(network.evaluate(center.floats()[None])[0])
    return words(x, y, center.fractions(), label, shape)


def _numbers(text: str) -> list[int]:
    """`1,4:7` as [1, 4, 5, 6]."""
    from verdict.errors import InputError

    found: list[int] = []
    for part in filter(None, text.split(",")):
        first, colon, last = part.partition(":")
        if not first.isdecimal() or (colon and not last.isdecimal()):
            raise InputError(f"--integers: found {part!r}, expected numbers and ranges such as 0,3,5:8")
        found += range(int(first), int(last) if colon else int(first) + 1)
    return found


def _show(answer: Verdict, names: dict[str, Any], json: bool) -> None:
    from verdict.cli.output import PROOFS, certificate_record, rounded, stages_text
    from verdict.cli.printing import console, print_json
    from verdict.cli.sets import certified

    point: list[Fraction] = [] if answer.witness is None else list(answer.witness.point.fractions())
    outputs: list[Fraction] = [] if answer.witness is None else list(answer.witness.outputs.fractions())
    outputs = outputs[: len(names["y"])]
    if json:
        print_json(
            {
                "status": answer.status,
                "trust": None if answer.trust is None else str(answer.trust),
                "semantics": list(answer.semantics),
                "certificate": certificate_record(answer.certificate),
                "witness": None if not point else {"x": [str(v) for v in point], "y": [str(v) for v in outputs]},
                "engine": answer.engine,
                "seconds": round(answer.seconds, 6),
                "stages": rounded(answer.stages),
                "reason": answer.reason,
            }
        )
        return
    out = console()
    meaning = {"robust": "it holds for every input as given", "violated": "it does not hold", "unknown": answer.reason}
    out.print(f"{answer.status}: {meaning[answer.status]}", style="bold", soft_wrap=True)
    if answer.status == "robust" and answer.trust is not None:
        out.print(f"  {'trust':<12} {PROOFS[answer.trust]}", soft_wrap=True)
    for letter, values in (("x", point), ("y", outputs)):
        if values:
            out.print(f"  {letter:<12} {' '.join(f'{float(v):.9g}' for v in values)}", soft_wrap=True)
    for title, text in certified(answer.certificate):
        out.print(f"  {title:<12} {text}", soft_wrap=True)
    out.print(f"  {'search':<12} {answer.engine}, {answer.seconds:.2f} s: {stages_text(answer.stages)}".rstrip(": "))
