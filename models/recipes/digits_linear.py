"""`digits-linear`: softmax regression on the digits, the network whose exact radius has a closed form.

For class t the margin is affine in the input, so the L-infinity radius without a valid range is the margin
over the L1 norm of its gradient. The graph ends in Softmax, as many exported classifiers do.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from verdict.models.recipes import digits
from verdict.models.recipes._common import About, run, write_model
from verdict.models.recipes._onnx import Graph

ABOUT = About(
    name="digits-linear",
    recipe="digits_linear",
    description=(
        "Softmax regression on 8x8 digits: no ReLU, so every radius can be checked by hand. Ends in Softmax."
    ),
    architecture="64-10, Softmax",
    data="digits",
    input_shape=(64,),
    input_range=(0.0, 1.0),
    classes=digits.CLASSES,
)


def write(output: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    X, y, held_X, held_y = digits.split()
    fitted = LogisticRegression(C=1.0, max_iter=1000).fit(X.astype(np.float64), y)
    graph = Graph(ABOUT.name, ABOUT.input_shape)
    logits = graph.gemm(
        "input", "logits", fitted.coef_.astype(np.float32), fitted.intercept_.astype(np.float32)
    )
    network = graph.finish(graph.softmax(logits, "probabilities"), len(ABOUT.classes))
    write_model(output, ABOUT, network, held_X, held_y)


if __name__ == "__main__":
    run(write)
