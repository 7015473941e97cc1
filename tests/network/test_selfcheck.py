"""The two looks at ONNX Runtime: a misreading that shows at large inputs, or where the question is asked, is refused.

The misreading here is an Abs with a bump that lies between the points of the first look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from ops.operator_check import floats, load, model, weights
from support.tiny import write

import verdict
from verdict.answer.second_look import points_of
from verdict.base.errors import ModelError, VerdictError
from verdict.compose.layers import with_weights
from verdict.network.network import Network
from verdict.ops import lowering
from verdict.ops.arithmetic import add, multiply
from verdict.ops.importer.selfcheck import check_on
from verdict.ops.lowering import Constant, Context, Symbol, Value
from verdict.property import Box
from verdict.property.language import Formula, Vector

# Where the bump lies.
THERE = 101.0


def _bump(ctx: Context, x: Symbol) -> Value:
    """A hat of height 1 on [100, 102]."""
    found: Value = ctx.lift(multiply(ctx, x, Constant(np.array(0.0))))
    for place, factor in ((100.0, 1.0), (101.0, -2.0), (102.0, 1.0)):
        shifted = add(ctx, x, Constant(np.array(-place)))
        excess = Symbol(ctx.builder.relu(shifted.node), x.shape)
        found = add(ctx, found, multiply(ctx, excess, Constant(np.array(factor))))
    return found


@pytest.fixture
def misread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Network:
    table = dict(lowering.operators())
    right = table["Abs"].lower
    assert right is not None

    def wrong(ctx: Context) -> list[Value]:
        return [add(ctx, right(ctx)[0], _bump(ctx, ctx.symbol(0)))]

    table["Abs"] = replace(table["Abs"], lower=wrong)
    monkeypatch.setattr("verdict.ops.importer.onnx_import.supported", table.get)
    nodes = [helper.make_node("Abs", ["x"], ["a"]), helper.make_node("Gemm", ["a", "w", "b"], ["y"], name="dense")]
    constants = {"w": np.float32([[1, 0], [0, 2]]), "b": floats(0.5, 0)}
    return load(model(nodes, {"x": (1, 2)}, constants), tmp_path)


def _around(place: float, reach: float = 0.25) -> Box:
    return Box([Fraction(place - reach)] * 2, [Fraction(place + reach)] * 2)


def _query(network: Network, place: float) -> str:
    text = "".join(f"(declare-const X_{i} Real)(declare-const Y_{i} Real)" for i in (0, 1))
    text += "".join(f"(assert (>= X_{i} {place - 1}))(assert (<= X_{i} {place + 1}))" for i in (0, 1))
    path = network.path.parent / "q.vnnlib"
    path.write_text(text + "(assert (<= Y_0 -1000.0))")
    return str(path)


def _at(place: float) -> list[float]:
    return [place, place + 0.1]


QUESTIONS: dict[str, Callable[[Network, float], object]] = {
    "robust": lambda n, p: verdict.robust(n, _at(p), "0.25", timeout=5),
    "maxeps": lambda n, p: verdict.maxeps(n, _at(p), timeout=5),
    "verify": lambda n, p: verdict.verify(_query(n, p), n, timeout=5),
    "prove": lambda n, p: verdict.prove(n, _outputs(n)[0] > -1000, _given(n, p), timeout=5),
    "general": lambda n, p: verdict.general(n, _around(p), "0.01", lead=1, timeout=5),
    "maxgeneral": lambda n, p: verdict.maxgeneral(n, _around(p), lead=1, timeout=5),
    "imitates": lambda n, p: verdict.imitates(n, n, _around(p), delta=1, timeout=5),
    "maxdelta": lambda n, p: verdict.maxdelta(n, with_weights(n, {"w": np.eye(2)}), _around(p), timeout=5),
    "maxmove": lambda n, p: verdict.maxmove(n, _around(p), "0.01", timeout=5),
    "maxfall": lambda n, p: verdict.maxfall(n, _around(p), 0, 0, "0.01", timeout=5),
    "maxpruning": lambda n, p: verdict.maxpruning(n, _around(p), timeout=5),
    "maxweights": lambda n, p: verdict.maxweights(n, _at(p), timeout=5),
}


def _outputs(network: Network) -> Vector:
    return verdict.variables(network)[1]


def _given(network: Network, place: float) -> Formula:
    x = verdict.variables(network)[0]
    return (x[0] >= place - 1) & (x[0] <= place + 1) & (x[1] >= place - 1) & (x[1] <= place + 1)


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_looks_where_it_is_asked(name: str, misread: Network) -> None:
    """Away from the bump the answer is given; on it none is."""
    QUESTIONS[name](misread, 7.0)
    with pytest.raises(ModelError, match="disagrees with ONNX Runtime: output"):
        QUESTIONS[name](misread, THERE)


def test_a_misreading_of_large_numbers_is_found_when_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of 5000 that the import overlooks."""
    table = dict(lowering.operators())
    table["Clip"] = replace(table["Clip"], lower=lambda ctx: [ctx.value(0)])
    monkeypatch.setattr("verdict.ops.importer.onnx_import.supported", table.get)
    nodes = [helper.make_node("Clip", ["x", "", "high"], ["y"])]
    with pytest.raises(ModelError, match="disagrees with ONNX Runtime"):
        load(model(nodes, {"x": (1, 2)}, {"high": np.float32(5000)}), tmp_path)


