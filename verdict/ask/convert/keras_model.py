"""A Keras model, by Keras' own export, whatever runs under it.

Images are height x width x channels, as in Keras; the file is for one input at a time.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ...base.errors import InputError
from ...network.names import Names
from .converted import Converted, converting, needed
from .faithful import around, compare, runtime_outputs


def convert(model: Any, example: Any) -> Converted:
    """The model as ONNX. Raises InputError where its input has no fixed shape and no example is given."""
    name = model.name or type(model).__name__
    keras = needed("keras", f"{name} of Keras", "keras")
    path = Path(f"{name}.onnx")
    one = _one(model, example, name)
    with converting(name), tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        model(one)
        written = Path(folder) / "model.onnx"
        model.export(str(written), format="onnx", verbose=False)
        data = written.read_bytes()
        points = np.vstack([one, around(one[0])]).astype(one.dtype)
        theirs = np.asarray(model.predict(points, verbose=0))
    ours = np.array([found[0].reshape(-1) for found in runtime_outputs(data, points, path)])
    compare(path, theirs, ours, "the output")
    names = Names(origin=f"Keras {keras.__version__} {name}, by its own export, in {one.dtype}")
    return Converted(data, path, names)


def _one(model: Any, example: Any, name: str) -> Any:
    """One input, with its batch axis."""
    dtype = np.dtype(getattr(model, "input_dtype", None) or "float32")
    if example is not None:
        found = np.asarray(example, dtype)
        return found[None] if found.ndim < 2 else found[:1]
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or any(side is None for side in shape[1:]):
        raise InputError(f"{name}: the input has the shape {shape}: verdict.load(model, example=x), one input")
    return np.random.default_rng(0).standard_normal(shape[1:]).astype(dtype)[None]
