"""Loading a network: an ONNX file, a shipped model by its name, or a model in memory.

Every function of the API that takes a network takes whatever `load` takes in its place.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ..base.arguments import place, word, words
from ..base.assumed import assumed, literally
from ..base.errors import InputError, ModelError
from ..network.names import Names
from ..network.network import Network

if TYPE_CHECKING:
    from ..ops.importer.shapes import Shapes

# A network, or what `load` makes one of: a file, a shipped model's name, or a model of a framework.
Model: TypeAlias = Any


def load(
    model: Any,
    output: str | None = None,
    shapes: Shapes | None = None,
    *,
    example: Any = None,
    features: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
) -> Network:
    """The network in an ONNX file, the shipped model of that name (see `verdict models`), or a model in memory.

    In memory it may be a fitted scikit-learn estimator or Pipeline, a `torch.nn.Module` with an `example`, a Keras
    model, an `onnx.ModelProto` or the bytes of an ONNX file. It is converted to ONNX, what the ONNX file predicts is
    compared with the model's own predictions, and every answer is about that file, in its precision (`repr` says
    which); `Network.save` writes it. `example` is one input with its batch axis, or several.

    `features` and `classes` are names, one for each input and from class 0 on, where the model does not say its own
    (scikit-learn does): formulas, labels and answers use them.

    `output` is the name of one of its outputs, and then the network has that one alone. `shapes` are those of inputs
    whose axes have no size in the file, by name: `{"x": (1, 3, 224, 224)}`, or `(1, 3, 224, 224)` of the only input.
    Raises ModelError or UnsupportedError with the file and the place in it, InputError for an output or input that is
    not there, for shapes and names that do not fit, and where a package is missing that converts the model.

    >>> import verdict
    >>> verdict.load("xor")
    <Network xor: input (1, 2) -> logits (1, 2); 2 Gemm, 1 Relu>
    """
    from ..ops.importer.onnx_import import load_data, load_onnx
    from .convert import as_onnx, is_known

    chosen = None if output is None else word(output, "output")
    if isinstance(model, Network):
        network = loaded(model, chosen, shapes)
    elif is_known(model):
        made = as_onnx(model, example, features, classes)
        network = load_data(made.data, made.path, output=chosen, shapes=shapes)
        if network.data == made.data:
            network = network.kept_in_memory()
        if made.names.origin:
            return network  # the names that were given are in the file
    else:
        path = shipped_path(model)
        network = load_onnx(path, output=chosen, shapes=shapes)
        network = network.named(_shipped_names(path) or network.names)
    return with_names(network, features, classes)


def with_names(network: Network, features: Sequence[str] | None, classes: Sequence[str] | None) -> Network:
    """The network with these names instead of its own, where they are given. Raises InputError."""
    if features is None and classes is None:
        return network
    known = network.names
    read = Names(
        known.features if features is None else words(features, "features"),
        known.classes if classes is None else words(classes, "classes"),
        known.origin,
        given=True,
    )
    return network.named(read.checked(network.input_size))


def _shipped_names(path: Path) -> Names | None:
    """The names in the manifest, where the file is a shipped model's."""
    from verdict.models import datasets, models

    model = next((m for m in models().values() if m.path == path), None)
    if model is None:
        return None
    data = None if model.data is None else datasets()[model.data]
    return Names((data and data.feature_names) or (), model.classes or ())


def shipped_path(model: Any) -> Path:
    """The file of that name or, where there is none, of the shipped model that is called so. Raises ModelError."""
    if not isinstance(model, str | os.PathLike):
        from .convert import KINDS

        raise InputError(f"the network is a {type(model).__name__}, expected {KINDS}")
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


def as_written(network: Network) -> Network:
    """The network itself, or product by product where something is assumed of its functions (`base.assumed`): it may
    have been loaded before."""
    return network if assumed() is None or network.has_exact_values else read_literally(network)


def read_literally(network: Network) -> Network:
    """The network as its file has it, product by product, also where a product is a function of one number."""
    from ..ops.importer.onnx_import import network_of

    with literally():
        fresh = network_of(network.data, network.path)
    return replace(network, graph=(fresh.passing_inputs() if network.passes_inputs else fresh).graph)


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
