"""`digits-mlp-robust`: the layers of `digits-mlp`, trained so that interval bounds prove it robust.

The loss mixes the cross entropy of the logits with that of their worst case under interval bound propagation
over an L-infinity ball; the ball's radius and the worst case's share grow during training.
Source: Gowal et al., On the Effectiveness of Interval Bound Propagation, arXiv 1810.12715.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from verdict.models.recipes import digits
from verdict.models.recipes._common import About, run, write_model
from verdict.models.recipes._onnx import mlp
from verdict.models.recipes.digits_mlp import SIZES

if TYPE_CHECKING:
    import torch

    from verdict.models.recipes._train import Parameters

EPS = 0.1
# What the plain cross entropy keeps of the loss at the end; less of it gives larger radii and lower accuracy.
PLAIN_SHARE = 0.6
ABOUT = About(
    name="digits-mlp-robust",
    recipe="digits_mlp_robust",
    description=(
        "The layers of digits-mlp, trained with interval bound propagation (eps 0.1): compare their radii."
    ),
    architecture="64-24-16-10, ReLU",
    data="digits",
    input_shape=(64,),
    input_range=(0.0, 1.0),
    classes=digits.CLASSES,
)


def logit_bounds(p: Parameters, x: torch.Tensor, eps: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return interval bounds (n, classes) on the logits over the balls around points (n, 64) in [0, 1]."""
    from verdict.models.recipes._train import dense_bounds

    low, high = dense_bounds((x - eps).clamp(0, 1), (x + eps).clamp(0, 1), p["w1"], p["b1"])
    for i in range(2, len(SIZES)):
        low, high = dense_bounds(low.relu(), high.relu(), p[f"w{i}"], p[f"b{i}"])
    return low, high


def loss(p: Parameters, x: torch.Tensor, y: torch.Tensor, progress: float) -> torch.Tensor:
    """Return the mixed loss on points (n, 64)."""
    from verdict.models.recipes._train import mixed_loss

    return mixed_loss(lambda eps: logit_bounds(p, x, eps), y, progress, eps=EPS, plain_share=PLAIN_SHARE)


def write(output: Path) -> None:
    from verdict.models.recipes._train import Initial, Schedule, fit

    X, y, held_X, held_y = digits.split()
    weights = fit(Initial(1).mlp(SIZES), loss, X, y, Schedule(epochs=150, l1=1e-3, decay=1e-5), seed=1)
    write_model(output, ABOUT, mlp(ABOUT.name, weights), held_X, held_y)


if __name__ == "__main__":
    run(write)
