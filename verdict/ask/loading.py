"""Loading a network: an ONNX file, or a shipped model by its name.

Every function of the API that takes a network takes either in its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.arguments import place, word
from ..base.errors import ModelError
from ..network.network import Network

if TYPE_CHECKING:
    from ..ops.importer.shapes import Shapes

# A network, or what `load` makes one of.
Model = Network | str | Path


def load(model: str | Path, output: str | None = None, shapes: Shapes | None = None) -> Network:
    """The network in an ONNX file, or the shipped model of that name (see `verdict models`).

    `output` is the name of one of its outputs, and then the network has that one alone. `shapes` are those of inputs
    whose axes have no size in the file, by name: `{"x": (1, 3, 224, 224)}`, or `(1, 3, 224, 224)` of the only input.
    Raises ModelError or UnsupportedError with the file and the place in it, InputError for an output or input that is
    not there and for shapes that do not fit.

    >>> import verdict
    >>> verdict.load("xor")
    <Network xor: input (1, 2) -> logits (1, 2); 2 Gemm, 1 Relu>
    """
    from ..ops.importer.onnx_import import load_onnx

    path = shipped_path(model)
    return load_onnx(path, output=None if output is None else word(output, "output"), shapes=shapes)


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


def loaded(model: Any, output: str | None = None, shapes: Shapes | None = None) -> Network:
    """The network itself, or what `load` makes of its file or name; of several outputs the one named. InputError."""
    if not isinstance(model, Network):
        return load(model, output, shapes)
    if output is None:
        return model
    from ..ops.importer.outputs import with_output

    return with_output(model, word(output, "output"))


def for_classes(model: Any, output: str | None = None, shapes: Shapes | None = None) -> Network:
    """The same for a question about classes: the one output that can hold their scores. Raises InputError."""
    from ..ops.importer.outputs import for_classes

    return for_classes(loaded(model, output, shapes))


def load_several(
    models: Sequence[str | Path], shapes: Shapes | None = None, outputs: Sequence[str | None] | None = None
) -> list[Network]:
    """The networks of one question, `outputs` one for each: a shape given by name is that of each input of the name."""
    parts = [shapes] * len(models)
    if isinstance(shapes, Mapping):
        from ..ops.importer.shapes import for_each

        parts = for_each([shipped_path(model) for model in models], shapes)
    named = [None] * len(models) if outputs is None else outputs
    return [load(*each) for each in zip(models, named, parts, strict=True)]
