"""VNN-COMP rows as the competition runs them: one whole process per row, one after another, the clock around it.

The limit is the row's own or a lower --timeout; a process that goes on beyond it is killed. Needs --bench DIR, a
benchmark folder or a folder of them.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.table import Table

from benchmarks.process import Finished, measured
from benchmarks.registry import Case, Instance, Options, Outcome, Row, UsageError, register
from benchmarks.table import grouped
from benchmarks.vnncomp_folder import folders, questions, spread, unpacked

# Seconds after its limit before a process is killed: `--timeout` does not count the start and the last step.
GRACE = 15.0
WORDS = ("sat", "unsat", "unknown", "timed-out")
TIMES = ("median s", "mean", "max", "total s", "at limit", "cpu s", "peak MB")


@register
class VnnComp(Case):
    name = "vnncomp"
    idea = "rows of VNN-COMP folders, a whole process each (needs --bench; --every, --sample, --groups)"
    solved = frozenset({"sat", "unsat"})
    resumes = True

    def instances(self, options: Options) -> Iterable[Instance]:
        if options.bench is None:
            raise UsageError("case vnncomp needs --bench DIR, a VNN-COMP folder (instances.csv) or a folder of them")
        found = folders(options.bench)
        for group in options.choose(list(found)):
            rows = questions(found[group])
            names = [row.name for row in rows]
            for row in spread(rows, options.every, options.sample)[: options.inputs]:
                limit = row.limit if options.timeout is None else min(row.limit, options.timeout)
                data = {
                    "onnx": row.onnx,
                    "vnnlib": row.vnnlib,
                    "paths": [str(row.path(part).resolve()) for part in (row.onnx, row.vnnlib)],
                    "expected": row.expected,
                }
                # Files of the same name in different folders keep their folders.
                name = row.name if names.count(row.name) == 1 else f"{row.onnx} {row.vnnlib}"
                for engine, solver in options.solvers(("auto",)):
                    yield Instance(group, name, engine, solver, limit, data)

    def measure(self, instance: Instance) -> Outcome:
        with tempfile.TemporaryDirectory() as scratch:
            # Decompressing is the caller's work in the competition; queries stay as they are, verdict reads both.
            onnx = unpacked(Path(instance.data["paths"][0]), Path(scratch))
            command = [*self.command(instance), instance.data["paths"][1], "--network", str(onnx)]
            done = measured([*command, "--timeout", f"{instance.timeout:g}", "--verbose"], instance.timeout + GRACE)
        extra = {key: str(instance.data[key]) for key in ("onnx", "vnnlib", "expected")}
        extra |= {"limit": f"{instance.timeout:g}", "peak_mb": f"{done.memory:.0f}", "stages": stages(done.stderr)}
        extra |= self.extra(done)
        return Outcome(answer(done), done.seconds, done.cpu, note=note(done), extra=extra)

    def command(self, instance: Instance) -> list[str]:
        """The command and the engine it asks for, without the query and the network."""
        command = [sys.executable, "-m", "verdict", "verify"]
        if instance.engine != "auto":
            command += ["--engine", instance.engine]
        return [*command, "--solver", instance.solver] if instance.solver else command

    def extra(self, done: Finished) -> dict[str, str]:
        """What else the columns of a row say."""
        return {}

    def check(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        return compare_answers(rows)

    def summary(self, rows: Sequence[Row]) -> Table:
        return answer_table(self, rows)

    def series(self, row: Row) -> str:
        return row.group if row.way in ("", "auto") else f"{row.group} {row.way}"


def answer(done: Finished) -> str:
    """sat, unsat, unknown or timed-out as printed; killed, or the exit code, where nothing was."""
    if done.killed:
        return "killed"
    first = (done.stdout.splitlines() or [""])[0].strip()
    return first if first in WORDS and done.code in (0, 3) else f"exit {done.code}"


def note(done: Finished) -> str:
    """The reason that `--verbose` gives, or the last line of an error."""
    last = (done.stderr.strip().splitlines() or [""])[-1]
    found = re.search(r"trust: \S+ ?(.*)", last)
    return (found[1] if found else last)[:200]


def stages(stderr: str) -> str:
    """`attack 0.012, bounds 0.100` from the line of `--verbose`."""
    found = re.search(r"^[\d.]+ s \((.*?)\)", stderr, re.MULTILINE)
    return ", ".join(re.findall(r"\S+ [\d.]+(?= s)", found[1])) if found else ""


def compare_answers(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """No row may be both sat and unsat, and none may contradict the folder's own results."""
    said: dict[tuple[str, str], dict[str, str]] = {}
    agree, contradictions = 0, []
    for row in rows:
        expected = row.extra.get("expected", "")
        if row.status not in ("sat", "unsat"):
            continue
        said.setdefault((row.group, row.instance), {})[row.status] = f"{row.revision} {row.way}".strip()
        agree += row.status == expected
        if expected and row.status != expected:
            contradictions.append(f"{row.group} {row.instance}: {row.status} by {row.revision}, expected {expected}")
    for (group, name), answers in said.items():
        if len(answers) > 1:
            contradictions.append(f"{group} {name}: sat by {answers['sat']}, unsat by {answers['unsat']}")
    known = sum(bool(row.extra.get("expected")) for row in rows)
    line = f"agreement: {agree} answers as expected, {known} rows with a known answer"
    return [f"{line}, {len(contradictions)} contradictions"], contradictions


def answer_table(case: Case, rows: Sequence[Row], words: tuple[str, str] = ("sat", "unsat")) -> Table:
    """Counts and times per group: medians, mean, max and total are over all rows, limits included."""
    table = Table(title=case.name)
    for head in ("group", "engine", "revision"):
        table.add_column(head)
    for head in ("rows", "decided", *words, *TIMES):
        table.add_column(head, justify="right")
    for (group, way, revision), part in grouped(rows).items():
        seconds = [row.seconds for row in part]
        late = [row for row in part if row.status in ("timed-out", "killed") or row.seconds >= _limit(row)]
        memory = max((float(row.extra.get("peak_mb", 0)) for row in part), default=0.0)
        decided = sum(row.status in case.solved for row in part)
        counts = [len(part), decided, *(sum(row.status == word for row in part) for word in words)]
        times = [statistics.median(seconds), statistics.fmean(seconds), max(seconds), sum(seconds)]
        cpu = sum(row.cpu for row in part)
        cells = [*map(str, counts), *(f"{t:.3g}" for t in times), str(len(late)), f"{cpu:.3g}", f"{memory:.0f}"]
        table.add_row(group, way, revision, *cells)
    return table


def _limit(row: Row) -> float:
    return float(row.extra.get("limit") or "inf")
