"""`verdict maxdelta`, `imitates` and `general`: two networks, or two copies of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from verdict.cli import options, sets
from verdict.cli.declared import Argument, Option

if TYPE_CHECKING:
    from verdict.answer.results import Verdict

First = Annotated[str, Argument(metavar="FIRST", help="An ONNX file, or the name of a shipped model.")]
Second = Annotated[str, Argument(metavar="SECOND", help="Another one, with as many inputs and outputs.")]
Outputs = Annotated[
    list[str] | None,
    Option(
        "--output",
        metavar="NAME",
        panel=options.QUESTION,
        help="Of networks with several outputs the one that is compared: once for both, or once for each.",
        show_default=False,
    ).once("--output-name"),
]
Lead = Annotated[
    str | None,
    Option(
        "--lead",
        metavar="M",
        panel=options.QUESTION,
        help="The class has to be the same wherever it leads every other one by at least M; 0: everywhere.",
        show_default=False,
    ),
]


def maxdelta(
    first: First,
    second: Second,
    input: sets.Input = None,
    within: sets.Within = None,
    range: options.Range = None,
    output: Outputs = None,
    shape: options.Shape = None,
    header: options.Header = None,
    label_column: options.LabelColumn = None,
    how: options.Search = options.USUAL,
    json: options.Json = False,
) -> int:
    """How far apart can the outputs of two networks be, on a whole set of inputs?

    Exit code 0: the interval is closed; 3: it is not; 2: bad input.
    """
    from verdict.ask.pairs import ends
    from verdict.ask.question import Question

    search = how.options()
    a, b = sets.read_pair(first, second, output, shape)
    title = f"{a.path.name} and {b.path.name}"
    domain = sets.InputSet(input, within, range, header, label_column).read(first, a)
    show = sets.Show(title, json, Question.of("maxdelta", [a, b], **ends(domain)), search)
    return sets.find_number(show, lambda answer: sets.show_largest(answer, show))


def imitates(
    first: Annotated[str, Argument(metavar="TEACHER", help="An ONNX file, or the name of a shipped model.")],
    second: Annotated[str, Argument(metavar="STUDENT", help="Another one, with as many inputs and outputs.")],
    delta: Annotated[
        str | None,
        Option(
            "--delta",
            metavar="D",
            panel=options.QUESTION,
            help="No output may differ by more than D.",
            show_default=False,
        ),
    ] = None,
    lead: Lead = None,
    input: sets.Input = None,
    within: sets.Within = None,
    range: options.Range = None,
    output: Outputs = None,
    shape: options.Shape = None,
    header: options.Header = None,
    label_column: options.LabelColumn = None,
    how: options.Search = options.USUAL,
    json: options.Json = False,
) -> int:
    """Does one network imitate another on a whole set of inputs: outputs close, the class the same, or both?

    Exit code 0: it does; 1: there is a counterexample; 3: unknown or timed out; 2: bad input.
    """
    from verdict.ask.pairs import ends
    from verdict.ask.question import Question
    from verdict.cli.asking import ask

    search = how.options()
    teacher, student = sets.read_pair(first, second, output, shape, classes=lead is not None)
    domain = sets.InputSet(input, within, range, header, label_column).read(first, teacher)
    question = Question.of("imitates", [teacher, student], **ends(domain), delta=delta, lead=lead)
    answer: Verdict = ask(question, search)
    return sets.show_verdict(answer, sets.Show(f"{student.path.name} for {teacher.path.name}", json, question, search))


def general(
    model: options.Model,
    eps: Annotated[
        str | None,
        Option(
            "--eps",
            metavar="E",
            panel=options.QUESTION,
            help="How far x' is from x in each entry. Without it the largest E is looked for.",
            show_default=False,
        ),
    ] = None,
    theta: Annotated[
        str | None,
        Option(
            "--theta",
            metavar="T",
            panel=options.QUESTION,
            help="No output may move by more than T. Without it and --lead the largest move is looked for.",
            show_default=False,
        ),
    ] = None,
    lead: Lead = None,
    input: sets.Input = None,
    within: sets.Within = None,
    range: options.Range = None,
    output: options.Output = None,
    shape: options.Shape = None,
    header: options.Header = None,
    label_column: options.LabelColumn = None,
    how: options.Search = options.USUAL,
    json: options.Json = False,
) -> int:
    """For all x of a set and all x' within E of x: do the outputs stay close, does the class stay?

    Two of E, T and M are given, or E with one of T and M: then it is a yes or no. Exit code 0: yes, or the interval is
    closed; 1: no; 3: unknown; 2: bad input.
    """
    from verdict.ask.loading import for_classes, loaded
    from verdict.ask.pairs import ends
    from verdict.ask.question import Question
    from verdict.base.errors import InputError
    from verdict.cli.asking import ask
    from verdict.ops.importer.shapes import read_shapes

    search = how.options()
    network = (loaded if lead is None else for_classes)(model, output, read_shapes(shape))
    domain = sets.InputSet(input, within, range, header, label_column).read(model, network)
    asked, title = theta is not None or lead is not None, f"two copies of {network.path.name}"
    if eps is None and not asked:
        raise InputError("nothing is asked: expected --eps, and --theta or --lead, or either")
    if eps is not None and asked:
        question = Question.of("general", [network], **ends(domain), eps=eps, theta=theta, lead=lead)
        return sets.show_verdict(ask(question, search), sets.Show(title, json, question, search))
    if eps is not None:
        moved = sets.Show(title, json, Question.of("maxmove", [network], **ends(domain), eps=eps), search)
        return sets.find_number(moved, lambda answer: sets.show_largest(answer, moved))
    question = Question.of("maxgeneral", [network], **ends(domain), theta=theta, lead=lead)
    show, unit = sets.Show(title, json, question, search), "L-infinity distance of x and x'"
    return sets.find_number(show, lambda answer: sets.show_radius(answer, show, unit))
