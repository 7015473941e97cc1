"""`verdict run`: a whole data set, or a file of instances, into a store that any stop leaves whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from verdict.cli import options
from verdict.cli.declared import Argument, Option

BATCH = "The batch"


def command(
    model: Annotated[
        str,
        Argument(
            metavar="MODEL|FILE.csv",
            help="An ONNX file or a shipped model; or instances as VNN-COMP has them, rows onnx,vnnlib,seconds.",
        ),
    ],
    maxeps: Annotated[
        bool, Option("--maxeps", panel=options.QUESTION, help="Ask for the radius of every input.")
    ] = False,
    eps: Annotated[
        str | None,
        Option(
            "--eps", metavar="A[,B...]", panel=options.QUESTION, show_default=False,
            help="Ask whether every input keeps its class within these radii, exact numbers.",
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        Option(
            "--dataset", metavar="FILE", panel=options.QUESTION, show_default=False,
            help="The inputs: a .npy, .npz or .csv file, or a shipped data set.",
        ),
    ] = None,
    index: Annotated[
        str, Option("--index", metavar="I:J", panel=options.QUESTION, help="Those from I to before J.")
    ] = "0:",
    labels: options.Labels = None,
    label_column: options.LabelColumn = None,
    header: options.Header = None,
    unpickle: Annotated[
        bool,
        Option(
            "--unpickle", panel=options.QUESTION,
            help="MODEL is a scikit-learn model as joblib or pickle has written it. Reading one runs whatever is in "
            "it: for files of your own.",
        ),
    ] = False,
    norm: options.Norm = "linf",
    scales: options.Scales = None,
    that: options.That = None,
    given: options.Given = None,
    integers: options.Integers = "",
    perturbation: options.Perturbation = None,
    mean: options.Mean = None,
    std: options.Std = None,
    range: options.Range = None,
    target: options.Target = None,
    output: options.Output = None,
    shape: options.Shape = None,
    engine: options.Engine = None,
    solver: options.Solver = None,
    bounds: options.Bounds = None,
    timeout: Annotated[
        float | None,
        Option(
            "--timeout", metavar="S", panel=options.SEARCH, show_default=False,
            help="Seconds for each case, held from outside. Default: the instances' own, else no limit.",
        ),
    ] = None,
    memory: Annotated[
        float | None,
        Option(
            "--memory", metavar="GIB", panel=options.SEARCH, show_default=False,
            help="GiB of memory for each case, held from outside. Default: what is free, shared among the workers.",
        ),
    ] = None,
    threads: options.Threads = 1,
    device: options.Device = "cpu",
    workers: Annotated[
        int | None,
        Option(
            "--workers", metavar="N", panel=BATCH, between=(1, 1024), show_default=False,
            help="Processes that answer side by side. Default: one for each core.",
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        Option(
            "--cluster", metavar="ADDRESS", panel=BATCH, show_default=False,
            help="Answer on the Dask cluster whose scheduler is there (docs/cluster.md).",
        ),
    ] = None,
    store: Annotated[
        str, Option("--store", metavar="FILE", panel=options.OUTPUT, help="Where the answers are kept.")
    ] = "verdict.db",
    certificates: Annotated[
        bool,
        Option(
            "--certificates", panel=options.OUTPUT,
            help="Write every proof into the folder FILE-certificates beside the store and have it checked.",
        ),
    ] = False,
    assume_ulp: options.AssumeUlp = None,
    name: Annotated[
        str | None,
        Option(
            "--name", metavar="NAME", panel=options.OUTPUT, show_default=False,
            help="What the batch is called in summaries and reports.",
        ),
    ] = None,
    again: Annotated[
        bool,
        Option("--again", panel=BATCH, help="Ask again what has crashed, was refused, or needed too much memory."),
    ] = False,
    json: options.Json = False,
) -> int:
    """Ask about a whole data set, or a file of instances, and keep every answer in a store.

    Stop it any time, by Ctrl-C, by a signal, by the power: the same command goes on where it was. What is answered is
    never asked again, and a case that crashes is noted and the rest goes on.

    Exit code 0: every case is decided; 3: some are open, or have crashed; 130: Ctrl-C; 2: bad input.
    """
    from verdict.cli.asked import Asking, Source
    from verdict.cli.batch import Batch, cases_of_asking, cases_of_file, unpickled

    search = options.searched(
        engine=engine, solver=solver, bounds=bounds, timeout=timeout, memory=memory, threads=threads, device=device,
        certificate="proof" if certificates else None, assume_ulp=assume_ulp,
    )
    named = Path(model)
    model = unpickled(model, unpickle, Path(store))
    if maxeps or eps is not None:
        from verdict.base.errors import InputError
        from verdict.cli.inputs import Reading

        if dataset is None:
            raise InputError("--dataset is needed with --maxeps or --eps: the inputs, a file or a shipped data set")
        source = Source(model, f"{dataset}#{_indexed(index)}", output, shape, Reading(header, label_column, labels))
        asking = Asking(
            "maxeps", source, norm=norm, scales=scales, that=that, given=given, integers=integers,
            perturbation=perturbation, mean=mean, std=std, range=range, target=target,
        )
        chains = cases_of_asking(asking, search, maxeps, [] if eps is None else eps.split(","))
        called = f"{named.stem} on {Path(dataset).stem}"
    else:
        chains, path = cases_of_file(model, search, dataset), named.resolve()
        called = path.parent.name if path.stem == "instances" else path.stem
    called += "" if engine is None else f", {engine}"
    return Batch(name or called, chains, Path(store), again, json).run(workers, cluster, memory)


def _indexed(index: str) -> str:
    """`:10` is `0:10`."""
    return f"0{index}" if index.startswith(":") else index
