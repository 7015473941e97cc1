"""`verdict prove`: does a property hold for every input of a set, both written as formulas?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from verdict.cli import options
from verdict.cli.declared import Option
from verdict.cli.exitcodes import OK, UNKNOWN, VIOLATED

if TYPE_CHECKING:
    from fractions import Fraction

    from verdict.answer.results import Verdict


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
    output: options.Output = None,
    shape: options.Shape = None,
    header: options.Header = None,
    label_column: options.LabelColumn = None,
    integers: options.Integers = "",
    query: Annotated[
        str | None,
        Option(
            "--query", metavar="FILE", panel=options.OUTPUT, help="Keep the question as a VNN-LIB 1 file."
        ),
    ] = None,
    how: options.Search = options.USUAL,
    json: options.Json = False,
) -> int:
    """Does a property hold for every input as given? `x` are the inputs, `y` the outputs.

    Exit code 0: it does (answer robust); 1: violated; 3: unknown or timed out; 2: bad input.
    """
    from verdict.ask.parts import ModelFile
    from verdict.ask.question import Question
    from verdict.cli.asking import ask
    from verdict.cli.inputs import Reading, one_point, refuse_without
    from verdict.cli.output import recorded
    from verdict.cli.printing import print_json
    from verdict.cli.vocabulary import as_options, numbers, shape_of
    from verdict.ops.importer.shapes import read_shapes

    search = how.options(query=query)
    network = ModelFile.of(model, output, read_shapes(shape)).load()
    reading = Reading(header, label_column)
    refuse_without(input, header=header, label_column=label_column)
    point = None if input is None else shape_of(one_point(input, network, reading))
    question = Question.of("prove", [network], point, that=that, given=given, integers=numbers(integers))
    with as_options():
        answer: Verdict = ask(question, search)
    if json:
        print_json({**_fields(answer, network.output_size), **recorded(question, search, answer)})
    else:
        _show(answer, network.output_size)
    return {"robust": OK, "violated": VIOLATED}.get(answer.status, UNKNOWN)


def _values(answer: Verdict, size: int) -> tuple[list[Fraction], list[Fraction]]:
    """The witness's input and its first outputs, `size` of them; nothing where there is none."""
    if answer.witness is None:
        return [], []
    return list(answer.witness.point.fractions()), list(answer.witness.outputs.fractions())[:size]


def _fields(answer: Verdict, size: int) -> dict[str, Any]:
    from verdict.cli.output import certificate_record, rounded

    point, outputs = _values(answer, size)
    return {
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


def _show(answer: Verdict, size: int) -> None:
    from verdict.cli.output import PROOFS, certificate_text, stages_text
    from verdict.cli.printing import tell

    point, outputs = _values(answer, size)
    meaning = {"robust": "it holds for every input as given", "violated": "it does not hold", "unknown": answer.reason}
    tell(f"{answer.status}: {meaning[answer.status]}", is_title=True)
    if answer.status == "robust" and answer.reason:
        tell(f"  {'note':<12} {answer.reason}")
    if answer.status == "robust" and answer.trust is not None:
        tell(f"  {'trust':<12} {PROOFS[answer.trust]}")
    for letter, values in (("x", point), ("y", outputs)):
        if values:
            tell(f"  {letter:<12} {' '.join(f'{float(v):.9g}' for v in values)}")
    for title, text in certificate_text(answer.certificate):
        tell(f"  {title:<12} {text}")
    tell(f"  {'search':<12} {answer.engine}, {answer.seconds:.2f} s: {stages_text(answer.stages)}".rstrip(": "))
