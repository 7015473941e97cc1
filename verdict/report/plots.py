"""The plots of a report: the certified accuracy, the radii, the time that cases took, two groups against each other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Any

from ..answer.results import Radius
from ..answer.table import PROVED, REFUTED
from ..store.entry import Entry
from ..store.summary import share
from .charts import COLOURS, Chart, steps
from .groups import Comparison, Group

BINS = 20
DECIDED = ("robust", "violated", "exact", "closed", "safe", "wrong-label")


def plots(found: Sequence[Group], comparison: Comparison | None) -> list[tuple[str, str, Chart]]:
    """Each plot with its title and what it shows, as far as there is something to show."""
    made = [*_accuracies(found), *_histograms(found), _cactus(found), _scatter(comparison)]
    return [each for each in made if each is not None]


def _radii(group: Group) -> list[Radius]:
    return [row.answer for row in group.rows if isinstance(row.answer, Radius)]


def _reach(radii: Sequence[Radius], asked: Sequence[Entry]) -> float:
    """How far the axis of radii goes."""
    lower = max((float(radius.lower) for radius in radii), default=0.0)
    upper = max((float(radius.upper) for radius in radii if radius.upper is not None), default=0.0)
    # An upper end that says next to nothing does not squeeze the rest.
    ends = [max(lower, min(upper, 2 * lower) if lower else upper)]
    return 1.05 * max([*ends, *(float(row.eps) for row in asked if row.eps is not None)])


def _accuracies(found: Sequence[Group]) -> list[tuple[str, str, Chart] | None]:
    made: list[tuple[str, str, Chart] | None] = []
    asked = [[row for row in group.rows if row.kind == "robust" and row.eps is not None] for group in found]
    measured = [[row for row in group.rows if row.kind == "maxeps"] for group in found]
    last = max((_reach(_radii(g), rows) for g, rows in zip(found, asked, strict=True)), default=0.0)
    if not last:
        return made
    chart = Chart("certified accuracy", "radius", "share of inputs", (0.0, last), (0.0, 1.0), percent=True)
    several = len(found) > 1
    for number, (group, rows, radii) in enumerate(zip(found, asked, measured, strict=True)):
        colour = f"c{number % COLOURS}" if several else PROVED
        if radii:
            _curve(chart, group.name if several else "", radii, colour, last)
        for eps in sorted({row.eps for row in rows if row.eps is not None}):
            at = share([row for row in rows if row.eps == eps], eps)
            said = f"{group.name} at {float(eps):g}: {at.proved} proved, {at.refuted} refuted, {at.open} open"
            chart.point(float(eps), at.accuracy, colour, said)
            if not several:
                chart.point(float(eps), 1 - at.refuted / at.count, REFUTED, said)
    text = ("The share of inputs whose true class is proved to stay within each radius. Below the lower line it is "
            "proved, above the upper one refuted, between them open.")
    return [("Certified accuracy", text, chart)]


def _curve(chart: Chart, name: str, rows: Sequence[Entry], colour: str, last: float) -> None:
    """The share of inputs with a radius of at least eps, proved and not refuted."""
    proved, refuted = (sorted(end) for end in zip(*map(_ends, rows), strict=True))
    lower, upper = (steps(ends, last, partial(_above, ends)) for ends in (proved, refuted))
    chart.band(lower, upper, f"open {colour}", "" if name else "open")
    chart.line(upper, f"{colour} faint" if name else REFUTED, "" if name else "not refuted")
    chart.line(lower, colour, name or "proved")


def _above(ends: Sequence[float], eps: float) -> float:
    """The share of sorted ends that are larger."""
    return 1 - bisect_right(ends, eps) / len(ends)


def _ends(row: Entry) -> tuple[float, float]:
    """The radii up to which a row's class is proved to stay, and from which on it is refuted."""
    answer = row.answer
    if row.status == "wrong-label" or not isinstance(answer, Radius):
        return 0.0, 0.0 if row.status == "wrong-label" else inf
    if answer.is_unlimited or answer.status == "safe":
        return inf, inf
    return float(answer.lower), inf if answer.upper is None else float(answer.upper)


def _histograms(found: Sequence[Group]) -> list[tuple[str, str, Chart] | None]:
    radii = [radius for group in found for radius in _radii(group) if not radius.is_unlimited]
    last = 1.05 * max((float(radius.lower) for radius in radii), default=0.0)
    if not last:
        return []
    width = last / BINS
    bins = [[0, 0] for _ in range(BINS)]
    for radius in radii:
        bins[min(int(float(radius.lower) / width), BINS - 1)][radius.status == "interval"] += 1
    most = max(map(sum, bins))
    chart = Chart("radii", "proved radius", "inputs", (0.0, last), (0.0, most * 1.05), counts=True)
    for number, (known, still) in enumerate(bins):
        left, right = number * width, (number + 1) * width
        said = f"{left:.4g} to {right:.4g}: {known} known, {still} at least"
        if known:
            chart.bar(left, right, 0, known, PROVED, said)
        if still:
            chart.bar(left, right, known, known + still, "open", said)
    chart.keys = [("the radius is known", PROVED), ("at least this", "open")]
    return [("Radii", "How many inputs have which proved radius: how far an input may be perturbed before its class is "
             "known to change.", chart)]


def _cactus(found: Sequence[Group]) -> tuple[str, str, Chart] | None:
    times = [(g, sorted(max(row.seconds, 1e-3) for row in g.rows if row.status in DECIDED)) for g in found]
    times = [(group, seconds) for group, seconds in times if seconds]
    if not times:
        return None
    most = max(len(seconds) for _, seconds in times)
    ends = [s for _, seconds in times for s in seconds]
    chart = Chart("time", "cases decided", "seconds each", (0, most), (min(ends) / 1.3, max(ends) * 1.3), log=True)
    chart.numbered = True
    for number, (group, seconds) in enumerate(times):
        colour = f"c{number % COLOURS}"
        points = [(float(i), s) for i, s in enumerate(seconds, 1)]
        chart.line([(0.0, seconds[0]), *points], colour, group.name if len(times) > 1 else "")
    text = "How many cases are decided within how many seconds each: farther to the right and lower is better."
    return "Time (cactus plot)", text, chart


def _scatter(comparison: Comparison | None) -> tuple[str, str, Chart] | None:
    if comparison is None:
        return None
    both: list[tuple[Entry, Any, Any]] = [
        (a, a.answer.lower, b.answer.lower) for a, b in comparison.pairs
        if isinstance(a.answer, Radius) and isinstance(b.answer, Radius)
    ]
    if not both:
        return None
    last = 1.05 * max(max(float(x), float(y)) for _, x, y in both) or 1.0
    chart = Chart("radii of both", comparison.first.name, comparison.second.name, (0.0, last), (0.0, last))
    chart.line([(0.0, 0.0), (last, last)], "faint")
    for row, x, y in both:
        chart.point(float(x), float(y), "c0", f"{row.name}: {float(x):.6g} and {float(y):.6g}")
    return ("The same inputs", "The proved radius of each input for both; above the line it is larger for "
            f"{comparison.second.name}.", chart)
