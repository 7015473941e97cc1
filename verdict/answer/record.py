"""One record for every answer: Verdict's version, question, options, answer, evidence, times, and who closed what.

It is what every command prints under `record` with --json, and what a store of answers holds: closed, versioned, and
described by docs/record.schema.json. Numbers are exact: a rational is text, "1/3"; coordinates are floats where a float
says them exactly, else text.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

# The version of the form; it grows where a member is added, and what has read an older one reads it still.
VERSION = 3

# Every status that an answer can have, and what it says. docs/record.md has the same table.
STATUSES: Mapping[str, str] = {
    "robust": "the property holds for every input of the set",
    "violated": "it does not: the witness is an input for which it fails",
    "unknown": "neither is shown; the reason says why",
    "exact": "a number is known exactly: both ends of its interval are equal",
    "closed": "the ends of its interval differ by at most 1e-6 of the upper one",
    "interval": "the interval is valid and open; the reason says why",
    "safe": "no violation at any radius of the valid range, or at any at all where it is unlimited",
    "wrong-label": "the property does not hold at the input itself: the radius is 0",
    "accepted": "the independent checker has accepted a certificate",
    "rejected": "it has not; the reason says why",
    "done": "what was asked for was made: bounds, or formulas",
}


def record(question: Mapping[str, Any], options: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """The record of an answer, a result's `to_dict()`, to a question; all three as JSON objects.

    Raises ValueError for a status that is not in the vocabulary: a defect in what made the answer.
    """
    from importlib import metadata

    status = answer["answer"]["status"]
    if status not in STATUSES:
        raise ValueError(f"the status {status!r} is none of {', '.join(STATUSES)}")
    return {
        "version": VERSION,
        "verdict": metadata.version("verdict-nn"),
        "python": platform.python_version(),
        "question": dict(question),
        "options": dict(options),
        "ways": {},
        **answer,
    }


def made(kind: str, values: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """The answer to a question that makes something, bounds or formulas, and proves nothing."""
    return {
        "answer": {"kind": kind, "status": "done", "reason": "", **values},
        "evidence": evidence(),
        "times": {"seconds": seconds, "stages": {}},
    }


def evidence(**said: Any) -> dict[str, Any]:
    """What stands behind an answer, by name; what is not there is null."""
    members = ("trust", "engine", "semantics", "witness", "closest", "real", "certificate", "float32", "assumed")
    return {name: said.get(name) for name in members}
