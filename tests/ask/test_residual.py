"""Residuals: the interval holds what samples reach, both as text and in Python, and what makes no sense is refused."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from onnx import helper, numpy_helper
from support.pinns import pinn
from support.seeds import seeds
from support.smooth_nodes import gelu_with_tanh
from support.tiny import write

import verdict
from verdict import load
from verdict.ask.residual import asked, composed_of
from verdict.base.deadline import Deadline
from verdict.base.errors import InputError, PropertyError
from verdict.base.workers import Workers
from verdict.cli.main import main
from verdict.compose.equation import Names, residual_of
from verdict.property import Box
from verdict.property.language.equation import read
from verdict.search.boxes.peak import PeakSearch

WAVE = "u_t + 0.5*u*u_x - 0.1*u_xx"


def test_samples_lie_inside(tmp_path: Path) -> None:
    for seed in seeds(1, 30):
        path, _ = pinn(tmp_path / f"{seed}.onnx", seed, [("Tanh", "Tanh"), ("Sin", "Sigmoid")][seed % 2])
        domain = {"t": (0, 1), "x": ("-1/3", 1)}
        found = verdict.residual(path, WAVE, domain=domain, tolerance="0.01")
        composed = composed_of(asked(path, WAVE, ("u", "t,x"), (domain, None), "0.01"))
        points = np.random.default_rng(seed).uniform([0, -1 / 3], [1, 1], (4000, 2))
        most = float(np.abs(composed.evaluate(points)).max())
        assert most <= float(found.upper) <= 1.0101 * float(found.lower)
        assert most <= 1.02 * float(found.lower)
        assert found.upper_trust == "rigorous"
        x = found.witness.point
        assert all(low <= v <= high for v, low, high in zip(x.fractions(), (0, Fraction(-1, 3)), (1, 1), strict=True))
        assert abs(found.deployed[0]) == pytest.approx(float(found.lower), rel=1e-6)


def test_conditions_and_several_unknowns(tmp_path: Path) -> None:
    """Of one free variable, and of none; Schroedinger's equation has two unknowns."""
    path, _ = pinn(tmp_path / "n.onnx", 3, ("Tanh", "Tanh"), outputs=2)
    names = {"unknown": ["u", "v"], "tolerance": "0.001"}
    one = verdict.residual(path, "u - sin(pi*x)", at="t=0", domain="x:-1:1", **names)
    assert one.witness.point.fractions()[0] == 0
    assert one.upper <= one.lower * Fraction(1001, 1000)
    point = verdict.residual(path, "u - v", at={"t": 0, "x": Fraction(1, 3)}, domain={}, **names)
    assert point.upper - point.lower < Fraction(1, 10**6)
    both = verdict.residual(path, "u_t + v_xx/2 + (u^2 + v^2)*v", domain="t:0:1,x:-1:1", **names)
    assert both.upper <= both.lower * Fraction(1001, 1000)


def test_gelu_as_it_is_exported_has_derivatives(tmp_path: Path) -> None:
    """One function where it is bounded, and its own operators where it is derived."""
    nodes, constants = gelu_with_tanh("z", "h")
    nodes = [helper.make_node("Gemm", ["x", "W"], ["z"]), *nodes, helper.make_node("Gemm", ["h", "V"], ["y"])]
    weights = {c.name: numpy_helper.to_array(c) for c in constants}
    weights |= {"W": np.float32([[0.5, -1], [1, 0.25]]), "V": np.float32([[1], [-0.5]])}
    path = tmp_path / "n.onnx"
    write(path, nodes, {"x": [1, 2]}, {"y": [1, 1]}, weights)
    found = verdict.residual(path, "u_xx", domain="t:-1:1,x:-1:1", tolerance="0.01")

    def gelu(z: np.ndarray) -> np.ndarray:
        return 0.5 * z * (1 + np.tanh(0.7978845608 * (z + 0.044715 * z**3)))

    def u(points: np.ndarray) -> np.ndarray:
        return gelu(points @ weights["W"]) @ weights["V"]

    points, step = np.random.default_rng(0).uniform(-1, 1, (4000, 2)), np.array([0, 1e-3])
    most = np.abs(u(points + step) - 2 * u(points) + u(points - step)).max() / 1e-6
    assert 0.98 * most <= float(found.lower) <= float(found.upper) <= 1.05 * most


def test_inputs_fixed_at_decimals_stand_still(tmp_path: Path) -> None:
    """No float is 0.1: between its two neighbours nothing moves, however many inputs are fixed like that."""
    path, _ = pinn(tmp_path / "n.onnx", 3, ("Tanh",), inputs=8)
    at = dict.fromkeys("abcefgh", "0.1")
    found = verdict.residual(path, "u_a - u", at=at, domain="x:-1:1", variables="a,b,c,e,f,g,h,x", tolerance="0.001",
                             certificate=tmp_path / "c.vcert")  # fmt: skip
    assert found.upper <= found.lower * Fraction(1001, 1000)
    assert found.certificate.accepted, found.certificate.reason
    assert [x for x in found.witness.point.fractions() if x != Fraction(1, 10)][1:] == []


def test_a_limit_leaves_an_honest_interval(tmp_path: Path) -> None:
    path, _ = pinn(tmp_path / "n.onnx", 4, ("Tanh", "Tanh"))
    full = verdict.residual(path, WAVE, domain="t:-3:3,x:-3:3", tolerance="0.01")
    short = verdict.residual(path, WAVE, domain="t:-3:3,x:-3:3", tolerance="0.000001", timeout=0.5)
    assert short.lower <= full.upper
    assert full.lower <= short.upper


