"""Limits that hold: every command on every network of a folder, at several time limits, a whole process each.

A row is in time if the process has ended at most a second, or a twentieth of its limit, after it, and within the memory
that it was given. --groups are the folders of --bench DIR, and `made`, the networks of benchmarks/made.py (these alone
without --bench); --engines the commands, --timeout one limit, --inputs the first networks of each folder, --every each
so many-th row.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from benchmarks.made import MADE
from benchmarks.process import Finished, measured
from benchmarks.registry import Case, Instance, Options, Outcome, Row, UsageError, register
from benchmarks.vnncomp_folder import questions, unpacked

LIMITS = (1.0, 5.0, 20.0)
# GiB that a command is given, and seconds after its limit before a process is killed.
MEMORY, PATIENCE = 4.0, 60.0
# What each command is asked besides: NET, QUERY, INPUT, CERTIFICATE and SCRATCH are files.
COMMANDS = {
    **{f"verify-{name}": f"verify QUERY --network NET --engine {name}" for name in ("auto", "bab", "milp", "smt")},
    "robust": "robust NET --input INPUT --eps 0.01",
    "maxeps": "maxeps NET --input INPUT",
    "maxeps-certificate": "maxeps NET --input INPUT --certificate SCRATCH/c.vcert",
    "general": "general NET --input INPUT --within 0.01 --eps 0.01",
    "maxdelta": "maxdelta NET NET --input INPUT --within 0.01",
    "maxpruning": "maxpruning NET --input INPUT --within 0.001",
    "maxweights": "maxweights NET --input INPUT",
    "prove": "prove NET --input INPUT --that y[0]<=1000 --given near(0.01)",
    "bounds": "bounds NET --input INPUT --eps 0.01",
    "encode": "encode QUERY --network NET --to smt2 -o SCRATCH/q.smt2",
    "check": "check CERTIFICATE --network NET",
}


@register
class Limits(Case):
    name = "limits"
    idea = "every command on networks of folders and on made ones at 1, 5, 20 s (--bench, --groups, --engines, --every)"
    solved = frozenset({"in time"})
    resumes = True

    def instances(self, options: Options) -> Iterable[Instance]:
        if options.bench is not None and not options.bench.is_dir():
            raise UsageError(f"--bench {options.bench}: expected a folder of folders with networks")
        unknown = [name for name in options.engines if name not in COMMANDS]
        if unknown:
            raise UsageError(f"no command {', '.join(unknown)}; this case has {', '.join(COMMANDS)}")
        made = [
            Instance(group, network.name, command, timeout=limit, data={"network": str(network), "query": query})
            for group, network, query in self._networks(options)
            for command in options.engines or COMMANDS
            for limit in (LIMITS if options.timeout is None else (options.timeout,))
            if query or "QUERY" not in COMMANDS[command]
        ]
        # A step that shares no factor with the number of limits meets all of them.
        yield from made[:: options.every or 1]

    def _networks(self, options: Options) -> Iterable[tuple[str, Path, str]]:
        """Folder, network and a query about it, "" where there is none."""
        found: dict[str, list[Path]] = {}
        bench = options.bench
        for path in sorted(() if bench is None else {*bench.rglob("*.onnx"), *bench.rglob("*.onnx.gz")}):
            folder = path.parent.parent if path.parent.name == "onnx" else path.parent
            found.setdefault(folder.name, []).append(path.resolve())
        for group in options.choose([*found, "made"]):
            if group == "made":
                yield from ((group, Path(name), "") for name in list(MADE)[: options.inputs])
                continue
            folder = found[group][0].parent.parent
            rows = questions(folder) if (folder / "instances.csv").is_file() else []
            about = {row.path(row.onnx).resolve(): str(row.path(row.vnnlib).resolve()) for row in reversed(rows)}
            for path in found[group][: options.inputs]:
                yield group, path, about.get(path, "")

    def measure(self, instance: Instance) -> Outcome:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            network = _file(instance, folder)
            places = {"NET": str(network), "QUERY": instance.data["query"], "SCRATCH": scratch}
            text = COMMANDS[instance.engine]
            if "INPUT" in text or "CERTIFICATE" in text:
                places["INPUT"] = str(_input(network, instance.data["query"], folder))
            if "CERTIFICATE" in text:
                places["CERTIFICATE"] = str(folder / "c.vcert")
                measured(_words("robust NET --input INPUT --eps 1e-6 --certificate CERTIFICATE", places, 30.0), 90.0)
                if not (folder / "c.vcert").is_file():
                    return Outcome("in time", 0.0, 0.0, note="no certificate to check", extra=_extra(instance, 0, 0))
            done = measured(_words(text, places, instance.timeout), instance.timeout + PATIENCE)
        over = max(0.0, done.seconds - instance.timeout)
        extra = _extra(instance, over, done.memory)
        return Outcome(_status(done, over, instance.timeout), done.seconds, done.cpu, note=_note(done), extra=extra)

    def check(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        bad = [row for row in rows if row.status not in self.solved]
        said = [f"{len(rows) - len(bad)} of {len(rows)} rows are within their limits"]
        return said, [f"{row.way} {row.instance} at {row.extra['limit']} s: {row.status} {row.note}" for row in bad]

    def summary(self, rows: Sequence[Row]) -> Table:
        table = Table(title=self.name)
        heads = ("command", "limit s", "rows", "in time", "median over s", "most over s", "peak MB")
        for number, head in enumerate(heads):
            table.add_column(head, justify="left" if number < 1 else "right")
        kinds = dict.fromkeys((row.engine, row.extra["limit"]) for row in rows)
        for command, limit in kinds:
            part = [row for row in rows if (row.engine, row.extra["limit"]) == (command, limit)]
            over = [float(row.extra["over"]) for row in part]
            good = sum(row.status in self.solved for row in part)
            numbers = (f"{statistics.median(over):.2f}", f"{max(over):.2f}")
            peak = max(float(row.extra["peak_mb"]) for row in part)
            table.add_row(command, limit, str(len(part)), str(good), *numbers, f"{peak:.0f}")
        return table


def _file(instance: Instance, folder: Path) -> Path:
    """The network's own file, unpacked or made in the folder."""
    network = Path(instance.data["network"])
    if instance.group != "made":
        return unpacked(network, folder)
    path = folder / network.name
    MADE[network.name](path)
    return path


