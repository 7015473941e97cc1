"""VNN-COMP rows on the CPU and on a GPU: what `--device cuda` is worth.

Every row is answered on each device in turn, in one process that has imported PyTorch and answered a question on the
device before, so that only the search is timed. The devices are given like engines: `--engines cpu,cuda`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from benchmarks.clock import Clock
from benchmarks.registry import Case, Instance, Options, Outcome, UsageError, register
from benchmarks.vnncomp_folder import folders, questions, spread

DEVICES = ("cpu", "cuda")


@register
class Devices(Case):
    name = "device"
    idea = "VNN-COMP rows on the CPU and on a GPU, in one process"
    solved = frozenset({"robust", "violated"})

    def instances(self, options: Options) -> Iterable[Instance]:
        if options.bench is None:
            raise UsageError("device needs --bench DIR, a VNN-COMP folder or a folder of such")
        found = folders(options.bench)
        for group in options.choose(sorted(found)):
            for row in spread(questions(found[group]), options.every, options.sample):
                data = {"paths": [str(row.path(part).resolve()) for part in (row.vnnlib, row.onnx)]}
                for device in options.engines or DEVICES:
                    yield Instance(group, row.name, device, "", options.timeout or row.limit, data)

    def measure(self, instance: Instance) -> Outcome:
        import verdict

        _warm(instance.engine)
        query, network = instance.data["paths"]
        with Clock() as clock:
            answer = verdict.verify(query, network, device=instance.engine, timeout=instance.timeout)
        stages = ", ".join(f"{name} {seconds:.2f}" for name, seconds in answer.stages.items())
        return Outcome(answer.status, clock.seconds, clock.cpu, note=stages)


@cache
def _warm(device: str) -> None:
    """Import what the device needs and let it do something once."""
    import verdict
    from verdict.models import data

    verdict.robust("digits-conv", data("digits").load()[0][3], "0.02", range=(0, 1), device=device)
