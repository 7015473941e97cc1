"""`verdict check`: does an independent checker accept this certificate?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from verdict.cli import options
from verdict.cli.declared import Argument, Option
from verdict.cli.exitcodes import OK, VIOLATED

if TYPE_CHECKING:
    from verdict.checker import Report


def command(
    certificate: Annotated[str, Argument(metavar="FILE", help="A certificate (.vcert).")],
    network: Annotated[
        str,
        Option("--network", metavar="[NAME=]FILE", help="The ONNX file that it is about, or a shipped model."),
    ],
    query: Annotated[
        str | None,
        Option("--property", metavar="QUERY", help="The VNN-LIB file, where the claim is about one."),
    ] = None,
    tier: Annotated[
        str,
        Option(
            "--tier", help="exact (integers), rigorous (floats, rounding charged, faster) or python (Fractions, slow)."
        ),
    ] = "exact",
    exact: Annotated[
        str | None, Option("--exact", metavar="python", help="--exact=python is --tier python.")
    ] = None,
    jobs: Annotated[int, Option("--jobs", between=(1, 256), help="Leaves checked side by side.")] = 2,
    real_only: Annotated[
        bool, Option("--real-only", help="Do not ask whether the claim holds for every float32 evaluation too.")
    ] = False,
    timeout: options.Timeout = None,
    json: options.Json = False,
) -> int:
    """Check a certificate, reading the network and the property anew.

    Exit code 0: accepted; 1: rejected; 2: unreadable; 3: not checked to its end within --timeout.
    """
    from verdict.ask.answering import ask
    from verdict.ask.parts import Aim, ModelFile, NamedFile
    from verdict.ask.question import Question
    from verdict.base.deadline import checkpoint
    from verdict.base.visible import visible
    from verdict.cli.backstop import CHILD
    from verdict.cli.output import leaves_text, recorded
    from verdict.cli.printing import print_json, put

    path = _shipped(options.network_path(network))
    shown = sys.stderr is not None and sys.stderr.isatty()

    def progress(leaves: int) -> None:
        checkpoint()
        if shown:
            print(f"\r{leaves} leaves", end="", file=sys.stderr, flush=True)

    question = Question(
        "check", (ModelFile.of(path),), aim=Aim(tier=exact or tier, any_order=not real_only),
        certificate=NamedFile(certificate), query=None if query is None else NamedFile(query),
    )
    search = options.searched(timeout=timeout, threads=jobs)
    report: Report = ask(question, search, progress)
    if shown:
        print("\r\033[K", end="", file=sys.stderr)
    if json:
        print_json(
            {
                "accepted": report.accepted,
                "claim": report.claim,
                **report.statement.members(),
                "semantics": ["real", "float32"] if report.any_order else ["real"] if report.accepted else [],
                "tier": report.tier,
                "leaves": report.leaves,
                "reason": report.reason,
                "seconds": report.seconds,
                **recorded(question, search, report),
            }
        )
    else:
        CHILD.printing()
        lines = report.statement.lines()
        lines += [("holds", f"over {report.semantics}")] if report.accepted else []
        lines += [("float32" if report.accepted else "reason", report.reason)] if report.reason else []
        lines.append(("checked", f"{leaves_text(report.leaves)}, tier {report.tier}, {report.seconds:.2f} s"))
        put("\n".join(["accepted" if report.accepted else "rejected",
                       *(f"  {title:<7} {visible(text)}" for title, text in lines)]))
    return OK if report.accepted else VIOLATED


def _shipped(path: str) -> str:
    """The file of a shipped model that is called by its name; a file of that name comes first."""
    from verdict.models import models

    found = models().get(path)
    return path if found is None or Path(path).exists() else str(found.path)