def test_what_is_refused(tmp_path: Path) -> None:
    path, _ = pinn(tmp_path / "n.onnx", 5, ("Tanh",))
    for given, error, said in (
        ({"domain": "t:0:1"}, PropertyError, "says nothing of x"),
        ({"domain": {"t": (1, 0), "x": (0, 1)}}, PropertyError, "low <= high"),
        ({"domain": {"y": (0, 1)}}, PropertyError, "names 'y'"),
        ({"domain": "t:0:1,x:0:1", "engine": "milp"}, InputError, "engine is milp"),
        ({"domain": "t:0:1,x:0:1", "unknown": "u,v"}, InputError, "1 outputs, found 2"),
        ({"domain": "t:0:1,x:0:1", "variables": "x"}, PropertyError, "names 't'"),
    ):
        with pytest.raises(error, match=said):
            verdict.residual(path, "u_t", **given)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, _ = pinn(tmp_path / "n.onnx", 6, ("Tanh", "Tanh"))
    words = ["residual", str(path), "--domain", "t:0:1,x:-1:1", "--tolerance", "0.1"]
    picture = tmp_path / "heat.png"
    assert main([*words, "--equation", WAVE, "--json", "--plot", str(picture)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["squared"]["lower"] <= found["lower"] ** 2 <= found["upper"] ** 2 <= found["squared"]["upper"]
    assert set(found["witness"]) == {"t", "x"}
    assert picture.stat().st_size > 1000
    assert main([*words, "--equation", "u + x", "--at", "x=1/2"]) == 0
    assert "squared" in capsys.readouterr().out
    for equation, said in (("u_t +", "found the end at character 6"), ("w_t", "'w_t' at character 1 is not known")):
        assert main([*words, "--equation", equation]) == 2
        assert said in capsys.readouterr().err


def _forged(path: Path, to: Path, change: str, value: object) -> Path:
    """A certificate with one member of its manifest changed, or without its last node."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "manifest.json" and change != "tree":
                data = json.dumps({**json.loads(data), change: value}).encode()
            if name == "tree.npy" and change == "tree":
                tree, kept = np.load(io.BytesIO(data)), io.BytesIO()
                # The first split is gone, and half of the box with it.
                np.save(kept, tree[1:2] if value else tree[:-1])
                data = kept.getvalue()
            new.writestr(name, data)
    return to


def test_certificates(tmp_path: Path) -> None:
    path, _ = pinn(tmp_path / "n.onnx", 7, ("Tanh", "Tanh"))
    place = tmp_path / "r.vcert"
    found = verdict.residual(path, WAVE, domain="t:0:1,x:-1:1", tolerance="0.05", certificate=place)
    made = found.certificate
    assert made.accepted, made.reason
    assert found.upper_trust == "certified"
    assert found.upper <= found.lower * Fraction(10501, 10000)
    model, query = made.network, made.query
    report = verdict.check(place, model, query)
    assert report.accepted
    assert report.leaves > 1
    forged = tmp_path / "f.vcert"
    assert not verdict.check(_forged(place, forged, "tree", False), model, query).accepted
    assert not verdict.check(_forged(place, forged, "tree", True), model, query).accepted
    # The same proof for a bound that does not hold, and for another network.
    lower = tmp_path / "lower.vnnlib"
    text = query.read_text()
    numbers = sorted({n for n in re.findall(r"[0-9.]{6,}", text) if Fraction(n) > found.lower * Fraction(9, 10)})
    assert numbers
    for number in numbers:
        text = text.replace(number, str(float(found.lower) * 0.999))
    lower.write_text(text)
    digest = hashlib.sha256(lower.read_bytes()).hexdigest()
    assert not verdict.check(_forged(place, forged, "property", digest), model, lower).accepted
    other = residual_of(load(path), read(WAVE.replace("0.5", "0.75")), Names(("u",), ("t", "x")))
    other.save(tmp_path / "other.onnx")
    changed = _forged(place, forged, "model", other.sha256)
    assert not verdict.check(changed, tmp_path / "other.onnx", query).accepted


def test_an_exact_solution(tmp_path: Path) -> None:
    """sin(x - t) made by hand: u_t + u_x = 0 and u_tt = u_xx, up to the rounding of the bounds; u_x is cos(x - t)."""
    nodes = [helper.make_node("Gemm", ["x", "W"], ["z"]), helper.make_node("Sin", ["z"], ["y"])]
    weights = {"W": np.array([[-1], [1]], np.float32)}
    path = write(tmp_path / "wave.onnx", nodes, {"x": [1, 2]}, {"y": [1, 1]}, weights)
    for equation in ("u_t + u_x", "u_tt - u_xx", "u_x - cos(x - t)"):
        found = verdict.residual(path, equation, domain="t:0:1,x:0:1")
        assert found.upper <= Fraction(1, 10**12)
    assert float(verdict.residual(path, "u_x", domain="t:0:1,x:0:1").lower) == pytest.approx(1, abs=1e-4)


def test_whatever_ends_a_search_leaves_the_whole_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in every step in turn: the upper end is one of all boxes."""
    path, _ = pinn(tmp_path / "n.onnx", 8, ("Tanh", "Tanh"))
    network, box = residual_of(load(path), read(WAVE), Names(("u",), ("t", "x"))), Box([0, -1], [1, 1])
    points = np.random.default_rng(0).uniform([0, -1], [1, 1], (2000, 2))
    most = float(np.abs(network.evaluate(points)).max())
    original = PeakSearch._try
    for turn in range(6):
        left = [turn]

        def stopped(self: PeakSearch, *given: object, left: list[int] = left, polished: bool = False) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            original(self, *given, polished)

        monkeypatch.setattr(PeakSearch, "_try", stopped)
        with Workers(1) as workers:
            search = PeakSearch(network, box, Deadline(), Fraction(1, 100), workers)
            with pytest.raises(KeyboardInterrupt):
                search.run()
        assert search.upper >= most
