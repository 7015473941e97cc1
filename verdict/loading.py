"""Loading a network: an ONNX file, or a shipped model by its name.

Every function of the API that takes a network takes either in its place.
"""

from __future__ import annotations

from pathlib import Path

from .errors import ModelError
from .network.network import Network

# A network, or what `load` makes one of.
Model = Network | str | Path


def load(model: str | Path) -> Network:
    """The network in an ONNX file, or the shipped model of that name (see `verdict models`).

    Raises ModelError or UnsupportedError with the file and the place in it.
    """
    from .network.onnx_import import load_onnx

    path = Path(model)
    try:
        there = path.exists()
    except OSError as error:  # a name that no file system takes
        raise ModelError(f"{model}: cannot read the model: {error.strerror or error}") from error
    if not there and isinstance(model, str) and path.suffix == "" and "/" not in model:
        from verdict.models import model as shipped

        path = shipped(model).path
    return load_onnx(path)


def loaded(model: Model) -> Network:
    """The network itself, or what `load` makes of its file or name."""
    return model if isinstance(model, Network) else load(model)
