"""`python -m benchmarks list` and `python -m benchmarks run CASE`; see `--help`."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import plot, registry, table
from benchmarks.revision import ROOT, checkout, short
from benchmarks.runner import run

NOW = "now"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=registry.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the cases, one a line")
    runs = commands.add_parser("run", help="run one case")
    runs.add_argument("case")
    runs.add_argument("--against", metavar="REV", help="run the code of this git revision too, in turn")
    runs.add_argument("--bench", metavar="DIR", type=Path, help="folder of outside benchmarks, for cases that need it")
    runs.add_argument("--out", metavar="CSV", type=Path, help="write the rows there")
    runs.add_argument("--plot", metavar="FILE", type=Path, help="draw a cactus plot (needs matplotlib)")
    runs.add_argument("--groups", metavar="NAMES", type=_names, default=(), help="only these groups (models)")
    runs.add_argument("--engines", metavar="NAMES", type=_names, default=(), help="engine/solver,...")
    runs.add_argument("--inputs", metavar="N", type=int, help="so many inputs per group")
    runs.add_argument("--repeat", metavar="N", type=int, help="so many repetitions, where the case repeats")
    runs.add_argument("--timeout", metavar="S", type=float, help="seconds per answer")
    shows = commands.add_parser("show", help="the table, the check and the plot of CSV files of one case")
    shows.add_argument("files", nargs="+", metavar="CSV", type=Path)
    shows.add_argument("--out", metavar="CSV", type=Path, help="write the rows of all files there")
    shows.add_argument("--plot", metavar="FILE", type=Path, help="draw a cactus plot (needs matplotlib)")
    return parser


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 the rows contradict each other, 2 bad arguments."""
    args = _parser().parse_args(arguments)
    console = Console()
    try:
        if args.command == "list":
            for case in registry.cases().values():
                console.print(f"{case.name:14}{case.idea}", highlight=False, soft_wrap=True)
            return 0
        return _show(args, console) if args.command == "show" else _run(args, console)
    except registry.UsageError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2


def _run(args: argparse.Namespace, console: Console) -> int:
    case = registry.find(args.case)
    options = registry.Options(args.groups, args.engines, args.inputs, args.timeout, args.repeat, args.bench)

    def show(row: registry.Row) -> None:
        upper = "–" if row.upper is None else f"{row.upper:.9g}"
        ends = "" if row.lower is None else f"[{row.lower:.9g}, {upper}]"
        what = f"{row.revision:9}{row.group:20}{row.instance:10}{row.way:18}{row.status:10}"
        line = f"{what}{row.seconds:9.3f} s  {ends} {row.note}"
        console.print(line.rstrip(), highlight=False, markup=False, soft_wrap=True)

    with contextlib.ExitStack() as stack:
        trees = {NOW: ROOT}
        then = None
        if args.against is not None:
            then = short(args.against)
            trees[then] = stack.enter_context(checkout(args.against))
        rows = run(case, options, trees, show)
    code = _report(case, rows, args, console)
    if then is not None:
        console.print(table.comparison(rows, NOW, then))
    return code


def _show(args: argparse.Namespace, console: Console) -> int:
    rows = [row for path in args.files for row in table.read(path)]
    names = {row.case for row in rows}
    if len(names) != 1:
        raise registry.UsageError(f"the files hold rows of {len(names)} cases, expected one")
    return _report(registry.find(names.pop()), rows, args, console)


def _report(case: registry.Case, rows: Sequence[registry.Row], args: argparse.Namespace, console: Console) -> int:
    if args.out is not None:
        table.write(rows, args.out)
    console.print(table.summary(case, rows))
    agreements, contradictions = case.check(rows)
    for line in agreements:
        console.print(line, highlight=False, soft_wrap=True)
    for line in contradictions:
        console.print(f"CONTRADICTION: {line}", highlight=False, markup=False, soft_wrap=True)
    if args.plot is not None:
        plot.cactus(case, rows, args.plot)
    return 1 if contradictions else 0


if __name__ == "__main__":
    sys.exit(main())
