"""The rows of a report's table, and what is shown of a case when it is opened, as JSON for the page's script.

What is shown of a case is what its answer says of itself; nothing is judged here. Pictures and statements of very many
cases would make a page that no browser likes, so that beyond a number of bytes cases have their row alone.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import PurePath
from typing import Any

from ..answer.decimals import above, below
from ..answer.html import pictures
from ..answer.lines import lines, shown_witness, subject
from ..answer.results import Radius
from ..base.visible import visible, visible_lines
from ..store.entry import FAILED, Entry
from .groups import Group, state_of

# Bytes of what is shown of cases, in all, and features of a table.
MOST, FEATURES = 3_500_000, 12


def table(found: Sequence[Group], folders: Mapping[str, str]) -> list[dict[str, Any]]:
    """A row for each case; `folders` are those of certificates, by the hash of a row's question and options."""
    rows, room = [], MOST
    for group in found:
        for entry in group.rows:
            row = _row(group.name if len(found) > 1 else "", entry)
            shown = _shown(entry, folders.get(entry.key + entry.options_key, ""))
            size = len(json.dumps(shown))
            if size <= room:
                row["shown"] = shown
                room -= size
            rows.append(row)
    return rows


def _row(group: str, entry: Entry) -> dict[str, Any]:
    answer, classes = entry.answer, (entry.about or {}).get("classes", [])

    def named(label: int | None) -> str:
        if label is None:
            return ""
        return str(classes[label]) if label < len(classes) else str(label)

    trust = "" if answer is None else str(getattr(answer, "trust", None) or getattr(answer, "lower_trust", ""))
    certificate = entry.certificate
    radius = answer if isinstance(answer, Radius) else None
    return {
        "group": group, "case": visible(entry.name), "model": visible(entry.model), "kind": entry.kind,
        "true": visible(named(entry.truth)), "predicted": visible(named(entry.predicted)),
        "eps": None if entry.eps is None else float(entry.eps), "status": entry.status, "state": state_of(entry),
        "proved": None if radius is None else "unlimited" if radius.is_unlimited else float(below(radius.lower)),
        "refuted": None if radius is None or radius.upper is None else float(above(radius.upper)),
        "to": "" if answer is None else visible(named(answer.target)), "rests on": trust,
        "certificate": "" if not certificate or not certificate["file"] else
        "accepted" if certificate["accepted"] else "not accepted",
        "seconds": round(entry.seconds, 3),
    }


def _shown(entry: Entry, folder: str) -> dict[str, Any]:
    """What is shown of a case: its answer's lines, pictures or features, the statement, and how to check the proof."""
    answer = entry.answer
    if answer is None:
        return {"lines": [["answer", f"none: {FAILED[entry.status]}"], ["because", visible(entry.reason)]]}
    about = subject(answer)
    said: dict[str, Any] = {"lines": [[title, visible(text)] for title, text in lines(answer, about)]}
    if about is not None:
        witness = shown_witness(answer, about)
        if about.image and prod(about.image) == about.x.size:
            said["pictures"] = pictures(about, witness)
        elif witness is not None:
            said["features"] = [[visible(about.feature(i)), f"{here:.6g}", f"{there:.6g}", f"{there - here:+.4g}"]
                                for i, here, there in about.moved(witness)[:FEATURES]]
    if answer.about is not None and (seen := answer.about()) is not None and seen.claim is not None:
        said["statement"] = visible_lines(answer.statement())
    certificate = entry.certificate
    if certificate is not None and certificate["file"] is not None:
        network, file, query = (
            # What was written beside a certificate is named without a folder.
            name if name is None or PurePath(name).name != name else f"{folder}/{name}"
            for name in (certificate["network"], certificate["file"], certificate["property"])
        )
        words = ["verdict", "check", network or entry.model, str(file)]
        said["check"] = visible(shlex.join(words if query is None else [*words, "--property", query]))
    return said
