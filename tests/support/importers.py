"""Both readers of ONNX files from outside: an exact evaluation, or a refusal with its reason; there is no third."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from verdict.base.errors import VerdictError
from verdict.checker.enclosed import enclosed
from verdict.checker.errors import UnreadableError
from verdict.checker.network import Pointwise
from verdict.checker.readers.onnx import read_network
from verdict.checker.readers.onnx.reader import OPERATORS
from verdict.network.exact import ExactVector
from verdict.ops.importer.onnx_import import network_of
from verdict.ops.lowering import operators

# Inputs with more numbers are evaluated in float64, which is much faster.
MANY = 500
# Binary digits of functions without rational values.
BITS = 80
_CAUGHT = re.compile(r"disagrees with ONNX Runtime: output \d+ is (\S+) here and (\S+) there")


@dataclass(frozen=True)
class Refused:
    """A file that is not read; `reason` without the file's name."""

    reason: str

    @property
    def is_caught_misreading(self) -> bool:
        """Whether the engine's import was another network than ONNX Runtime's, and its self-check has said so."""
        numbers = _CAUGHT.search(self.reason)
        if numbers is None:
            return "outputs, ONNX Runtime" in self.reason
        here, there = map(float, numbers.groups())
        # Constants that ONNX Runtime folds in float32 lose more than the self-check allows for.
        return not abs(here - there) <= 1e-5 * (1 + abs(here))


@dataclass(frozen=True)
class Read:
    """A file that is read: its exact outputs, all in one vector, before the `head` that was left out.

    `is_single`: the file gives one probability, and the scores are 0 and its logit.
    """

    values: tuple[Fraction, ...]
    head: str | None
    is_single: bool = False

    def behind_head(self) -> np.ndarray[Any, Any]:
        """The outputs in float64, behind the head."""
        y = np.array([float(v) for v in self.values])
        for step in reversed(self.head.split(" of ") if self.head else []):
            y = HEADS[step](y)
        return y[1:] if self.is_single else y


def _softmax(y: Any) -> Any:
    e = np.exp(y - y.max())
    return e / e.sum()


HEADS: dict[str, Callable[[Any], Any]] = {
    "Softmax": _softmax,
    "LogSoftmax": lambda y: np.log(_softmax(y)),
    "ArgMax": lambda y: np.array([float(y.argmax())]),
    "Sigmoid": lambda y: 1 / (1 + np.exp(-y)),
    "Log": np.log,
    "L1": lambda y: y / y.sum(),
}

Importer = Callable[[bytes, "list[Fraction]"], "Read | Refused"]


def engine(data: bytes, x: list[Fraction]) -> Read | Refused:
    """The engine's import, its comparison with ONNX Runtime included, at one point."""
    try:
        network = network_of(data, Path("model.onnx"))
        single = any(port.head is not None and port.head.is_single for port in network.outputs)
        if len(x) > MANY:
            floats = network.evaluate(np.array([[float(v) for v in x]]))[0].tolist()
            return Read(tuple(map(Fraction, floats)), network.head, single)
        point = ExactVector.of(x)
        exact = network.has_exact_values
        outputs = network.evaluate_exact(point) if exact else network.evaluate_enclosed(point, BITS).centre
        return Read(tuple(outputs.fractions()), network.head, single)
    except VerdictError as error:
        return Refused(str(error))


def checker(data: bytes, x: list[Fraction]) -> Read | Refused:
    """The checker's reading at one point."""
    try:
        network = read_network(data)
        if len(x) > MANY:
            return Read(tuple(map(Fraction, _in_floats(network, x).tolist())), network.head)
        if network.irrational:
            return Read(tuple((a + b) / 2 for a, b in enclosed(network, x, BITS)), network.head)
        return Read(tuple(network.evaluate(x)[network.output]), network.head)
    except UnreadableError as error:
        return Refused(str(error))


def _in_floats(network: Any, x: list[Fraction]) -> np.ndarray[Any, Any]:
    """The outputs of the checker's network in float64, node by node as it evaluates them in integers."""
    values = [np.array([float(v) for v in x])]
    for node in network.nodes[1:]:
        if isinstance(node, Pointwise):
            values.append(node.function.interval(*[values[node.source]] * 2)[0])
            continue
        total = np.array([float(b) for b in node.bias])
        for linear, source in node.terms:
            weight = linear.weight if linear.exact is None else linear.integers[0] / linear.integers[1]
            total = total + linear.forward(values[source][None], weight.astype(float))[0]
        values.append(total)
    return values[network.output]


IMPORTERS: dict[str, Importer] = {"engine": engine, "checker": checker}


def claimed() -> dict[str, set[str]]:
    """The operators that each importer has a table of."""
    return {"engine": set(operators()), "checker": set(OPERATORS)}


def of_constants() -> set[str]:
    """The operators that the engine computes on constants and the checker not at all."""
    return {name for name, table in operators().items() if table.lower is None} - set(OPERATORS)


def short(reason: str) -> str:
    """A reason without file, node and tensor names, and without what follows its first sentence: for counting."""
    lines = [line.strip() for line in reason.splitlines()]
    listed = [line for line in lines[1:] if "(" in line]
    said = listed[0] if listed else lines[0]
    said = re.sub(r"^.*?model\.onnx: ", "", said)
    said = re.sub(r"^\S+ \((\w|\.)+\): ", "", said)
    said = re.sub(r"(input|output|tensor|weights) '[^']*'", r"\1", said)
    said = re.sub(r"\((\d+, ?)*\d*\)", "(...)", said)
    said = re.sub(r"element types? \S+:", "element types:", said)
    return said.strip().rstrip(".").replace("|", "/").replace("`", "")[:110]
