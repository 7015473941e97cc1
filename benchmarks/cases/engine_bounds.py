"""What the bounds in the formula are worth to the engines milp and smt, and what they cost.

`verdict robust` at 80 % and 95 % of the radius (as far as `maxeps` proves one beforehand), where a proof exists and
is not easy; the time is that of the whole question, the tightening included, the note says how it divides.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.clock import Clock
from benchmarks.questions import correct_inputs, network, random_network, shipped_input, warmed
from benchmarks.registry import Case, Instance, Options, Outcome, register

# Per model the engine and the parts of the radius: Z3 only where it has a chance.
QUESTIONS = {
    "digits-mlp": ("milp", (0.8, 0.95)),
    "digits-conv": ("milp", (0.8, 0.95)),
    "digits-resnet": ("milp", (0.8, 0.95)),
    "random": ("milp", (0.8, 0.95)),
    "cancer-mlp": ("smt", (0.8, 0.95)),
}
# Wider and deeper than what ships: 120 ReLUs, most of them unstable.
RANDOM = (16, 40, 40, 40, 2)
METHODS = ("interval", "linear", "alpha", "lp", "sharpen")


def _question(model: str, number: int) -> tuple[Any, npt.NDArray[np.float32], tuple[float, float]]:
    """The network, the input and its valid range."""
    if model != "random":
        return network(model), *shipped_input(model, number)
    x = np.random.default_rng(number).uniform(-1, 1, RANDOM[0]).astype(np.float32)
    return random_network(number, RANDOM), x, (-2.0, 2.0)


@register
class EngineBounds(Case):
    name = "engine-bounds"
    idea = "robust near the radius by milp and smt, with the bounds of each method in their formula"
    solved = frozenset({"robust"})

    def instances(self, options: Options) -> Iterable[Instance]:
        import verdict

        for model in options.choose(tuple(QUESTIONS)):
            engine, parts = QUESTIONS[model]
            count = options.inputs or 4
            for number in range(count) if model == "random" else correct_inputs(model, count):
                loaded, x, valid = _question(model, number)
                radius = verdict.maxeps(loaded, x, range=valid, timeout=20)
                for part in parts:
                    eps = f"{part * float(radius.lower):.6f}"
                    for bounds in options.engines or METHODS:
                        name = f"#{number} {part:.0%}"
                        data = {"number": number, "eps": eps}
                        yield Instance(model, name, engine, bounds, options.timeout or 20.0, data)

    def measure(self, instance: Instance) -> Outcome:
        import verdict

        warmed(instance.engine, "")
        loaded, x, valid = _question(instance.group, int(instance.data["number"]))
        eps = str(instance.data["eps"])
        with Clock() as clock:
            answer = verdict.robust(
                loaded,
                x,
                eps,
                range=valid,
                engine=instance.engine,
                bounds=instance.solver,
                timeout=instance.timeout,
            )
        stages = ", ".join(f"{name} {seconds:.3f}" for name, seconds in answer.stages.items() if seconds >= 0.001)
        return Outcome(answer.status, clock.seconds, clock.cpu, note=f"eps {eps}: {stages}")
