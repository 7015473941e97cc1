"""The options that several commands share, each defined once. Importing this needs next to nothing."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from verdict.cli.declared import Argument, Group, Option

if TYPE_CHECKING:
    from verdict.ask.options import Options

QUESTION, SEARCH, OUTPUT = "The question", "The search", "The output"

Model = Annotated[
    str, Argument(metavar="MODEL", help="An ONNX file, or the name of a shipped model (verdict models).")
]
Input = Annotated[
    str,
    Option(
        "--input",
        metavar="FILE[#I]",
        panel=QUESTION,
        help="A .npy, .npz, .csv or .png file, or a shipped data set; #I picks one input, #I:J those from I to "
        "before J.",
    ),
]
Eps = Annotated[
    str,
    Option(
        "--eps",
        metavar="E",
        panel=QUESTION,
        help="The radius, an exact number: 0.03 or 3/100, in the network's own input units.",
    ),
]
Norm = Annotated[
    str, Option("--norm", metavar="NAME", panel=QUESTION, help="The norm of the perturbation: linf, l1 or l2.")
]
Scales = Annotated[
    str | None,
    Option(
        "--scales",
        metavar="S0,S1,...|FILE",
        panel=QUESTION,
        help="One number for each input, by which it moves at the radius one: 0 for those that are fixed.",
        show_default=False,
    ),
]
That = Annotated[
    str | None,
    Option(
        "--that",
        metavar="FORMULA",
        panel=QUESTION,
        help="What has to hold instead of the class, as in verdict prove.",
        show_default=False,
    ),
]
Given = Annotated[
    str | None,
    Option(
        "--given",
        metavar="FORMULA",
        panel=QUESTION,
        help="Which inputs of the ball count, as in verdict prove: any linear formula over x.",
        show_default=False,
    ),
]
Integers = Annotated[
    str,
    Option(
        "--integers",
        metavar="I,J,K:L",
        panel=QUESTION,
        help="Inputs that take whole numbers only: numbers and ranges.",
    ),
]
Perturbation = Annotated[
    str | None,
    Option(
        "--perturbation",
        metavar="NAME[:ARG=VALUE,...]",
        panel=QUESTION,
        help="What moves instead of every entry by itself: brightness, contrast, blur:sigma=1.5, path:to=FILE#I, "
        "direction:along=FILE#I, several joined by +, or a class package.module.Class. The radius is then in its unit.",
        show_default=False,
    ),
]
Mean = Annotated[
    str | None,
    Option(
        "--mean",
        metavar="M[,M...]",
        panel=QUESTION,
        help="The network takes (x - M) / S: the input, --eps and --range are before that, in the units of x. One "
        "number, or one for each channel.",
        show_default=False,
    ),
]
Std = Annotated[
    str | None,
    Option(
        "--std", metavar="S[,S...]", panel=QUESTION, help="See --mean; --std 255 alone: x from 0 to 255.",
        show_default=False,
    ),
]
Range = Annotated[
    tuple[str, str] | None,
    Option(
        "--range",
        metavar="LO HI|FILE",
        panel=QUESTION,
        help="Valid range of the inputs: two exact decimals for all of them; or two files, each with one number for "
        "each input, or one with both as two rows. Default: a shipped model's own, 0 1 for .png, "
        "else unlimited.",
        show_default=False,
    ),
]
Label = Annotated[
    str | None,
    Option(
        "--label",
        metavar="K",
        panel=QUESTION,
        help="The class that must be kept, its number or name. Default: the network's own class of the input.",
        show_default=False,
    ),
]
Target = Annotated[
    str | None,
    Option(
        "--target",
        metavar="K",
        panel=QUESTION,
        help="Count only this class as a violation, a number or a name.",
        show_default=False,
    ),
]
Output = Annotated[
    str | None,
    Option(
        "--output",
        metavar="NAME",
        panel=QUESTION,
        help="Of a network with several outputs the one asked about. Default: the one that can hold class scores.",
        show_default=False,
    ).once("--output-name"),
]
# The same where --output says something else.
OutputName = Annotated[
    str | None,
    Option(
        "--output-name",
        metavar="NAME",
        panel=QUESTION,
        help="Of a network with several outputs the one that is asked about.",
        show_default=False,
    ),
]
Shape = Annotated[
    list[str] | None,
    Option(
        "--shape",
        metavar="NAME=1x3x224x224",
        panel=QUESTION,
        help="The shape of an input of which the model leaves axes open; NAME= is optional for the only input.",
        show_default=False,
    ),
]
Header = Annotated[
    str | None,
    Option(
        "--header",
        metavar="yes|no",
        panel=QUESTION,
        help="Whether the first line of the .csv file is a header, where that is not plain.",
        show_default=False,
    ),
]
LabelColumn = Annotated[
    str | None,
    Option(
        "--label-column",
        metavar="NAME|I",
        panel=QUESTION,
        help="The column of the .csv file with the true classes, no inputs: its header, or its number from 0.",
        show_default=False,
    ),
]
Labels = Annotated[
    str | None,
    Option(
        "--labels",
        metavar="FILE",
        panel=QUESTION,
        help="The true classes, one for each input: a .npy, .npz or .csv file.",
        show_default=False,
    ),
]


def _engines() -> str:
    from verdict.search.engines.registry import listed

    return f"{listed()}."


def _solvers() -> str:
    from verdict.search.engines.registry import solvers_listed

    return f"The backend: {solvers_listed()}."


def _bounds() -> str:
    from verdict.search.engines.registry import encoding_listed

    return (
        "The bounds in an engine's formula: interval, zonotope, forward, linear, alpha, lp, sharpen, and with milp "
        "also milp. "
        f"Default: {encoding_listed()}; the other engines have no formula."
    )


Engine = Annotated[
    str | None,
    Option(
        "--engine",
        metavar="NAME",
        panel=SEARCH,
        help=_engines,
        show_default=False,
    ),
]
Solver = Annotated[
    str | None,
    Option(
        "--solver",
        metavar="NAME",
        panel=SEARCH,
        help=_solvers,
        show_default=False,
    ),
]
Bounds = Annotated[
    str | None,
    Option(
        "--bounds",
        metavar="NAME",
        panel=SEARCH,
        help=_bounds,
        show_default=False,
    ),
]
Timeout = Annotated[
    float | None,
    Option(
        "--timeout",
        metavar="S",
        panel=SEARCH,
        help="Seconds for each input. Default: no limit.",
        show_default=False,
    ),
]
Threads = Annotated[
    int, Option("--threads", metavar="N", panel=SEARCH, help="Threads for the solver.")
]
Device = Annotated[
    str,
    Option(
        "--device",
        metavar="NAME",
        panel=SEARCH,
        help="Where attacks and better bounds are looked for: cpu, or cuda (PyTorch on a GPU). Proofs are made on the "
        "CPU.",
    ),
]
Certificate = Annotated[
    str | None,
    Option(
        "--certificate",
        metavar="FILE",
        panel=OUTPUT,
        help="Write the proof to this file (.vcert) and have the independent checker read it, all within --timeout. "
        "For a range of inputs a folder, with a file for each.",
        show_default=False,
    ),
]
AssumeUlp = Annotated[
    str | None,
    Option(
        "--assume-ulp",
        metavar="K",
        panel=QUESTION,
        help="For a certificate that holds for every float32 evaluation too: how many units in the last place computed "
        "values of smooth functions (Tanh, Exp, ...) are off at most. Nothing is assumed by itself.",
        show_default=False,
    ),
]
Json = Annotated[
    bool, Option("--json", panel=OUTPUT, help="Print one JSON object and nothing else.")
]
Verbose = Annotated[
    bool, Option("--verbose", panel=OUTPUT, help="Say which way of working closed what share of it, in what time.")
]


@dataclass(frozen=True)
class Search(Group):
    """How a question is searched, and whether its proof is written down."""

    engine: Engine = None
    solver: Solver = None
    bounds: Bounds = None
    timeout: Timeout = None
    threads: Threads = 2
    device: Device = "cpu"
    certificate: Certificate = None
    assume_ulp: AssumeUlp = None

    def options(self, **more: Any) -> Options:
        """The options of the search, and `more` than was said. Raises InputError for what makes no sense."""
        return searched(**{**vars(self), **more})


USUAL = Search()


def searched(**words: Any) -> Options:
    """The options of a search, of the words that were given. Raises InputError for what makes no sense."""
    from verdict.ask.options import Options
    from verdict.base import arguments

    arguments.seconds(words.get("timeout"), "--timeout")
    arguments.threads(words.get("threads", 1), "--threads")
    return Options(**{name: word for name, word in words.items() if word is not None})


def network_path(word: str) -> str:
    """The file in NAME=FILE or FILE; a file with a `=` in its own name is found as well."""
    return network_words(word)[1]


def network_words(word: str) -> tuple[str, str]:
    """Name and file in NAME=FILE; the name is empty in FILE."""
    name, given, path = word.partition("=")
    with contextlib.suppress(OSError):  # a name that no file system takes: reading it will say so
        if given and not Path(path).exists() and Path(word).exists():
            return "", word
    return (name, path) if given else ("", word)
