"""The bytes of a model's file, and what to say of files that hold no ONNX model.

The first byte tells: a ModelProto begins with the tag of one of its fields. So a pickle, an archive of weights or a
gigabyte of zeros is refused before it is read, and the message says how to get an ONNX file from what it is.
"""

from __future__ import annotations

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


def read_model(path: Path) -> bytes:
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


def refuse_odd_files(model: Any, path: Path) -> None:
    """Refuse weights in files beside the model that are devices, pipes or larger than a model may be. ModelError."""
    from onnx.external_data_helper import ExternalDataInfo, uses_external_data

    from .branches import subgraphs

    graphs, tensors = [model.graph], []
    while graphs:
        graph = graphs.pop()
        tensors += [*graph.initializer, *(a.t for n in graph.node for a in n.attribute if a.HasField("t"))]
        graphs += [inner for n in graph.node for inner in subgraphs(n)]
    for name in {ExternalDataInfo(tensor).location for tensor in tensors if uses_external_data(tensor)}:
        try:
            open_regular(path.parent / name, ModelError, MOST_MODEL).close()
        except ModelError as error:
            raise ModelError(f"{path}: not a valid ONNX model: its weights in {error}") from error


def advice(path: Path) -> str:
    """What a file is by its name and how to get an ONNX model from it; empty where the name says nothing."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    what, how = OTHERS.get(suffixes[-1] if suffixes else "", ("", ""))
    return what and f"it is {what}, {how}"
