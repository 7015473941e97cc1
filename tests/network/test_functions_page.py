"""docs/functions.md says what is done for which pointwise function: this test tries, and writes the page with
VERDICT_WRITE."""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from verdict.base.deadline import Deadline
from verdict.base.errors import UnsupportedError
from verdict.bounds import Bounds, linear_bounds
from verdict.checker import functions as twins
from verdict.checker import network as checked
from verdict.checker.arithmetic.float32 import value_error
from verdict.checker.errors import OutOfRangeError
from verdict.checker.functions import planes
from verdict.checker.kernel.region import Region
from verdict.encoders import smt
from verdict.encoders.envelopes import Relaxation, lacking
from verdict.encoders.milp import encode_margin, encode_relaxed_margin
from verdict.network.builder import Builder
from verdict.network.exact import Coefficients
from verdict.network.functions import Feature, Function
from verdict.network.functions.registry import functions
from verdict.network.graph import Graph, Product
from verdict.network.maps import Dense
from verdict.property import Box
from verdict.property.unsafe import Polytope
from verdict.search.engines.parts.bab import splits_inputs
from verdict.search.neurons.methods import METHODS
from verdict.search.observer import Watch
from verdict.search.options import DEFAULTS
from verdict.search.relus.space import Space
from verdict.search.tangents.tangent_split import TangentSplit
from verdict.solvers.z3_session import Session

PAGE = Path(__file__).parents[2] / "docs" / "functions.md"
HEAD = """# Functions

What is done for which function of single numbers. A test makes this page (`tests/network/test_functions_page.py`): it
tries each part with a small network of that function. Whatever is not done is refused, with the name of the function
and of the feature that it lacks. LeakyRelu, PRelu, Abs, Clip, HardSigmoid, Min, Max and MaxPool are made of Relu,
Selu and Celu of Elu, Swish of Silu, and powers of Pow(3) and its like, Square, Sqrt and Reciprocal. The product of a
tensor and Sigmoid, Tanh, Erf or a power of a multiple of it is one function, and so are Mish and Gelu with tanh as
exporters write them (x Tanh(x + k x^3), with the k of the file's own constants).
Tanh' to Sigmoid''' are derivatives: products of polynomials in one Tanh or Sigmoid, as 1 - tanh^2. Log, Sqrt and
Reciprocal prove nothing of boxes on which they may not be defined.
Sign, comparisons cast to a float type or chosen by between constants, and binarised layers are sums of Step, which is 1
from 0 on; Ceil is made of Floor, and Round goes to the even neighbour of halves. What rounding makes of a number next
to a jump nobody bounds, so nothing is claimed of them for float32.
Product is that of two other tensors that both depend on the input: Mul, MatMul, Gemm and Einsum.

* *bounds*: the methods of `verdict bounds` that take it;
* *splits*: of the inputs' box, and of neurons, in branch and bound;
* *smt*, *milp*: how these engines take it: `exact`, all there is of it, or `lines`, between tangents and chords that
  hold it, on ever smaller pieces where a solution lies off it (among other functions with lines, `smt` takes all so);
* *certificate*: whether the independent checker has the function; *float32*: whether a proof can cover every float32
  evaluation order, which needs a bound of how a library computes the function: for exp there is none, but one may be
  assumed (`--assume-ulp`, [semantics.md](semantics.md)); what is made of several operators is then read as these;
* *radius*: `exact` where `maxeps` can end with one rational number, else an interval that closes to six digits;
* *witness*: how a violation is replayed, in rationals, or in rationals between which the real values lie.

| function | bounds | splits | smt | milp | certificate | float32 | radius | witness |
|---|---|---|---|---|---|---|---|---|
"""


def network(function: Function) -> Graph:
    """Two layers of the function, of numbers for which all functions are defined."""
    builder = Builder(2)
    node = 0
    for _ in range(2):
        matrix, bias = Coefficients(np.array([[1.0, 2], [2, -1]])), None
        if getattr(function, "domain", (-np.inf,))[0] > -np.inf or function.name == "Reciprocal":
            matrix, bias = Coefficients(np.array([[0.5, 1], [1, 0.25]])), Coefficients(np.array([4.0, 4.0]))
        node = builder.pointwise(function, builder.affine([(Dense(matrix), node)], bias))
    return builder.finish(builder.affine([(Dense(Coefficients(np.array([[1.0, -1]]))), node)]))


