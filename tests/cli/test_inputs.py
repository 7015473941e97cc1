"""Every form of `--input` gives the same point."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import verdict
from verdict.cli.inputs import read_inputs
from verdict.models import data

X = data("digits").load()[0]


@pytest.fixture(scope="module")
def mlp() -> verdict.Network:
    return verdict.load("digits-mlp")


@pytest.fixture(scope="module")
def conv() -> verdict.Network:
    return verdict.load("digits-conv")


def one(spec: object, network: verdict.Network) -> np.ndarray:
    (point,) = read_inputs(str(spec), network).points
    assert point.values.shape == (network.input_size,)
    return point.values


@pytest.mark.parametrize("shape", [(64,), (1, 64), (8, 8), (1, 8, 8), (1, 1, 8, 8), (64, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_single_npy(tmp_path: Path, mlp: verdict.Network, conv: verdict.Network, shape, dtype) -> None:
    np.save(tmp_path / "x.npy", X[3].reshape(shape).astype(dtype))
    assert np.array_equal(one(tmp_path / "x.npy", conv), X[3])
    # A flat network says nothing of axes, so the issue has it take flat arrays alone.
    if 8 in shape:
        with pytest.raises(verdict.InputError, match=re.escape(f"has shape {shape}, but digits-mlp")):
            one(tmp_path / "x.npy", mlp)
    else:
        assert np.array_equal(one(f"{tmp_path / 'x.npy'}#0", mlp), X[3])


@pytest.mark.parametrize("shape", [(5, 64), (5, 8, 8), (5, 1, 8, 8)])
def test_batch_npy(tmp_path: Path, conv: verdict.Network, shape) -> None:
    np.save(tmp_path / "x.npy", X[:5].reshape(shape))
    assert np.array_equal(one(f"{tmp_path / 'x.npy'}#4", conv), X[4])
    read = read_inputs(f"{tmp_path / 'x.npy'}#1:3", conv)
    assert read.several
    assert [p.name for p in read.points] == ["x.npy#1", "x.npy#2"]
    assert np.array_equal(np.stack([p.values for p in read.points]), X[1:3])


def test_npz(tmp_path: Path, mlp: verdict.Network) -> None:
    np.savez(tmp_path / "one.npz", anything=X[3])
    np.savez(tmp_path / "two.npz", X=X[:5], y=np.arange(5))
    np.savez(tmp_path / "odd.npz", a=X[:5], b=X[5:10])
    assert np.array_equal(one(tmp_path / "one.npz", mlp), X[3])
    assert np.array_equal(one(f"{tmp_path / 'two.npz'}#2", mlp), X[2])
    assert np.array_equal(one(f"{tmp_path / 'odd.npz'}[b]#2", mlp), X[7])


@pytest.mark.parametrize("separator", [",", ", ", ";", " ", "\t"])
@pytest.mark.parametrize("header", ["", "pixel", "# made by hand"])
def test_csv(tmp_path: Path, mlp: verdict.Network, separator: str, header: str) -> None:
    rows = [separator.join(map(str, row)) for row in X[:3].tolist()]
    if header == "pixel":
        header = separator.join(f"pixel{i}" for i in range(64))
    (tmp_path / "x.csv").write_text("\n".join(filter(None, [header, *rows])) + "\n\n", encoding="utf-8-sig")
    assert np.array_equal(one(f"{tmp_path / 'x.csv'}#2", mlp), X[2])
    (tmp_path / "y.csv").write_text(rows[0])
    assert np.array_equal(one(tmp_path / "y.csv", mlp), X[0])
    (tmp_path / "z.csv").write_text("\n".join(map(str, X[1].tolist())))
    assert np.array_equal(one(tmp_path / "z.csv", mlp), X[1])


def test_grey_png(tmp_path: Path, mlp: verdict.Network, conv: verdict.Network) -> None:
    pixels = np.rint(X[3].reshape(8, 8) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "grey.png")
    Image.fromarray(pixels).convert("RGB").save(tmp_path / "rgb.png")
    Image.fromarray(pixels).convert("RGBA").save(tmp_path / "rgba.png")
    Image.fromarray(pixels).convert("LA").save(tmp_path / "la.png")
    Image.fromarray(pixels).convert("P").save(tmp_path / "p.png")
    Image.fromarray(pixels.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    for name in ("grey", "rgb", "rgba", "la", "p", "deep"):
        for network in (mlp, conv):
            assert np.array_equal(one(tmp_path / f"{name}.png", network), pixels.ravel() / 255), name
    read = read_inputs(str(tmp_path / "grey.png"), mlp)
    assert read.valid_range == ("0", "1")
    assert read.points[0].image == (8, 8)


@pytest.mark.parametrize("layout", ["first", "last"])
def test_colour_png(tmp_path: Path, layout: str) -> None:
    network = colour_network(tmp_path, (1, 3, 4, 5) if layout == "first" else (1, 4, 5, 3))
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    Image.fromarray(pixels[:, :, 0]).save(tmp_path / "grey.png")
    wanted = pixels / 255
    if layout == "first":
        wanted = wanted.transpose(2, 0, 1)
    assert np.array_equal(one(tmp_path / "x.png", network), wanted.ravel())
    grey = np.repeat(pixels[:, :, :1], 3, axis=2) / 255
    wanted = grey.transpose(2, 0, 1) if layout == "first" else grey
    assert np.array_equal(one(tmp_path / "grey.png", network), wanted.ravel())


def test_data_set(mlp: verdict.Network) -> None:
    (point,) = read_inputs("digits#3", mlp).points
    assert (point.name, point.truth, point.image) == ("digits#3", 2, (8, 8))
    assert np.array_equal(point.values, X[3])


def test_a_file_may_have_a_hash_in_its_name(tmp_path: Path, mlp: verdict.Network) -> None:
    np.save(tmp_path / "a#1.npy", X[:2])
    assert np.array_equal(one(f"{tmp_path / 'a#1.npy'}#1", mlp), X[1])
    np.save(tmp_path / "b#1.npy", X[5])
    assert np.array_equal(one(tmp_path / "b#1.npy", mlp), X[5])


def colour_network(folder: Path, shape: tuple[int, ...]) -> verdict.Network:
    """Flatten and one dense layer of two classes."""
    from onnx import TensorProto, helper, numpy_helper, save

    size = int(np.prod(shape))
    weights = np.random.default_rng(1).standard_normal((size, 2)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["x"], ["f"]), helper.make_node("MatMul", ["f", "w"], ["y"])],
        "colour",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(weights, "w")],
    )
    path = folder / "colour.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return verdict.load(path)
