"""The training loop that the recipes share: Adam, one learning-rate cycle, double precision, one thread.

Weights are kept small by weight decay and pushed to zero by the proximal step of the L1 norm; what remains
below a thousandth is cut to exact zero. The cut matters: the step leaves weights down to 1e-10, and with them
HiGHS 1.15 stalled in the root node on about half of the images, with it on none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

SMALLEST_WEIGHT = 1e-3

Parameters = dict[str, torch.Tensor]
Weights = dict[str, NDArray[np.float32]]
# loss(parameters, points, labels, progress in [0, 1]) -> scalar
Loss = Callable[[Parameters, torch.Tensor, torch.Tensor, float], torch.Tensor]


@dataclass(frozen=True)
class Schedule:
    """How long, how fast and how strongly regularised; `undecayed` parameters feed a batch normalisation."""

    epochs: int
    batch: int = 64
    rate: float = 0.01
    l1: float = 0.01
    decay: float = 1e-4
    undecayed: tuple[str, ...] = ()


class Initial:
    """Draws starting weights from one seeded generator."""

    def __init__(self, seed: int) -> None:
        torch.set_num_threads(1)
        self.generator = torch.Generator().manual_seed(seed)

    def weight(self, *shape: int) -> torch.Tensor:
        """Return a He-normal weight of shape (outputs, inputs, ...)."""
        scale = math.sqrt(2 / math.prod(shape[1:]))
        return torch.randn(*shape, generator=self.generator, dtype=torch.float64) * scale

    def mlp(self, sizes: Sequence[int]) -> Parameters:
        """Return w1, b1, w2, b2, ... for the layer sizes, input first."""
        parameters: Parameters = {}
        for i in range(1, len(sizes)):
            parameters[f"w{i}"] = self.weight(sizes[i], sizes[i - 1])
            parameters[f"b{i}"] = zeros(sizes[i])
        return parameters


def zeros(size: int) -> torch.Tensor:
    return torch.zeros(size, dtype=torch.float64)


def tensor(points: NDArray[np.float32]) -> torch.Tensor:
    """Return the points in the precision of training."""
    return torch.from_numpy(points.astype(np.float64))


def mlp_logits(parameters: Parameters, x: torch.Tensor) -> torch.Tensor:
    """Return the logits (n, classes) of points (n, features) under the layers w1, b1, w2, b2, ..."""
    layers = len(parameters) // 2
    for i in range(1, layers):
        x = (x @ parameters[f"w{i}"].T + parameters[f"b{i}"]).relu()
    return x @ parameters[f"w{layers}"].T + parameters[f"b{layers}"]


def mlp_loss(parameters: Parameters, x: torch.Tensor, y: torch.Tensor, progress: float) -> torch.Tensor:
    """Return the cross entropy of the layers' logits."""
    return torch.nn.functional.cross_entropy(mlp_logits(parameters, x), y)


def dense_bounds(
    low: torch.Tensor, high: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return interval bounds (n, outputs) on x weightᵀ + bias over boxes (n, inputs)."""
    centre, radius = (low + high) / 2 @ weight.T + bias, (high - low) / 2 @ weight.abs().T
    return centre - radius, centre + radius


def conv_bounds(
    low: torch.Tensor,
    high: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    *,
    stride: int,
    pad: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return interval bounds on a convolution over boxes (n, channels, height, width)."""
    conv2d = torch.nn.functional.conv2d
    centre = conv2d((low + high) / 2, weight, bias, stride=stride, padding=pad)
    radius = conv2d((high - low) / 2, weight.abs(), stride=stride, padding=pad)
    return centre - radius, centre + radius


def mixed_loss(
    bounds: Callable[[float], tuple[torch.Tensor, torch.Tensor]],
    y: torch.Tensor,
    progress: float,
    *,
    eps: float,
    plain_share: float,
) -> torch.Tensor:
    """Return the loss of interval bound propagation: cross entropies of the logits and of their worst case.

    `bounds(eps)` bounds the logits (n, classes) over balls of that radius, and gives the logits for 0. The
    radius and the worst case's share grow from a tenth to seven tenths of the training, up to `eps` and
    1 - `plain_share`.
    Source: Gowal et al., On the Effectiveness of Interval Bound Propagation, arXiv 1810.12715.
    """
    functional = torch.nn.functional
    ramp = min(1.0, max(0.0, (progress - 0.1) / 0.6))
    share = ramp * (1 - plain_share)
    logits, _ = bounds(0.0)
    low, high = bounds(ramp * eps)
    worst = torch.where(functional.one_hot(y, low.shape[1]).bool(), low, high)
    return (1 - share) * functional.cross_entropy(logits, y) + share * functional.cross_entropy(worst, y)


def fit(
    parameters: Parameters,
    loss: Loss,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    schedule: Schedule,
    seed: int,
) -> Weights:
    """Train the parameters on points X (n, ...) and labels y (n,); return them in float32, cut."""
    points, labels = tensor(X), torch.from_numpy(y)
    generator = torch.Generator().manual_seed(seed)
    matrices = [p for k, p in parameters.items() if p.ndim > 1 and k not in schedule.undecayed]
    for p in parameters.values():
        p.requires_grad_()
    steps = schedule.epochs * math.ceil(len(points) / schedule.batch)
    optimiser = torch.optim.Adam(parameters.values(), lr=schedule.rate)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, schedule.rate, total_steps=steps)
    step = 0
    for _ in range(schedule.epochs):
        for batch in torch.split(torch.randperm(len(points), generator=generator), schedule.batch):
            optimiser.zero_grad()
            value = loss(parameters, points[batch], labels[batch], step / steps)
            for m in matrices:
                value = value + schedule.decay * m.square().sum()
            torch.autograd.backward(value)
            optimiser.step()
            _shrink(matrices, schedule.l1 * float(cycle.get_last_lr()[0]))
            cycle.step()
            step += 1
    return {key: _finish(p) for key, p in parameters.items()}


def _shrink(matrices: list[torch.Tensor], by: float) -> None:
    with torch.no_grad():
        for m in matrices:
            m.copy_(m.sign() * (m.abs() - by).clamp(min=0))


def _finish(parameter: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = parameter.detach().numpy().astype(np.float32)
    return np.where(np.abs(array) < SMALLEST_WEIGHT, np.float32(0), array)
