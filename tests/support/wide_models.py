"""Random ONNX models over every operator that a reader claims, legal and nearly legal, at the edges of ONNX.

Driven by ONNX's own schemas, so that an operator which a reader learns is in at once: operator sets from the oldest to
the newest, every attribute, optional inputs there, absent or "", float32 and float64 with Cast between, batches of
several samples, several inputs and outputs, constants at the limits of their types, constant subgraphs of all types.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from support.wide_damage import spoiled
from support.wide_nodes import BUILDERS
from support.wide_values import attribute_value

# Numbers in one tensor at most.
MOST = 36
REAL = ("float32", "float64")
KINDS = {
    "float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE, "float16": TensorProto.FLOAT16,
    "bool": TensorProto.BOOL, **{name: getattr(TensorProto, name.upper()) for name in (
        "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")},
}  # fmt: skip
NAMES = {number: name for name, number in KINDS.items()}
EXTREMES: dict[str, list[float]] = {
    "float32": [3e38, -3e38, 1e-45, -1e-40, -0.0, 16777217.0],
    "float64": [1e308, -1e308, 5e-324, 3e38, 4e38, -0.0, 2.0**53 + 1],
    "float16": [65504.0, 6e-8, -0.0],
}
# Operators that are read at the output alone, and what may follow each, or may not.
HEADS = ("Softmax", "LogSoftmax", "ArgMax", "Sigmoid", "Log")
FOLLOWERS = ("Log", "Sigmoid", "Softmax", "ArgMax", "Complement", "Share", "Abs", "Cast", "Labels", "Reshape", "Gather",
             "Neg", "Relu")
# How often an optional attribute is there, a node is spoilt, and one that is not legal by chance is kept.
PRESENT, SPOILED, KEPT = 0.3, 0.06, 0.1


@dataclass(frozen=True)
class Tensor:
    """A tensor of the model in the making; `symbolic` where it depends on the model's inputs."""

    name: str
    shape: tuple[int, ...]
    kind: str
    symbolic: bool


