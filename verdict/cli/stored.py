"""`verdict summary`, `verdict export` and `verdict report`: what a store holds, for a terminal, a program, a person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from verdict.cli import options
from verdict.cli.declared import Argument, Option
from verdict.cli.exitcodes import OK

Stored = Annotated[str, Argument(metavar="STORE", help="A store that verdict run has written.")]


def summary(store: Stored, json: options.Json = False) -> int:
    """What a store holds: how many cases of each status, what proofs rest on, and the certified accuracy."""
    from verdict.cli.printing import print_json, put
    from verdict.store.store import Store
    from verdict.store.summary import summaries

    with Store(store) as opened:
        found = summaries(opened)
    if json:
        print_json({"store": store, "batches": [each.to_dict() for each in found]})
    else:
        put("\n".join(line for each in found for line in each.lines()) or "it holds no answers yet")
    return OK


def export(
    store: Stored,
    file: Annotated[
        str,
        Option(
            "--output", "-o", metavar="FILE", panel=options.OUTPUT,
            help="Where to: a table, .csv or .parquet, or whole rows as JSON lines, .jsonl.",
        ),
    ],
) -> int:
    """Write a store as a table (.csv, .parquet) or as JSON lines (.jsonl)."""
    from verdict.cli.printing import put
    from verdict.store.export import export
    from verdict.store.store import Store

    with Store(store) as opened:
        export(opened, Path(file))
        put(f"{len(opened)} rows in {file}")
    return OK


def report(
    store: Stored,
    other: Annotated[
        str | None, Argument(metavar="[STORE]", help="Another one, which the first is compared with.")
    ] = None,
    file: Annotated[
        str, Option("--output", "-o", metavar="FILE", panel=options.OUTPUT, help="Where the page goes.")
    ] = "report.html",
    image: Annotated[
        str | None,
        Option(
            "--image", metavar="HxW", panel=options.OUTPUT, show_default=False,
            help="Show inputs as images of this height and width, or 3xHxW, where the model takes flat vectors.",
        ),
    ] = None,
    title: Annotated[
        str | None,
        Option("--title", metavar="NAME", panel=options.OUTPUT, help="What the page is called.", show_default=False),
    ] = None,
) -> int:
    """Show a store as one HTML page that stands alone: numbers, plots, and every case with its witness and statement.

    Two stores are compared, and so are two models, batches or engines of one.
    """
    from verdict.cli.printing import put
    from verdict.report.page import write_report

    shape = None if image is None else image_shape(image)
    write_report([store] if other is None else [store, other], file, title=title, image=shape)
    put(f"written to {file}")
    return OK


def image_shape(text: str) -> list[int]:
    """`28x28` or `3x32x32`. Raises InputError."""
    from verdict.base.errors import InputError

    sides = text.lower().split("x")
    if len(sides) not in (2, 3) or not all(side.isdecimal() and int(side) for side in sides):
        raise InputError(f"--image {text}: expected HxW such as 28x28, or 3xHxW")
    return [int(side) for side in sides]
