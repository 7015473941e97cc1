"""From an ONNX file to a `Network`: read, check, lower every operator, compare with ONNX Runtime.

The file is walked once in topological order; each operator's own file in `verdict.ops` turns it into
primitives, and constant subgraphs are folded on the way, exactly. All that is unsupported is collected and
reported in one error; a network whose graph does not compute what ONNX Runtime computes is refused.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.inliner
import onnx.numpy_helper

from ..errors import ModelError, UnsupportedError
from ..ops.lowering import MAX_ENTRIES, Constant, Context, LoweringError, Symbol, Value, operators
from .builder import Builder
from .maps import Index
from .network import Network, Port
from .selfcheck import check_against_runtime

# Operator sets that the lowerings were tested with.
OPSETS = range(8, 23)
# Half precision is left out: its rounding is none of the semantics that Verdict speaks about.
FLOATS: dict[int, str] = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.DOUBLE: "float64"}
# Operators that ONNX's reference implementation folds on constants: none makes a tensor larger than what its
# inputs broadcast to. Those on floats are only reached where the result is irrational (Sqrt, Exp).
# fmt: off
FOLDABLE = frozenset({
    "Abs", "Add", "And", "ArgMax", "ArgMin", "Ceil", "Clip", "CumSum", "Div", "Equal", "Erf", "Exp", "Floor",
    "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Log", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or",
    "Pow", "Reciprocal", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSum", "Round", "Sigmoid", "Sign", "Sqrt", "Sub",
    "Sum", "Tanh", "Xor",
})
# fmt: on


def load_onnx(path: str | Path, *, check: bool = True, hidden: Sequence[str] = ()) -> Network:
    """Read a network from an ONNX file.

    `check` compares the result with ONNX Runtime on random points. `hidden` names tensors inside the graph, or nodes
    with one output, that become further outputs. Raises ModelError when the file cannot be read, is invalid, holds
    NaN weights or disagrees with ONNX Runtime, and UnsupportedError, which lists every unsupported node, when Verdict
    cannot represent it.
    """
    path = Path(path)
    data = _read(path)
    if not hidden:
        return network_of(data, path, check=check)
    from .hidden import expose

    network = network_of(expose(model_of(data, path), hidden, path), path, check=check)
    return replace(network, sha256=hashlib.sha256(data).hexdigest())


def network_of(data: bytes, path: Path, *, check: bool = True) -> Network:
    """The network in the bytes of an ONNX file; `path` names it in messages and says where external weights lie.

    Raises as `load_onnx` does.
    """
    network = _Importer(model_of(data, path), data, path).run()
    if check:
        check_against_runtime(network)
    return network


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot read the model: {error.strerror or error}") from error
    if data[:2] == b"\x1f\x8b":
        import gzip

        try:
            data = gzip.decompress(data)
        except (OSError, EOFError) as error:
            raise ModelError(f"{path}: not a valid gzip file: {error}") from error
    if not data:
        raise ModelError(f"{path}: the file is empty, expected an ONNX model")
    return data


def model_of(data: bytes, path: Path) -> onnx.ModelProto:
    """The ONNX model in the bytes of a file, external weights read and local functions inlined. Raises ModelError."""
    try:
        model = onnx.load_model_from_string(data)
        onnx.load_external_data_for_model(model, str(path.parent))
        onnx.checker.check_model(model)
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
    except Exception as error:
        text = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ModelError(f"{path}: not a valid ONNX model: {text.strip()}") from error
    bad = next((name for name in _names(model.graph) if not isinstance(name, str)), None)
    if bad is not None:
        raise ModelError(f"{path}: not a valid ONNX model: the name {bad!r} is no UTF-8 text")
    return model


def _names(graph: onnx.GraphProto) -> Iterator[object]:
    """All names in a graph; the parser gives bytes for those that are no text."""
    for named in (*graph.initializer, *graph.input, *graph.output):
        yield named.name
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)


class _Importer:
    """The state of one import."""

    def __init__(self, model: onnx.ModelProto, data: bytes, path: Path) -> None:
        self.model, self.data, self.path = model, data, path
        self.opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)
        if self.opset not in OPSETS:
            raise UnsupportedError(f"{path}: operator set {self.opset}; supported are {OPSETS[0]} to {OPSETS[-1]}")
        self.supported = operators()
        self.values: dict[str, Value | None] = {}  # None: lost to an unsupported node
        self.extra: dict[str, str] = {}  # outputs of supported nodes that are not computed, and why
        self.problems: list[str] = []

    def run(self) -> Network:
        graph = self.model.graph
        for tensor in graph.initializer:
            self.values[tensor.name] = Constant(self._array(tensor))
        if graph.sparse_initializer:
            raise UnsupportedError(f"{self.path}: sparse initializers are not supported")
        inputs = [self._port(info) for info in graph.input if info.name not in self.values]
        if not inputs:
            raise ModelError(f"{self.path}: the model has no input")
        if not graph.output:
            raise ModelError(f"{self.path}: the model has no output")
        self._declare(inputs)
        for node in _in_order(graph, self.path):
            self._node(node)
        for info in graph.output:
            if info.name in self.extra:
                self.problems.append(f"output {info.name!r}: {self.extra[info.name]}")
        if self.problems:
            lines = "\n".join(f"  {p}" for p in self.problems)
            known = ", ".join(sorted(self.supported))
            raise UnsupportedError(
                f"{self.path}: {len(self.problems)} unsupported node(s), operator set {self.opset}:\n{lines}\n"
                f"supported operators: {known}"
            )
        output, ports, head = self._outputs(list(graph.output))
        return Network(
            graph=self.builder.finish(output),
            path=self.path,
            data=self.data,
            sha256=hashlib.sha256(self.data).hexdigest(),
            inputs=tuple(inputs),
            outputs=ports,
            head=head,
            opset=self.opset,
            operators=dict(Counter(n.op_type for n in graph.node)),
        )

    def _array(self, tensor: onnx.TensorProto) -> np.ndarray[Any, Any]:
        try:
            array = onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError) as error:
            raise ModelError(f"{self.path}: the weights {tensor.name!r} are malformed: {error}") from error
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise ModelError(f"{self.path}: the weights {tensor.name!r} contain NaN, expected finite numbers")
        return array

    def _port(self, info: onnx.ValueInfoProto) -> Port:
        kind = info.type.tensor_type
        where = f"{self.path}: input {info.name!r}"
        if kind.elem_type not in FLOATS:
            known = kind.elem_type in onnx.TensorProto.DataType.values()
            name = onnx.TensorProto.DataType.Name(kind.elem_type) if known else str(kind.elem_type)
            raise UnsupportedError(f"{where} has type {name}, expected a float tensor")
        if not kind.HasField("shape"):
            raise UnsupportedError(f"{where} has no shape, expected one")
        shape: list[int] = []
        for axis, dim in enumerate(kind.shape.dim):
            fixed = dim.HasField("dim_value") and dim.dim_value > 0
            if not fixed and axis > 0:
                raise UnsupportedError(
                    f"{where}: axis {axis} has no fixed size, expected one (only the batch axis may vary)"
                )
            shape.append(dim.dim_value if fixed else 1)
        if math.prod(shape) > MAX_ENTRIES:
            raise UnsupportedError(f"{where} has shape {tuple(shape)}, expected at most {MAX_ENTRIES} entries")
        return Port(info.name, tuple(shape), FLOATS[kind.elem_type])

    def _declare(self, ports: list[Port]) -> None:
        total = sum(port.size for port in ports)
        self.builder, start = Builder(total), 0
        for port in ports:
            node = 0
            if len(ports) > 1:
                part = Index(np.arange(start, start + port.size), total)
                node = self.builder.affine([(part, 0)], None, port.name)
            self.values[port.name] = Symbol(node, port.shape)
            start += port.size

    def _node(self, node: onnx.NodeProto) -> None:
        inputs = [self.values[name] if name else None for name in node.input]
        lost = any(name and self.values[name] is None for name in node.input)
        for name in filter(None, node.output):
            self.values[name] = None
        foreign = node.domain not in ("", "ai.onnx")
        label = node.name or next(filter(None, node.output), "?")
        place = f"{label} ({node.domain + '.' if foreign else ''}{node.op_type})"
        for name in node.input:
            if name in self.extra:
                self.problems.append(f"{place}: reads {name!r}: {self.extra[name]}")
        if lost and node.op_type in self.supported and not foreign:
            return  # a consequence of a node that is reported already
        try:
            outputs = self._lower(node, inputs, foreign, label)
        except (LoweringError, ModelError) as error:
            self.problems.append(f"{place}: {error}")
            return
        except Exception as error:  # noqa: BLE001 - a malformed node may break a lowering in any way
            self.problems.append(f"{place}: malformed: {type(error).__name__}: {error}")
            return
        for number, name in enumerate(node.output):
            if name and number < len(outputs):
                self.values[name] = outputs[number]
            elif name:
                self.extra[name] = f"output {number} of {place} is not supported"

    def _lower(self, node: onnx.NodeProto, inputs: list[Value | None], foreign: bool, label: str) -> list[Value]:
        given = [v for v in inputs if v is not None]
        constants = [v for v in given if isinstance(v, Constant)]
        is_constant = len(constants) == sum(bool(name) for name in node.input)
        operator = None if foreign else self.supported.get(node.op_type)
        if is_constant and not foreign and node.op_type in FOLDABLE:
            integers = not any(c.is_float for c in constants)
            if operator is None or (integers and not operator.moves):
                return _fold_by_reference(node, constants, self.opset)
        if operator is None:
            raise LoweringError("the operator is not supported")
        if not operator.moves and any(isinstance(v, Symbol) and v.head for v in given):
            raise LoweringError("Softmax, LogSoftmax and ArgMax are supported only at the output")
        attributes = {a.name: _attribute(a) for a in node.attribute}
        context = Context(self.builder, node.op_type, label, self.opset, inputs, attributes, node.output)
        outputs = operator.lower(context)
        for output in outputs:
            if isinstance(output, Symbol) and self.builder.size(output.node) != math.prod(output.shape):
                raise LoweringError(f"the lowering gives {self.builder.size(output.node)} entries for {output.shape}")
        return [self._fold(v) for v in outputs] if is_constant else outputs

    def _fold(self, value: Value) -> Value:
        """The exact value of a node that does not depend on the input, as a constant."""
        if isinstance(value, Constant):
            return value
        exact = self.builder.constant_value(value.node)
        if exact is None:
            raise LoweringError("a constant that the builder did not fold")
        return Constant.of(exact.reshape(*value.shape))

    def _outputs(self, infos: list[onnx.ValueInfoProto]) -> tuple[int, tuple[Port, ...], str | None]:
        symbols: list[Symbol] = []
        for name in (info.name for info in infos):
            value = self.values.get(name)
            if value is None:
                raise ModelError(f"{self.path}: no node computes the output {name!r}")
            if isinstance(value, Constant):
                node = self.builder.constant(value.coefficients.reshape(-1), name)
                value = Symbol(node, value.shape)
            if not math.prod(value.shape):
                raise UnsupportedError(f"{self.path}: output {name!r} has shape {value.shape}, which is empty")
            symbols.append(value)
        ports = tuple(
            Port(info.name, s.shape, onnx.helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type).name)
            for info, s in zip(infos, symbols, strict=True)
        )
        if len(symbols) == 1:
            return symbols[0].node, ports, symbols[0].head
        if any(s.head for s in symbols):
            raise UnsupportedError(f"{self.path}: a Softmax or ArgMax on one of several outputs")
        total, start, terms = sum(math.prod(s.shape) for s in symbols), 0, []
        for symbol in symbols:
            size = math.prod(symbol.shape)
            target = np.full(total, -1)
            target[start : start + size] = np.arange(size)
            terms.append((Index(target, size), symbol.node))
            start += size
        return self.builder.affine(terms, None, "outputs"), ports, None


def _fold_by_reference(node: onnx.NodeProto, constants: list[Constant], opset: int) -> list[Value]:
    """A constant node computed by ONNX's reference implementation, floats in float64."""
    from onnx.reference import ReferenceEvaluator

    if sum(c.array.size for c in constants) > MAX_ENTRIES or _spread(constants) > MAX_ENTRIES:
        raise LoweringError(f"a constant with more than {MAX_ENTRIES} entries")
    arrays = [c.array.astype(np.float64) if c.is_float else c.array for c in constants]
    names = [name for name in node.input if name]
    given = dict(zip(names, arrays, strict=True))
    graph = onnx.helper.make_graph(
        [node],
        "fold",
        [
            onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in given.items()
        ],
        [onnx.helper.make_empty_tensor_value_info(name) for name in node.output],
    )
    single = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
    try:
        with np.errstate(all="ignore"):
            results = ReferenceEvaluator(single).run(None, given)
    except Exception as error:
        raise LoweringError(f"constant folding failed: {error}") from error
    return [Constant(np.asarray(r)) for r in results]


