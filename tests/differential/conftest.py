"""The tally of the differential run at the end of the session, however many processes it ran in."""

from __future__ import annotations

import json
from collections import Counter


def pytest_terminal_summary(terminalreporter):
    counts, seconds, unknown = Counter(), Counter(), []
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "differential" and getattr(report, "when", "") == "call":
                    part = json.loads(value)
                    counts.update(part["counts"])
                    seconds.update(part["seconds"])
                    unknown += part["unknown"]
    if not counts:
        return
    terminalreporter.section("differential questions")
    for way in ["truth", *(name for name in seconds if name != "brute")]:
        said = ", ".join(f"{what.removeprefix(way + ' ')} {n}" for what, n in counts.items() if what.startswith(way + " "))
        spent = f"{seconds['brute' if way == 'truth' else way]:.0f} s"
        terminalreporter.write_line(f"{'brute' if way == 'truth' else way:6} {spent:>7}  {said}")
    for line in unknown:
        terminalreporter.write_line(line)
