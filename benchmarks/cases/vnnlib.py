"""Reading VNN-LIB 1 files: the sizes that occur, and with --bench the largest file of every VNN-COMP folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from benchmarks.questions import timed
from benchmarks.registry import Case, Instance, Options, Outcome, register
from benchmarks.vnncomp_folder import folders, questions


def _image() -> str:
    """An image of 784 pixels and nine rivals, as mnist_fc has it."""
    lines = [f"(declare-const X_{i} Real)" for i in range(784)] + [f"(declare-const Y_{i} Real)" for i in range(10)]
    for i in range(784):
        lines += [f"(assert (<= X_{i} 0.{i + 100}29999999329447746))", f"(assert (>= X_{i} 0.0{i + 100}))"]
    rivals = " ".join(f"(and (>= Y_{i} Y_0))" for i in range(1, 10))
    return "\n".join([*lines, f"(assert (or {rivals}))"])


def _disjuncts(outputs: int, boxes: int) -> str:
    """A union of many half-spaces on a union of many boxes."""
    small = " ".join(f"(and (>= X_0 {i}e-4) (<= X_0 {i + 1}e-4))" for i in range(boxes))
    wide = " ".join(f"(and (<= (+ Y_0 (* {i}.5 Y_1)) {i}) (>= Y_0 -{i}))" for i in range(outputs))
    declared = "".join(f"(declare-const {name} Real)" for name in ("X_0", "Y_0", "Y_1"))
    return f"{declared}(assert (or {small}))(assert (or {wide}))"


TEXTS: dict[str, Callable[[], str]] = {
    "784 inputs": _image,
    "10000 half-spaces": lambda: _disjuncts(10_000, 1),
    "10000 boxes": lambda: _disjuncts(1, 10_000),
    "1000 x 1000": lambda: _disjuncts(1000, 1000),
}


@register
class VnnLib(Case):
    name = "vnnlib"
    idea = "reading VNN-LIB 1 texts of 784 inputs and of thousands of disjuncts (--bench: real files too)"

    def instances(self, options: Options) -> Iterable[Instance]:
        files = {}
        for name, folder in (folders(options.bench) if options.bench else {}).items():
            paths = {row.path(row.vnnlib).resolve() for row in questions(folder)}
            files[name] = str(max(paths, key=lambda path: path.stat().st_size))
        for group in options.choose([*TEXTS, *files]):
            yield Instance(group, "0", data={"file": files.get(group), "repeat": options.repeat or 10})

    def measure(self, instance: Instance) -> Outcome:
        from verdict.property.vnnlib1 import parse_vnnlib1, read_vnnlib1

        repeat = int(instance.data["repeat"])
        if instance.data["file"] is not None:
            return timed(lambda: read_vnnlib1(instance.data["file"]), repeat)
        text = TEXTS[instance.group]()
        return timed(lambda: parse_vnnlib1(text), repeat)