def products() -> Graph:
    """The same with products of two layers."""
    builder, node = Builder(2), 0
    for _ in range(2):
        weights = np.array([[1.0, 2], [2, -1]]), np.array([[1.0, 0], [-1, 1]])
        left, right = (builder.affine([(Dense(Coefficients(weight)), node)]) for weight in weights)
        node = builder.product(left, right)
    return builder.finish(builder.affine([(Dense(Coefficients(np.array([[1.0, -1]]))), node)]))


def takes(call: Callable[[], object]) -> str:
    try:
        call()
    except UnsupportedError as error:
        return "no" if "needs functions that are" in str(error) else str(error)
    return "yes"


def by_smt(graph: Graph, bounds: Bounds) -> str:
    """Z3 takes the text, whatever it says of it."""
    relaxation = Relaxation(graph, bounds, lacking(graph))
    with Session() as session:
        session.command(smt.prelude(graph, relaxation=relaxation))
        text = [smt.inputs_in_box(Box([-1, -1], [1, 1])), *smt.network(graph, bounds, relaxation=relaxation)]
        session.command("\n".join(text))
    return "lines" if relaxation else "exact"


def by_milp(graph: Graph, bounds: Bounds, polytope: Polytope) -> str:
    """A model is written."""
    if graph.has(Feature.ON_OFF):
        encode_margin(graph, bounds, polytope)
        return "exact"
    encode_relaxed_margin(Relaxation(graph, bounds, Feature.ON_OFF), polytope)
    return "lines"


class SplitError(Exception):
    """More than one domain was visited: something has been split."""


def stop_at_two(lower: float, waiting: int, visited: int) -> None:
    if visited > 1:
        raise SplitError


def splits_neurons(search: TangentSplit) -> bool:
    """However fast the machine is."""
    try:
        outcome = search.run(Deadline(20))
    except SplitError:
        return True
    return bool(outcome.proved or outcome.domains > 1)


def row(name: str, graph: Graph, twin: Any, exact: bool) -> str:
    low, high = np.full((1, 2), -1.0), np.ones((1, 2))
    bounds, box = linear_bounds(graph, low, high), Box([-1, -1], [1, 1])
    methods = [n for n, m in METHODS.items() if takes(lambda m=m: m.run(graph, box, Deadline(20))) == "yes"]  # type: ignore[misc]
    splits = ["inputs"] * splits_inputs(graph, bounds, DEFAULTS) or ["inputs"]
    splits += ["neurons"] * (takes(lambda: Space(graph, bounds, np.eye(1), np.zeros(1))) == "yes")
    polytope = Polytope(Coefficients(np.eye(1)), Coefficients(np.zeros(1)))
    if not graph.has(Feature.ON_OFF) and graph.pointwise:
        far = Polytope(Coefficients(np.eye(1)), Coefficients(bounds.lower[graph.output][0] + 0.01))
        splits += ["neurons"] * splits_neurons(TangentSplit(graph, bounds, [far], Watch(on_progress=stop_at_two)))
    cells = (
        name, ", ".join(methods), ", ".join(splits), by_smt(graph, bounds),
        by_milp(graph, bounds, polytope), "no" if twin is None else "yes",
        in_float32(twin), "exact" if exact else "interval",
        "exact" if graph.has(Feature.RATIONAL) else "enclosed",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


def in_float32(twin: Any) -> str:
    """What the checker charges at a value of the function, or of a product, without an assumption and with one."""
    node = checked.Product(0, 0, 1) if twin is planes else checked.Pointwise(twin, 0, 1)
    region = Region({0: np.array([[1.0]])}, {0: np.array([[2.0]])}, np.zeros(1, bool))
    for ulps, word in ((None, "yes"), (4.0, "assumed")):
        with contextlib.suppress(OutOfRangeError):
            value_error(node, region, ulps)
            return word
    return "no"


def rows() -> Iterator[str]:
    modules = [importlib.import_module(f"{twins.__name__}.{m.name}") for m in pkgutil.iter_modules(twins.__path__)]
    others = {getattr(v, "name", ""): v for module in modules for v in vars(module).values() if hasattr(v, "between")}
    for function in functions():
        yield row(function.name, network(function), others.get(function.name), function.has(Feature.PIECEWISE_LINEAR))
    yield row(Product.name, products(), planes, False)


def test_the_page_is_what_the_parts_do() -> None:
    page = HEAD + "".join(rows())
    if os.environ.get("VERDICT_WRITE"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page
