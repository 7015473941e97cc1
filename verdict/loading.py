"""Loading a network: an ONNX file, or a shipped model by its name.

Every function of the API that takes a network takes either in its place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .arguments import place, word
from .errors import ModelError
from .network.network import Network

# A network, or what `load` makes one of.
Model = Network | str | Path


def load(model: str | Path, output: str | None = None) -> Network:
    """The network in an ONNX file, or the shipped model of that name (see `verdict models`).

    `output` is the name of one of its outputs, and then the network has that one alone.
    Raises ModelError or UnsupportedError with the file and the place in it, InputError for an output that is not there.
    """
    from .network.onnx_import import load_onnx

    path = shipped_path(model)
    return load_onnx(path, output=None if output is None else word(output, "output"))


def shipped_path(model: Any) -> Path:
    """The file of that name or, where there is none, of the shipped model that is called so. Raises ModelError."""
    path = place(model, "the network")
    try:
        there = path.exists()
    except (OSError, ValueError) as error:  # a name that no file system takes
        raise ModelError(f"{model}: cannot read the model: {getattr(error, 'strerror', '') or error}") from error
    if there or not isinstance(model, str) or path.suffix != "" or "/" in model:
        return path
    from verdict.models import model as shipped

    return shipped(model).path


def loaded(model: Any, output: str | None = None) -> Network:
    """The network itself, or what `load` makes of its file or name; of several outputs the one named. InputError."""
    if not isinstance(model, Network):
        return load(model, output)
    if output is None:
        return model
    from .network.outputs import with_output

    return with_output(model, word(output, "output"))


def for_classes(model: Any, output: str | None = None) -> Network:
    """The same for a question about classes: the one output that can hold their scores. Raises InputError."""
    from .network.outputs import for_classes

    return for_classes(loaded(model, output))
