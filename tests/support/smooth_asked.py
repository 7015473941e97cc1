"""Random questions about random networks of smooth functions, products, quotients and normalisations.

As in `asked.py` every question is a VNN-LIB file, a chosen distance off the place where its answer changes, which is
where the least margin of many points lies: samples that move towards it in smaller and smaller steps. What they refute
is refuted; where they refute nothing, "robust" is what they see.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

import verdict
from support.asked import Asked, UnionOnBox, random_box
from support.products import PRODUCTS, Model
from support.smooth_nodes import KINDS, function

# What stands between the first layer and the last.
BLOCKS = ("function", "product", "normalisation", "softmax", "residual", "function")
# How far, relative to how far outputs move, a question lies from where its answer changes; 0: too close to call.
DISTANCES = (0.3, 0.3, 0.3, 0.1, 0.1, 0.1, 0.1, 0.03, 1e-2, 1e-2, 1e-2, 0.0)
ROUNDS, KEPT, STEPS = 12, 6, 40


def smooth_network(rng: np.random.Generator, first: str, folder: Path) -> Path:
    """One to three inputs, one or two blocks, the first one as given, two or three outputs."""
    inputs, outputs = int(rng.integers(1, 4)), int(rng.integers(2, 4))
    model = Model(rng)
    x = _curved(model, model.dense("x", inputs, 4))
    for number in range(int(rng.integers(1, 3))):
        x = _block(model, first if number == 0 else str(rng.choice(BLOCKS)), x)
    y = model.dense(x, 4, outputs)
    info = helper.make_tensor_value_info
    ports = [[info(name, TensorProto.FLOAT, [1, size])] for name, size in (("x", inputs), (y, outputs))]
    graph = helper.make_graph(model.nodes, "g", *ports, model.weights)
    path = folder / "s.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), path)
    return path


def _curved(model: Model, x: str) -> str:
    """A random function of a tensor."""
    y = f"f{len(model.nodes)}"
    nodes, constants = function(str(model.rng.choice(KINDS)), x, y, model.rng)
    model.nodes += nodes
    model.weights += constants
    return y


def _block(model: Model, kind: str, x: str) -> str:
    """Of a tensor (1, 4) another one."""
    if kind == "product":
        other = model.dense(x, 4, 4)
        other = _curved(model, other) if model.rng.random() < 0.5 else other
        return model.product(x, other, str(model.rng.choice(PRODUCTS)))
    if kind == "normalisation":
        scale, shift = (model.constant(model.rng.normal(size=4).astype(np.float32)) for _ in range(2))
        epsilon = float(model.rng.choice([1e-3, 0.1, 1.0]))
        return model.add("LayerNormalization", model.dense(x, 4, 4), scale, shift, axis=-1, epsilon=epsilon)
    if kind == "softmax":
        return model.add("Softmax", model.dense(x, 4, 4), axis=-1)
    found = _curved(model, model.dense(x, 4, 4))
    return model.add("Add", x, found) if kind == "residual" else found


def ask_smooth(serial: int, folder: Path) -> Asked:
    """Question number `serial`, always the same; its two files are written to `folder`."""
    rng, kind = np.random.default_rng([serial, 2405]), BLOCKS[serial % len(BLOCKS)]
    network = verdict.load(smooth_network(rng, kind, folder))
    box = random_box(rng, network.input_size, ("halfspaces", "rows", "fixed", "mixed", "thirds")[serial % 5])
    polytopes = []
    for _ in range(int(rng.integers(1, 3))):
        rows = rng.integers(-2, 3, (int(rng.integers(1, 3)), network.output_size))
        rows[~rows.any(axis=1), 0] = 1
        also = rng.integers(-2, 3, (len(rows), network.input_size)) * (serial % 5 == 3)
        polytopes.append((np.hstack([rows, also]).astype(float), rng.integers(-8, 9, len(rows)) / 8))
    margin, scale = _least(rng, network, box, polytopes)
    truth, side = (("robust", -1), ("violated", 1))[int(rng.integers(2))]
    distance = float(rng.choice(DISTANCES))
    shift = np.round((margin + side * distance * scale) * 2.0**30) / 2.0**30
    moved = [(rows, offset + shift) for rows, offset in polytopes]
    query = folder / f"{serial}.vnnlib"
    query.write_text(UnionOnBox(*box, moved).text(network.output_size))
    return Asked(f"{serial} ({kind})", network, query, truth if distance else None, sampled=True)


def _least(rng: np.random.Generator, network: verdict.Network, box: object, polytopes: list) -> tuple[float, float]:
    """The least margin that samples find, and how large outputs are."""
    low, high = (np.array([float(v) for v in end]) for end in box)
    share = np.linspace(0, 1, {1: 401, 2: 41, 3: 13}[len(low)])
    points = low + (high - low) * np.array(list(product(share, repeat=len(low))))
    best, step = np.inf, high - low
    scale = None
    for _ in range(ROUNDS):
        outputs = network.evaluate(points)
        scale = max(1.0, float(np.ptp(outputs, axis=0).max())) if scale is None else scale
        values = np.hstack([outputs, points])
        margins = np.min([np.max(values @ rows.T - offset, axis=1) for rows, offset in polytopes], axis=0)
        best = min(best, float(margins.min()))
        near, step = points[np.argsort(margins)[:KEPT]], step / 4
        points = np.clip(near[:, None] + step * rng.uniform(-1, 1, (len(near), STEPS, len(low))), low, high)
        points = np.vstack([near, points.reshape(-1, len(low))])
    return best, scale
