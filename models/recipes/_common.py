"""What every recipe shares: its command line, writing the file, and the entry in the manifest.

The entry is computed from what was written, never copied from the recipe: the hash from the bytes, the ReLU
count from the graph, the accuracy from ONNX Runtime on the held-out points. A recipe therefore cannot
disagree with its file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

MODELS = Path(__file__).resolve().parent.parent
TRAINING_PACKAGES = {"torch", "sklearn"}

Points = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class About:
    """What the manifest says of a network and its file cannot tell; `recipe` is the module's last name."""

    name: str
    recipe: str
    description: str
    architecture: str
    data: str
    input_shape: tuple[int, ...]
    input_range: tuple[float, float]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class AboutData:
    """What the manifest says of a data set and its file cannot tell; `recipe` is the module's last name."""

    name: str
    recipe: str
    description: str
    range: tuple[float, float]
    image_shape: tuple[int, int] | None = None
    feature_names: tuple[str, ...] | None = None


def run(write: Callable[[Path], None], argv: Sequence[str] | None = None) -> None:
    """Run a recipe from the command line: `write(folder)` writes its files into the folder.

    Exits with code 2 and one line that says what to install where PyTorch or scikit-learn is missing.
    """
    parser = argparse.ArgumentParser(description=(sys.modules[write.__module__].__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--output", type=Path, default=MODELS, metavar="DIR", help="where to write (default: %(default)s)"
    )
    output: Path = parser.parse_args(argv).output
    output.mkdir(parents=True, exist_ok=True)
    try:
        write(output)
    except ModuleNotFoundError as error:
        if error.name not in TRAINING_PACKAGES:
            raise
        print(f'this recipe needs {error.name}: pip install "verdict-nn[train]"', file=sys.stderr)
        raise SystemExit(2) from error


def write_model(output: Path, about: About, network: onnx.ModelProto, X: Points, y: Labels) -> None:
    """Write the network into the folder, with its manifest entry; (X, y) are the held-out points."""
    content = network.SerializeToString(deterministic=True)
    entry: dict[str, Any] = {
        "file": f"{about.name}.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "description": about.description,
        "architecture": about.architecture,
        "data": about.data,
        "input_shape": list(about.input_shape),
        "input_range": list(about.input_range),
        "classes": list(about.classes),
        "accuracy": accuracy(content, about.input_shape, X, y),
        "relus": count_relus(network),
        "recipe": about.recipe,
    }
    (output / entry["file"]).write_bytes(content)
    _update_manifest(output, "models", about.name, entry)


def write_data(output: Path, about: AboutData, X: Points, y: Labels) -> None:
    """Write the points (n, features) and labels (n,) into the folder, with their manifest entry."""
    path = output / f"{about.name}.npz"
    np.savez_compressed(path, X=X.astype(np.float32), y=y.astype(np.int64))
    content = path.read_bytes()
    entry: dict[str, Any] = {
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "description": about.description,
        "size": X.shape[0],
        "features": X.shape[1],
        "image_shape": None if about.image_shape is None else list(about.image_shape),
        "range": list(about.range),
        "feature_names": None if about.feature_names is None else list(about.feature_names),
        "recipe": about.recipe,
    }
    _update_manifest(output, "data", about.name, entry)


def accuracy(content: bytes, input_shape: tuple[int, ...], X: Points, y: Labels) -> float:
    """Return the share of points whose largest output, in ONNX Runtime on CPU, is the label's; 6 decimals."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {session.get_inputs()[0].name: X.reshape(-1, *input_shape)})
    return round(float(np.mean(scores.argmax(axis=1) == y)), 6)


def count_relus(network: onnx.ModelProto) -> int:
    """Return how many scalar ReLUs the graph applies to one input point; needs inferred shapes."""
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim[1:]]
        for value in network.graph.value_info
    }
    return sum(math.prod(shapes[node.output[0]]) for node in network.graph.node if node.op_type == "Relu")


def _update_manifest(output: Path, section: str, name: str, entry: dict[str, Any]) -> None:
    path = output / "manifest.json"
    manifest: dict[str, Any] = {"schema": 1, "models": {}, "data": {}}
    if path.exists():
        manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest[section][name] = entry
    manifest[section] = dict(sorted(manifest[section].items()))
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{output / entry['file']}: {entry['bytes']} bytes, accuracy {entry.get('accuracy', '-')}")
