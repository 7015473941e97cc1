"""`verdict check`: does an independent checker accept this certificate, or every one in a folder?"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from verdict.cli import options
from verdict.cli.declared import Argument, Option
from verdict.cli.exitcodes import BAD_INPUT, OK, UNKNOWN, VIOLATED

if TYPE_CHECKING:
    from verdict.ask.options import Options
    from verdict.ask.question import Question
    from verdict.checker import Report

# How bad each exit code is: a folder has that of its worst certificate.
_WORST = (OK, UNKNOWN, BAD_INPUT, VIOLATED)
_ENDED = {OK: "accepted", VIOLATED: "rejected", BAD_INPUT: "unreadable", UNKNOWN: "not checked"}


def command(
    model: Annotated[str, Argument(metavar="MODEL", help="The ONNX file that it is about, or a shipped model.")],
    certificate: Annotated[
        str | None,
        Argument(metavar="FILE|DIR", help="A certificate (.vcert), or a folder: every certificate in it is checked."),
    ] = None,
    network: Annotated[
        str | None,
        Option("--network", metavar="[NAME=]FILE", help="The same as MODEL, after FILE|DIR.").hidden(),
    ] = None,
    query: Annotated[
        str | None,
        Option(
            "--property", metavar="QUERY", panel=options.QUESTION, show_default=False,
            help="The VNN-LIB file, where the claim is about one. In a folder that is FILE.vnnlib beside FILE.",
        ),
    ] = None,
    tier: Annotated[
        str,
        Option(
            "--tier", metavar="NAME", panel=options.SEARCH,
            help="exact (integers), rigorous (floats, rounding charged, faster) or python (Fractions, slow).",
        ),
    ] = "exact",
    exact: Annotated[str | None, Option("--exact", metavar="NAME", help="The same as --tier.").hidden()] = None,
    jobs: Annotated[
        int,
        Option("--jobs", metavar="N", panel=options.SEARCH, between=(1, 256), help="Leaves checked side by side."),
    ] = 2,
    real_only: Annotated[
        bool,
        Option(
            "--real-only", panel=options.QUESTION,
            help="Do not ask whether the claim holds for every float32 evaluation too.",
        ),
    ] = False,
    assume_ulp: Annotated[
        str | None,
        Option(
            "--assume-ulp", metavar="K", panel=options.QUESTION, show_default=False,
            help="Reject a certificate that does not assume just this of smooth functions. Default: what it assumes is "
            "said.",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        Option(
            "--timeout", metavar="S", panel=options.SEARCH, show_default=False,
            help="Seconds for each certificate. Default: no limit.",
        ),
    ] = None,
    json: options.Json = False,
) -> int:
    """Check a certificate, or every one in a folder, reading the network and the property anew.

    Exit code 0: accepted; 1: rejected; 2: unreadable; 3: not checked to its end within --timeout. A folder has that of
    its worst certificate: rejected, else unreadable, else not checked.
    """
    path, certificate = _words(model, certificate, network)
    search = options.searched(timeout=timeout, threads=jobs, assume_ulp=assume_ulp)
    asked = _Asked(path, query, exact or tier, not real_only, search)
    if os.path.isdir(certificate):  # also for what is no name of a file
        return _folder(asked, Path(certificate), json)
    report = asked.report(certificate, path, query)
    if json:
        from verdict.cli.printing import print_json

        print_json(asked.record(report))
    else:
        _print(report)
    return OK if report.accepted else VIOLATED


def _words(model: str, certificate: str | None, network: str | None) -> tuple[str, str]:
    """The file of the network and the certificate: MODEL FILE, or FILE --network MODEL."""
    from verdict.base.errors import InputError

    if (certificate is None) == (network is None):
        found = "both" if network is not None else "neither"
        raise InputError(f"expected MODEL FILE, or FILE --network MODEL: found {found} FILE and --network")
    if certificate is None:
        return _shipped(options.network_path(network or "")), model
    return _shipped(options.network_path(model)), certificate


@dataclass
class _Asked:
    """What is asked about a certificate: its network and query, and how it is checked."""

    network: str
    query: str | None
    tier: str
    any_order: bool
    search: Options
    question: Question | None = None

    def report(self, certificate: str, network: str, query: str | None) -> Report:
        """What the checker says of one certificate. Raises what reading raises."""
        from verdict.ask.parts import Aim, ModelFile, NamedFile
        from verdict.ask.question import Question
        from verdict.base.deadline import checkpoint
        from verdict.cli.asking import ask

        shown = sys.stderr is not None and sys.stderr.isatty()

        def progress(leaves: int) -> None:
            checkpoint()
            if shown:
                print(f"\r{leaves} leaves", end="", file=sys.stderr, flush=True)

        self.question = Question(
            "check", (ModelFile.of(network),), aim=Aim(tier=self.tier, any_order=self.any_order),
            certificate=NamedFile(certificate), query=None if query is None else NamedFile(query),
        )
        report: Report = ask(self.question, self.search, progress)
        if shown:
            print("\r\033[K", end="", file=sys.stderr)
        return report

    def record(self, report: Report) -> dict[str, Any]:
        """The report for JSON."""
        from verdict.cli.output import recorded

        return {
            "accepted": report.accepted,
            "claim": report.claim,
            **report.statement.members(),
            "semantics": ["real", "float32"] if report.any_order else ["real"] if report.accepted else [],
            "tier": report.tier,
            "leaves": report.leaves,
            "reason": report.reason,
            "seconds": report.seconds,
            **({} if self.question is None else recorded(self.question, self.search, report)),
        }


def _print(report: Report) -> None:
    from verdict.base.visible import visible
    from verdict.cli.backstop import CHILD
    from verdict.cli.output import leaves_text
    from verdict.cli.printing import put

    CHILD.printing()
    lines = report.statement.lines()
    lines += [("holds", f"over {report.semantics}")] if report.accepted else []
    lines += [("float32" if report.accepted else "reason", report.reason)] if report.reason else []
    lines.append(("checked", f"{leaves_text(report.leaves)}, tier {report.tier}, {report.seconds:.2f} s"))
    put("\n".join(["accepted" if report.accepted else "rejected",
                   *(f"  {title:<7} {visible(text)}" for title, text in lines)]))


def _folder(asked: _Asked, folder: Path, json: bool) -> int:
    """Check every certificate in a folder, a row of a table for each; the code of the worst.

    What lies beside one, FILE.onnx or FILE.vnnlib, is what it is about.
    """
    from verdict.base.deadline import OutOfTime
    from verdict.base.errors import InputError, TimeLimitError, VerdictError
    from verdict.cli.limits import again
    from verdict.cli.printing import print_json

    files = sorted(folder.glob("*.vcert"))
    if not files:
        raise InputError(f"{folder}: holds no certificate, expected files *.vcert")
    codes, results = [], []
    for number, file in enumerate(files):
        if number:
            again(None)
        network, query = _beside(file, ".onnx", asked.network), _beside(file, ".vnnlib", asked.query)
        result: dict[str, Any] = {"file": str(file), "network": network}
        try:
            report = asked.report(str(file), network or "", query)
            codes.append(OK if report.accepted else VIOLATED)
            result |= {**asked.record(report), "status": _ENDED[codes[-1]]}
        except (OutOfTime, TimeLimitError) as error:
            codes.append(UNKNOWN)
            result |= {"accepted": False, "status": _ENDED[UNKNOWN], "reason": str(error) or "time limit reached"}
        except VerdictError as error:
            codes.append(BAD_INPUT)
            result |= {"accepted": False, "status": _ENDED[BAD_INPUT], "reason": str(error)}
        results.append(result)
        if not json:
            _row(result, files, first=number == 0)
    counts = {"certificates": len(files), **Counter(_ENDED[code] for code in sorted(codes, key=_WORST.index))}
    if json:
        print_json({"results": results, "summary": counts})
    else:
        _summary(counts)
    return max(codes, key=_WORST.index)


def _beside(file: Path, suffix: str, otherwise: str | None) -> str | None:
    """What a certificate is about where that was written beside it."""
    beside = Path(f"{file}{suffix}")
    return str(beside) if beside.is_file() else otherwise


def _row(result: dict[str, Any], files: Sequence[Path], first: bool) -> None:
    from verdict.base.visible import visible
    from verdict.cli.printing import put

    wide = max(len(file.name) for file in files)
    if first:
        put(f"{'certificate':<{wide}}  {'status':<11}  {'model':<24}  claim")
    over = "" if not result["accepted"] else f", over {' and '.join(_OVER[each] for each in result['semantics'])}"
    if "float32" in result.get("semantics", ()) and result["assumed_ulp"] is not None:
        over += f", with every function computed within {result['assumed_ulp']} ulp (assumed)"
    said = f"{result['claim']}{over}" if result["accepted"] else result["reason"]
    name, model = Path(result["file"]).name, Path(result["network"]).name
    put(f"{visible(name):<{wide}}  {result['status']:<11}  {visible(model):<24}  {visible(str(said))}")


_OVER = {"real": "the reals", "float32": "every float32 evaluation order"}


def _summary(counts: dict[str, int]) -> None:
    from verdict.cli.printing import put

    total = counts.pop("certificates")
    each = ", ".join(f"{count} {status}" for status, count in counts.items())
    put(f"\n{total} certificate{'s' * (total != 1)}: {each}")


def _shipped(path: str) -> str:
    """The file of a shipped model that is called by its name; a file of that name comes first."""
    from verdict.models import models

    found = models().get(path)
    return path if found is None or Path(path).exists() else str(found.path)
