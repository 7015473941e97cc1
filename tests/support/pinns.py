"""Small networks of smooth functions, as ONNX files and as functions of mpmath numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
from onnx import helper

from .tiny import write

REAL: dict[str, Callable[[Any], Any]] = {
    "Tanh": mpmath.tanh, "Sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)), "Sin": mpmath.sin, "Cos": mpmath.cos,
    "Softplus": lambda z: mpmath.log1p(mpmath.exp(z)), "Exp": mpmath.exp, "Square": lambda z: z * z,
}


def pinn(
    path: Path, seed: int, functions: Sequence[str], outputs: int = 1, inputs: int = 2
) -> tuple[Path, Callable[..., Any]]:
    """A network of so many inputs with these functions behind its layers of 3, and the same for mpmath numbers."""
    rng = np.random.default_rng(seed)
    nodes, weights, layers, x, size = [], {}, [], "x", inputs
    for i, function in enumerate([*functions, ""]):
        count = 3 if function else outputs
        w, b = (rng.normal(size=shape).astype(np.float32) * np.float32(0.7) for shape in ((size, count), (count,)))
        weights |= {f"W{i}": w, f"B{i}": b}
        layers.append((w, b, function))
        z = f"z{i}" if function else "y"
        nodes.append(helper.make_node("Gemm", [x, f"W{i}", f"B{i}"], [z]))
        x, size = f"h{i}", count
        if function == "Square":
            nodes.append(helper.make_node("Mul", [z, z], [x]))
        elif function:
            nodes.append(helper.make_node(function, [z], [x]))
    write(path, nodes, {"x": [1, inputs]}, {"y": [1, outputs]}, weights)

    def value(*point: Any, which: int = 0) -> Any:
        values = list(point)
        for w, b, function in layers:
            sums = [mpmath.mpf(float(b[j])) + sum(v * float(w[i, j]) for i, v in enumerate(values))
                    for j in range(len(b))]
            values = [REAL[function](z) for z in sums] if function else sums
        return values[which]

    return path, value
