"""The shipped networks are what the manifest says, and the toys compute what they teach."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

import verdict.models as shipped
from verdict.base.errors import InputError

ROOT = Path(shipped.__file__).resolve().parent
Array = NDArray[np.float64]


def scores(name: str, X: NDArray[np.floating]) -> NDArray[np.float32]:
    entry = shipped.model(name)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(entry.path), options, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"input": X.astype(np.float32).reshape(-1, *entry.input_shape)})
    return np.asarray(found)


def retrain(recipe: str, output: Path) -> None:
    command = [sys.executable, "-m", f"verdict.models.recipes.{recipe}", "--output", str(output)]
    subprocess.run(command, check=True, timeout=300)


def test_manifest_hashes() -> None:
    shipped.verify_manifest()


def test_changed_file_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    known = shipped.models()
    known["xor"] = dataclasses.replace(known["xor"], sha256="0" * 64)
    known["abs"] = dataclasses.replace(known["abs"], path=ROOT / "missing.onnx")
    monkeypatch.setattr(shipped, "models", lambda: known)
    with pytest.raises(InputError) as caught:
        shipped.verify_manifest()
    assert "xor.onnx: SHA-256 is" in str(caught.value)
    assert "missing.onnx: No such file" in str(caught.value)


def test_every_file_is_listed_and_small() -> None:
    files = [path for path in ROOT.iterdir() if path.suffix in {".onnx", ".npz"}]
    models, data = shipped.models().values(), shipped.datasets().values()
    assert {item.path for item in models} | {item.path for item in data} == set(files)
    assert sum(path.stat().st_size for path in files) < 2_000_000


def test_import_is_light() -> None:
    heavy = {"numpy", "onnx", "sklearn", "torch"}
    code = f"import sys, verdict.models as m; m.models(); print(*{heavy} & set(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert found.stdout.split() == []


@pytest.mark.parametrize("name", sorted(shipped.models()))
def test_network(name: str) -> None:
    entry = shipped.model(name)
    network = onnx.load(entry.path)
    onnx.checker.check_model(network, full_check=True)
    assert network.producer_name == "verdict-nn"
    assert [(o.domain, o.version) for o in network.opset_import] == [("", 17)]
    dims = network.graph.input[0].type.tensor_type.shape.dim
    assert dims[0].dim_param == "N"
    assert tuple(d.dim_value for d in dims[1:]) == entry.input_shape
    assert all(node.name for node in network.graph.node)
    for tensor in network.graph.initializer:
        weights = np.abs(numpy_helper.to_array(tensor))
        # Tiny coefficients stall solvers; statistics of a normalisation are exempt.
        assert "norm." in tensor.name or not np.any((weights > 0) & (weights < 1e-6))

    assert entry.data is not None
    points = shipped.data(entry.data)
    X, y = points.load()
    assert points.range == entry.input_range
    assert np.prod(entry.input_shape) == points.features
    assert entry.classes is not None
    found = scores(name, X)
    assert found.shape == (points.size, len(entry.classes))
    assert np.mean(found.argmax(axis=1) == y) == pytest.approx(entry.accuracy, abs=1e-6)
    assert entry.accuracy is not None
    assert entry.accuracy >= 0.95
    assert (ROOT / "recipes" / f"{entry.recipe.rpartition('.')[2]}.py").exists()


def test_relu_counts() -> None:
    assert {name: entry.relus for name, entry in shipped.models().items()} == {
        "abs": 2,
        "cancer-mlp": 24,
        "digits-conv": 144,
        "digits-linear": 0,
        "digits-mlp": 40,
        "digits-mlp-robust": 40,
        "digits-resnet": 160,
        "square": 0,
        "xor": 2,
    }


@pytest.mark.parametrize("name", sorted(shipped.datasets()))
def test_data(name: str) -> None:
    entry = shipped.data(name)
    X, y = entry.load()
    assert X.shape == (entry.size, entry.features)
    assert (X.dtype.name, y.dtype.name) == ("float32", "int64")
    low, high = entry.range
    assert np.all((low <= X) & (high >= X))
    assert set(np.unique(y)) == set(range(y.max() + 1))
    assert entry.image_shape is None or np.prod(entry.image_shape) == entry.features
    assert entry.feature_names is None or len(entry.feature_names) == entry.features


def test_digits_are_exact_sixteenths() -> None:
    X, _ = shipped.data("digits").load()
    np.testing.assert_array_equal(X * 16, np.round(X * 16))


@pytest.mark.parametrize(
    ("look_up", "asked", "meant"),
    [(shipped.model, "digits-mpl", "digits-mlp"), (shipped.data, "digit", "digits")],
)
def test_unknown_name(look_up: Callable[[str], object], asked: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"'{asked}'. Did you mean '{meant}'.*Known: .*xor"):
        look_up(asked)
    with pytest.raises(InputError) as caught:
        look_up("zzzz")
    assert "Did you mean" not in str(caught.value)


def test_data_that_is_not_what_the_manifest_says(tmp_path: Path) -> None:
    entry = shipped.data("xor")
    broken = tmp_path / "xor.npz"
    broken.write_bytes(b"not a zip")
    with pytest.raises(InputError, match="cannot read data set 'xor'"):
        dataclasses.replace(entry, path=broken).load()
    with pytest.raises(InputError, match="expected"):
        dataclasses.replace(entry, size=5).load()


def test_xor_computes_xor_with_margin() -> None:
    axis = np.linspace(0, 1, 17)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    found = scores("xor", grid)
    distance = np.abs(grid[:, 0] - grid[:, 1])
    np.testing.assert_array_equal(found, np.stack([1 - distance, distance], axis=1))
    corners = scores("xor", np.array([[0, 0], [0, 1], [1, 0], [1, 1]]))
    np.testing.assert_array_equal(corners[:, 1] - corners[:, 0], [-1, 1, 1, -1])


def test_abs_computes_the_absolute_value() -> None:
    x = np.linspace(-1, 1, 65)
    np.testing.assert_array_equal(scores("abs", x), np.stack([np.abs(x), np.full(65, 0.5)], axis=1))


def dense_layers(name: str) -> list[tuple[Array, Array]]:
    tensors = [
        numpy_helper.to_array(t).astype(np.float64)
        for t in onnx.load(shipped.model(name).path).graph.initializer
    ]
    return list(zip(tensors[::2], tensors[1::2], strict=True))


def interval_radii(name: str, X: Array, y: NDArray[np.int64]) -> Array:
    """The radius that interval bounds prove for each point, by bisection; 0 where the label is wrong."""
    low, high = np.zeros(len(X)), np.ones(len(X))
    layers = dense_layers(name)
    for _ in range(20):
        eps = (low + high) / 2
        lower, upper = np.clip(X - eps[:, None], 0, 1), np.clip(X + eps[:, None], 0, 1)
        for i, (weight, bias) in enumerate(layers):
            if i > 0:
                lower, upper = np.maximum(lower, 0), np.maximum(upper, 0)
            centre, spread = (lower + upper) / 2 @ weight.T + bias, (upper - lower) / 2 @ np.abs(weight).T
            lower, upper = centre - spread, centre + spread
        rows = np.arange(len(X))
        worst = upper.copy()
        worst[rows, y] = -np.inf
        proved = lower[rows, y] > worst.max(axis=1)
        low, high = np.where(proved, eps, low), np.where(proved, high, eps)
    return low


def attack_accuracy(name: str, X: Array, y: NDArray[np.int64], eps: float) -> float:
    """The share of points whose label survives projected gradient descent on the margin."""
    layers, rows = dense_layers(name), np.arange(len(X))
    x, held = X.copy(), np.ones(len(X), bool)
    for _ in range(30):
        values = [x]
        for i, (weight, bias) in enumerate(layers):
            values.append((np.maximum(values[-1], 0) if i else values[-1]) @ weight.T + bias)
        others = values[-1].copy()
        others[rows, y] = -np.inf
        rival = others.argmax(axis=1)
        held &= values[-1][rows, y] > others[rows, rival]
        slope = np.zeros_like(values[-1])
        slope[rows, y], slope[rows, rival] = 1, -1
        for i in range(len(layers) - 1, -1, -1):
            slope = slope @ layers[i][0]
            if i:
                slope *= values[i] > 0
        x = np.clip(x - eps / 5 * np.sign(slope), np.maximum(X - eps, 0), np.minimum(X + eps, 1))
    return float(held.mean())


def test_robust_network_is_more_robust() -> None:
    X32, y = shipped.data("digits").load()
    X = X32.astype(np.float64)
    assert interval_radii("digits-mlp-robust", X, y).mean() > 2 * interval_radii("digits-mlp", X, y).mean()
    assert attack_accuracy("digits-mlp-robust", X, y, 0.1) > attack_accuracy("digits-mlp", X, y, 0.1) + 0.2


@pytest.mark.parametrize("name", ["xor", "abs", "square"])
def test_toy_recipe_writes_the_same_bytes(name: str, tmp_path: Path) -> None:
    retrain(name, tmp_path)
    assert (tmp_path / f"{name}.onnx").read_bytes() == shipped.model(name).path.read_bytes()
    written = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert written["models"][name]["sha256"] == shipped.model(name).sha256
    with np.load(tmp_path / f"{name}.npz", allow_pickle=False) as archive:
        for key, expected in zip(("X", "y"), shipped.data(name).load(), strict=True):
            np.testing.assert_array_equal(archive[key], expected)


def test_trained_recipe_is_reproducible(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    for folder in ("first", "second"):
        retrain("digits_mlp", tmp_path / folder)
    first, second = (
        hashlib.sha256((tmp_path / f / "digits-mlp.onnx").read_bytes()) for f in ("first", "second")
    )
    assert first.digest() == second.digest()
    written = json.loads((tmp_path / "first" / "manifest.json").read_text(encoding="utf-8"))
    # Another processor may round otherwise and so train other weights, but not another network.
    assert written["models"]["digits-mlp"]["accuracy"] == pytest.approx(
        shipped.model("digits-mlp").accuracy, abs=0.02
    )


def test_missing_training_package_is_one_clear_line(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['sklearn'] = None\n"
        "from verdict.models.recipes import digits_mlp as r\n"
        f"r.run(r.write, ['--output', {str(tmp_path)!r}])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert found.returncode == 2
    (line,) = found.stderr.splitlines()
    assert 'pip install "verdict-nn[train]"' in line
    assert not (tmp_path / "manifest.json").exists()
