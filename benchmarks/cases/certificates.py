"""Certificates on VNN-COMP rows: what recording and writing cost, how large the files are, and how long checking takes.

Each row is asked three times as a whole process: without a certificate, with one, and then the file is checked in the
exact and in the rigorous tier. Rows that are not `unsat` have no certificate. Needs --bench DIR, see `vnncomp`.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from rich.table import Table

from benchmarks.cases.vnncomp import GRACE, VnnComp, answer, compare_answers
from benchmarks.process import measured
from benchmarks.registry import Case, Instance, Options, Outcome, Row, register
from benchmarks.table import grouped
from benchmarks.vnncomp_folder import unpacked

# Seconds for searching and certifying together, and for one check, unless --timeout says otherwise.
LIMIT = 120.0
FEW_LEAVES = 10_000


@register
class Certificates(Case):
    name = "certificates"
    idea = "certificates of VNN-COMP rows: cost, size, checking time (needs --bench; --every, --sample, --groups)"
    solved = frozenset({"accepted"})
    resumes = True

    def instances(self, options: Options) -> Iterable[Instance]:
        for instance in VnnComp().instances(options):
            # The worker has to wait for the search twice and for both checks.
            data = {**instance.data, "search_s": instance.timeout}
            yield replace(instance, timeout=instance.timeout + 3 * LIMIT, data=data)

    def measure(self, instance: Instance) -> Outcome:
        with tempfile.TemporaryDirectory() as scratch:
            onnx = unpacked(Path(instance.data["paths"][0]), Path(scratch))
            query, file = instance.data["paths"][1], Path(scratch, "proof.vcert")
            ask = [sys.executable, "-m", "verdict", "verify", query, "--network", str(onnx), "--verbose", "--timeout"]
            limit = float(instance.data["search_s"])
            plain = measured([*ask, f"{limit:g}"], limit + GRACE)
            said = answer(plain)
            extra = {"expected": str(instance.data["expected"]), "plain_s": f"{plain.seconds:.3f}"}
            if said != "unsat":
                return Outcome(said, plain.seconds, plain.cpu, extra=extra)
            done = measured([*ask, f"{LIMIT:g}", "--certificate", str(file)], LIMIT + GRACE)
            extra |= {"peak_mb": f"{done.memory:.0f}", "own_check_s": checking(done.stderr)}
            if not file.exists():
                note = next((line for line in done.stderr.splitlines() if line.startswith("certificate")), done.stderr)
                return Outcome("none", done.seconds, done.cpu, note=note[:300], extra=extra)
            extra["bytes"] = str(file.stat().st_size)
            checks = {tier: self._check(file, onnx, query, tier) for tier in ("exact", "rigorous")}
        for tier, found in checks.items():
            extra |= {f"{tier}_s": f"{found.get('seconds', LIMIT):.3f}", tier: str(found.get("accepted", "late"))}
        exact = checks["exact"]
        extra |= {"leaves": str(exact.get("leaves", "")), "float32": str("float32" in exact.get("semantics", []))}
        status = {True: "accepted", False: "rejected"}.get(exact.get("accepted"), "late")
        return Outcome(status, done.seconds, done.cpu, note=str(exact.get("reason", ""))[:300], extra=extra)

    def _check(self, file: Path, onnx: Path, query: str, tier: str) -> dict[str, object]:
        command = [sys.executable, "-m", "verdict", "check", str(file), "--network", str(onnx), "--property", query]
        done = measured([*command, "--tier", tier, "--json"], LIMIT)
        return {} if done.killed or not done.stdout else dict(json.loads(done.stdout))

    def check(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        lines, contradictions = compare_answers([row for row in rows if row.status in ("sat", "unsat")])
        rejected = [f"{r.group} {r.instance}: rejected: {r.note}" for r in rows if r.status == "rejected"]
        return lines, contradictions + rejected

    def summary(self, rows: Sequence[Row]) -> Table:
        table = Table(title=self.name)
        for head in ("group", "unsat", "accepted", f"of <= {FEW_LEAVES} leaves", "float32", "leaves", "KB/leaf"):
            table.add_column(head)
        for head in ("solved s", "added", "exact / solved", "rigorous / solved"):
            table.add_column(head, justify="right")
        for (group, _, _), part in grouped(rows).items():
            proved = [row for row in part if row.status in ("accepted", "rejected", "late", "none")]
            if proved:
                table.add_row(group, *_cells(proved))
        return table


def _cells(rows: Sequence[Row]) -> list[str]:
    accepted = [row for row in rows if row.status == "accepted"]
    few = [row for row in rows if row.status == "none" or int(row.extra.get("leaves") or 0) <= FEW_LEAVES]
    solved = sum(float(row.extra["plain_s"]) for row in accepted)
    leaves = [int(row.extra["leaves"]) for row in accepted]
    size = [int(row.extra["bytes"]) / 1024 / max(1, n) for row, n in zip(accepted, leaves, strict=True)]
    # What the proving process took longer, without the check that it makes itself.
    added = sum(row.seconds - float(row.extra["own_check_s"] or 0) for row in accepted) / solved - 1 if solved else 0
    ratios = [sum(float(row.extra[f"{tier}_s"]) for row in accepted) / solved if solved else 0
              for tier in ("exact", "rigorous")]
    return [
        str(len(rows)),
        str(len(accepted)),
        f"{sum(row.status == 'accepted' for row in few)}/{len(few)}",
        str(sum(row.extra["float32"] == "True" for row in accepted)),
        f"{statistics.median(leaves):.0f}, most {max(leaves)}" if leaves else "",
        f"{statistics.median(size):.2f}" if size else "",
        f"{solved:.1f}",
        f"{100 * added:+.0f} %",
        *(f"{ratio:.2f}" for ratio in ratios),
    ]


def checking(stderr: str) -> str:
    """The seconds that the proving process itself spent checking, from its line about the certificate."""
    found = re.search(r"lea(?:f|ves) in ([\d.]+) s", stderr)
    return found[1] if found else "0"
