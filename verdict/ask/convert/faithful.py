"""Is the ONNX file the model? Both answer the same inputs, and a difference beyond rounding is a refusal.

The statement is about the ONNX file as ONNX Runtime and exact arithmetic read it. A framework may compute in another
precision, so the outputs need not be equal; but where the file would say something else, nothing is asked of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...base.errors import ModelError

# What the outputs may differ by: a share of the size of a framework's own outputs.
CLOSE = 1e-3
# Inputs that are tried, and the factors of the usual distance from the middle at which they lie.
COUNT, FACTORS = 64, (0.1, 1.0, 3.0)


def around(middle: npt.NDArray[Any], distance: npt.NDArray[Any] | float = 1.0) -> npt.NDArray[np.float64]:
    """Points around a middle, (COUNT, *shape), the same ones each time."""
    random = np.random.default_rng(0)
    factors = np.resize(FACTORS, COUNT).reshape(COUNT, *[1] * np.ndim(middle))
    found: npt.NDArray[np.float64] = middle + factors * distance * random.standard_normal((COUNT, *np.shape(middle)))
    return found


def runtime_outputs(data: bytes, points: npt.NDArray[Any], path: Path) -> list[list[Any]]:
    """What ONNX Runtime answers: for each point the list of outputs. One point at a time: a file may take no more."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4  # what fails is raised, and told once
    try:
        session = onnxruntime.InferenceSession(data, settings, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return [session.run(None, {name: point[None]}) for point in points]
    except Exception as error:
        line = (str(error).splitlines() or [""])[0]
        raise ModelError(f"{path}: ONNX Runtime cannot run the converted model: {line[:300]}") from error


def compare(path: Path, theirs: npt.NDArray[Any], ours: npt.NDArray[Any], what: str) -> None:
    """Raise ModelError unless the numbers agree up to rounding; (inputs, outputs) each."""
    theirs, ours = theirs.reshape(len(theirs), -1), ours.reshape(len(ours), -1)
    if theirs.shape != ours.shape:
        raise ModelError(f"{path}: {what} has shape {theirs.shape[1:]}, the converted model gives {ours.shape[1:]}")
    scale = max(1.0, float(np.abs(theirs).max()))
    off = np.abs(theirs.astype(np.float64) - ours.astype(np.float64))
    if not np.isfinite(ours).all() or float(off.max()) > CLOSE * scale:
        at = int(np.argmax(np.where(np.isfinite(off), off, np.inf).max(axis=1)))
        raise ModelError(
            f"{path}: the converted model is not the model: {what} differs by {float(off[at].max()):.3g} at one of "
            f"{len(theirs)} inputs that were tried; an example of float64 keeps more: example=X[:1].astype(float)"
        )
