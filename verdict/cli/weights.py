"""`verdict maxweights` and `maxpruning`: the model itself is perturbed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from verdict.cli import options, sets
from verdict.cli.declared import Option
from verdict.cli.exitcodes import OK, UNKNOWN

if TYPE_CHECKING:
    from verdict.answer.results import Pruning

Layer = Annotated[
    str,
    Option(
        "--layer", metavar="NAME|I", panel=options.QUESTION, help="A layer's name or number, or all."
    ),
]


def maxweights(
    model: options.Model,
    input: options.Input,
    layer: Layer = "all",
    relative: Annotated[
        bool,
        Option("--relative", panel=options.QUESTION, help="The change is in units of each weight."),
    ] = False,
    label: options.Label = None,
    target: options.Target = None,
    output: options.Output = None,
    shape: options.Shape = None,
    header: options.Header = None,
    label_column: options.LabelColumn = None,
    how: options.Search = options.USUAL,
    json: options.Json = False,
) -> int:
    """How much may the weights of a model change before an input loses its class?

    For one layer the interval closes; for all at once both ends hold but need not meet. Exit code 0: it is closed;
    3: it is not; 2: bad input.
    """
    from verdict.ask.loading import for_classes
    from verdict.ask.question import Question
    from verdict.base.errors import InputError
    from verdict.cli.inputs import Reading, read_inputs
    from verdict.cli.vocabulary import shape_of
    from verdict.ops.importer.shapes import read_shapes

    search = how.options()
    network = for_classes(model, output, read_shapes(shape))
    points = read_inputs(input, network, Reading(header, label_column)).points
    if len(points) != 1:
        raise InputError(f"--input {input}: {len(points)} inputs, expected one")
    which = "all layers" if layer == "all" else f"layer {layer}"
    title = f"{network.path.name} on {points[0].name}, weights of {which}"
    unit = "change of each weight, as a part of it" if relative else "change of each weight"
    question = Question.of(
        "maxweights", [network], shape_of(points[0]), layer=layer, relative=relative, label=label, target=target
    )
    show = sets.Show(title, json, question, search)
    return sets.find_number(show, lambda answer: sets.show_radius(answer, show, unit))


def maxpruning(
    model: options.Model,
    layer: Layer = "all",
    lead: Annotated[
        str,
        Option(
            "--lead",
            metavar="M",
            panel=options.QUESTION,
            help="The class has to stay wherever it leads every other one by at least M.",
        ),
    ] = "0",
    input: sets.Input = None,
    within: sets.Within = None,
    range: options.Range = None,
    output: options.Output = None,
    shape: options.Shape = None,
    header: options.Header = None,
    label_column: options.LabelColumn = None,
    save: Annotated[
        Path | None,
        Option(
            "--save",
            metavar="FILE",
            panel=options.OUTPUT,
            help="Write the pruned network there.",
            show_default=False,
        ),
    ] = None,
    how: options.Search = options.USUAL,
    json: options.Json = False,
) -> int:
    """Up to which magnitude can all weights be left out, with the class the same on a whole set of inputs?

    Exit code 0: every magnitude is proved or refuted; 3: not every one; 2: bad input.
    """
    from verdict.ask.loading import for_classes
    from verdict.ask.pairs import ends
    from verdict.ask.question import Question
    from verdict.cli.asking import ask
    from verdict.cli.output import PROOFS, above, below, certificate_record, certificate_text, recorded
    from verdict.cli.printing import print_json
    from verdict.compose.composer import save as write
    from verdict.ops.importer.shapes import read_shapes

    search = how.options()
    network = for_classes(model, output, read_shapes(shape))
    domain = sets.InputSet(input, within, range, header, label_column).read(model, network)
    question = Question.of("maxpruning", [network], **ends(domain), layer=layer, lead=lead)
    answer: Pruning = ask(question, search)
    if save is not None:
        write(answer.network, save)
    if json:
        print_json(
            {
                "status": answer.status,
                "lower": float(answer.lower),
                "upper": float(answer.upper),
                "trust": str(answer.trust),
                "removed": answer.removed,
                "weights": answer.weights,
                "seconds": round(answer.seconds, 6),
                "certificate": certificate_record(answer.certificate),
                "reason": answer.reason,
                "saved": None if save is None else str(save),
                **recorded(question, search, answer),
            }
        )
    else:
        found = below(answer.lower) if answer.status == "exact" else f"{below(answer.lower)} to {above(answer.upper)}"
        lines = [
            ("threshold", f"{found}: {answer.removed} of {answer.weights} weights are zero then"),
            ("proved", f"the class is the same: {PROOFS[answer.trust]}"),
            *certificate_text(answer.certificate),
            ("search", f"{answer.seconds:.2f} s"),
        ]
        lines += [("note", answer.reason)] if answer.reason else []
        lines += [("saved", str(save))] if save is not None else []
        sets.write(f"{network.path.name}, pruned", lines)
    return OK if answer.status == "exact" else UNKNOWN
