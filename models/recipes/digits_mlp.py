"""`digits-mlp`: the plain fully connected network on the digits, trained for accuracy alone.

It is the first network to try: HiGHS finds the exact radius of an image in about a second.
"""

from __future__ import annotations

from pathlib import Path

from verdict.models.recipes import digits
from verdict.models.recipes._common import About, run, write_model
from verdict.models.recipes._onnx import mlp

SIZES = (64, 24, 16, 10)
ABOUT = About(
    name="digits-mlp",
    recipe="digits_mlp",
    description="Fully connected network on 8x8 digits, trained for accuracy alone; the one to start with.",
    architecture="64-24-16-10, ReLU",
    data="digits",
    input_shape=(64,),
    input_range=(0.0, 1.0),
    classes=digits.CLASSES,
)


def write(output: Path) -> None:
    from verdict.models.recipes._train import Initial, Schedule, fit, mlp_loss

    X, y, held_X, held_y = digits.split()
    weights = fit(Initial(1).mlp(SIZES), mlp_loss, X, y, Schedule(epochs=80), seed=1)
    write_model(output, ABOUT, mlp(ABOUT.name, weights), held_X, held_y)


if __name__ == "__main__":
    run(write)
