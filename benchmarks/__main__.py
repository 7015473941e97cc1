"""`python -m benchmarks list` and `python -m benchmarks run CASE`; see `--help`."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import plot, registry, table
from benchmarks.revision import ROOT, checkout, short
from benchmarks.runner import identity, run

NOW = "now"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=registry.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the cases, one a line")
    runs = commands.add_parser("run", help="run one case")
    runs.add_argument("case")
    runs.add_argument("--against", metavar="REV", help="run the code of this git revision too, in turn")
    runs.add_argument("--bench", metavar="DIR", type=Path, help="folder of outside benchmarks, for cases that need it")
    runs.add_argument("--out", metavar="CSV", type=Path, help="write the rows there, after each one")
    runs.add_argument("--fresh", action="store_true", help="vnncomp, robust-rows: measure again what --out has")
    runs.add_argument("--plot", metavar="FILE", type=Path, help="draw a cactus plot (needs matplotlib)")
    runs.add_argument("--groups", metavar="NAMES", type=_names, default=(), help="only these groups (models)")
    runs.add_argument("--engines", metavar="NAMES", type=_names, default=(), help="engine/solver,...")
    runs.add_argument("--inputs", metavar="N", type=int, help="so many inputs per group")
    runs.add_argument("--repeat", metavar="N", type=int, help="so many repetitions, where the case repeats")
    runs.add_argument("--timeout", metavar="S", type=float, help="seconds per answer")
    runs.add_argument("--every", metavar="K", type=_count, help="every K-th row of a folder")
    runs.add_argument("--sample", metavar="N", type=_count, help="N rows of a folder, spread evenly")
    runs.add_argument("--fraction", metavar="F", default="0.9", help="of the attack's radius, in robust-rows")
    shows = commands.add_parser("show", help="the table, the check and the plot of CSV files of one case")
    shows.add_argument("files", nargs="+", metavar="CSV", type=Path)
    shows.add_argument("--out", metavar="CSV", type=Path, help="write the rows of all files there")
    shows.add_argument("--plot", metavar="FILE", type=Path, help="draw a cactus plot (needs matplotlib)")
    return parser


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a positive number")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 the rows contradict each other, 2 bad arguments."""
    args = _parser().parse_args(arguments)
    # A file or a pipe has no width: do not cut the tables to 80 columns.
    console = Console(width=None if sys.stdout.isatty() else 160)
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
    numbers = (args.inputs, args.timeout, args.repeat, args.bench, args.every, args.sample, args.fraction)
    options = registry.Options(args.groups, args.engines, *numbers)
    rows: list[registry.Row] = []
    if case.resumes and args.out is not None and args.out.exists() and not args.fresh:
        rows = table.read(args.out)
        line = f"{len(rows)} rows are in {args.out} already and are not measured again (--fresh measures all)"
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    known = tuple(rows)

    def keep(row: registry.Row) -> None:
        rows.append(row)
        if args.out is not None:
            table.write(rows, args.out)
        console.print(_line(row), highlight=False, markup=False, soft_wrap=True)

    with contextlib.ExitStack() as stack:
        trees = {NOW: ROOT}
        then = None
        if args.against is not None:
            then = short(args.against)
            trees[then] = stack.enter_context(checkout(args.against))
        run(case, options, trees, keep, known)
    code = _report(case, {case.name: rows}, args, console)
    if then is not None:
        console.print(table.comparison(rows, NOW, then))
    return code


def _line(row: registry.Row) -> str:
    upper = "–" if row.upper is None else f"{row.upper:.9g}"
    ends = "" if row.lower is None else f"[{row.lower:.9g}, {upper}]"
    what = f"{row.revision:9}{row.group:20}{row.instance:10} {row.way:18}{row.status:10}"
    return f"{what}{row.seconds:9.3f} s  {ends} {row.note}".rstrip()


def _show(args: argparse.Namespace, console: Console) -> int:
    stems = [path.stem for path in args.files]
    files = {p.stem if stems.count(p.stem) == 1 else str(p): table.read(p) for p in args.files}
    rows = [row for part in files.values() for row in part]
    names = {row.case for row in rows}
    if len(names) != 1:
        raise registry.UsageError(f"the files hold rows of {len(names)} cases, expected one")
    if len({identity(row) for row in rows}) == len(rows):
        # Parts of one run, not several runs of the same thing.
        files = {" + ".join(files): rows}
    return _report(registry.find(names.pop()), files, args, console)


def _report(
    case: registry.Case, files: Mapping[str, Sequence[registry.Row]], args: argparse.Namespace, console: Console
) -> int:
    rows = [row for part in files.values() for row in part]
    if args.out is not None:
        table.write(rows, args.out)
    for name, part in files.items():
        if len(files) > 1:
            console.print(name, highlight=False, markup=False)
        console.print(case.summary(part))
    agreements, contradictions = case.check(rows)
    for line in agreements:
        console.print(line, highlight=False, soft_wrap=True)
    for line in contradictions:
        console.print(f"CONTRADICTION: {line}", highlight=False, markup=False, soft_wrap=True)
    if args.plot is not None:
        plot.cactus(case, files, args.plot)
    return 1 if contradictions else 0


if __name__ == "__main__":
    sys.exit(main())
