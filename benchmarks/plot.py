"""The cactus plot: how many instances each engine answers within a given time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.registry import Case, Row, UsageError


def cactus(case: Case, files: Mapping[str, Sequence[Row]], path: Path) -> None:
    """Draw the rows of each file (by its name) to `path`, whose suffix says the format. Raises UsageError
    without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        raise UsageError("--plot needs matplotlib: pip install matplotlib") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for name, (seconds, asked) in curves(case, files).items():
        label = f"{name} ({len(seconds)} of {asked})"
        axes.step(seconds, range(1, len(seconds) + 1), where="post", marker=".", label=label)
    axes.set(xscale="log", xlabel="seconds", ylabel="answered within", title=case.name)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    pyplot.close(figure)


def curves(case: Case, files: Mapping[str, Sequence[Row]]) -> dict[str, tuple[list[float], int]]:
    """For each curve, the seconds of its answers in ascending order and the number of questions. A curve is a file,
    a series of the case and a revision; its name leaves out what all curves share."""
    parts: dict[tuple[str, str, str], tuple[list[float], int]] = {}
    for file, rows in files.items():
        for row in rows:
            key = (file, case.series(row), row.revision)
            seconds, asked = parts.get(key, ([], 0))
            parts[key] = seconds + [row.seconds] * (row.status in case.solved), asked + 1
    telling = [i for i in range(3) if len({key[i] for key in parts}) > 1] or [1]
    return {" ".join(key[i] for i in telling): (sorted(seconds), asked) for key, (seconds, asked) in parts.items()}
