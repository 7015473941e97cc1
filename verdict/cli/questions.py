"""What `robust` and `maxeps` share: read the inputs, ask about each, show answers as they come.

One input gives one answer; a range `#I:J` gives a row of a table for each, or with --json one object that
lists them. The commands differ only in their `Kind`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from verdict.answer.results import Radius, Verdict
from verdict.ask.batch import answered, own_class, status_of
from verdict.ask.options import Options
from verdict.ask.question import Question
from verdict.base.deadline import why
from verdict.base.errors import InputError
from verdict.cli.asked import Asking
from verdict.cli.exitcodes import OK, UNKNOWN, VIOLATED
from verdict.cli.inputs import Point, file_name
from verdict.cli.interrupts import Interrupts
from verdict.cli.limits import again
from verdict.cli.output import parameters, recorded
from verdict.cli.printing import print_json, tell
from verdict.cli.progress import Line, line
from verdict.cli.vocabulary import as_options

Answer = TypeVar("Answer", bound=Radius | Verdict)


class Kind(Protocol[Answer]):
    """One kind of question: how to ask it and how to show its answer."""

    header: Sequence[tuple[str, int]]  # columns of the table: title and width

    def about(self, asking: Asking, question: Question, point: Point) -> Question: ...
    def ask(self, asking: Asking, question: Question, point: Point, options: Options, shown: Line) -> Answer: ...
    def record(self, answer: Answer, point: Point) -> dict[str, Any]: ...
    def text(self, answer: Answer, point: Point) -> list[tuple[str, str]]: ...
    def row(self, answer: Answer, point: Point) -> Sequence[str]: ...
    def code(self, answers: Sequence[Answer]) -> int: ...


class Questions(Generic[Answer]):
    """One call of a command: what is asked about every input, how it is answered, and how that is shown."""

    def __init__(self, asking: Asking, options: Options, kind: Kind[Answer], json: bool) -> None:
        self.asking, self.options, self.kind, self.json = asking, options, kind, json
        self.network, self.inputs, reading = asking.network, asking.inputs, asking.source.reading
        # Labels of one's own, and those of a data set in a table, are what has to be kept.
        self.by_truth = not {"label", "that"} & set(asking.said) and (
            self.inputs.several or reading.labels is not None or reading.label_column is not None
        )
        self._classes: dict[str, int] = {}
        # What was asked about each input.
        self._asked: dict[str, Question] = {}
        self._folder = None
        if options.certificate is not None and self.inputs.several:
            from verdict.base.writing import made_folder

            if str(options.certificate).endswith(".vcert"):
                raise InputError(
                    f"--certificate {options.certificate}: a file goes with one input, and {asking.source.input} is a "
                    "range: expected a folder, in which each input gets a file"
                )
            self._folder = made_folder(options.certificate, "--certificate")

    def _options(self, point: Point) -> Options:
        """The options for this input: of several, each has a certificate of its own in the folder."""
        if self._folder is None:
            return self.options
        return self.options.but(certificate=str(self._folder / f"{file_name(point)}.vcert"))

    def _question(self, point: Point) -> Question:
        """The question about this input."""
        if self.by_truth and point.truth is not None:
            return self.asking.question(point, self.network.names.said(point.truth))
        return self.asking.question(point, self.asking.said.get("label"))

    def run(self) -> int:
        """Ask, print, and return the exit code."""
        answers: list[Answer] = []
        with Interrupts() as ctrl_c:
            try:
                each = answered(self.inputs.points, partial(self._answer, answers), lambda: ctrl_c.seen)
                for point, answer in each:
                    answers.append(answer)
                    if self.inputs.several and not self.json:
                        self._row(answer, point, first=len(answers) == 1)
            except KeyboardInterrupt as end:
                if not answers:
                    raise
                why(end)
            self._finish(answers)
        code = self.kind.code(answers)
        if self.inputs.several and "wrong-label" in self._counts(answers):
            code = VIOLATED
        # A range that was cut short is not proved by its first answers.
        return UNKNOWN if code == OK and len(answers) < len(self.inputs.points) else code

    def _answer(self, answers: Sequence[Answer], point: Point) -> Answer:
        """The answer about one input, after those that there are already."""
        if answers:
            # Rows are out already; one JSON object is not.
            again(partial(self._finish, list(answers)) if self.json else None)
        with line(point.name) as shown:
            shown.show = partial(self._so_far, answers)
            if self.by_truth and point.truth is not None:
                self._classes[point.name] = own_class(self.network, point.values)
            with as_options():
                question = self.kind.about(self.asking, self._question(point), point)
                self._asked[point.name] = question
                return self.kind.ask(self.asking, question, point, self._options(point), shown)

    def _so_far(self, answers: Sequence[Answer], answer: Answer) -> None:
        """Print what would be the end if the present input's answer were this."""
        if self.inputs.several and not self.json:
            self._row(answer, self.inputs.points[len(answers)], first=not answers)
        else:
            self._finish([*answers, answer])

    def _finish(self, answers: list[Answer]) -> None:
        answered = list(zip(answers, self.inputs.points, strict=False))
        if self.json:
            records = [
                {
                    **self._common(answer, point), **self.kind.record(answer, point), **self._named(answer, point),
                    **recorded(self._asked[point.name], self._options(point), answer),
                }
                for answer, point in answered
            ]
            whole = {"results": records, "summary": self._counts(answers)}
            print_json(whole if self.inputs.several else records[0])
        elif self.inputs.several:
            tell(f"\n{self._summary(answers)}")
            if self._folder is not None:
                made = sum(answer.certificate is not None and answer.certificate.accepted for answer in answers)
                tell(f"certificates in {self._folder}: {made} that the checker accepted")
        else:
            answer, point = answered[0]
            lines = self.kind.text(answer, point)
            lines += [("output", self._chosen)] if self.network.chosen else []
            tell(f"{self.network.path.name} on {point.name}\n", is_title=True)
            for title, text in lines:
                tell(f"  {title:<12} {text}")

    @property
    def _chosen(self) -> str:
        """The one output that is asked about, of several."""
        return f"{self.network.chosen} of shape {self.network.outputs[0].shape}"

    def _status(self, answer: Answer, point: Point) -> str:
        """The answer's status, seen from the true class where that has to stay."""
        truth = point.truth if self.by_truth else None
        return status_of(answer.status, truth, self._classes.get(point.name, truth))

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
        columns = [("input", max(len(p.name) for p in self.inputs.points)), *self.kind.header]
        cells = [point.name, *self.kind.row(answer, point)]
        cells[[title for title, _ in columns].index("status")] = self._status(answer, point)
        if any(p.truth is not None for p in self.inputs.points):
            columns.insert(1, ("true", 4))
            cells.insert(1, "" if point.truth is None else str(point.truth))
        if first:
            if self.network.chosen:
                tell(f"output {self._chosen}\n")
            tell("  ".join(f"{title:<{width}}" for title, width in columns), is_title=True)
        tell("  ".join(f"{cell:<{width}}" for cell, (_, width) in zip(cells, columns, strict=True)).rstrip())

    def _common(self, answer: Answer, point: Point) -> dict[str, Any]:
        limits, witness, said = self.asking.range, answer.witness, self.asking.typed
        perturbed = {"perturbation": said.get("perturbation"), "parameters": parameters(witness)}
        return {
            **(perturbed if "perturbation" in said else {}),
            **{name: said[name] for name in ("scales", "that", "given", "integers") if name in said},
            "model": self.asking.source.model,
            **({"output": self.network.chosen} if self.network.chosen else {}),
            "sha256": self.network.sha256,
            **({"shapes": {p.name: list(p.shape) for p in self.network.inputs}} if self.network.is_shaped else {}),
            "input": point.name,
            "norm": said.get("norm", "linf"),
            "range": None if limits is None else list(limits),
            "true_label": point.truth,
        }


def label_text(label: int, point: Point, classes: Sequence[str] = ()) -> str:
    """The class in question with its name, where that says more, and the data set's own where it says another."""
    name = classes[label] if label < len(classes) else ""
    said = f"{label}" if name in ("", str(label)) else f"{label} ({name})"
    return said if point.truth is None or point.truth == label else f"{said} (the data set says {point.truth})"
