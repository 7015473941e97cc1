"""The cactus plot: how many instances each engine answers within a given time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.registry import Case, Row, UsageError


def cactus(case: Case, rows: Sequence[Row], path: Path) -> None:
    """Draw to `path` (the suffix says the format). Raises UsageError without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        raise UsageError("--plot needs matplotlib: pip install matplotlib") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    times: dict[str, list[float]] = {}
    several = len({row.revision for row in rows}) > 1
    for row in rows:
        name = f"{row.way or row.group} {row.revision}" if several else row.way or row.group
        times.setdefault(name, [])
        if row.status in case.solved:
            times[name].append(row.seconds)
    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for name, seconds in times.items():
        axes.step(sorted(seconds), range(1, len(seconds) + 1), where="post", label=name)
    axes.set(xscale="log", xlabel="seconds", ylabel="answered within", title=case.name)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    pyplot.close(figure)
