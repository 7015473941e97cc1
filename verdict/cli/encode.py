"""`verdict encode`: what the solvers are asked, as SMT-LIB 2, LP, MPS or VNN-LIB 2."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from verdict.cli import options
from verdict.cli.declared import Argument, Option
from verdict.cli.exitcodes import OK
from verdict.cli.printing import note, put

# The first line of every file, by which a later call knows that it may be replaced.
MARK = "written by verdict encode"

if TYPE_CHECKING:
    from verdict.ask.encode import Formulated
    from verdict.ask.question import Question
    from verdict.base.writing import Place

Norm = Annotated[
    str | None,
    Option(
        "--norm", metavar="NAME", panel=options.QUESTION, help="linf (default), l1 or l2, as in robust.",
        show_default=False,
    ),
]


def command(
    subject: Annotated[
        str,
        Argument(
            metavar="QUERY|MODEL", help="A VNN-LIB file, with --network; or a network, with --input and --eps."
        ),
    ],
    to: Annotated[str, Option("--to", metavar="FORMAT", help="smt2, lp, mps or vnnlib.")],
    output: Annotated[
        str,
        Option(
            "-o", "--output", metavar="FILE", help="- is stdout. Several LP or MPS models become FILE-1, FILE-2, ..."
        ),
    ] = "-",
    network: Annotated[
        list[str] | None,
        Option("--network", metavar="NAME=FILE", panel=options.QUESTION, help="As in verify."),
    ] = None,
    input: Annotated[
        str | None,
        Option("--input", metavar="FILE[#I]", panel=options.QUESTION, help="One input, as in robust."),
    ] = None,
    eps: Annotated[
        str | None, Option("--eps", metavar="E", panel=options.QUESTION, help="As in robust.")
    ] = None,
    norm: Norm = None,
    scales: options.Scales = None,
    perturbation: options.Perturbation = None,
    mean: options.Mean = None,
    std: options.Std = None,
    range: options.Range = None,
    label: options.Label = None,
    target: options.Target = None,
    output_name: options.OutputName = None,
    shape: options.Shape = None,
    header: options.Header = None,
    label_column: options.LabelColumn = None,
    bounds: options.Bounds = None,
    timeout: Annotated[
        float | None,
        Option("--timeout", metavar="S", panel=options.SEARCH, help="Seconds for all of it. Default: no limit."),
    ] = None,
) -> int:
    """Write the formula F and not G: does some input reach the unsafe set?

    Exit code 0; 2: bad input.
    """
    from verdict.ask.encode import FORMATS, formulated, smt2, vnnlib
    from verdict.base.errors import InputError
    from verdict.cli.asked import Asking, Source, only
    from verdict.cli.inputs import Reading

    if to not in FORMATS:
        raise InputError(f"--to {to}: expected one of {', '.join(FORMATS)}")
    if to == "vnnlib" and bounds is not None:
        raise InputError("--bounds goes with --to smt2, lp and mps: a VNN-LIB query holds no bounds")
    if subject.endswith((".vnnlib", ".vnnlib.gz")):
        about_a_ball = {
            "input": input, "eps": eps, "norm": norm, "scales": scales, "perturbation": perturbation, "mean": mean,
            "std": std, "range": range, "label": label, "target": target, "output_name": output_name,
            "header": header, "label_column": label_column,
        }
        given = [f"--{name.replace('_', '-')}" for name, value in about_a_ball.items() if value is not None]
        if given:
            raise InputError(f"{', '.join(given)}: what goes with a network does not go with a VNN-LIB query")
        question = _query(subject, network or [], shape, to)
    else:
        if input is None or eps is None or network:
            raise InputError(f"{subject} is no .vnnlib file: a network is asked about with --input and --eps")
        source = Source(subject, input, output_name, shape, Reading(header, label_column))
        asking = Asking(
            "encode", source, eps=eps, norm=norm, scales=scales, perturbation=perturbation, mean=mean, std=std,
            range=range, label=label, target=target, to=to,
        )
        question = asking.question(only(asking), label)
    found = formulated(question)
    if output != "-" and to in ("smt2", "vnnlib"):
        _place(Path(output)).check()
    if to in ("smt2", "vnnlib"):
        _write(smt2(found, bounds) if to == "smt2" else vnnlib(found), output)
    else:
        _write_models(found, bounds, to, output)
    return OK


def _query(path: str, networks: list[str], shape: list[str] | None, to: str) -> Question:
    from verdict.ask.parts import Aim, ModelFile, NamedFile
    from verdict.ask.question import Question
    from verdict.cli.verify import load_networks
    from verdict.property.vnnlib import read_query

    asked = read_query(path)
    models = [ModelFile.of(each, name=name) for name, each in load_networks(asked, networks, shape).items()]
    return Question("encode", tuple(models), aim=Aim(to=to), query=NamedFile(path, content=asked))


def _place(path: Path) -> Place:
    """Where a formula goes: it replaces nothing but another one of this command."""
    from verdict.base.writing import Place, begins

    return Place(path, "--output", begins(*(f"{sign} {MARK}".encode() for sign in ";\\*")), "a file of this command")


def _write(text: str, output: str) -> None:
    from verdict.cli.backstop import CHILD

    CHILD.printing()
    if output == "-":
        put(text, end="")
        return
    _place(Path(output)).write(f"; {MARK}\n{text}".encode())


def _write_models(question: Formulated, bounds: str | None, to: str, output: str) -> None:
    from verdict.ask.encode import models, numbered
    from verdict.base.errors import InputError
    from verdict.base.writing import together
    from verdict.encoders.text import write_lp, write_mps

    found = list(models(question, bounds))
    if output == "-" and len(found) != 1:
        raise InputError(f"there are {len(found)} models, one for each disjunct: -o FILE writes FILE-1, FILE-2, ...")
    write = write_lp if to == "lp" else write_mps
    if output == "-":
        ((_, names, comments, model),) = found
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model")
            write(model, names, comments, path)
            put(path.read_text(encoding="ascii"), end="")
        return
    places = [_place(numbered(Path(output), number, len(found))) for number in range(len(found))]
    with together(places) as parts:
        for (_, names, comments, model), part in zip(found, parts, strict=True):
            write(model, names, [MARK, *comments], part)
    for place, (name, *_) in zip(places, found, strict=True):
        note(f"{place.path}: {name}")
