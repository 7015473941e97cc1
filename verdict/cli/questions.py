"""What `robust` and `maxeps` share: read the inputs, ask about each, show answers as they come.

One input gives one answer; a range `#I:J` gives a row of a table for each, or with --json one object that
lists them. The commands differ only in their `Kind`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from verdict.answer.results import Radius, Verdict
from verdict.ask.wording import refuse_unused
from verdict.base import arguments
from verdict.base.errors import InputError
from verdict.base.number import exact
from verdict.cli.exitcodes import OK, UNKNOWN, VIOLATED
from verdict.cli.inputs import Point, Points, Reading, read_inputs
from verdict.cli.interrupts import Interrupts
from verdict.cli.limits import again
from verdict.cli.options import Request
from verdict.cli.output import parameters
from verdict.cli.printing import console, print_json
from verdict.cli.progress import Line, line
from verdict.cli.vocabulary import names_for, numbers, read, scales
from verdict.network.network import Network

Answer = TypeVar("Answer", bound=Radius | Verdict)


class Kind(Protocol[Answer]):
    """One kind of question: how to ask it and how to show its answer."""

    header: Sequence[tuple[str, int]]  # columns of the table: title and width

    def ask(self, network: Network, point: Point, options: dict[str, Any], shown: Line) -> Answer: ...
    def record(self, answer: Answer, point: Point) -> dict[str, Any]: ...
    def text(self, answer: Answer, point: Point) -> list[tuple[str, str]]: ...
    def row(self, answer: Answer, point: Point) -> Sequence[str]: ...
    def code(self, answers: Sequence[Answer]) -> int: ...


class Questions(Generic[Answer]):
    """One call of a command: the network, its inputs, and the options for the API."""

    def __init__(self, request: Request, kind: Kind[Answer]) -> None:
        check(request)
        self.request, self.kind = request, kind
        self.network = read_network(
            request.model, request.mean, request.std, request.output, request.shape, classes=request.that is None
        )
        reading = Reading(request.header, request.label_column, request.labels)
        self.inputs: Points = read_inputs(request.input, self.network, reading)
        # Labels of one's own, and those of a data set in a table, are what has to be kept.
        self.by_truth = request.label is None and request.that is None and (
            self.inputs.several or request.labels is not None or request.label_column is not None
        )
        self._classes: dict[str, int] = {}
        if request.certificate is not None and self.inputs.several:
            raise InputError(f"--certificate goes with one input, and {request.input} is a range")
        shipped = None if request.mean or request.std else shipped_range(request.model)
        self.range = request.range or shipped or self.inputs.valid_range
        self.options: dict[str, Any] = {
            "norm": request.norm,
            "perturbation": read_perturbation(request.perturbation, self.network),
            "range": self.range,
            "label": None if request.that is not None else request.label,
            "target": request.target,
            "solver": request.solver,
            "bounds": request.bounds,
            "timeout": request.timeout,
            "threads": request.threads,
            "device": request.device,
            "certificate": request.certificate,
            "scales": scales(request.scales, self.network),
        }
        if request.integers:
            self.options["integers"] = numbers(request.integers)
        if request.engine is not None:  # the default is the API's
            self.options["engine"] = request.engine

    def _asked(self, point: Point) -> dict[str, Any]:
        """The options, with the label and the formulas as they are about this input."""
        label = point.truth if self.by_truth and point.truth is not None else self.request.label
        options = self.options if self.request.that is not None else {**self.options, "label": label}
        if self.request.that is None and self.request.given is None:
            return options
        names = names_for(self.network, point, label)
        that, given = read(self.request.that, names, "--that"), read(self.request.given, names, "--given")
        return {**options, "that": that, "given": given}

    def run(self) -> int:
        """Ask, print, and return the exit code."""
        answers: list[Answer] = []
        with Interrupts() as ctrl_c:
            try:
                for number, point in enumerate(self.inputs.points):
                    if number:
                        # Rows are out already; one JSON object is not.
                        again(partial(self._finish, answers) if self.request.json else None)
                    with line(point.name) as shown:
                        shown.show = partial(self._so_far, answers)
                        if self.by_truth and point.truth is not None:
                            self._classes[point.name] = self._own_class(point)
                        answers.append(self.kind.ask(self.network, point, self._asked(point), shown))
                    if self.inputs.several and not self.request.json:
                        self._row(answers[-1], point, first=len(answers) == 1)
                    if ctrl_c.seen:
                        break
            except KeyboardInterrupt:
                if not answers:
                    raise
            self._finish(answers)
        code = self.kind.code(answers)
        if self.inputs.several and "wrong-label" in self._counts(answers):
            code = VIOLATED
        # A range that was cut short is not proved by its first answers.
        return UNKNOWN if code == OK and len(answers) < len(self.inputs.points) else code

    def _own_class(self, point: Point) -> int:
        """The class that the deployed network gives to an input."""
        from verdict.answer.replay import scores
        from verdict.ask.question import center_of
        from verdict.network.evaluate import classify

        x = center_of(self.network, point.values).floats()
        return classify(scores(self.network, self.network.runtime(x), x))

    def _so_far(self, answers: Sequence[Answer], answer: Answer) -> None:
        """Print what would be the end if the present input's answer were this."""
        if self.inputs.several and not self.request.json:
            self._row(answer, self.inputs.points[len(answers)], first=not answers)
        else:
            self._finish([*answers, answer])

    def _finish(self, answers: list[Answer]) -> None:
        answered = list(zip(answers, self.inputs.points, strict=False))
        if self.request.json:
            records = [
                {**self._common(answer, point), **self.kind.record(answer, point), **self._named(answer, point)}
                for answer, point in answered
            ]
            whole = {"results": records, "summary": self._counts(answers)}
            print_json(whole if self.inputs.several else records[0])
        elif self.inputs.several:
            console().print(f"\n{self._summary(answers)}", soft_wrap=True)
        else:
            answer, point = answered[0]
            lines = self.kind.text(answer, point)
            lines += [("output", self._chosen)] if self.network.chosen else []
            out = console()
            out.print(f"{self.network.path.name} on {point.name}\n", style="bold", soft_wrap=True)
            for title, text in lines:
                out.print(f"  {title:<12} {text}", soft_wrap=True)

    @property
    def _chosen(self) -> str:
        """The one output that is asked about, of several."""
        return f"{self.network.chosen} of shape {self.network.outputs[0].shape}"

    def _status(self, answer: Answer, point: Point) -> str:
        """The answer's status; `wrong-label` where the input itself does not get the true class that it should keep."""
        if not self.by_truth or point.truth is None or answer.status not in ("violated", "wrong-label"):
            return answer.status
        return answer.status if self._classes.get(point.name, point.truth) == point.truth else "wrong-label"

    def _named(self, answer: Answer, point: Point) -> dict[str, Any]:
        return {"status": self._status(answer, point)}

    def _counts(self, answers: Sequence[Answer]) -> dict[str, Any]:
        """How many inputs there are, and how many have each status."""
        found = Counter(self._status(*each) for each in zip(answers, self.inputs.points, strict=False))
        seconds = sum(answer.seconds for answer in answers)
        return {"inputs": len(self.inputs.points), "seconds": round(seconds, 6), **dict(sorted(found.items()))}

    def _summary(self, answers: Sequence[Answer]) -> str:
        counts = self._counts(answers)
        total, seconds = counts.pop("inputs"), counts.pop("seconds")
        some = f"{len(answers)} of " if len(answers) < total else ""
        each = ", ".join(f"{count} {status}" for status, count in counts.items())
        return f"{some}{total} input{'s' * (total != 1)}: {each}; {seconds:.2f} s"

    def _row(self, answer: Answer, point: Point, first: bool) -> None:
        out = console()
        columns = [("input", max(len(p.name) for p in self.inputs.points)), *self.kind.header]
        cells = [point.name, *self.kind.row(answer, point)]
        cells[[title for title, _ in columns].index("status")] = self._status(answer, point)
        if any(p.truth is not None for p in self.inputs.points):
            columns.insert(1, ("true", 4))
            cells.insert(1, "" if point.truth is None else str(point.truth))
        if first:
            if self.network.chosen:
                out.print(f"output {self._chosen}\n", soft_wrap=True)
            out.print("  ".join(f"{title:<{width}}" for title, width in columns), style="bold", soft_wrap=True)
        out.print(
            "  ".join(f"{cell:<{width}}" for cell, (_, width) in zip(cells, columns, strict=True)).rstrip(),
            soft_wrap=True,
        )

    def _common(self, answer: Answer, point: Point) -> dict[str, Any]:
        limits, witness = self.range, answer.witness
        perturbed = {"perturbation": self.request.perturbation, "parameters": parameters(witness)}
        return {
            **(perturbed if self.request.perturbation else {}),
            **{name: text for name in ("scales", "that", "given", "integers") if (text := getattr(self.request, name))},
            "model": self.request.model,
            **({"output": self.network.chosen} if self.network.chosen else {}),
            **({"shapes": {p.name: list(p.shape) for p in self.network.inputs}} if self.network.is_shaped else {}),
            "sha256": self.network.sha256,
            "input": point.name,
            "norm": self.request.norm,
            "range": None if limits is None else list(limits),
            "true_label": point.truth,
        }


