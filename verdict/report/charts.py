"""Charts as SVG in the page itself: axes, lines, bands, bars and points, and nothing that a browser has to fetch.

Lengths are in the units of the picture (`WIDTH` by `HEIGHT`); colours are classes, so that the page's style says them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 460.0, 280.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 12.0, 42.0
# Classes of colours for lines that are compared.
COLOURS = 8
Point = tuple[float, float]


@dataclass
class Chart:
    """One chart: what its axes mean and reach, and what is drawn. The upright axis is logarithmic (`log`), of shares
    (`percent`), or of whole numbers (`counts`), which may go across, too (`numbered`)."""

    title: str
    across: str
    upright: str
    x: tuple[float, float]
    y: tuple[float, float]
    log: bool = False
    percent: bool = False
    counts: bool = False
    numbered: bool = False
    parts: list[str] = field(default_factory=list)
    keys: list[tuple[str, str]] = field(default_factory=list)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        low, high = self.x
        across = LEFT + (WIDTH - LEFT - RIGHT) * (x - low) / ((high - low) or 1)
        first, last = (math.log10(v) for v in self.y) if self.log else self.y
        value = math.log10(max(y, self.y[0])) if self.log else y
        return across, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - first) / ((last - first) or 1)

    def _path(self, points: Sequence[Point]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in (self._at(*point) for point in points))

    def line(self, points: Sequence[Point], colour: str, key: str = "") -> None:
        """A line through points."""
        self.parts.append(f'<polyline class="line {colour}" points="{self._path(points)}"/>')
        self._key(key, colour)

    def band(self, lower: Sequence[Point], upper: Sequence[Point], colour: str, key: str = "") -> None:
        """What lies between two lines."""
        points = self._path([*lower, *reversed(upper)])
        self.parts.append(f'<polygon class="band {colour}" points="{points}"/>')
        self._key(key, colour)

    def bar(self, left: float, right: float, bottom: float, top: float, colour: str, said: str) -> None:
        """A bar, which says its numbers to whoever points at it."""
        (x0, y0), (x1, y1) = self._at(left, top), self._at(right, bottom)
        self.parts.append(
            f'<rect class="bar {colour}" x="{x0 + 0.5:.1f}" y="{y0:.1f}" width="{max(x1 - x0 - 1, 1):.1f}" '
            f'height="{max(y1 - y0, 0):.1f}"><title>{escape(said)}</title></rect>'
        )

    def point(self, x: float, y: float, colour: str, said: str) -> None:
        """A point, which says its numbers to whoever points at it."""
        at = self._at(x, y)
        self.parts.append(
            f'<circle class="point {colour}" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="3"><title>{escape(said)}</title>'
            "</circle>"
        )

    def _key(self, key: str, colour: str) -> None:
        if key:
            self.keys.append((key, colour))

    def svg(self) -> str:
        """The chart."""
        found = [f'<svg viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" aria-label="{escape(self.title)}">']
        for value in ticks(*self.x, whole=self.numbered):
            x, y = self._at(value, self.y[0])
            found.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{y:.1f}"/>')
            found.append(f'<text class="tick" x="{x:.1f}" y="{y + 15:.1f}" text-anchor="middle">{value:g}</text>')
        for value in powers(*self.y) or self.y if self.log else ticks(*self.y, whole=self.counts):
            x, y = self._at(self.x[0], value)
            text = f"{100 * value:g} %" if self.percent else f"{value:g}"
            found.append(f'<line class="grid" x1="{x:.1f}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            found.append(f'<text class="tick" x="{x - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
        found += self.parts
        middle, foot = (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6
        found.append(f'<text class="axis" x="{middle}" y="{foot}" text-anchor="middle">{escape(self.across)}</text>')
        up = (TOP + HEIGHT - BOTTOM) / 2
        found.append(
            f'<text class="axis" text-anchor="middle" transform="translate(12 {up}) rotate(-90)">'
            f"{escape(self.upright)}</text>"
        )
        return "".join([*found, "</svg>"])


def ticks(low: float, high: float, about: int = 5, whole: bool = False) -> list[float]:
    """Round numbers between two ends, about so many, `whole` ones where that is wanted."""
    span = high - low
    if not span > 0:
        return [low]
    step = 10 ** math.floor(math.log10(span / about))
    step *= next(k for k in (1, 2, 5, 10) if span / (k * step) <= about)
    step = max(step, 1) if whole else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def powers(low: float, high: float) -> list[float]:
    """The powers of ten between two ends; where they are few, their doubles and fivefolds too."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    many = [m * 10.0**k for k in range(first, last + 1) for m in (1, 2, 5)]
    between = [float(f"{value:.3g}") for value in many if low <= value <= high]
    return between if last - first <= 2 else [value for value in between if f"{value:e}".startswith("1.0")]


def steps(ends: Sequence[float], last: float, share: Callable[[float], float]) -> list[Point]:
    """The corners of a function that is constant between `ends`, from 0 to `last`."""
    found, before = [(0.0, share(0.0))], share(0.0)
    for end in sorted({e for e in ends if 0 < e <= last}):
        after = share(end)
        found += [(end, before), (end, after)]
        before = after
    return [*found, (last, before)]
