"""The toy `abs`: |x| as two ReLUs against a constant, its weights written by hand, and eight points.

|x| = relu(x) + relu(-x) is the score of class 0, `far`; the constant 1/2 is the score of class 1, `near`.
With two scores it is a classifier like any other, and the exact radius of a point x is the distance of |x| to
1/2.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from verdict.models.recipes._common import About, AboutData, run, write_data, write_model
from verdict.models.recipes._onnx import mlp

ABOUT = About(
    name="abs",
    recipe="abs",
    description=(
        "Toy, weights by hand. Score of class 'far' is |x| = relu(x) + relu(-x), score of class 'near' "
        "is the constant 1/2; x in [-1, 1]. The exact radius of x is | |x| - 1/2 |: 1/2 at 0, 3/8 at "
        "1/8, 1/4 at 3/4."
    ),
    architecture="1-2-2, ReLU",
    data="abs",
    input_shape=(1,),
    input_range=(-1.0, 1.0),
    classes=("far", "near"),
)
ABOUT_DATA = AboutData(
    name="abs",
    recipe="abs",
    description="Eight points of [-1, 1]; label 0 ('far') where |x| > 1/2, 1 ('near') where |x| < 1/2.",
    range=(-1.0, 1.0),
    feature_names=("x",),
)


def write(output: Path) -> None:
    weights = {
        "w1": np.array([[1], [-1]], np.float32),
        "b1": np.zeros(2, np.float32),
        "w2": np.array([[1, 1], [0, 0]], np.float32),
        "b2": np.array([0, 0.5], np.float32),
    }
    X = np.array([[-1], [-0.75], [-0.25], [0], [0.125], [0.25], [0.75], [1]], np.float32)
    y = np.array([0, 0, 1, 1, 1, 1, 0, 0], np.int64)
    write_data(output, ABOUT_DATA, X, y)
    write_model(output, ABOUT, mlp(ABOUT.name, weights), X, y)


if __name__ == "__main__":
    run(write)
