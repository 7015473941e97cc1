"""What the bounds in the formula are worth to the engines milp and smt, and what they cost.

`verdict robust` at 80 % and 95 % of the radius, where a proof exists and is not easy; the time is that of the whole
question, the tightening included, the note says how it divides. The radius itself comes from `maxeps` beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.clock import Clock
from benchmarks.questions import correct_inputs, network, shipped_input, warmed
from benchmarks.registry import Case, Instance, Options, Outcome, register

# Per model the engine and the parts of the radius: Z3 only where it has a chance.
QUESTIONS = {
    "digits-mlp": ("milp", (0.8, 0.95)),
    "digits-conv": ("milp", (0.8, 0.95)),
    "digits-resnet": ("milp", (0.8, 0.95)),
    "cancer-mlp": ("smt", (0.8, 0.95)),
}
METHODS = ("interval", "linear", "alpha", "lp")


@register
class EngineBounds(Case):
    name = "engine-bounds"
    idea = "robust near the radius by milp and smt, with the bounds of each method in their formula"
    solved = frozenset({"robust"})

    def instances(self, options: Options) -> Iterable[Instance]:
        import verdict

        for model in options.choose(tuple(QUESTIONS)):
            engine, parts = QUESTIONS[model]
            for number in correct_inputs(model, options.inputs or 4):
                x, valid = shipped_input(model, number)
                radius = verdict.maxeps(network(model), x, range=valid, timeout=30)
                for part in parts:
                    eps = f"{part * float(radius.lower):.6f}"
                    for bounds in options.engines or METHODS:
                        name = f"#{number} {part:.0%}"
                        data = {"number": number, "eps": eps}
                        yield Instance(model, name, engine, bounds, options.timeout or 20.0, data)

    def measure(self, instance: Instance) -> Outcome:
        import verdict

        warmed(instance.engine, "")
        x, valid = shipped_input(instance.group, int(instance.data["number"]))
        loaded, eps = network(instance.group), str(instance.data["eps"])
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
