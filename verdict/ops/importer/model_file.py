"""The bytes of a model's file, with all its weights, and what to say of files that hold no ONNX model.

Weights may lie in files beside it. They are the model as much as the rest, so they are put inside before anything else
is done: its hash, by which answers are kept, is about them too, and its bytes say everything wherever they travel.
The first byte tells: a ModelProto begins with the tag of one of its fields. So a pickle, an archive of weights or a
gigabyte of zeros is refused before it is read, and the message says how to get an ONNX file from what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...base.errors import ModelError
from ...base.reading import GZIP, MOST_MODEL, open_regular, read_bytes, unpacked

# Field numbers of onnx.ModelProto with their wire types (onnx.proto): 0 is a varint, 2 has a length.
FIELDS = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
TAGS = frozenset(bytes([number << 3 | wire] if number < 16 else [(number << 3 & 127 | wire) | 128, number >> 4])
                 for number, wire in FIELDS.items())
_TORCH = "export it to ONNX first: torch.onnx.export(model, example_input, 'model.onnx')"
_KERAS = "export it to ONNX first: model.export('model.onnx', format='onnx') in Keras 3, or tf2onnx"
_TENSORFLOW = "convert it to ONNX first: python -m tf2onnx.convert --output model.onnx, with"
_PICKLE = (
    "export it to ONNX first: torch.onnx.export for PyTorch, skl2onnx.to_onnx(model, X[:1]) for scikit-learn; Verdict "
    "never loads pickles"
)
# What files with these suffixes are, and what to do.
OTHERS = {
    ".pt": ("a PyTorch file", _TORCH), ".pth": ("a PyTorch file", _TORCH), ".ckpt": ("a checkpoint", _TORCH),
    ".pkl": ("a pickle", _PICKLE), ".pickle": ("a pickle", _PICKLE), ".joblib": ("a pickle", _PICKLE),
    ".safetensors": ("weights without a network", _TORCH),
    ".h5": ("a Keras file", _KERAS), ".hdf5": ("a Keras file", _KERAS), ".keras": ("a Keras file", _KERAS),
    ".tflite": ("a TensorFlow Lite file", f"{_TENSORFLOW} --tflite model.tflite"),
    ".pb": ("a TensorFlow graph", f"{_TENSORFLOW} --saved-model FOLDER"),
    ".mlmodel": ("a Core ML file", "export the model that it was made from to ONNX"),
}  # fmt: skip


# What every tensor that lies in another file has among its entries.
OUTSIDE = b"location"


def read_model(path: Path) -> bytes:
    """The bytes of the model in an ONNX file, its weights in other files put inside. Raises ModelError."""
    return whole(read_file(path), path)


def has_weights_outside(data: bytes) -> bool:
    """Whether weights of the model in these bytes lie in other files."""
    return _outside(data) is not None


def whole(data: bytes, path: Path) -> bytes:
    """The bytes of a model with its weights inside: the same ones where they are. `path` says where other files lie.

    Raises ModelError for those that cannot be read.
    """
    model = _outside(data)
    if model is None:
        return data
    from onnx.external_data_helper import load_external_data_for_tensor, uses_external_data

    try:
        for tensor in _tensors(model):
            if uses_external_data(tensor):
                _refuse_odd_file(tensor, path)
                load_external_data_for_tensor(tensor, str(path.parent))
                tensor.ClearField("data_location")
        inside: bytes = model.SerializeToString(deterministic=True)
    except ModelError:
        raise
    except Exception as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path}: not a valid ONNX model: {said}") from error
    if len(inside) > MOST_MODEL:
        raise ModelError(f"{path}: with its weights the model is larger than {MOST_MODEL / 2**30:g} GiB")
    return inside


def refuse_weights_outside(model: Any, path: Path) -> None:
    """Refuse a model whose weights are not all inside: those that name no file. Raises ModelError."""
    from onnx.external_data_helper import uses_external_data

    name = next((tensor.name for tensor in _tensors(model) if uses_external_data(tensor)), None)
    if name is not None:
        raise ModelError(f"{path}: not a valid ONNX model: the weights {name!r} lie in a file that is not named")


def _outside(data: bytes) -> Any:
    """The model in these bytes, where weights of it lie in other files, else None."""
    if OUTSIDE not in data:
        return None
    import onnx
    from onnx.external_data_helper import uses_external_data

    try:
        model = onnx.load_model_from_string(data)
    except Exception:  # noqa: BLE001 - no model: whoever reads it says so
        return None
    return model if any(map(uses_external_data, _tensors(model))) else None


def _tensors(model: Any) -> Iterator[Any]:
    """All tensors of a model that hold numbers, of inner graphs and local functions too."""
    from .branches import subgraphs

    nodes = [node for function in model.functions for node in function.node]
    graphs = [model.graph]
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            yield from graph.initializer
            nodes += graph.node
            continue
        node = nodes.pop()
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
        graphs += subgraphs(node)


def read_file(path: Path) -> bytes:
    """The bytes of an ONNX file, unpacked where it is gzip-compressed. Raises ModelError."""
    with open_regular(path, ModelError, MOST_MODEL) as stream:
        head = stream.read(2)
    if head != GZIP:
        _look(head, path)
    return unpacked(read_bytes(path, MOST_MODEL, ModelError), path, MOST_MODEL, ModelError, lambda d: _look(d, path))


def _look(head: bytes, path: Path) -> None:
    if not head:
        raise ModelError(f"{path}: the file is empty, expected an ONNX model")
    if head[:1] not in TAGS and head[:2] not in TAGS:
        raise ModelError(f"{path}: not a valid ONNX model: {advice(path) or 'it does not begin as one'}")


def _refuse_odd_file(tensor: Any, path: Path) -> None:
    """Refuse weights in a file beside the model that is a device, a pipe or larger than a model may be. ModelError."""
    from onnx.external_data_helper import ExternalDataInfo

    try:
        open_regular(path.parent / ExternalDataInfo(tensor).location, ModelError, MOST_MODEL).close()
    except ModelError as error:
        raise ModelError(f"{path}: not a valid ONNX model: its weights in {error}") from error


def advice(path: Path) -> str:
    """What a file is by its name and how to get an ONNX model from it; empty where the name says nothing."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    what, how = OTHERS.get(suffixes[-1] if suffixes else "", ("", ""))
    return what and f"it is {what}, {how}"
