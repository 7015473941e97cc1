"""`verdict models`: what ships with the package."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from verdict.cli.exitcodes import OK
from verdict.cli.options import Json


def command(json: Json = False) -> int:
    """List the shipped models and data sets."""
    import verdict.models as shipped

    models, data = shipped.models().values(), shipped.datasets().values()
    if json:
        from verdict.cli.printing import print_json

        print_json({"models": [_plain(m) for m in models], "data": [_plain(d) for d in data]})
        return OK
    from rich.table import Table

    from verdict.cli.printing import add_row, console

    table = Table("model", "architecture", "ReLUs", "accuracy", "data", "description", box=None, pad_edge=False)
    for model in models:
        accuracy = "" if model.accuracy is None else f"{model.accuracy:.1%}"
        add_row(
            table,
            model.name, model.architecture, str(model.relus), accuracy, model.data or "", model.description
        )
    sets = Table("data set", "points", "numbers each", "description", box=None, pad_edge=False)
    for item in data:
        add_row(sets, item.name, str(item.size), str(item.features), item.description)
    for each in (table, sets):
        each.columns[0].no_wrap = True
    out = console()
    out.print(table)
    out.print()
    out.print(sets)
    out.print("\nTry: verdict maxeps digits-mlp --input digits#3")
    return OK


def _plain(item: Any) -> dict[str, Any]:
    return {**asdict(item), "path": str(item.path)}
