"""`cancer-mlp`: a small fully connected network on tabular data, with two classes and named features."""

from __future__ import annotations

from pathlib import Path

from verdict.models.recipes import cancer
from verdict.models.recipes._common import About, run, write_model
from verdict.models.recipes._onnx import mlp

ABOUT = About(
    name="cancer-mlp",
    recipe="cancer_mlp",
    description=(
        "Fully connected network that tells malignant from benign by 30 measurements; not for medical use."
    ),
    architecture="30-16-8-2, ReLU",
    data="cancer",
    input_shape=(30,),
    input_range=(0.0, 1.0),
    classes=cancer.CLASSES,
)


def write(output: Path) -> None:
    from verdict.models.recipes._train import Initial, Schedule, fit, mlp_loss

    X, y, held_X, held_y = cancer.split()
    weights = fit(Initial(1).mlp((30, 16, 8, 2)), mlp_loss, X, y, Schedule(epochs=60, batch=32), seed=1)
    write_model(output, ABOUT, mlp(ABOUT.name, weights), held_X, held_y)


if __name__ == "__main__":
    run(write)