@pytest.mark.parametrize(("kind", "large"), [(np.float32, 1e30), (np.float64, 1e300)])
def test_a_run_that_overflows_is_no_agreement(kind: type, large: float, tmp_path: Path) -> None:
    """Over the reals the outputs are fine; ONNX Runtime gives an infinity, or NaN."""
    nodes = [helper.make_node("Mul", ["x", "c"], ["m"]), helper.make_node("Sub", ["m", "m"], ["y"])]
    proto = model(nodes, {"x": (1, 2)}, {"c": kind(large)}, kind=helper.np_dtype_to_tensor_dtype(np.dtype(kind)))
    network = load(proto, tmp_path)
    check_on(network, np.full((1, 2), 1e5))
    with pytest.raises(ModelError, match="ONNX Runtime gives nan"):
        check_on(network, np.full((1, 2), 1e20))


def test_doubles_are_compared_as_doubles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of 1e-9, relatively, is rounding in float32 and a misreading in float64."""

    def wrong(ctx: Context) -> list[Value]:
        return [multiply(ctx, ctx.value(0), Constant(np.array(-1.0 - 1e-9)))]

    table = dict(lowering.operators())
    table["Neg"] = replace(table["Neg"], lower=wrong)
    monkeypatch.setattr("verdict.ops.importer.onnx_import.supported", table.get)
    nodes = [helper.make_node("Neg", ["x"], ["y"])]
    load(model(nodes, {"x": (1, 2)}, {}), tmp_path)
    with pytest.raises(ModelError, match="disagrees with ONNX Runtime"):
        load(model(nodes, {"x": (1, 2)}, {}, kind=TensorProto.DOUBLE), tmp_path)


def test_what_onnx_runtime_refuses_is_refused(tmp_path: Path) -> None:
    """The standard has Relu of int32 tensors; here a Clip of doubles in operator set 11, which has no kernel."""
    node = helper.make_node("Clip", ["x"], ["y"])
    with pytest.raises(VerdictError, match="ONNX Runtime cannot load it"):
        load(model([node], {"x": (1, 2)}, {}, opset=11, kind=TensorProto.DOUBLE), tmp_path)


def test_the_points_lie_in_the_box() -> None:
    rng = np.random.default_rng(0)
    low, high = np.array([-1.0, 2.0, -np.inf]), np.array([1.0, 2.0, np.inf])
    points = points_of(low, high, 8, rng)
    assert points.shape == (8, 3)
    assert np.isfinite(points).all()
    assert ((points >= low) & (points <= high)).all()
    assert points_of(low, high, 1, rng)[0].tolist() == [0.0, 2.0, 0.0]


def test_a_large_network_is_looked_at_in_fewer_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from verdict.answer import second_look as module

    seen: list[int] = []
    monkeypatch.setattr(module, "check_on", lambda network, points: seen.append(len(points)))
    network = load(
        model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (1, 4)}, {"w": weights(4, 4)}), tmp_path
    )
    box = (np.zeros(4), np.ones(4))
    module.second_look(network, [box])
    monkeypatch.setattr(module, "MOST_PRODUCTS", 40)
    module.second_look(network, [box] * 5)
    module.second_look(network, [])
    assert seen == [8, 2]


def test_one_probability_is_one_number_where_no_point_can_be_compared(tmp_path: Path) -> None:
    """Everywhere beyond float32: what is left to compare is how many numbers there are, one for two classes."""
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["a"]), helper.make_node("Exp", ["a"], ["c"]),
        helper.make_node("Exp", ["c"], ["d"]), helper.make_node("Sigmoid", ["d"], ["y"]),
    ]
    values = {"w": np.zeros((2, 1), np.float32), "b": np.full(1, 10, np.float32)}
    path = write(tmp_path / "m.onnx", nodes, {"x": [1, 2]}, {"y": [1, 1]}, values)
    network = verdict.load(path)
    assert network.output_size == 2
    assert str(network.outputs[0].head) == "Sigmoid"
