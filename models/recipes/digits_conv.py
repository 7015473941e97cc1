"""`digits-conv`: two strided convolutions and one dense layer on the digits, as images of shape (1, 8, 8)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from verdict.models.recipes import digits
from verdict.models.recipes._common import About, run, write_model
from verdict.models.recipes._onnx import Graph

if TYPE_CHECKING:
    import torch

    from verdict.models.recipes._train import Parameters

CHANNELS = (6, 12)
ABOUT = About(
    name="digits-conv",
    recipe="digits_conv",
    description="Small convolutional network on 8x8 digits; input (N, 1, 8, 8).",
    architecture="conv 6 (3x3, stride 2), conv 12 (3x3, stride 2), dense 10, ReLU",
    data="digits",
    input_shape=(1, 8, 8),
    input_range=(0.0, 1.0),
    classes=digits.CLASSES,
)


def loss(p: Parameters, x: torch.Tensor, y: torch.Tensor, progress: float) -> torch.Tensor:
    """Return the cross entropy on images (n, 1, 8, 8)."""
    from torch.nn.functional import conv2d, cross_entropy

    x = conv2d(x, p["w1"], p["b1"], stride=2, padding=1).relu()
    x = conv2d(x, p["w2"], p["b2"], stride=2, padding=1).relu()
    return cross_entropy(x.flatten(1) @ p["w3"].T + p["b3"], y)


def write(output: Path) -> None:
    from verdict.models.recipes._train import Initial, Schedule, fit, zeros

    X, y, held_X, held_y = digits.split()
    first, second = CHANNELS
    draw = Initial(1)
    start = {
        "w1": draw.weight(first, 1, 3, 3), "b1": zeros(first),
        "w2": draw.weight(second, first, 3, 3), "b2": zeros(second),
        "w3": draw.weight(10, 4 * second), "b3": zeros(10),
    }  # fmt: skip
    w = fit(start, loss, X.reshape(-1, 1, 8, 8), y, Schedule(epochs=100), seed=1)
    graph = Graph(ABOUT.name, ABOUT.input_shape)
    x = graph.relu(graph.conv("input", "conv1", w["w1"], w["b1"], stride=2, pad=1), "relu1")
    x = graph.relu(graph.conv(x, "conv2", w["w2"], w["b2"], stride=2, pad=1), "relu2")
    logits = graph.gemm(graph.flatten(x, "flatten"), "logits", w["w3"], w["b3"])
    write_model(output, ABOUT, graph.finish(logits, 10), held_X, held_y)


if __name__ == "__main__":
    run(write)
