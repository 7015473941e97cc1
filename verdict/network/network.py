"""A loaded network: the graph that is reasoned about, and the ONNX file that is deployed.

The graph carries the real semantics. The file is kept at hand so that witnesses can be replayed in ONNX
Runtime, which is a different program with different rounding and therefore a different truth.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.arguments import place
from .enclosed import Enclosed, evaluate_enclosed
from .evaluate import evaluate, evaluate_exact
from .exact import Coefficients, ExactVector, FloatArray
from .functions import Feature
from .graph import Affine, Graph
from .maps import Index
from .names import Names
from .port import Port

if TYPE_CHECKING:
    from .runtime import Runtime

__all__ = ["Network", "Port"]


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """A network as Verdict sees it.

    `graph` computes the outputs before their heads, the Sigmoid, Softmax, ArgMax and so on that the file ends with, if
    any: a head does not change which output is the largest. `operators` counts the ONNX operators.
    `is_double` says that every tensor of the file is float64, `roundings` how often ONNX Runtime may round a constant
    that is computed in the file and exact in the graph. `passes_inputs` says that `graph` has the inputs appended
    to its outputs, which the file does not. Where hidden values were asked for they are the last of the outputs, `data`
    is the model that has them, `sha256` the file's.
    Where one of several outputs was `chosen`, `data` is the model with that one alone, and where shapes of inputs were
    given from outside (`is_shaped`), it has them. `names` are those of its inputs and classes.
    `in_memory` says that `data` is a user's own model that came without a file.
    Vectors are flat, in the order of `inputs` and `outputs`, row-major.
    """

    graph: Graph
    path: Path
    data: bytes = field(repr=False)
    sha256: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    opset: int
    operators: dict[str, int]
    passes_inputs: bool = False
    is_double: bool = False
    roundings: int = 0
    chosen: str = ""
    is_shaped: bool = False
    names: Names = field(default_factory=Names)
    in_memory: bool = False

    def __repr__(self) -> str:
        ports = [" and ".join(f"{port.name} {port.shape}" for port in side) for side in (self.inputs, self.outputs)]
        head = "" if self.head is None else f", behind it {self.head}"
        operators = ", ".join(f"{count} {name}" for name, count in self.operators.items())
        origin = f"; from {self.names.origin}" if self.names.origin else ""
        return f"<Network {self.name}: {ports[0]} -> {ports[1]}{head}; {operators}{origin}>"

    def passing_inputs(self) -> Network:
        """The same network with its inputs appended to its outputs, for constraints that mix the two."""
        size = self.input_size
        total = self.graph.output_size + size
        outputs = np.full(total, -1)
        outputs[: -size or None] = np.arange(total - size)
        inputs = np.full(total, -1)
        inputs[total - size :] = np.arange(size)
        terms = ((Index(outputs, total - size), self.graph.output), (Index(inputs, size), 0))
        nodes = (*self.graph.nodes, Affine(terms, Coefficients(np.zeros(total))))
        graph = Graph(nodes, len(nodes) - 1, (*self.graph.names, "outputs and inputs"))
        return self._like(graph=graph, passes_inputs=True)

    def named(self, names: Names) -> Network:
        """The same network with names of its inputs."""
        return self._like(names=names)

    def kept_in_memory(self) -> Network:
        """The same network, of a model that came without a file."""
        return self._like(in_memory=True)

    def _like(self, **changes: Any) -> Network:
        """The same file seen otherwise: where ONNX Runtime has loaded it, it is not loaded again."""
        other = replace(self, **changes)
        if "runtime" in self.__dict__:
            other.__dict__["runtime"] = self.runtime
        return other

    @property
    def name(self) -> str:
        """The name of its file, without the folder and the suffix."""
        return self.path.stem

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the inputs, flat, in their order; none where they are not known."""
        return self.names.features

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, from class 0 on; none where they are not known."""
        return self.names.classes

    def save(self, path: str | Path) -> Network:
        """Write the network's ONNX file, and return the network as the one in that file.

        It is the file that ONNX Runtime replays and that certificates are about, with the same SHA-256. What stands
        there is replaced only if it is the same file. Raises InputError where it cannot be written.
        """
        from ..base.writing import Place, same

        target = place(path, "the file")
        Place(target, "save", same(self.data), "the same model").write(self.data)
        return replace(self, path=target, in_memory=False)

    @property
    def head(self) -> str | None:
        """What the outputs end with, in words; None where they are the graph's own numbers."""
        heads = dict.fromkeys(str(port.head) for port in self.outputs if port.head is not None)
        return " and ".join(heads) or None

    @property
    def input_size(self) -> int:
        """How many numbers an input has, those of all inputs together."""
        return self.graph.input_size

    @property
    def output_size(self) -> int:
        """How many numbers an output has, those of all outputs together; class scores where a head is behind them."""
        return self.graph.output_size

    @cached_property
    def merged(self) -> Graph:
        """The graph with one ReLU for a number and its negative (`mirrored`): equal over the reals."""
        from .mirrored import mirrored

        return mirrored(self.graph)

    @cached_property
    def runtime(self) -> Runtime:
        """The deployed network: ONNX Runtime on CPU. Imports onnxruntime on first use."""
        from .runtime import Runtime

        return Runtime(self.path, self.data, self.inputs, self.outputs)

    def evaluate(self, x: FloatArray) -> FloatArray:
        """Float64 outputs (batch, output_size) for `x` of shape (batch, input_size); a hint, not the truth."""
        result: FloatArray = evaluate(self.graph, np.asarray(x, dtype=np.float64))
        return result

    def evaluate_exact(self, x: ExactVector) -> ExactVector:
        """The outputs over the reals, exactly, at one rational point."""
        return evaluate_exact(self.graph, x)

    @property
    def has_exact_values(self) -> bool:
        """Whether outputs at rational points are rational and can be computed."""
        return self.graph.has(Feature.RATIONAL)

    def evaluate_enclosed(self, x: ExactVector, bits: int) -> Enclosed:
        """The outputs over the reals between rationals, with functions evaluated to about so many bits."""
        return evaluate_enclosed(self.graph, x, bits)