def _words(text: str, places: dict[str, str], limit: float) -> list[str]:
    """The command line, its files in their places."""
    words = [re.sub("|".join(places), lambda name: places[name[0]], word) for word in text.split()]
    return [sys.executable, "-m", "verdict", *words, "--timeout", f"{limit:g}", "--memory", f"{MEMORY:g}"]


def _input(network: Path, query: str, folder: Path) -> Path:
    """A file with one input: the middle of the query's box, 1/2 where it says nothing."""
    import onnx

    graph = onnx.load(str(network), load_external_data=False).graph
    weights = {tensor.name for tensor in graph.initializer}
    shapes = [[d.dim_value or 1 for d in i.type.tensor_type.shape.dim] for i in graph.input if i.name not in weights]
    size = sum(int(np.prod(shape)) for shape in shapes)
    ends = np.full((2, size), 0.5)
    text = Path(query).read_text(encoding="utf-8") if query and not query.endswith(".gz") else ""
    for relation, number, value in re.findall(r"\((<=|>=) X_(\d+) ([-+.\deE]+)\)", text):
        if int(number) < size:
            ends[int(relation == "<="), int(number)] = float(value)
    path = folder / "x.npy"
    np.save(path, ends.mean(axis=0).astype(np.float32))
    return path


def _status(done: Finished, over: float, limit: float) -> str:
    if done.killed or over > max(1.0, limit / 20):
        return "late"
    if done.memory > 1024 * MEMORY:
        return "large"
    return "in time" if done.code in (0, 1, 2, 3) else f"exit {done.code}"


def _note(done: Finished) -> str:
    """The exit code and the last line that was said."""
    last = ((done.stderr.strip() or done.stdout.strip()).splitlines() or [""])[-1]
    return f"exit {done.code}: {last.strip()}"[:160]


def _extra(instance: Instance, over: float, memory: float) -> dict[str, str]:
    return {"limit": f"{instance.timeout:g}", "over": f"{over:.3f}", "peak_mb": f"{memory:.0f}"}
