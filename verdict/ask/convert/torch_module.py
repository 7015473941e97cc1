"""A `torch.nn.Module` with an example input, by torch.onnx.export.

The module is exported as in evaluation (`module.eval()`), in the precision of its own weights, for one input at a time.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from ...base.errors import InputError
from ...network.names import Names
from .converted import Converted, converting, needed
from .faithful import around, compare, runtime_outputs

OPSET = 17


def convert(model: Any, example: Any) -> Converted:
    """The module as ONNX. Raises InputError without an example, ModelError for what torch cannot export."""
    name = type(model).__name__
    torch = needed("torch", f"{name} of PyTorch", "torch")
    path = Path(f"{name}.onnx")
    if example is None:
        raise InputError(f"{name}: a PyTorch module needs an example: verdict.load(model, example=x), one input")
    kind = next((p.dtype for p in model.parameters() if p.dtype.is_floating_point), torch.float32)
    one = torch.as_tensor(example).detach().cpu().to(kind)
    one = one[None] if one.ndim < 2 else one[:1]
    was_training = model.training
    try:
        model.eval()
        with converting(name), torch.no_grad():
            one = _taken(model, one)
            written = io.BytesIO()
            torch.onnx.export(model, (one,), written, dynamo=False, opset_version=OPSET)
            points = np.vstack([one.numpy(), around(one[0].numpy())]).astype(one.numpy().dtype)
            theirs = np.array([model(torch.as_tensor(point[None])).numpy().reshape(-1) for point in points])
    finally:
        model.train(was_training)
    data = written.getvalue()
    ours = np.array([found[0].reshape(-1) for found in runtime_outputs(data, points, path)])
    compare(path, theirs, ours, "the output")
    digits = str(kind).removeprefix("torch.")
    names = Names(origin=f"PyTorch {torch.__version__} {name}, by torch.onnx.export, in {digits}")
    return Converted(data, path, names)


def _taken(model: Any, one: Any) -> Any:
    """The example as the model takes it: an image without a batch axis, (1, height, width), may be one of a batch."""
    try:
        model(one)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        try:
            model(one[None])
        except (RuntimeError, ValueError, TypeError, IndexError):
            raise error from None
        return one[None]
    return one
