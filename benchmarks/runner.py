"""Runs a case: every instance with every code version in turn, so that a busy machine slows all alike."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.registry import Case, Instance, Options, Row, UsageError
from benchmarks.worker import Worker


def run(
    case: Case,
    options: Options,
    trees: Mapping[str, Path],
    on_row: Callable[[Row], object],
    known: Sequence[Row] = (),
) -> list[Row]:
    """The rows of all instances that `known` lacks; `trees` maps a revision's name to its code. Ctrl-C ends early
    and keeps what there is."""
    instances = list(case.instances(options))
    if not instances:
        raise UsageError(f"case {case.name} has no instances with these options")
    have = {identity(row) for row in known}
    rows: list[Row] = []
    with contextlib.ExitStack() as stack, contextlib.suppress(KeyboardInterrupt):
        workers = {name: stack.enter_context(Worker(case.name, tree)) for name, tree in trees.items()}
        for number, instance in enumerate(instances):
            # Whoever goes first finds the caches cold: take turns.
            turn = list(workers) if number % 2 == 0 else list(reversed(workers))
            for name in turn:
                if wanted(case.name, name, instance) in have:
                    continue
                row = Row.of(case.name, name, instance, workers[name].measure(instance))
                rows.append(row)
                on_row(row)
                if case.fresh:
                    workers[name].close()
    return rows


def identity(row: Row) -> tuple[str, ...]:
    """What makes two rows measurements of the same thing; the limit is part of it."""
    return (row.case, row.revision, row.group, row.instance, row.way, row.extra.get("limit", ""))


def wanted(case: str, revision: str, instance: Instance) -> tuple[str, ...]:
    """The identity that the instance's row will have."""
    way = "/".join(filter(None, (instance.engine, instance.solver)))
    return (case, revision, instance.group, instance.name, way, f"{instance.timeout:g}")
