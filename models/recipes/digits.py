"""The data set `digits`: scikit-learn's handwritten digits, a quarter of them held out.

The 8x8 images have 17 grey levels, 0 to 16; divided by 16 they are exact in float32. All networks on digits
train on the other three quarters, by the same split.
Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
1998 (CC BY 4.0).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from verdict.models.recipes._common import AboutData, Labels, Points, run, write_data

HELD_OUT = 450
CLASSES = tuple("0123456789")
ABOUT = AboutData(
    name="digits",
    recipe="digits",
    description=(
        "Handwritten digits, 8x8 pixels in [0, 1] (grey levels / 16), row by row; the held-out quarter "
        "of scikit-learn's 1797 images. UCI Optical Recognition of Handwritten Digits, CC BY 4.0."
    ),
    range=(0.0, 1.0),
    image_shape=(8, 8),
)


def split() -> tuple[Points, Labels, Points, Labels]:
    """Return training points (1347, 64) and labels, held-out points (450, 64) and labels."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    X, y = (images / 16).astype(np.float32), labels.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(X))
    train, held_out = order[HELD_OUT:], order[:HELD_OUT]
    return X[train], y[train], X[held_out], y[held_out]


def write(output: Path) -> None:
    _, _, X, y = split()
    write_data(output, ABOUT, X, y)


if __name__ == "__main__":
    run(write)
