"""`verdict bounds`: how tight is each method of bounding, and what does it cost?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from verdict.cli import options
from verdict.cli.declared import Option
from verdict.cli.exitcodes import OK
from verdict.cli.printing import put

# A gap so small, relatively, is called none.
STRONG = 1e-4

if TYPE_CHECKING:
    from rich.table import Table

    from verdict.ask.question import Question
    from verdict.cli.asked import Asking
    from verdict.cli.inputs import Point
    from verdict.search.neurons.comparison import Comparison


def command(
    model: options.Model,
    input: options.Input,
    eps: options.Eps,
    norm: options.Norm = "linf",
    range: options.Range = None,
    label: options.Label = None,
    target: options.Target = None,
    output: options.Output = None,
    shape: options.Shape = None,
    header: options.Header = None,
    label_column: options.LabelColumn = None,
    method: Annotated[
        str,
        Option(
            "--method",
            metavar="NAMES",
            panel=options.SEARCH,
            help="A comma-separated list of interval, zonotope, forward, linear, alpha, lp, sharpen, milp; or "
            "all.",
        ),
    ] = "interval,zonotope,linear,alpha,lp,sharpen",
    timeout: Annotated[
        float | None,
        Option(
            "--timeout",
            metavar="S",
            panel=options.SEARCH,
            help="Seconds for all methods; neurons not reached keep looser bounds. Default: no limit.",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        Option(
            "--plot",
            metavar="FILE",
            panel=options.OUTPUT,
            help="Draw the comparison (.png, .svg or .pdf); needs matplotlib.",
            show_default=False,
        ),
    ] = None,
    dual: Annotated[
        bool,
        Option(
            "--dual",
            panel=options.OUTPUT,
            help="Instead of the comparison the dual function of a margin along CROWN's multipliers: weak and strong "
            "duality.",
        ),
    ] = False,
    json: options.Json = False,
) -> int:
    """How tight are the bounds on every layer within E of an input, method by method?

    Exit code 0; 2: bad input.
    """
    from verdict.base.errors import InputError
    from verdict.cli.asked import Asking, Source, only
    from verdict.cli.asking import ask
    from verdict.cli.inputs import Reading
    from verdict.cli.output import recorded_values
    from verdict.cli.printing import print_json
    from verdict.cli.progress import line
    from verdict.search.neurons.methods import choose

    search = options.searched(timeout=timeout)
    source = Source(model, input, output, shape, Reading(header, label_column))
    asking = Asking(
        "bounds", source, eps=eps, norm=norm, range=range, label=label, target=target, method=method
    )
    if dual:
        return _dual(asking, label, plot, json)
    choose(method)
    draw = None
    if plot is not None:
        from verdict.search.neurons.plot import prepare

        draw = prepare(plot)
    network, point = asking.network, only(asking)
    question = asking.question(point, label)
    with line(point.name) as shown:
        found: list[Comparison] = ask(question, search, shown.stage)
    title = f"{network.path.name} on {point.name}, eps {eps}"
    saved, failed = None, None
    if draw is not None:
        try:
            draw(found, title)
            saved = str(plot)
        except InputError as error:  # the answer comes first
            failed = error
    if json:
        values = {"label": found[0].label, "methods": [each.to_dict() for each in found]}
        record = recorded_values(question, search, values, sum(each.seconds for each in found))
        about = {"model": model, "sha256": network.sha256, "input": point.name, "norm": norm}
        print_json({**about, **_about(asking, question, point), **values, "saved": saved, **record})
    else:
        _show(found, title, asking, question, point)
        if saved is not None:
            put(f"\nsaved {saved}")
    if failed is not None:
        raise failed
    return OK


def _dual(asking: Asking, label: str | None, plot: Path | None, json: bool) -> int:
    """Print, and draw, the dual functions of a margin and of minus it."""
    from verdict.ask.duality import duality_of
    from verdict.cli.asked import only
    from verdict.cli.printing import print_json

    draw = None
    if plot is not None:
        from verdict.search.neurons.dual_plot import prepare_dual

        draw = prepare_dual(plot)
    network, point = asking.network, only(asking)
    question = asking.question(point, label)
    found = duality_of(question)
    title = f"{network.path.name} on {point.name}, eps {question.domain.eps}"
    if draw is not None:
        draw(found, title)
    saved = None if plot is None else str(plot)
    if json:
        print_json({"input": point.name, **_about(asking, question, point), "dual": [each.to_dict() for each in found],
                    "saved": saved})  # fmt: skip
        return OK
    put(f"{title}\n")
    for each in found:
        said = "strong duality" if each.gap <= STRONG * max(1.0, abs(each.seen)) else "weak duality"
        put(f"{each.name}: at least {each.best:.6g}, the largest value of the dual function, at {each.share:.4g} times "
            f"CROWN's multipliers; {each.seen:.6g} is reached; gap at most {each.gap:.3g}: {said}")
    put("" if saved is None else f"\nsaved {saved}")
    return OK


def _about(asking: Asking, question: Question, point: Point) -> dict[str, Any]:
    """What was asked about the input, for JSON."""
    limits = asking.range
    return {
        "range": None if limits is None else list(limits),
        "true_label": point.truth,
        "eps": str(question.domain.eps),
    }


def _show(found: Sequence[Comparison], title: str, asking: Asking, question: Question, point: Point) -> None:
    from verdict.cli.output import measure, range_text
    from verdict.cli.printing import console
    from verdict.cli.questions import label_text

    out, kept = console(), label_text(found[0].label, point)
    heading = f"{title} ({measure(question.domain)}), class {kept}, range {range_text(asking.range)}"
    out.print(f"{heading}\n", style="bold")
    out.print(_table(found, asking.network.graph.called))
    for each in found:
        if each.note:
            out.print(f"\n{each.method}: {each.note}", soft_wrap=True)


def _table(found: Sequence[Comparison], called: str) -> Table:
    from rich.table import Table

    from verdict.cli.output import margin_text
    from verdict.cli.printing import add_row

    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("")
    for each in found:
        table.add_column(each.method, justify="right")

    def row(title: str, what: str, cells: Sequence[str]) -> None:
        add_row(table, title, what, *cells)

    for at, layer in enumerate(found[0].layers):
        same = [each.layers[at] for each in found]
        row(f"{layer.name} ({layer.lower.size})", "mean width", [f"{one.widths.mean():.4g}" for one in same])
        row("", "max width", [f"{one.widths.max(initial=0):.4g}" for one in same])
        if at < len(found[0].layers) - 1:
            row("", "unstable", [str(one.unstable) for one in same])
    row(f"all {called}", "unstable", [str(each.unstable) for each in found])
    least = [margin_text(each.margins.min(initial=math.inf)) for each in found]
    row(f"margins ({len(found[0].rivals)})", "least", least)
    row("", "above 0", [str(int((each.margins > 0).sum())) for each in found])
    row("seconds", "", [f"{each.seconds:.4f}" for each in found])
    row("trust", "", [str(each.trust) for each in found])
    return table
