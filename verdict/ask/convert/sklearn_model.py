"""A fitted scikit-learn estimator or Pipeline, by skl2onnx.

The ONNX file computes in float32, or in float64 where the example is of float64. Features are called as the estimator
was fitted (`feature_names_in_`), classes as in `classes_`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...base.errors import ModelError
from ...network.names import Names
from ...ops.importer.one_output import only_these
from .converted import Converted, converting, needed
from .faithful import around, compare, runtime_outputs

# Of ONNX's operator set, one that every skl2onnx writes.
OPSET = 17


def convert(model: Any, example: Any) -> Converted:
    """The estimator as ONNX. Raises ModelError where it is not fitted, or skl2onnx does not know it."""
    kind = type(model).__name__
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    name = type(last).__name__
    path = Path(f"{name}.onnx")
    skl2onnx = needed("skl2onnx", f"{kind} of scikit-learn", "sklearn")
    size = _size(model)
    if size is None:
        raise ModelError(f"{kind}: is not fitted: call fit(X, y) first")
    rows = None if example is None else np.asarray(example).reshape(-1, size)
    if not hasattr(model, "predict"):
        raise ModelError(f"{kind}: predicts nothing, expected an estimator or a Pipeline with predict(X)")
    encoder = next((part for part in _parts(model) if hasattr(part, "categories_")), None)
    if encoder is not None:
        raise ModelError(
            f"{kind}: {type(encoder).__name__} reads categories, expected numbers alone: encode them before, and fit "
            "and load what comes behind (docs/your-model.md)"
        )
    dtype = np.float64 if rows is not None and rows.dtype == np.float64 else np.float32
    classes = getattr(model, "classes_", None)
    with converting(kind):
        onnx_model = skl2onnx.to_onnx(
            _by_number(model), np.zeros((1, size), dtype), target_opset=OPSET,
            options={"zipmap": False} if hasattr(model, "predict_proba") else None,
        )
    data = onnx_model.SerializeToString()
    points = _points(model, size) if rows is None else np.vstack([rows[:100].astype(np.float64), _points(model, size)])
    # What the last output gives; the others are left away below.
    ours = [found[-1] for found in runtime_outputs(data, points.astype(dtype), path)]
    if classes is None or np.size(ours[0]) > 1:
        # A label says less than the scores that it is chosen from; of two classes there may be one score.
        data = only_these(onnx_model, [onnx_model.graph.output[-1].name]).SerializeToString()
    _check(model, ours, points.astype(dtype), path)
    digits = "float64" if dtype is np.float64 else "float32"
    origin = f"scikit-learn {_version()} {kind}, by skl2onnx {skl2onnx.__version__}, in {digits}"
    names = Names(tuple(map(str, getattr(model, "feature_names_in_", ()))), _classes(classes), origin)
    return Converted(data, path, names)


def _parts(model: Any) -> Iterator[Any]:
    """The estimators that one is made of, itself among them."""
    yield model
    inside = [step[1] for step in (*getattr(model, "steps", ()), *getattr(model, "transformer_list", ()))]
    for part in (*inside, *(fitted[1] for fitted in getattr(model, "transformers_", ()))):
        yield from _parts(part)


def _by_number(model: Any) -> Any:
    """The same estimator with the columns of a ColumnTransformer in front by their numbers: by their names skl2onnx
    expects an input for each, and the network has one."""
    steps = getattr(model, "steps", None)
    first = model if steps is None else steps[0][1]
    names = list(getattr(model, "feature_names_in_", ()))
    if not names or not hasattr(first, "transformers_"):
        return model
    first = copy.copy(first)
    first.transformers_ = [(name, part, _numbers(columns, names)) for name, part, columns in first.transformers_]
    if steps is None:
        return first
    whole = copy.copy(model)
    whole.steps = [(steps[0][0], first), *steps[1:]]
    return whole


def _numbers(columns: Any, names: list[str]) -> Any:
    """The numbers of columns that are a list of names; whatever else says which stays as it is."""
    if isinstance(columns, str) or not np.iterable(columns):
        return columns
    return [names.index(column) if isinstance(column, str) else column for column in columns]


def _size(model: Any) -> int | None:
    """The number of features; of a pipeline its first step may know it."""
    for part in (model, *(step for _, step in getattr(model, "steps", ()))):
        if getattr(part, "n_features_in_", None) is not None:
            return int(part.n_features_in_)
    return None


def _version() -> str:
    import sklearn

    return str(sklearn.__version__)


def _classes(classes: Any) -> tuple[str, ...]:
    """The classes as text, whole numbers without a fraction."""
    if classes is None or np.ndim(classes) != 1:
        return ()
    values = np.asarray(classes).tolist()
    return tuple(str(int(c)) if isinstance(c, float) and c.is_integer() else str(c) for c in values)


def _points(model: Any, size: int) -> npt.NDArray[np.float64]:
    """Inputs where the model's own are: around the mean that a scaler in front has seen, at its scale."""
    first = model.steps[0][1] if hasattr(model, "steps") else model
    middle: Any = getattr(first, "mean_", getattr(first, "center_", None))
    scale: Any = getattr(first, "scale_", None)
    if np.shape(middle) != (size,):
        middle = np.zeros(size)
    return around(np.asarray(middle, dtype=np.float64), scale if np.shape(scale) == (size,) else 1.0)


def _check(model: Any, found: list[Any], points: npt.NDArray[Any], path: Path) -> None:
    """Compare what ONNX Runtime has found with what the model predicts: probabilities, scores, or numbers."""
    with converting(path.stem):
        if hasattr(model, "predict_proba"):
            theirs, what = model.predict_proba(_frame(model, points)), "a probability"
        elif hasattr(model, "decision_function"):
            theirs, what = model.decision_function(_frame(model, points)), "a score"
        else:
            theirs, what = model.predict(_frame(model, points)), "the prediction"
    theirs = np.asarray(theirs, dtype=np.float64)
    ours = np.array([np.asarray(each, dtype=np.float64).reshape(-1) for each in found])
    if theirs.ndim == 1 and ours.shape[1:] == (2,):
        ours = ours[:, 1:]  # of two classes the score of the second
    compare(path, theirs, ours, what)


def _frame(model: Any, points: npt.NDArray[Any]) -> Any:
    """The points as the model was fitted: with names of columns where it asks for them."""
    columns = getattr(model, "feature_names_in_", None)
    if columns is None:
        return points
    try:
        import pandas
    except ImportError:
        return points
    return pandas.DataFrame(points, columns=columns)
