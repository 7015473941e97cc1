"""`verdict verify`: is there a counterexample to a VNN-LIB 1 query?

The first line on stdout is sat, unsat, unknown or timed-out, and after sat the witness in the text form of
VNN-COMP; everything else goes to stderr.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from verdict.cli import options
from verdict.cli.exitcodes import OK, UNKNOWN

ANSWERS = {"robust": "unsat", "violated": "sat", "unknown": "unknown"}


def command(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A VNN-LIB 1 file (.vnnlib or .vnnlib.gz).")],
    network: Annotated[
        list[str],
        typer.Option("--network", metavar="NAME=FILE", help="The ONNX file; NAME= is optional with one network."),
    ],
    engine: options.Engine = None,
    solver: options.Solver = None,
    bounds: options.Bounds = None,
    timeout: options.Timeout = None,
    threads: options.Threads = 2,
    device: options.Device = "cpu",
    verbose: Annotated[bool, typer.Option("--verbose", help="Say on stderr where the time went.")] = False,
) -> int:
    """Is there an input for which all constraints of QUERY hold?

    Prints sat (and the witness), unsat, unknown or timed-out. Exit code 0: sat or unsat; 3: otherwise; 2: bad input.
    """
    import verdict
    from verdict.errors import InputError
    from verdict.property.vnnlib_witness import witness_text

    if len(network) != 1:
        raise InputError(f"{len(network)} networks were given, a VNN-LIB 1 query has exactly one")
    path = options.network_path(network[0])
    answer = verdict.verify(
        query,
        verdict.load(path),
        engine=engine or "auto",
        solver=solver,
        bounds=bounds,
        timeout=timeout,
        threads=threads,
        device=device,
    )
    late = answer.status == "unknown" and "time limit" in answer.reason
    print("timed-out" if late else ANSWERS[answer.status])
    if answer.witness is not None and answer.witness.runtime_outputs is not None:
        print(witness_text(answer.witness.array(), answer.witness.runtime_outputs))
    if verbose:
        stages = ", ".join(f"{stage} {seconds:.3f} s" for stage, seconds in answer.stages.items())
        print(f"{answer.seconds:.3f} s ({stages}) trust: {answer.trust} {answer.reason}", file=sys.stderr)
    return OK if answer.status != "unknown" else UNKNOWN
