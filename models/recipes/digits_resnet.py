"""`digits-resnet`: a normalised stem, one residual block with a projected shortcut, and a dense layer.

It is trained with interval bound propagation, so that its exact radius stays affordable. Training
normalises the stem by each batch's statistics; the file keeps BatchNormalization as a node, with the
mean and variance of the finished stem over the whole training part, so no running average is needed.
Source: He et al., Deep Residual Learning for Image Recognition, arXiv 1512.03385 (the block with shortcut B).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from verdict.models.recipes import digits
from verdict.models.recipes._common import About, run, write_model
from verdict.models.recipes._onnx import Graph

if TYPE_CHECKING:
    import torch

    from verdict.models.recipes._train import Parameters

STEM, BLOCK = 6, 8
EPSILON = 1e-5
# A small dose of interval bound propagation: without it an exact radius took HiGHS more than a minute.
EPS = 0.06
PLAIN_SHARE = 0.6
ABOUT = About(
    name="digits-resnet",
    recipe="digits_resnet",
    description=(
        "Small residual network on 8x8 digits, trained with interval bound propagation (eps 0.06); has "
        "BatchNormalization as a node and an Add of two branches; input (N, 1, 8, 8)."
    ),
    architecture="conv 6 (stride 2), batch norm; block 8 (3x3 stride 2, 3x3; 1x1 shortcut); dense 10, ReLU",
    data="digits",
    input_shape=(1, 8, 8),
    input_range=(0.0, 1.0),
    classes=digits.CLASSES,
)


def logit_bounds(p: Parameters, x: torch.Tensor, eps: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return interval bounds (n, classes) on the logits over the balls around images (n, 1, 8, 8) in [0, 1].

    The stem is normalised by the statistics of the images themselves. With eps 0 both bounds are the logits.
    """

    from verdict.models.recipes._train import conv_bounds, dense_bounds

    variance, mean = stem_statistics(p["stem"], x)
    gain = p["scale"] / (variance + EPSILON).sqrt()
    ball = (x - eps).clamp(0, 1), (x + eps).clamp(0, 1)
    low, high = conv_bounds(
        *ball, p["stem"] * gain.view(-1, 1, 1, 1), p["shift"] - mean * gain, stride=2, pad=1
    )
    stem = low.relu(), high.relu()
    low, high = conv_bounds(*stem, p["w1"], p["b1"], stride=2, pad=1)
    low, high = conv_bounds(low.relu(), high.relu(), p["w2"], p["b2"], stride=1, pad=1)
    short_low, short_high = conv_bounds(*stem, p["short"], None, stride=2, pad=0)
    low, high = (low + short_low).relu(), (high + short_high).relu()
    return dense_bounds(low.flatten(1), high.flatten(1), p["w3"], p["b3"])


def stem_statistics(weight: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the variance and the mean, each (channels,), of the stem's convolution on the images."""
    import torch

    stem = torch.nn.functional.conv2d(x, weight, stride=2, padding=1)
    variance, mean = torch.var_mean(stem, dim=(0, 2, 3), correction=0)
    return variance, mean


def loss(p: Parameters, x: torch.Tensor, y: torch.Tensor, progress: float) -> torch.Tensor:
    """Return the mixed loss on images (n, 1, 8, 8)."""
    from verdict.models.recipes._train import mixed_loss

    return mixed_loss(lambda eps: logit_bounds(p, x, eps), y, progress, eps=EPS, plain_share=PLAIN_SHARE)


def write(output: Path) -> None:
    from verdict.models.recipes._train import Initial, Schedule, fit, tensor, zeros

    X, y, held_X, held_y = digits.split()
    images = X.reshape(-1, 1, 8, 8)
    draw = Initial(1)
    start = {
        "stem": draw.weight(STEM, 1, 3, 3), "scale": zeros(STEM) + 1, "shift": zeros(STEM),
        "w1": draw.weight(BLOCK, STEM, 3, 3), "b1": zeros(BLOCK),
        "w2": draw.weight(BLOCK, BLOCK, 3, 3), "b2": zeros(BLOCK),
        "short": draw.weight(BLOCK, STEM, 1, 1),
        "w3": draw.weight(10, 4 * BLOCK), "b3": zeros(10),
    }  # fmt: skip
    # The stem's scale does not matter before a normalisation, so shrinking it would only shrink it for ever.
    w = fit(start, loss, images, y, Schedule(epochs=100, undecayed=("stem",)), seed=1)
    variance, mean = stem_statistics(tensor(w["stem"]), tensor(images))

    graph = Graph(ABOUT.name, ABOUT.input_shape)
    x = graph.conv("input", "stem", w["stem"], stride=2, pad=1)
    x = graph.batch_norm(
        x,
        "norm",
        epsilon=EPSILON,
        scale=w["scale"],
        bias=w["shift"],
        mean=mean.numpy(),
        variance=variance.numpy(),
    )
    x = graph.relu(x, "relu1")
    inner = graph.relu(graph.conv(x, "conv1", w["w1"], w["b1"], stride=2, pad=1), "relu2")
    inner = graph.conv(inner, "conv2", w["w2"], w["b2"], stride=1, pad=1)
    shortcut = graph.conv(x, "shortcut", w["short"], stride=2, pad=0)
    x = graph.relu(graph.add(inner, shortcut, "add"), "relu3")
    logits = graph.gemm(graph.flatten(x, "flatten"), "logits", w["w3"], w["b3"])
    write_model(output, ABOUT, graph.finish(logits, 10), held_X, held_y)


if __name__ == "__main__":
    run(write)
