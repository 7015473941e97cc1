"""The toy `square`: x^2 against the constant 0.3, its weights written by hand, and eight points.

x^2, a product of the input with itself, is the score of class 0, `large`; the float32 nearest to 0.3 is the score of
class 1, `small`. The radius of x is the distance of |x| to its square root, about 0.5477, which is irrational: an
interval closes around it, and no rational number ends it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from verdict.models.recipes._common import About, AboutData, run, write_data, write_model
from verdict.models.recipes._onnx import Graph

ABOUT = About(
    name="square",
    recipe="square",
    description=(
        "Toy, weights by hand. Score of class 'large' is x x, score of class 'small' is the constant 0.3 (the nearest "
        "float32); x in [-2, 2]. The radius of x is | |x| - sqrt(0.3) |, irrational: about 0.4523 at 1."
    ),
    architecture="1-1-2, square",
    data="square",
    input_shape=(1,),
    input_range=(-2.0, 2.0),
    classes=("large", "small"),
)
ABOUT_DATA = AboutData(
    name="square",
    recipe="square",
    description="Eight points of [-2, 2]; label 0 ('large') where x x > 0.3, 1 ('small') where x x < 0.3.",
    range=(-2.0, 2.0),
    feature_names=("x",),
)


def write(output: Path) -> None:
    X = np.array([[1], [-1], [0], [0.25], [0.5], [-0.5], [0.75], [2]], np.float32)
    y = np.array([0, 0, 1, 1, 1, 1, 0, 0], np.int64)
    graph = Graph(ABOUT.name, (1,))
    squared = graph.multiply("input", "input", "square")
    logits = graph.gemm(squared, "logits", np.array([[1], [0]], np.float32), np.array([0, 0.3], np.float32))
    write_data(output, ABOUT_DATA, X, y)
    write_model(output, ABOUT, graph.finish(logits, 2), X, y)


if __name__ == "__main__":
    run(write)
