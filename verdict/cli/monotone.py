"""`verdict monotone` and `maxfall`: does an output, or a margin, ever fall while a feature grows, and how far?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from verdict.cli import options, sets
from verdict.cli.declared import Option

if TYPE_CHECKING:
    from verdict.answer.results import Verdict
    from verdict.ask.question import Question

Feature = Annotated[
    str, Option("--feature", metavar="I", panel=options.QUESTION, help="The input that grows, its number or name.")
]
Number = Annotated[
    str | None,
    Option(
        "--output",
        metavar="J",
        panel=options.QUESTION,
        help="The number of the output that may not fall.",
        show_default=False,
    ),
]
Label = Annotated[
    str | None,
    Option(
        "--label",
        metavar="K",
        panel=options.QUESTION,
        help="Instead of an output: the class whose margin over every other one may not fall.",
        show_default=False,
    ),
]
Target = Annotated[
    str | None,
    Option(
        "--target",
        metavar="K",
        panel=options.QUESTION,
        help="The margin of --label over this class alone.",
        show_default=False,
    ),
]


def monotone(
    model: options.Model,
    feature: Feature,
    output: Number = None,
    label: Label = None,
    target: Target = None,
    decreasing: Annotated[
        bool, Option("--decreasing", panel=options.QUESTION, help="It may not rise, instead of fall.")
    ] = False,
    step: Annotated[
        str | None,
        Option(
            "--step",
            metavar="S",
            panel=options.QUESTION,
            help="By how much the feature may grow. Default: as far as the set goes.",
            show_default=False,
        ),
    ] = None,
    input: sets.Input = None,
    within: sets.Within = None,
    range: options.Range = None,
    output_name: options.OutputName = None,
    shape: options.Shape = None,
    header: options.Header = None,
    label_column: options.LabelColumn = None,
    how: options.Search = options.USUAL,
    json: options.Json = False,
) -> int:
    """Is an output, or the margin of a class, monotone in a feature on a whole set of inputs?

    Exit code 0: it is; 1: there is a counterexample; 3: unknown or timed out; 2: bad input.
    """
    from verdict.cli.asking import ask

    search = how.options()
    inputs = sets.InputSet(input, within, range, header, label_column)
    said = {
        "feature": feature, "output": output, "label": label, "target": target, "step": step, "decreasing": decreasing,
    }
    question = _question("monotone", model, (output_name, shape), inputs, said)
    answer: Verdict = ask(question, search)
    title = f"{question.model.load().path.name}, feature {feature} up"
    return sets.show_verdict(answer, sets.Show(title, json, question, search))


def maxfall(
    model: options.Model,
    feature: Feature,
    step: Annotated[
        str, Option("--step", metavar="S", panel=options.QUESTION, help="By how much it may grow.")
    ],
    output: Number = None,
    label: Label = None,
    target: Target = None,
    input: sets.Input = None,
    within: sets.Within = None,
    range: options.Range = None,
    output_name: options.OutputName = None,
    shape: options.Shape = None,
    header: options.Header = None,
    label_column: options.LabelColumn = None,
    how: options.Search = options.USUAL,
    json: options.Json = False,
) -> int:
    """How much can an output, or a class's margin, fall while a feature grows? Nothing, if it is monotone in it.

    Exit code 0: the interval is closed; 3: it is not; 2: bad input.
    """
    search = how.options()
    inputs = sets.InputSet(input, within, range, header, label_column)
    said = {"feature": feature, "output": output, "label": label, "target": target, "step": step}
    question = _question("maxfall", model, (output_name, shape), inputs, said)
    show = sets.Show(f"{question.model.load().path.name}, feature {feature} up", json, question, search)
    return sets.find_number(show, lambda answer: sets.show_largest(answer, show))


def _question(
    kind: str, model: str, read: tuple[str | None, list[str] | None], inputs: sets.InputSet, said: dict[str, Any]
) -> Question:
    """The question about one network; `read` are the names of its output and the shapes of its inputs, as typed."""
    from verdict.ask.loading import loaded
    from verdict.ask.pairs import ends
    from verdict.ask.question import Question
    from verdict.ops.importer.shapes import read_shapes

    network = loaded(model, read[0], read_shapes(read[1]))
    return Question.of(kind, [network], **ends(inputs.read(model, network)), **said)
