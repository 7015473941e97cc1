"""Networks that benchmarks make themselves, with random weights: the shapes that people have, and nobody's file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

# The layers of VGG16 (Simonyan & Zisserman 1409.1556): channels of its convolutions, 0 where it takes the maximum of
# each two by two.
VGG16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)


def vgg16_like(path: Path, side: int = 64, share: int = 2, hidden: int = 512, classes: int = 10) -> None:
    """VGG16 with a `share` of its channels, on images of 3 x side x side: 19 MB as it is by default.

    Weights are normal with He's variance, so that activations keep their size from layer to layer.
    """
    import onnx
    from onnx import TensorProto, helper

    draft = _Draft()
    channels, size, at = 3, side, "x"
    for count in VGG16:
        if count:
            at = draft.weighted("Conv", at, (count // share, channels, 3, 3), pads=[1, 1, 1, 1])
            at = draft.node("Relu", [at])
            channels = count // share
        else:
            at = draft.node("MaxPool", [at], kernel_shape=[2, 2], strides=[2, 2])
            size //= 2
    at, width = draft.node("Flatten", [at]), channels * size * size
    for number, wide in enumerate((hidden, hidden, classes)):
        at = draft.weighted("Gemm", at, (wide, width), transB=1)
        at, width = (draft.node("Relu", [at]) if number < 2 else at), wide
    graph = helper.make_graph(
        draft.nodes, "vgg16_like",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info(at, TensorProto.FLOAT, [1, classes])], draft.weights,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


class _Draft:
    """The nodes of a network, with seeded random weights."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._random = np.random.default_rng(0)

    def node(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        from onnx import helper

        name = f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def weighted(self, operator: str, x: str, shape: tuple[int, ...], **attributes: Any) -> str:
        from onnx import numpy_helper

        scale = (2 / np.prod(shape[1:])) ** 0.5
        names = [f"{kind}{len(self.nodes)}" for kind in ("weight", "bias")]
        for name, values in zip(names, (self._random.normal(0, scale, shape), np.zeros(shape[0])), strict=True):
            self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return self.node(operator, [x, *names], **attributes)


MADE: dict[str, Callable[[Path], None]] = {"vgg16-like.onnx": vgg16_like}
