"""Small trained networks and their held-out data, shipped with the package.

Everything is listed in `manifest.json` with its SHA-256, so that a result can name exactly what it is about.
Each file was written by one recipe in `verdict.models.recipes`, which anyone can run again. Importing this
module reads nothing and needs only the standard library; NumPy is imported when data is loaded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verdict.base.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ShippedData", "ShippedModel", "data", "datasets", "model", "models", "verify_manifest"]

_ROOT = Path(__file__).resolve().parent
_MANIFEST = _ROOT / "manifest.json"
_RECIPES = "verdict.models.recipes."


@dataclass(frozen=True)
class ShippedModel:
    """One shipped network.

    `input_shape` leaves out the batch dimension, which is the first one and dynamic. `input_range` is the
    valid range of every input entry, in the network's own units. `data` names the data set of `accuracy`, the
    share of held-out points whose largest output is their label's. `recipe` is the module that wrote the
    file.
    """

    name: str
    path: Path
    sha256: str
    description: str
    architecture: str
    data: str | None
    input_shape: tuple[int, ...]
    input_range: tuple[float, float]
    classes: tuple[str, ...] | None
    accuracy: float | None
    relus: int
    recipe: str


@dataclass(frozen=True)
class ShippedData:
    """One shipped data set: `size` points of `features` entries each, none of them used in training.

    `range` is the valid range of every entry; `image_shape` is (height, width) where a point is an image.
    """

    name: str
    path: Path
    sha256: str
    description: str
    size: int
    features: int
    image_shape: tuple[int, ...] | None
    range: tuple[float, float]
    feature_names: tuple[str, ...] | None
    recipe: str

    def load(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the points, float32 of shape (size, features), and their labels, int64 of shape (size,).

        Raises `InputError` if the file is missing or does not hold what the manifest says.
        """
        import zipfile

        import numpy as np

        try:
            with np.load(self.path, allow_pickle=False) as archive:
                X, y = archive["X"], archive["y"]
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(f"{self.path}: cannot read data set '{self.name}': {error}") from error
        found = (X.shape, X.dtype.name, y.shape, y.dtype.name)
        expected = ((self.size, self.features), "float32", (self.size,), "int64")
        if found != expected:
            raise InputError(f"{self.path}: data set '{self.name}' holds {found}, expected {expected}")
        return X, y


def models() -> dict[str, ShippedModel]:
    """Return every shipped network by name."""
    return {
        name: ShippedModel(
            name=name,
            path=_ROOT / entry["file"],
            sha256=entry["sha256"],
            description=entry["description"],
            architecture=entry["architecture"],
            data=entry["data"],
            input_shape=tuple(entry["input_shape"]),
            input_range=_pair(entry["input_range"]),
            classes=_optional_tuple(entry["classes"]),
            accuracy=entry["accuracy"],
            relus=entry["relus"],
            recipe=_RECIPES + entry["recipe"],
        )
        for name, entry in _manifest()["models"].items()
    }


def datasets() -> dict[str, ShippedData]:
    """Return every shipped data set by name."""
    return {
        name: ShippedData(
            name=name,
            path=_ROOT / entry["file"],
            sha256=entry["sha256"],
            description=entry["description"],
            size=entry["size"],
            features=entry["features"],
            image_shape=_optional_tuple(entry["image_shape"]),
            range=_pair(entry["range"]),
            feature_names=_optional_tuple(entry["feature_names"]),
            recipe=_RECIPES + entry["recipe"],
        )
        for name, entry in _manifest()["data"].items()
    }


def model(name: str) -> ShippedModel:
    """Return the shipped network of this name, or raise `InputError` naming those that there are."""
    known = models()
    if name not in known:
        raise InputError(_unknown("model", name, known))
    return known[name]


def data(name: str) -> ShippedData:
    """Return the shipped data set of this name, or raise `InputError` naming those that there are."""
    known = datasets()
    if name not in known:
        raise InputError(_unknown("data set", name, known))
    return known[name]


def verify_manifest() -> None:
    """Recompute the SHA-256 of every shipped file; raise `InputError` listing those that differ."""
    faults = []
    items: list[ShippedModel | ShippedData] = [*models().values(), *datasets().values()]
    for item in items:
        try:
            found = hashlib.sha256(item.path.read_bytes()).hexdigest()
        except OSError as error:
            faults.append(f"{item.path}: {error.strerror}")
            continue
        if found != item.sha256:
            faults.append(f"{item.path}: SHA-256 is {found}, the manifest says {item.sha256}")
    if faults:
        raise InputError("shipped files differ from the manifest:\n  " + "\n  ".join(faults))


def _manifest() -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(_MANIFEST.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{_MANIFEST}: cannot read the manifest of shipped models: {error}") from error
    return manifest


def _pair(values: list[float]) -> tuple[float, float]:
    low, high = values
    return float(low), float(high)


def _optional_tuple(values: list[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    import difflib

    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"unknown shipped {kind} '{name}'.{hint} Known: {', '.join(names)}"
