"""`verdict residual`: how far a physics-informed network is from solving an equation on a whole domain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from verdict.cli import options
from verdict.cli.declared import Option
from verdict.cli.exitcodes import OK, UNKNOWN

if TYPE_CHECKING:
    from verdict.answer.results import Largest
    from verdict.ask.question import Question
    from verdict.cli.sets import Show

Equation = Annotated[
    str,
    Option(
        "--equation", metavar="EQUATION", panel=options.QUESTION,
        help="The left side, the right is 0: u_t + u*u_x - 0.01/pi*u_xx.",
    ),
]
DomainOption = Annotated[
    str | None,
    Option(
        "--domain", metavar="V:LOW:HIGH,...", panel=options.QUESTION,
        help="The ends of the variables, in input units.", show_default=False,
    ),
]
At = Annotated[
    str | None,
    Option(
        "--at", metavar="V=NUMBER,...", panel=options.QUESTION,
        help="Fixes variables: a boundary or initial condition.", show_default=False,
    ),
]


def command(
    model: options.Model,
    equation: Equation,
    domain: DomainOption = None,
    at: At = None,
    unknown: Annotated[
        str, Option("--unknown", metavar="U,...", panel=options.QUESTION, help="Names of the outputs, in order.")
    ] = "u",
    variables: Annotated[
        str, Option("--variables", metavar="V,...", panel=options.QUESTION, help="Names of the inputs, in order.")
    ] = "t,x",
    tolerance: Annotated[
        str,
        Option(
            "--tolerance", metavar="T", panel=options.SEARCH,
            help="How close the ends have to get, relative to the lower one.",
        ),
    ] = "0.0001",
    timeout: options.Timeout = None,
    threads: options.Threads = 2,
    certificate: options.Certificate = None,
    plot: Annotated[
        Path | None,
        Option(
            "--plot", metavar="FILE", panel=options.OUTPUT,
            help="Draw |residual| as a heat map (.png, .svg or .pdf); needs matplotlib.", show_default=False,
        ),
    ] = None,
    json: options.Json = False,
) -> int:
    """How large is the residual of a differential equation, with a network for the unknown, on a whole domain?

    Exit code 0: the ends are as close as asked; 3: they are not; 2: bad input.
    """
    from verdict.ask.loading import loaded
    from verdict.ask.residual import asked
    from verdict.cli import sets
    from verdict.cli.asking import ask
    from verdict.cli.progress import line

    search = options.searched(timeout=timeout, threads=threads, certificate=certificate)
    network = loaded(model)
    question = asked(network, equation, (unknown, variables), (domain, at), tolerance)
    draw = None
    if plot is not None:
        from verdict.search.boxes.heat import prepare

        draw = prepare(plot)
    show = sets.Show(f"{network.path.name}, {equation}", json, question, search)
    with line(show.title) as shown:
        shown.show = lambda found: _show(found, show, None)
        answer: Largest = ask(question, search, shown.interval)
    if draw is None:
        return _show(answer, show, None)
    from verdict.ask.pairs import box_of
    from verdict.ask.residual import composed_of

    # The answer comes first, whatever becomes of the picture.
    code = _show(answer, show, plot)
    title = f"{equation}\nproved: at most {float(answer.upper):.4g}"
    draw(composed_of(question), box_of(question), answer.witness.array(), question.aim.variables or (), title)
    return code


def _show(answer: Largest, show: Show, plot: Path | None) -> int:
    """Print the answer; the exit code."""
    from verdict.ask.residual import CLOSE
    from verdict.cli.output import PROOFS, above, below, certificate_text, recorded
    from verdict.cli.printing import print_json
    from verdict.cli.sets import certified_end, ends, search_line, searched, write

    code = OK if answer.status != "interval" or CLOSE in answer.reason else UNKNOWN
    lower, upper = answer.lower**2, answer.upper**2
    if show.json:
        record: dict[str, Any] = {
            **ends(answer),
            "squared": {"lower": float(below(lower)), "upper": float(above(upper))},
            "trust": {"lower": str(answer.lower_trust), "upper": str(answer.upper_trust)},
            "witness": _place(answer, show.question),
            "residual": float(answer.witness.outputs.fractions()[0]),
            "saved": None if plot is None else str(plot),
            **searched(answer),
            **recorded(show.question, show.options, answer),
        }
        print_json(record)
        return code
    place = ", ".join(f"{name} = {value:.6g}" for name, value in _place(answer, show.question).items())
    lines = [
        ("|residual|", f"at most {above(answer.upper)}, and {below(answer.lower)} is reached"),
        ("squared", f"at most {above(upper)}, and {below(lower)} is reached"),
        ("reached", f"at {place}: exact arithmetic"),
        ("proved", PROOFS[answer.upper_trust]),
        *certified_end(answer),
        *certificate_text(answer.certificate),
        search_line(answer),
        ("note", answer.reason),
        ("saved", "" if plot is None else str(plot)),
    ]
    write(show.title, [(title, text) for title, text in lines if text])
    return code


def _place(answer: Largest, question: Question) -> dict[str, float]:
    """The witness by the names of the variables."""
    return dict(zip(question.aim.variables or (), answer.witness.array().tolist(), strict=True))
