"""The ONNX model in front of its heads: for each output that has one, its scores, flat, as the output NAME/scores.

A question about the classes of two networks, or of one with other weights, is asked of the scores: what stands behind
them (Softmax, ArgMax, labels, ...) is left away. Where the scores are no tensor of the file, as of one probability
or of a LinearClassifier, they are linear in some that are, and their rows are written into the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from ...base.errors import UnsupportedError
from ...network.builder import Builder
from ...network.exact import Coefficients
from ...network.graph import Affine
from .one_output import only_these

# Matrices are written dense: there are few classes.
MOST_ENTRIES = 2**24


class Bare:
    """The nodes that give the scores: `tensors` has the name of a flat or shaped tensor of each builder's node."""

    def __init__(
        self, model: onnx.ModelProto, builder: Builder, tensors: Mapping[int, str], kind: str, path: Path
    ) -> None:
        self.model, self.builder, self.tensors, self.path = model, builder, tensors, path
        self.dtype = np.dtype(kind)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def finish(self, scores: Mapping[str, tuple[int, bool]]) -> onnx.ModelProto:
        """The model whose outputs are these, by name: the builder's node of each, and whether a head is behind it."""
        plain = onnx.ModelProto()
        plain.CopyFrom(self.model)
        names, kind = [], helper.np_dtype_to_tensor_dtype(self.dtype)
        for name, (node, is_behind) in scores.items():
            names.append(f"{name}/scores" if is_behind else name)
            if is_behind:
                made = self._flat(node)
                self.nodes.append(helper.make_node("Identity", [made], [names[-1]], name=names[-1]))
                plain.graph.output.append(
                    helper.make_tensor_value_info(names[-1], kind, [1, self.builder.size(node)])
                )
        plain.graph.node.extend(self.nodes)
        plain.graph.initializer.extend(self.weights)
        return only_these(plain, names)

    def _flat(self, node: int) -> str:
        """A tensor of shape (1, n) with the numbers of a node."""
        if node in self.tensors:
            return self._add("Reshape", self.tensors[node], self._store(np.array([1, self.builder.size(node)])))
        made = self.builder.nodes[node]
        if not isinstance(made, Affine) or sum(m.out_size * m.in_size for m, _ in made.terms) > MOST_ENTRIES:
            raise UnsupportedError(f"{self.path}: the scores are no linear function of tensors of the file")
        total = self._store(self._exactly(made.bias)[None])
        for linear, source in made.terms:
            self._exactly(linear.coefficients)
            matrix = self._exactly(Coefficients(linear.matrix().toarray().T))
            total = self._add("Add", total, self._add("MatMul", self._flat(source), self._store(matrix)))
        return total

    def _exactly(self, numbers: Coefficients) -> npt.NDArray[Any]:
        """Numbers as floats of the network's type, which they have to be."""
        floats: npt.NDArray[Any] = numbers.values.astype(self.dtype)
        if not numbers.is_dyadic or (floats != numbers.values).any():
            raise UnsupportedError(f"{self.path}: the scores have weights that are no {self.dtype.name} numbers")
        return floats

    def _add(self, op: str, *inputs: str) -> str:
        name = f"scores/{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name))
        return name

    def _store(self, array: npt.NDArray[Any]) -> str:
        name = f"scores/constant{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array, name))
        return name
