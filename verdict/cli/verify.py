"""`verdict verify`: is there a counterexample to a VNN-LIB query, of version 1 or 2?

The command line is that of the VNN-LIB standard (chapter 5): the first line on stdout is sat, unsat, unknown or
timed-out, and after sat comes the assignment; everything else goes to stderr. A query of version 1 has its witness
in the text form of VNN-COMP.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from verdict.cli import options
from verdict.cli.declared import Argument, Option
from verdict.cli.exitcodes import OK, UNKNOWN
from verdict.cli.printing import note, print_json, put

if TYPE_CHECKING:
    from verdict.answer.results import Verdict, Witness
    from verdict.base.writing import Place
    from verdict.network.network import Network
    from verdict.property.vnnlib1 import VnnLib1
    from verdict.property.vnnlib2 import VnnLib2

ANSWERS = {"robust": "unsat", "violated": "sat", "unknown": "unknown"}
Networks = Annotated[
    list[str] | None,
    Option(
        "--network",
        metavar="NAME=FILE",
        panel=options.QUESTION,
        help="Instead of MODEL, as the VNN-LIB standard has it: the file of a declared network, once for each that is "
        "not equal-to another. NAME= is optional with one network.",
        show_default=False,
    ),
]


def command(
    model: Annotated[
        str, Argument(metavar="MODEL", help="The only network: an ONNX file, or the name of a shipped model.")
    ],
    query: Annotated[
        str | None, Argument(metavar="QUERY", help="A VNN-LIB 1 or 2 file (.vnnlib or .vnnlib.gz).")
    ] = None,
    network: Networks = None,
    shape: options.Shape = None,
    serialise_assignments: Annotated[
        str | None,
        Option(
            "--serialise-assignments",
            metavar="DIR",
            panel=options.OUTPUT,
            show_default=False,
            help="VNN-LIB 2: write the assignment as ONNX tensors, NAME.pb, into this folder and not on stdout.",
        ).once("--assignments"),
    ] = None,
    how: options.Search = options.USUAL,
    json: options.Json = False,
    verbose: Annotated[
        bool, Option("--verbose", panel=options.OUTPUT, help="Say on stderr where the time went, and who closed what.")
    ] = False,
) -> int:
    """Is there an assignment for which all constraints of QUERY hold?

    Prints sat (and the assignment), unsat, unknown or timed-out; what became of a certificate is said on stderr. Exit
    code 0: sat or unsat; 3: otherwise; 2: bad input.
    """
    started = time.monotonic()
    from verdict.ask.parts import ModelFile, NamedFile
    from verdict.ask.question import Question
    from verdict.base.errors import InputError
    from verdict.cli.asking import ask
    from verdict.cli.limits import reached
    from verdict.cli.output import certificate_text, recorded
    from verdict.property.vnnlib import read_query
    from verdict.property.vnnlib1 import VnnLib1

    query, network = _words(model, query, network)
    asked = read_query(query)
    places = None
    if serialise_assignments is not None:
        if isinstance(asked, VnnLib1):
            raise InputError("--serialise-assignments goes with VNN-LIB 2: version 1 has no tensors")
        from verdict.property.assignment import assignment_places

        places = assignment_places(asked, serialise_assignments)
    models = load_networks(asked, network, shape)
    question = Question(
        "verify", tuple(ModelFile.of(each, name=name) for name, each in models.items()),
        query=NamedFile(query, content=asked),
    )
    left = None if how.timeout is None else max(0.001, how.timeout - (time.monotonic() - started))
    search = how.options(timeout=left)
    answer: Verdict = ask(question, search, reached)
    late = answer.status == "unknown" and "time limit" in answer.reason
    result = "timed-out" if late else ANSWERS[answer.status]
    if json:
        print_json({**_fields(asked, answer, result), **recorded(question, search, answer)}, indent=None)
    else:
        put(result)
        _print_assignment(asked, answer, places is None)
    for title, text in certificate_text(answer.certificate, query):
        note(f"{title}: {text}")
    _print_notes(asked, answer, verbose)
    if places is not None and not isinstance(asked, VnnLib1):
        _serialise(asked, answer, places)
    return OK if answer.status != "unknown" else UNKNOWN


def _words(model: str, query: str | None, network: list[str] | None) -> tuple[str, list[str]]:
    """The query and the words for its networks: MODEL QUERY, or QUERY --network FILE."""
    from verdict.base.errors import InputError

    if (query is None) == (network is None):
        found = "both" if network is not None else "neither"
        raise InputError(f"expected MODEL QUERY, or QUERY --network FILE: found {found} a second word and --network")
    return (model, network) if network is not None else (query or "", [model])


def load_networks(
    asked: VnnLib1 | VnnLib2, words: Sequence[str], shape: Sequence[str] | None = None
) -> dict[str, Network]:
    """The networks that `--network` options name, of the shapes that are given.

    Raises InputError for options that do not make sense.
    """
    from verdict.ask.loading import load_several
    from verdict.base.errors import InputError
    from verdict.ops.importer.shapes import read_shapes
    from verdict.property.vnnlib1 import VnnLib1

    if isinstance(asked, VnnLib1):
        if len(words) != 1:
            raise InputError(f"{len(words)} networks were given, a VNN-LIB 1 query has exactly one")
        declared = [""]
    else:
        declared = [network.name for network in asked.networks if not network.equal_to]
    paths: dict[str, str] = {}
    for word in words:
        name, path = options.network_words(word)
        if declared == [""] or (len(declared) == 1 and not name):
            name = declared[0]
        if not path or (not name and declared != [""]):
            raise InputError(f"--network {word}: expected NAME=FILE with one of the names {', '.join(declared)}")
        if name in paths:
            raise InputError(f"--network names {name} more than once")
        paths[name] = path
    return dict(zip(paths, load_several(list(paths.values()), read_shapes(shape)), strict=True))


def _serialise(asked: VnnLib2, answer: Verdict, places: Sequence[Place]) -> None:
    """Write the assignment, last of all: where it cannot be, the answer is out."""
    from verdict.property.assignment import write_assignment

    witness = answer.witness
    if witness is not None and witness.runtime_outputs is not None:
        write_assignment(asked, witness.array(), witness.runtime_outputs, places)


def _print_assignment(asked: VnnLib1 | VnnLib2, answer: Verdict, with_tensors: bool) -> None:
    from verdict.property.vnnlib1 import VnnLib1

    witness = answer.witness
    if witness is None or witness.runtime_outputs is None:
        return
    x, y = witness.array(), witness.runtime_outputs
    if isinstance(asked, VnnLib1):
        from verdict.property.vnnlib_witness import witness_text

        put(witness_text(x, y))
    elif with_tensors:
        from verdict.property.assignment import assignment_text

        put(assignment_text(asked, x, y))


def _fields(asked: VnnLib1 | VnnLib2, answer: Verdict, result: str) -> dict[str, Any]:
    from verdict.cli.output import certificate_record, rounded, ways
    from verdict.property.vnnlib1 import VnnLib1

    witness, assignment = answer.witness, None
    if witness is not None and witness.runtime_outputs is not None:
        x, y = witness.array(), witness.runtime_outputs
        if isinstance(asked, VnnLib1):
            assignment = {"X": x.tolist(), "Y": y.tolist()}
        else:
            from verdict.property.assignment import assigned

            assignment = {variable.name: values.tolist() for variable, values in assigned(asked, x, y)}
    return {
        "result": result,
        "trust": None if answer.trust is None else str(answer.trust),
        "semantics": list(answer.semantics),
        "assignment": assignment,
        "real": None if answer.real is None else _rationals(answer.real),
        "certificate": certificate_record(answer.certificate),
        "reason": answer.reason,
        "engine": answer.engine,
        "seconds": round(answer.seconds, 6),
        "stages": rounded(answer.stages),
        "ways": ways(answer.ways),
    }


def _rationals(real: Witness) -> dict[str, list[str]]:
    """A solution over the reals that ONNX Runtime does not confirm, exactly; inputs and outputs flat, in order."""
    return {"X": [str(v) for v in real.point.fractions()], "Y": [str(v) for v in real.outputs.fractions()]}


def _print_notes(asked: VnnLib1 | VnnLib2, answer: Verdict, verbose: bool) -> None:
    from verdict.property.vnnlib1 import VnnLib1

    if answer.status == "robust" and not isinstance(asked, VnnLib1) and not asked.is_real:
        note("note: unsat over the real numbers; rounding in the declared types is not covered")
    if answer.status == "robust" and answer.reason:
        note(f"note: {answer.reason}")
    if verbose:
        from verdict.cli.output import closed_text

        stages = ", ".join(f"{stage} {seconds:.3f} s" for stage, seconds in answer.stages.items())
        note(f"{answer.seconds:.3f} s ({stages}) trust: {answer.trust} {answer.reason}")
        for name, said in closed_text(answer.ways):
            note(f"{name}: {said}")
