"""The data set `cancer`: scikit-learn's breast cancer measurements, a quarter of them held out.

Each feature is scaled to [0, 1] by the training part's minimum and maximum; held-out values outside are
clipped, so that every point lies in the valid range of the network.
Source: W. Wolberg et al., Breast Cancer Wisconsin (Diagnostic), UCI Machine Learning Repository, 1993 (CC BY
4.0).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from verdict.models.recipes._common import AboutData, Labels, Points, run, write_data

HELD_OUT = 143
CLASSES = ("malignant", "benign")


def split() -> tuple[Points, Labels, Points, Labels]:
    """Return training points (426, 30) and labels, held-out points (143, 30) and labels."""
    from sklearn.datasets import load_breast_cancer

    raw, labels = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(raw))
    train, held_out = order[HELD_OUT:], order[:HELD_OUT]
    low, high = raw[train].min(axis=0), raw[train].max(axis=0)
    X, y = np.clip((raw - low) / (high - low), 0, 1).astype(np.float32), labels.astype(np.int64)
    return X[train], y[train], X[held_out], y[held_out]


def write(output: Path) -> None:
    from sklearn.datasets import load_breast_cancer

    about = AboutData(
        name="cancer",
        recipe="cancer",
        description=(
            "30 measurements of cell nuclei, each scaled to [0, 1] by the training part's range; label 0 is"
            " malignant, 1 benign; the held-out quarter of 569 cases. UCI Breast Cancer Wisconsin "
            "(Diagnostic), CC BY 4.0."
        ),
        range=(0.0, 1.0),
        feature_names=tuple(str(name) for name in load_breast_cancer().feature_names),
    )
    _, _, X, y = split()
    write_data(output, about, X, y)


if __name__ == "__main__":
    run(write)
