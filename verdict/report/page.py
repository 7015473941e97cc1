"""The page of a report: one HTML file that stands alone. Numbers, plots, a comparison of two, and every case.

Whatever comes from files is text: the template escapes it, and the script puts it in as text. The page forbids itself
to fetch anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from ..answer.decimals import below
from ..answer.record import STATUSES
from ..answer.trust import PROOFS, Trust
from ..base import arguments
from ..base.errors import InputError
from ..base.visible import visible
from ..base.writing import Place, marked
from ..store.entry import FAILED, Entry
from ..store.store import Store
from ..store.summary import summaries
from .cases import table
from .groups import STATES, Comparison, Group, compared, groups
from .plots import plots

NEEDS = "a report needs Jinja2: pip install 'verdict-nn[report]'"
# Batches that a title names.
MOST_NAMED = 3
MARK = b'<meta name="generator" content="Verdict report">'
ABOUT = (
    "Verdict examines what a trained neural network does on whole sets of inputs. A case is proved when no input of "
    "its set changes the answer, by a mathematical proof and not by trying; refuted when an input that does is known, "
    "and was replayed in exact arithmetic; open when neither was found in the time. A radius is open while its ends, "
    "up to which the answer is proved to stay and from which on it is not, have not met."
)
TEXTS = {"proved": "proved", "refuted": "refuted", "open": "open", "failed": "without an answer"}


def write_report(
    stores: str | Path | Sequence[str | Path], path: str | Path, *, title: str | None = None,
    image: Sequence[int] | None = None,
) -> None:
    """Write what one or several stores hold as an HTML page that stands alone, for whoever has never heard of Verdict.

    `stores` are files that `verdict run` has written, or the `store` of `verdict.certify`; two of them, or one store
    with two batches, models or engines, are compared. `image` is the shape in which inputs are shown whose models take
    flat vectors: (height, width), or (channels, height, width). Raises InputError for what is no store, where the file
    cannot be written, and where Jinja2 is not installed. docs/batches.md has an example.
    """
    paths = [stores] if isinstance(stores, str | Path) else list(stores)
    opened: dict[str, list[Entry]] = {}
    folders: dict[str, str] = {}
    for each in paths:
        with Store(each) as store:
            name = store.path.stem if store.path.stem not in opened else str(store.path)
            opened[name] = list(store)
            folders |= {row.key + row.options_key: str(store.certificates) for row in opened[name]}
    if not any(opened.values()):
        raise InputError(f"{', '.join(map(str, paths))}: holds no answers, expected some to report")
    shape = None if image is None else arguments.wholes(image, "image")
    if shape is not None and (0 in shape or len(shape) not in (2, 3) or (len(shape) == 3 and shape[0] not in (1, 3))):
        raise InputError(f"image is {image!r}, expected (height, width), or (channels, height, width) with 1 or 3")
    target = Place(arguments.place(path, "the report"), "", marked(MARK), "a report that Verdict has written")
    target.check()
    found = _shaped(opened, shape) if shape is not None else opened
    text = page(groups(found), folders, title or _title(opened))
    target.write(text.encode())


def _title(opened: Mapping[str, Sequence[Entry]]) -> str:
    """What the page is called: by its batches, where these are few, or by its stores."""
    batches = sorted({row.batch for rows in opened.values() for row in rows})
    return f"Verdict: {', '.join(batches if len(batches) <= MOST_NAMED else opened)}"


def _shaped(opened: Mapping[str, Sequence[Entry]], shape: Sequence[int]) -> dict[str, list[Entry]]:
    """The rows, whose inputs are shown as images of this shape, as far as they have none of their own."""
    return {
        name: [row if row.about is None or row.about.get("image") else
               row.copied(about={**row.about, "image": list(shape[-2:] if shape[0] == 1 else shape)}) for row in rows]
        for name, rows in opened.items()
    }


def page(found: Sequence[Group], folders: dict[str, str], title: str) -> str:
    """The page. Raises InputError where Jinja2 is not installed."""
    try:
        import jinja2
    except ImportError:
        raise InputError(NEEDS) from None
    files = resources.files(__package__ or "verdict.report")
    read = {name: files.joinpath(name).read_text(encoding="utf-8")
            for name in ("page.html.jinja", "page.css", "page.js")}
    safe = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(read["page.html.jinja"])
    comparison, rows = compared(found), table(found, folders)
    from markupsafe import Markup

    charts = [
        {"title": name, "text": text, "svg": Markup(chart.svg()), "legend": chart.keys}
        for name, text, chart in plots(found, comparison)
    ]
    return safe.render(
        title=visible(title), made=_made(found), about=ABOUT, tiles=_tiles(found), states=STATES, charts=charts,
        groups=[{"name": visible(g.name), "count": len(g.rows), "counts": g.counts(),
                 "seconds": f"{sum(r.seconds for r in g.rows):.1f}"} for g in found],
        accuracy=_accuracy(found), comparison=_compared(comparison), words=_words(),
        unshown=sum("shown" not in row for row in rows), data=Markup(_script_json(rows)),
        style=Markup(read["page.css"]), script=Markup(read["page.js"]),
    )


def _script_json(value: Any) -> str:
    """JSON that cannot end the element of the page that it is in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _made(found: Sequence[Group]) -> str:
    models = sorted({f"{visible(row.model)} (SHA-256 {row.models[0][:12]}...)" for group in found for row in group.rows
                     if row.models})
    named = ", ".join(models[:4]) + (f" and {len(models) - 4} more" if len(models) > 4 else "")
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return f"Verdict {metadata.version('verdict-nn')}, {now}. About {named}."


def _tiles(found: Sequence[Group]) -> list[dict[str, str]]:
    rows = [row for group in found for row in group.rows]
    counts = {state: sum(group.counts()[state] for group in found) for state in STATES}
    made = [{"state": "", "number": str(len(rows)), "text": "cases"}]
    made += [{"state": s, "number": str(counts[s]), "text": TEXTS[s]} for s in STATES if counts[s] or s != "failed"]
    accepted = sum(bool(row.certificate and row.certificate["accepted"]) for row in rows)
    if any(row.certificate for row in rows):
        made.append({"state": "", "number": str(accepted), "text": "proofs accepted by the independent checker"})
    seconds = sum(row.seconds for row in rows)
    work = f"{seconds / 3600:.1f} h" if seconds > 5400 else f"{seconds:.1f} s"
    return [*made, {"state": "", "number": work, "text": "of work"}]


def _accuracy(found: Sequence[Group]) -> list[dict[str, Any]]:
    return [
        {"name": visible(group.name), "eps": below(share.eps), "proved": share.proved, "refuted": share.refuted,
         "open": share.open, "count": share.count, "accuracy": f"{share.accuracy:.1%}"}
        for group in found for each in summaries(row.copied(batch="") for row in group.rows) for share in each.shares
    ]


def _compared(comparison: Comparison | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    return {"first": visible(comparison.first.name), "second": visible(comparison.second.name),
            "summary": visible(comparison.summary), "table": comparison.table}


def _words() -> list[tuple[str, str]]:
    """What the statuses, and the words for what a proof rests on, mean."""
    statuses = {word: text for word, text in STATUSES.items() if word not in ("accepted", "rejected", "done")}
    trusts = {f"rests on: {trust}": text for trust, text in PROOFS.items()}
    trusts[f"rests on: {Trust.REPLAYED}"] = "a witness, evaluated in exact rationals and in ONNX Runtime"
    return list((statuses | dict(FAILED) | trusts).items())