class Wide:
    """A model that grows node by node; `x` is the last tensor that depends on the inputs."""

    def __init__(self, rng: np.random.Generator, opset: int, names: Iterable[str], of_constants: Iterable[str]) -> None:
        self.rng, self.opset, self.of_constants = rng, opset, frozenset(of_constants)
        self.schemas = {name: found for name in names if (found := schema(name, opset)) is not None}
        self.constants_only, self.legal = False, False
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.inputs: list[Tensor] = []
        self.symbols: list[Tensor] = []
        self.types: dict[str, Any] = {}
        self.data: dict[str, Any] = {}
        self.used: list[str] = []
        self.open, self.made, self.head = True, 0, ""
        batch, kind = int(rng.choice([1, 1, 2, 3])), str(rng.choice(REAL, p=[0.7, 0.3]))
        for _ in range(1 + int(rng.random() < 0.15)):
            self._input(batch, kind)

    # Choices.

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def one(self, items: Any) -> Any:
        return items[int(self.rng.integers(len(items)))]

    def whole(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return int(self.rng.integers(low, max(low, high) + 1))

    # Tensors.

    @property
    def x(self) -> Tensor:
        return self.symbols[-1]

    def operand(self, kinds: Any) -> Tensor:
        """What a node is about: mostly the last tensor, at times an earlier one or a constant."""
        fitting = [t for t in self.symbols if t.kind in kinds]
        if not fitting or self.constants_only or self.chance(0.12):
            return self.constant(self.numbers(self.small_shape(), self.kind_of(kinds), self.chance(0.4)))
        return fitting[-1] if self.chance(0.8) else self.one(fitting)

    def small_shape(self) -> tuple[int, ...]:
        return tuple(self.whole(0 if self.chance(0.04) else 1, 3) for _ in range(self.whole(0, 3)))

    def numbers(self, shape: tuple[int, ...], kind: str, positive: bool = False) -> Any:
        """Quarters or small integers, now and then one at the limit of the type."""
        if kind == "bool":
            return self.rng.random(shape) < 0.5
        unsigned = kind.startswith("u") or positive
        if kind in EXTREMES:
            values = (self.rng.integers(1 if unsigned else -8, 9, shape) / 4).astype(kind)
            odd: list[Any] = EXTREMES[kind]
        else:
            values = np.asarray(self.rng.integers(0 if unsigned else -3, 4, shape)).astype(kind)
            odd = [np.iinfo(kind).max, np.iinfo(kind).min, np.iinfo(kind).max - 1]
        values = np.asarray(values)
        if values.size and not positive and self.chance(0.09):
            values.reshape(-1)[self.whole(0, values.size - 1)] = self.one(odd)
        return values

    def like(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts to this one."""
        kept = tuple(n if self.chance(0.6) else 1 for n in shape)
        return kept[self.whole(0, len(shape)) :]

    def constant(self, values: Any) -> Tensor:
        """An initializer, or the output of a Constant."""
        name, values = self.fresh(), np.asarray(values)
        tensor = numpy_helper.from_array(values, name)
        if self.chance(0.15):
            self.nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        else:
            self.weights.append(tensor)
        self.types[name] = helper.make_tensor_type_proto(tensor.data_type, list(values.shape))
        self.data[name] = tensor
        return Tensor(name, tuple(values.shape), values.dtype.name, False)

    def ints(self, *values: int) -> Tensor:
        return self.constant(np.array(values, np.int64))

    def fresh(self) -> str:
        self.made += 1
        return f"t{self.made}"

    def _input(self, batch: int, kind: str) -> None:
        shapes = [(self.whole(1, 6),), (self.whole(1, 4), 2, 2), (1, 2, 3), (2, 3), (2, 4), (1, 4, 4), (2, 2, 1, 2)]
        tensor = Tensor(self.fresh(), (batch, *self.one(shapes)), kind, True)
        self.inputs.append(tensor)
        self.symbols.append(tensor)
        self.types[tensor.name] = helper.make_tensor_type_proto(KINDS[kind], tensor.shape)

    # Nodes.

    def grow(self, steps: int, first: str = "") -> None:
        """Up to `steps` nodes, the first of them the operator named; the model ends at a node that is not legal."""
        for step in range(steps):
            for _ in range(12):
                name = first if step == 0 and first in self.schemas else self.one(list(self.schemas))
                if name in HEADS and self.chance(0.9):
                    self.head = name
                    break
                if not self.open or self._step(name):
                    break

    def _step(self, name: str) -> bool:
        nodes, weights = len(self.nodes), len(self.weights)
        self.constants_only = name in self.of_constants and self.chance(0.95)
        inputs, attributes, outputs = self._drawn(name)
        node = helper.make_node(name, inputs, [self.fresh() for _ in range(outputs)])
        node.attribute.extend(attributes)
        spoilt = not self.legal and self.chance(SPOILED)
        if spoilt:
            spoiled(self, node)
        found = self._inferred(node)
        self.nodes.append(node)
        if found is None and not spoilt and (self.legal or not self.chance(KEPT)):
            del self.nodes[nodes:], self.weights[weights:]
            return False
        self.used.append(name)
        if found is None:
            self.open = False
            self.symbols.append(Tensor(node.output[0] if node.output else "", (), self.x.kind, True))
            return True
        self._take(node, found)
        return True

    def _take(self, node: Any, found: Mapping[str, Tensor]) -> None:
        """Go on from the outputs of a legal node; a constant is added to, or put beside, the last tensor."""
        known = {t.name for t in self.symbols}
        symbolic = bool(known & set(node.input)) and node.op_type not in ("Shape", "Size")
        for name, tensor in found.items():
            self.types[name] = helper.make_tensor_type_proto(KINDS[tensor.kind], tensor.shape)
        new = [t for t in found.values() if t.kind in REAL] if symbolic else []
        if new:
            self.symbols.append(self.one(new))
        elif not symbolic:
            self._join(self.one(list(found.values())))

    def _join(self, constant: Tensor) -> None:
        kind, x = self.x.kind, self.x
        if constant.kind != kind:
            constant = self._plain("Cast", [constant], constant.shape, to=KINDS[kind])
        try:
            fits = np.broadcast_shapes(constant.shape, x.shape) == x.shape
        except ValueError:
            fits = False
        if fits:
            self.symbols.append(self._plain(self.one(["Add", "Add", "Mul", "Sub"]), [x, constant], x.shape))
            return
        size, count = int(np.prod(constant.shape)), int(np.prod(x.shape))
        row = self._plain("Reshape", [constant, self.ints(1, size)], (1, size))
        flat = self._plain("Reshape", [x, self.ints(1, count)], (1, count))
        self.symbols.append(self._plain("Concat", [flat, row], (1, size + count), axis=1))

    def _plain(self, op: str, inputs: list[Tensor], shape: tuple[int, ...], kind: str = "", **given: Any) -> Tensor:
        tensor = Tensor(self.fresh(), shape, kind or self.x.kind, True)
        self.nodes.append(helper.make_node(op, [t.name for t in inputs], [tensor.name], **given))
        self.types[tensor.name] = helper.make_tensor_type_proto(KINDS[tensor.kind], shape)
        return tensor

    def _drawn(self, name: str) -> tuple[list[str], list[Any], int]:
        """Inputs, attributes and the number of outputs of a node that its schema allows, as far as that says."""
        table = self.schemas[name]
        inputs, given = BUILDERS[name](self, table) if name in BUILDERS else self.drawn_inputs(table)
        attributes = []
        for attribute in table.attributes.values():
            value = given.pop(attribute.name, None)
            if value is None and (attribute.required or self.chance(PRESENT)):
                value = attribute_value(self, name, attribute, self.shape_of(inputs))
            if value is not None:
                attributes.append(helper.make_attribute(attribute.name, value, attr_type=attribute.type.value))
        outputs = given.pop("outputs", 2 if table.max_output > 1 and self.chance(0.1) else 1)
        return inputs, attributes, outputs

    def drawn_inputs(self, table: Any) -> tuple[list[str], dict[str, Any]]:
        """Inputs by the schema alone: what the node is about, then what broadcasts to it."""
        letters: dict[str, str] = {}
        shape: tuple[int, ...] | None = None
        names: list[str] = []
        for parameter in table.inputs:
            option = parameter.option.name
            times = self.whole(1, 3) if option == "Variadic" else 1
            for _ in range(times):
                if option == "Optional" and self.chance(0.5):
                    names.append("")
                    continue
                kinds = [letters[parameter.type_str]] if parameter.type_str in letters else kinds_of(parameter)
                if not kinds:
                    names.append("")
                elif shape is None:
                    tensor = self.operand(kinds)
                    shape = tensor.shape
                    letters[parameter.type_str] = tensor.kind
                    names.append(tensor.name)
                else:
                    tensor = self.second(shape, kinds)
                    letters[parameter.type_str] = tensor.kind
                    names.append(tensor.name)
        while names and not names[-1] and self.chance(0.8):
            names.pop()
        if len(names) == 2 and table.inputs[0].type_str == table.inputs[-1].type_str and self.chance(0.4):
            names.reverse()
        return names, {}

    def second(self, shape: tuple[int, ...], kinds: Any) -> Tensor:
        fitting = [t for t in self.symbols if t.kind in kinds and t.shape == shape]
        if fitting and not self.constants_only and self.chance(0.3):
            return self.one(fitting)
        return self.constant(self.numbers(self.like(shape), self.kind_of(kinds)))

    def kind_of(self, kinds: Any) -> str:
        """One of these element types, mostly a common one."""
        common = [k for k in (*REAL, "int64", "bool") if k in kinds]
        return str(self.one(common if common and self.chance(0.8) else list(kinds)))

    def shape_of(self, inputs: list[str]) -> tuple[int, ...]:
        if not inputs or inputs[0] not in self.types:
            return (1,)
        return tuple(d.dim_value for d in self.types[inputs[0]].tensor_type.shape.dim)

    def _inferred(self, node: Any) -> dict[str, Tensor] | None:
        """The outputs as ONNX infers them, None where it does not."""
        table = schema(node.op_type, self.opset)
        if any(a.name == "num_outputs" and a.i != len(node.output) for a in node.attribute):
            return None  # ONNX's inference ends the process
        types = {name: self.types[name] for name in node.input if name in self.types}
        data = {name: self.data[name] for name in types if name in self.data}
        imports = [helper.make_opsetid("", self.opset)]
        try:
            found = shape_inference.infer_node_outputs(table, node, types, data, opset_imports=imports, ir_version=8)
        except Exception:  # noqa: BLE001 - its errors have no common kind
            return None
        outputs = {}
        for name, kind in found.items():
            type_ = kind.tensor_type
            dims = [d.dim_value if d.HasField("dim_value") else None for d in type_.shape.dim]
            shape = tuple(d for d in dims if d is not None)
            fits = type_.HasField("shape") and len(shape) == len(dims) and 0 <= np.prod(shape) <= MOST
            if not fits or type_.elem_type not in NAMES or len(dims) > 6 or (dims and min(shape) < 0):
                return None
            outputs[name] = Tensor(name, shape, NAMES[type_.elem_type], True)
        return outputs or None

    # The model.

    def finish(self) -> onnx.ModelProto:
        """The model with its last tensor, at times another one too, as outputs."""
        last = [self.x]
        if self.open and self.chance(0.3):
            count = int(np.prod(self.x.shape))
            last = [self._plain("Reshape", [self.x, self.ints(1, count)], (1, count))]
        if self.open and self.head and self.chance(0.5):
            last = [self._headed(last[0], "Sigmoid" if self.head == "Log" and self.chance(0.8) else self.head)]
            for _ in range(self.whole(0, 3) if self.chance(0.6) else int(self.head == "Log")):
                first = "Log" if self.head == "Log" and "Log" not in self.used else self.one(FOLLOWERS)
                last = [self._headed(last[0], first)]
            self.types[last[0].name] = helper.make_tensor_type_proto(0, None)
        elif self.chance(0.12) and len(self.symbols) > 2:
            last.append(self.symbols[-2])
        outputs = [self._port(t, t.name in self.types and self.open) for t in {t.name: t for t in last}.values()]
        inputs = [helper.make_value_info(t.name, self.types[t.name]) for t in self.inputs]
        if self.inputs[0].shape[0] == 1 and self.chance(0.1):
            inputs[0].type.tensor_type.shape.dim[0].dim_param = "N"
        graph = helper.make_graph(self.nodes, "wide", inputs, outputs, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)

    def _headed(self, x: Tensor, step: str) -> Tensor:
        """One more step of a head, legal or not."""
        if step == "Complement":
            one = self.constant(np.ones((1,) * len(x.shape), x.kind))
            other = self._plain("Sub", [one, x], x.shape, kind=x.kind)
            both = self.one([[x, other], [other, x]])
            return self._plain("Concat", both, (*x.shape[:-1], 2 * x.shape[-1]), kind=x.kind, axis=-1) if (
                x.shape and self.chance(0.8)) else other
        if step == "Share":
            total = self._plain("ReduceSum", [x], (1,) * len(x.shape), kind=x.kind)
            return self._plain("Div", [x, total], x.shape, kind=x.kind)
        if step == "Labels":
            return self._plain("Gather", [self.constant(self.rng.permutation(np.arange(40)) + 7), x], x.shape,
                               kind="int64")
        if step == "Cast":
            kind = self.one(REAL if x.kind in REAL else ["int64", "int32", "float32"])
            return self._plain("Cast", [x], x.shape, kind=kind, to=KINDS[kind])
        if step == "Reshape":
            return self._plain("Reshape", [x, self.ints(-1, 1)], (int(np.prod(x.shape)), 1), kind=x.kind)
        if step == "Gather":
            return self._plain("Gather", [x, self.ints(0, 0)], (2, *x.shape[1:]), kind=x.kind)
        self.used.append(step)
        named = step in ("Softmax", "LogSoftmax", "ArgMax") and self.chance(0.7)
        options = {"axis": self.one([-1, 1, len(x.shape) - 1])} if named else {}
        if step != "ArgMax":
            return self._plain(step, [x], x.shape, kind=x.kind, **options)
        keep = self.whole(0, 1)
        axis, shape = options.get("axis", 0), list(x.shape)
        if shape:
            shape[axis if axis < len(shape) else 0] = 1
        found = self._plain("ArgMax", [x], tuple(shape), kind="int64", **options, **({} if keep else {"keepdims": 0}))
        return found if keep else replace(found, shape=(1,) * max(len(shape) - 1, 0))

    def _port(self, tensor: Tensor, known: bool) -> Any:
        kind = self.types[tensor.name] if known else helper.make_tensor_type_proto(KINDS[tensor.kind], None)
        if not kind.tensor_type.elem_type:
            kind = helper.make_tensor_type_proto(KINDS[tensor.kind], None)
        return helper.make_value_info(tensor.name, kind)


def kinds_of(parameter: Any) -> list[str]:
    """The element types that an input of a schema may have, of those that are made here."""
    found = [t.removeprefix("tensor(").removesuffix(")") for t in parameter.types]
    renamed = [{"float": "float32", "double": "float64"}.get(t, t) for t in found]
    return sorted(t for t in renamed if t in KINDS)


def schema(name: str, opset: int) -> Any:
    """The operator in an operator set, None where it is not there."""
    try:
        found = onnx.defs.get_schema(name, max_inclusive_version=opset, domain="")
    except onnx.defs.SchemaError:
        return None
    return None if found.deprecated else found


def wide_model(
    seed: int,
    steps: int,
    names: Iterable[str],
    of_constants: Iterable[str],
    opsets: list[int],
    first: str = "",
    legal: bool = False,
) -> Wide:
    """A model of up to `steps` of the operators named, `of_constants` those that are read on constants alone, in one of
    the operator sets; `legal` where ONNX's inference finds no fault. The same for the same arguments."""
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        model = Wide(rng, int(rng.choice(opsets)), names, of_constants)
        model.legal = legal
        model.grow(steps, first)
    return model