def label_text(label: int, point: Point) -> str:
    """The class in question, and the data set's own where it says another."""
    if point.truth is None or point.truth == label:
        return f"{label}"
    return f"{label} (the data set says {point.truth})"


def check(request: Request) -> None:
    """Refuse options that make no sense, before anything is loaded."""
    for end in request.range or ():
        exact(end, "--range")
    refuse_unused(request.that, request.given, request.label, request.target)
    check_limits(request.timeout, request.threads)


def check_limits(timeout: float | None, threads: int) -> None:
    """Refuse limits that make no sense. Raises InputError."""
    arguments.seconds(timeout, "--timeout")
    arguments.threads(threads, "--threads")


def read_network(
    model: str,
    mean: str | None,
    std: str | None,
    output: str | None = None,
    shape: Sequence[str] | None = None,
    *,
    classes: bool = True,
) -> Network:
    """The network that was asked for, behind the normalisation of its input if one is given.

    With `classes` it has the one output that holds class scores, or that is named.
    """
    from verdict.ask.loading import for_classes, loaded
    from verdict.ops.importer.shapes import read_shapes

    normalised_too = mean is not None or std is not None
    # Behind a normalisation outputs stand one after another, and nothing would tell one from another.
    network = (for_classes if classes or normalised_too else loaded)(model, output, read_shapes(shape))
    if not normalised_too:
        return network
    from verdict.compose.behind import normalised

    return normalised(network, _numbers(mean or "0", "--mean"), _numbers(std or "1", "--std"))


def _numbers(text: str, option: str) -> list[float]:
    return [float(exact(word, option)) for word in text.split(",")]


def read_perturbation(text: str | None, network: Network) -> Any:
    """The perturbation that was asked for; what it needs of other inputs is read as --input is."""
    if text is None:
        return None
    from verdict.property.fronts import from_text

    def read(spec: str) -> Any:
        found = read_inputs(spec, network).points
        if len(found) > 1:
            raise InputError(f"{spec}: names {len(found)} inputs, expected one")
        return found[0].values

    return from_text(text, read)


def shipped_range(model: str) -> tuple[str, str] | None:
    """The input range of a shipped model that is called by its name."""
    from verdict.models import models

    shipped = models().get(model)
    if shipped is None or Path(model).exists():
        return None
    low, high = shipped.input_range
    return f"{low:g}", f"{high:g}"
