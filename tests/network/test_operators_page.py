"""docs/operators.md: ONNX's own tests of every operator that is claimed, through both importers.

An importer reproduces the outputs that the standard gives, or refuses with a reason: `VERDICT_WRITE=1 pytest
tests/network/test_operators_page.py` writes the page anew. A wrong number fails whatever the page says.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from support.importers import IMPORTERS, Importer, Read, Refused, claimed, short
from support.onnx_standard import MOST_FOLDED, Case, Variant, model_cases, node_cases, variants

PAGE = Path(__file__).parents[2] / "docs" / "operators.md"

HEAD = """# Operators: what is read, by the standard's own tests

Written by `VERDICT_WRITE=1 pytest tests/network/test_operators_page.py`, which takes the tests that come with the
package `onnx` (version {version}), of every operator that one of the importers claims, and fails where this page says
something else. In each test one input at a time depends on the network's input, the others are constants; then all
are, where there are at most {most} outputs. Of pools over large inputs one channel is looked at.

An importer *passes* a test if some of these models is read and every one that is read gives the standard's outputs, by
exact evaluation, within the error of floats. Else it *refuses* it, with the reason beside it. A wrong number is
neither: it fails the test that writes this page.

The *engine* is what every command reads a network with; the *checker* is the independent reader behind `verdict check`.
An operator that the checker refuses can be asked about, but gets no certificate.

| operator | versions tested | engine passes | checker passes | refused by the engine | refused by the checker |
|---|---|---|---|---|---|
"""


@dataclass
class Count:
    """What one importer did with the tests of one row."""

    passed: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def tests(self) -> int:
        return self.passed + self.refused.total()

    def reasons(self) -> str:
        several = sorted(self.refused.items(), key=lambda item: (-item[1], item[0]))
        return "; ".join(f"{reason} ({count})" for reason, count in several)


def outcome(importer: Importer, variant: Variant, wrong: list[str]) -> Refused | None:
    """None where the model is read; a wrong number is noted."""
    found = importer(variant.data, variant.point)
    if isinstance(found, Refused):
        if found.is_caught_misreading:
            wrong.append(f"{variant.name}: {found.reason}")
        return found
    fault = difference(found, variant.expected)
    if fault:
        wrong.append(f"{importer.__name__}: {variant.name}: {fault}")
    return None


def difference(found: Read, expected: np.ndarray) -> str:
    """How what is read differs from the standard's outputs by more than float32's rounding, or ""."""
    values = found.behind_head()
    if values.shape != expected.shape:
        return f"{values.size} outputs, expected {expected.size}"
    lost = 1e-5 * (np.abs(expected) + 1e-2 * np.abs(expected).max(initial=1))
    if np.array_equal(expected, np.round(expected, 4).astype(np.float32)):
        # A few tests give their outputs to four digits.
        lost = lost + 1e-4
    # An output that is not finite cannot be reproduced: whatever is read is wrong.
    bad = ~(np.abs(values - expected) <= lost)
    if not bad.any():
        return ""
    worst = int(np.argmax(bad))
    return f"output {worst} is {values[worst]!r}, expected {expected[worst]!r}"


def tally(cases: Iterable[Case], wrong: list[str]) -> dict[str, Count]:
    """For each importer what it did with these tests."""
    counts = {name: Count() for name in IMPORTERS}
    for case in cases:
        made = list(variants(case))
        for name, importer in IMPORTERS.items():
            passed, reasons, flat = 0, [], []
            for variant in made:
                if variant.name.endswith("flat") and passed:
                    continue
                refused = outcome(importer, variant, wrong)
                if refused is None:
                    passed += 1
                else:
                    (flat if variant.name.endswith("flat") else reasons).append(refused.reason)
            if passed:
                counts[name].passed += 1
            elif reasons:
                # Behind a Reshape it is the operator, and not the batch, that is refused.
                counts[name].refused[short([*flat, *reasons][0])] += 1
            else:
                counts[name].refused["no tensor of floats goes in, or none comes out"] += 1
    return counts


def row(name: str, versions: str, counts: dict[str, Count]) -> str:
    cells = [f"{c.passed} of {c.tests}" for c in counts.values()] + [c.reasons() for c in counts.values()]
    return f"| {name} | {versions} | {' | '.join(cells)} |\n"


def test_the_page_is_what_the_importers_do() -> None:
    wrong: list[str] = []
    names = set().union(*claimed().values())
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in node_cases():
        if case.operator in names:
            groups[case.operator].append(case)
    page, totals = HEAD.format(version=onnx.__version__, most=MOST_FOLDED), {name: [0, 0] for name in IMPORTERS}
    for operator, cases in sorted(groups.items()):
        versions = sorted({o.version for case in cases for o in case.model.opset_import if o.domain == ""})
        counts = tally(cases, wrong)
        for name, count in counts.items():
            totals[name][0] += count.passed
            totals[name][1] += count.tests
        page += row(operator, ", ".join(map(str, versions)), counts)
    summed = ", ".join(f"the {name} passes {passed} of {tests}" for name, (passed, tests) in totals.items())
    page += f"\nTogether {summed}; wrong: none.\n"
    untested = sorted(names - set(groups))
    if untested:
        page += f"\nClaimed, and without a test of their own in the package: {', '.join(untested)}.\n"
    page += "\n## Models\n\nThe package's tests that come as files; most are older than what is read.\n\n"
    page += "| kind | engine passes | checker passes | refused by the engine | refused by the checker |\n"
    page += "|---|---|---|---|---|\n"
    kinds: dict[str, list[Case]] = defaultdict(list)
    for case in model_cases():
        kinds[case.operator].append(case)
    for kind, cases in kinds.items():
        page += row(kind, "", tally(cases, wrong)).replace("|  |", "|", 1)
    if os.environ.get("VERDICT_WRITE"):
        PAGE.write_text(page, encoding="utf-8")
    assert not wrong, "\n".join(wrong)
    assert PAGE.read_text(encoding="utf-8") == page
