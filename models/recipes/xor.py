"""The toy `xor`: exclusive or of two inputs in [0, 1], its weights written by hand, and its four points.

h1 = relu(a - b) and h2 = relu(b - a) add up to |a - b|; the scores are 1 - |a - b| for 0 and |a - b| for 1.
So the answer is 1 where |a - b| > 1/2, and radii can be read off: 1/2 at (0, 0) and (1, 1), where only one
input can usefully move because the other is at its end of the range, and 1/4 at (0, 1) and (1, 0), where both
move.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from verdict.models.recipes._common import About, AboutData, run, write_data, write_model
from verdict.models.recipes._onnx import mlp

ABOUT = About(
    name="xor",
    recipe="xor",
    description=(
        "Toy, weights by hand. h1 = relu(a - b), h2 = relu(b - a), so h1 + h2 = |a - b|; scores: 1 - |a"
        " - b| for class 0, |a - b| for class 1. Exact L-infinity radii within [0, 1]: 1/2 at (0,0) and"
        " (1,1), 1/4 at (0,1) and (1,0). Interval bounds alone prove only 1/4 at (0,0): they do not see"
        " that h1 and h2 are never both positive."
    ),
    architecture="2-2-2, ReLU",
    data="xor",
    input_shape=(2,),
    input_range=(0.0, 1.0),
    classes=("0", "1"),
)
ABOUT_DATA = AboutData(
    name="xor",
    recipe="xor",
    description="The four corners of the unit square, labelled with their exclusive or.",
    range=(0.0, 1.0),
    feature_names=("a", "b"),
)


def write(output: Path) -> None:
    weights = {
        "w1": np.array([[1, -1], [-1, 1]], np.float32),
        "b1": np.zeros(2, np.float32),
        "w2": np.array([[-1, -1], [1, 1]], np.float32),
        "b2": np.array([1, 0], np.float32),
    }
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    y = np.array([0, 1, 1, 0], np.int64)
    write_data(output, ABOUT_DATA, X, y)
    write_model(output, ABOUT, mlp(ABOUT.name, weights), X, y)


if __name__ == "__main__":
    run(write)
