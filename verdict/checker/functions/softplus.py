"""ln (1 + exp(z))."""

from __future__ import annotations

from typing import Any

import numpy as np

from .balls import Ball
from .formula import Formula
from .onnx import Form
from .sigmoid import SIGMOID


class Softplus(Formula):
    """max(z, 0) + ln (1 + exp(-|z|)); its slope is the logistic function."""

    name = "Softplus"
    slope = SIGMOID

    def of(self, kind: Any, z: Ball, at: Any) -> Any:
        return kind.choose(at > 0, z, 0) + kind.log(kind.falling(kind.ball(abs(at))) + 1)

    def rising(self, kind: Any, z: Ball, at: Any) -> Any:
        fading = kind.falling(kind.ball(abs(at)))
        return kind.choose(at > 0, 1, fading) / (fading + 1)

    def touching(self, slope: Any, number: int, low: Any, high: Any) -> Any:
        return np.log(np.maximum(slope, 1e-300)) - np.log(np.maximum(1 - slope, 1e-300))


SOFTPLUS = Softplus()
FORMS = {"Softplus": Form((1, 22), lambda: SOFTPLUS)}
