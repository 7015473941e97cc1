"""The picture of the README, from a real run: python docs/img/make.py (needs matplotlib)."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import verdict
from verdict.models import data


def main() -> None:
    x = data("digits").load()[0][3]
    panels, titles = [x], []
    for name in ("digits-mlp", "digits-mlp-robust"):
        radius = verdict.maxeps(verdict.load(name), x, range=(0, 1))
        if radius.witness is None or radius.upper is None:
            raise SystemExit(f"{name}: no witness")
        panels += [radius.witness.array()]
        titles += [f"{name}: a {radius.target}\nat radius {float(radius.upper):.6f}"]
    titles = ["the input: a 2", *titles, "what the first one\nchanged (× 10)"]
    panels.append(np.clip(0.5 + 10 * (panels[1] - x) / 2, 0, 1))
    figure, axes = plt.subplots(1, 4, figsize=(9, 2.9))
    for axis, panel, title in zip(axes, panels, titles, strict=True):
        colours = "RdBu_r" if panel is panels[-1] else "gray_r"
        axis.imshow(panel.reshape(8, 8), cmap=colours, vmin=0, vmax=1)
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    figure.tight_layout()
    figure.savefig(Path(__file__).with_name("digit.png"), dpi=110)


if __name__ == "__main__":
    main()
