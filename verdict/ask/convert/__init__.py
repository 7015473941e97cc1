"""From a model in memory to ONNX bytes: one file a framework, found by the classes of the model.

No framework is imported to find out whose model it is: the classes that an object is made of say it. What a converter
returns is compared with the model's own predictions before anything is asked of it (`faithful.py`).
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

from ...base.arguments import words
from ...base.errors import ModelError
from .converted import Converted, named

# Of each file of this package the classes, by package and name, that it converts. Keras stands before PyTorch: with
# PyTorch under it a Keras model is a module too.
_KNOWN = {
    "onnx_model": (("onnx", "ModelProto"), ("builtins", "bytes")),
    "sklearn_model": (("sklearn", "BaseEstimator"),),
    "keras_model": (("keras", "Model"),),
    "torch_module": (("torch", "Module"),),
}
KINDS = "an ONNX file, a shipped model's name, or a model of scikit-learn, PyTorch, Keras or onnx"


def _home(model: Any) -> str | None:
    """The file of this package that converts such a model."""
    made_of = {(kind.__module__.split(".")[0], kind.__name__) for kind in type(model).__mro__}
    return next((home for home, kinds in _KNOWN.items() if made_of.intersection(kinds)), None)


def is_shaped_by_example(model: Any) -> bool:
    """Whether an input of the model tells the shapes that it does not know itself."""
    return _home(model) in ("keras_model", "torch_module")


def is_known(model: Any) -> bool:
    """Whether it is a model in memory that is converted."""
    return _home(model) is not None


def as_onnx(model: Any, example: Any = None, features: Any = None, classes: Any = None) -> Converted:
    """The model as ONNX, with its names or those that are given; `example` is an input or several, where the model does
    not say their shape.

    Raises ModelError for what cannot be converted, or computes something else as ONNX, and InputError where a package
    is missing.
    """
    home = _home(model)
    if home is None:
        raise ModelError(f"the network is a {type(model).__name__}, expected {KINDS}")
    made: Converted = importlib.import_module(f"{__name__}.{home}").convert(model, example)
    if not made.names.origin:
        return made  # somebody's bytes, which stay as they are
    known = made.names
    names = replace(
        known,
        features=known.features if features is None else words(features, "features"),
        classes=known.classes if classes is None else words(classes, "classes"),
    )
    return replace(made, data=named(made.data, names), names=names)