def _spread(constants: list[Constant]) -> int:
    """How many entries the constants have when broadcast together, if they can be."""
    try:
        return math.prod(np.broadcast_shapes(*(c.shape for c in constants)))
    except ValueError:
        return 0


def _attribute(attribute: onnx.AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, onnx.TensorProto):
        return onnx.numpy_helper.to_array(value)
    return value


def _in_order(graph: onnx.GraphProto, path: Path) -> list[onnx.NodeProto]:
    """The nodes in topological order. ONNX demands that order, and then networkx is not even imported."""
    ready = {t.name for t in graph.initializer} | {i.name for i in graph.input} | {""}
    for node in graph.node:
        if not ready.issuperset(node.input):
            return _sorted(graph, path)
        ready.update(node.output)
    return list(graph.node)


def _sorted(graph: onnx.GraphProto, path: Path) -> list[onnx.NodeProto]:
    import networkx as nx

    makers = {name: i for i, node in enumerate(graph.node) for name in node.output}
    given = {t.name for t in graph.initializer} | {i.name for i in graph.input} | {""}
    order = nx.DiGraph()
    order.add_nodes_from(range(len(graph.node)))
    for i, node in enumerate(graph.node):
        for name in node.input:
            if name not in makers and name not in given:
                raise ModelError(f"{path}: node {node.name!r} reads {name!r}, which nothing computes")
            if name in makers:
                order.add_edge(makers[name], i)
    try:
        return [graph.node[i] for i in nx.lexicographical_topological_sort(order)]
    except nx.NetworkXUnfeasible as error:
        loop = " -> ".join(graph.node[i].name for i, _ in nx.find_cycle(order))
        raise ModelError(f"{path}: the graph has a cycle: {loop}") from error
