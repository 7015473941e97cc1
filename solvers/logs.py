"""Bounds read from solvers' logs, rounded outward.

A log prints a rounded number, and a lower bound that was rounded up is no bound. Every number read here moves
by more than half a unit of its last printed digit before it counts.
"""

from __future__ import annotations

import math
import re

# HiGHS: "  3925  102  286  0.59%  0  8  100.00% ...", after an optional letter for the source of a new
# incumbent. BestBound and BestSol follow the percentage of explored leaves and carry at least 10 significant
# digits.
_HIGHS = re.compile(r"^\s(?:.\s)?.*?\s[\d.]+%\s+(\S+)\s+(\S+)\s")
# SCIP: "| dualbound | primalbound | gap | compl.", printed as %13.6e.
_SCIP = re.compile(r"\|\s*(\S+)\s*\|\s*(\S+)\s*\|\s*\S+\s*\|[^|]*$")
# CBC while it runs, %g: 6 significant digits; and its closing summary, %.3f.
_CBC_RUN = re.compile(r"(\S+) best solution, best possible (\S+) \(")
_CBC_END = re.compile(r"(?:best objective (\S+) )?\(?best possible (\S+)\),")


def number(text: str) -> float | None:
    """A printed number, or None for anything else."""
    try:
        value = float(text.strip("*+"))
    except ValueError:
        return None
    return None if math.isnan(value) else value


def _pair(bound: str, incumbent: str | None, digits: int) -> tuple[float, float] | None:
    low = number(bound)
    high = number(incumbent) if incumbent is not None else math.inf
    if low is None:
        return None
    if abs(low) < math.inf:
        low -= 10.0 ** (1 - digits) * abs(low)
    # The incumbent is news, not a claim; it is moved up so that bound <= incumbent stays true.
    high = math.inf if high is None else high
    if abs(high) < math.inf:
        high += 10.0 ** (1 - digits) * abs(high)
    # CBC and HiGHS write 1e+50 or 1e+200 for "none".
    return (low if abs(low) < 1e20 else -math.inf), (high if abs(high) < 1e20 else math.inf)


def highs(line: str) -> tuple[float, float] | None:
    """(bound, incumbent) of a line of HiGHS's branch-and-bound table; None for any other line."""
    match = _HIGHS.match(line) if "%" in line else None
    return _pair(match[1], match[2], 10) if match else None


def scip(line: str) -> tuple[float, float] | None:
    """(bound, incumbent) of a line of SCIP's table; None for any other line."""
    match = _SCIP.search(line) if line.count("|") > 10 else None
    return _pair(match[1], match[2], 7) if match else None


def cbc(line: str) -> tuple[float, float] | None:
    """(bound, incumbent) of a progress or end-of-search message of CBC; None for any other line."""
    if match := _CBC_RUN.search(line):
        return _pair(match[2], match[1], 6)
    if match := _CBC_END.search(line):
        return _pair(match[2], match[1], 6)
    return None
