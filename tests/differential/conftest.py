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
                    unknown += part["unknown"] + part["wrong"]
    if not counts:
        return
    terminalreporter.section("differential questions")
    for way in ["truth", *(name for name in seconds if name != "brute")]:
        part = {what.removeprefix(f"{way} "): n for what, n in sorted(counts.items()) if what.startswith(f"{way} ")}
        name = "brute" if way == "truth" else way
        said = ", ".join(f"{what} {n}" for what, n in part.items())
        terminalreporter.write_line(f"{name:6}{seconds[name]:7.0f} s  {said}")
    for line in unknown:
        terminalreporter.write_line(line)
