"""From an ONNX file to a `Network`: read, check, lower every operator, compare with ONNX Runtime.

The file is walked once in topological order; each node is matched with the closed table in its operator's own file in
`verdict.ops`, which turns it into primitives, and constant subgraphs are folded on the way, exactly. All that is
unsupported is collected and reported in one error. The shapes and types are compared with those that ONNX infers, and a
network whose graph does not compute what ONNX Runtime computes is refused.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from ...base.deadline import checkpoint
from ...base.errors import InputError, ModelError, UnsupportedError
from ...base.visible import visible
from ...network.builder import Builder
from ...network.maps import Index
from ...network.names import Names, names_in
from ...network.network import Network, Port
from .. import standard
from ..head import scores_of
from ..lowering import MAX_ENTRIES, Constant, Context, LoweringError, Operator, Symbol, Value, supported
from ..signature import BOOL, NUMBERS, SignatureError, array_of
from .branches import BranchError, inlined
from .inference import compare
from .lowered import lowered
from .model_file import read_model, whole
from .onnx_file import model_of, opset_of
from .selfcheck import check_against_runtime
from .shapes import Shapes, fixed, free_inputs, is_open, refuse_open
from .tails import inside
from .values import rounded, typed

# What to do about a model that is refused.
WAY_OUT = "docs/your-model.md says what is read, what is not, and the way out"
# Operator sets whose changes of meaning the tables have (as of onnx 1.23), where the installed onnx package has them.
OPSETS = range(7, min(28, onnx.defs.onnx_opset_version()) + 1)
# The same of other domains.
OTHER_OPSETS = {"ai.onnx.ml": range(1, 6)}
# Half precision is left out: its rounding is none of the semantics that Verdict speaks about.
FLOATS: dict[int, str] = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.DOUBLE: "float64"}


def load_onnx(
    path: str | Path, *, hidden: Sequence[str] = (), output: str | None = None, shapes: Shapes | None = None
) -> Network:
    """Read a network from an ONNX file.

    `hidden` names tensors inside the graph, or nodes with one output, that become further outputs. `output` names the
    one of several outputs that is wanted, and then the others need not be supported. `shapes` are those of inputs that
    the model leaves open, by name, or the only input's. Raises ModelError when the file cannot be read, is invalid,
    holds NaN weights, is refused by ONNX Runtime or disagrees with it on sampled points, InputError for an output or
    input that it has not, and UnsupportedError, which lists every unsupported node, when Verdict cannot represent it.
    """
    path = Path(path)
    return load_data(read_model(path), path, hidden=hidden, output=output, shapes=shapes)


def load_data(
    data: bytes, path: Path, *, hidden: Sequence[str] = (), output: str | None = None, shapes: Shapes | None = None
) -> Network:
    """The same of the bytes of an ONNX file; `path` names it in messages and says where external weights lie."""
    data = whole(data, path)
    if shapes is None:
        return _read(data, path, hidden, output)
    network = _read(without_branches(fixed(data, shapes, path), path), path, hidden, output)
    if network.data != data and not hidden:
        # The file itself, run with inputs of that shape, is what is deployed.
        check_against_runtime(replace(network, data=data))
    return replace(network, is_shaped=True)


def _read(data: bytes, path: Path, hidden: Sequence[str], output: str | None) -> Network:
    if output is not None:
        from .one_output import only

        model = model_of(data, path)
        if [info.name for info in model.graph.output] != [output]:
            return replace(network_of(only(model, output, path), path), chosen=output)
    if not hidden:
        return network_of(data, path)
    return exposed(data, hidden, path)


def exposed(data: bytes, hidden: Sequence[str], path: Path) -> Network:
    """The network in the bytes of an ONNX file with hidden values, by name, as further outputs. Raises ModelError."""
    from ...network.hidden import expose

    network = network_of(expose(model_of(data, path), hidden, path), path)
    return replace(network, sha256=hashlib.sha256(data).hexdigest())


def network_of(data: bytes, path: Path) -> Network:
    """The network in the bytes of an ONNX file; `path` names it in messages and says where external weights lie.

    Raises as `load_onnx` does.
    """
    network = _Importer(model_of(data, path), data, path).run()
    check_against_runtime(network)
    return network


def imported(data: bytes, path: Path) -> _Importer:
    """The importer of a model when it is done: `values` has every tensor, `plain()` the model without branches."""
    importer = _Importer(model_of(data, path), data, path)
    importer.run()
    return importer


def plain_model(data: bytes, path: Path) -> onnx.ModelProto:
    """The ONNX model in these bytes without branches: every If is the branch that its constant condition takes."""
    model = model_of(data, path)
    if not any(_full_name(node) == "If" for node in model.graph.node):
        return model
    return imported(data, path).plain()


def without_branches(data: bytes, path: Path) -> bytes:
    """The same as bytes: with the sizes in it the branch that is not taken may have no sense to ONNX Runtime."""
    model = model_of(data, path)
    if not any(_full_name(node) == "If" for node in model.graph.node):
        return data
    plain: bytes = plain_model(data, path).SerializeToString()
    return plain


def scores_model(network: Network) -> onnx.ModelProto:
    """The ONNX model of a network without branches and in front of its heads, see `bare`. Raises UnsupportedError."""
    from .bare import Bare

    importer = imported(network.data, network.path)
    values = importer.values.items()
    tensors: dict[int, str] = {}
    for name, value in values:
        if isinstance(value, Symbol) and value.head is None and value.kind == network.inputs[0].dtype:
            tensors.setdefault(value.node, name)
    bare = Bare(importer.plain(), importer.builder, tensors, network.inputs[0].dtype, network.path)
    return bare.finish(importer.scores)


class _Importer:
    """The state of one import."""

    def __init__(self, model: onnx.ModelProto, data: bytes, path: Path) -> None:
        self.model, self.data, self.path = model, data, path
        self.opset = opset_of(model)
        if self.opset not in OPSETS:
            raise UnsupportedError(
                f"{path}: operator set {self.opset}; supported are {OPSETS[0]} to {OPSETS[-1]}: export the model with "
                f"one of them (opset_version=, target_opset=) or convert it with onnx.version_converter; {WAY_OUT}"
            )
        self.others = {o.domain: o.version for o in model.opset_import}
        self.inside = inside(model.graph.node)
        self.values: dict[str, Value | None] = {}  # None: lost to an unsupported node
        self.extra: dict[str, str] = {}  # outputs of supported nodes that are not computed, and why
        self.problems: list[str] = []
        # The nodes without branches, and the weights that come with those.
        self.walked: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        # The node of each output's scores, and whether a head is behind it.
        self.scores: dict[str, tuple[int, bool]] = {}

    def run(self) -> Network:
        graph = self.model.graph
        for tensor in graph.initializer:
            self.values[tensor.name] = Constant(self._array(tensor))
        inputs = [self._port(info) for info in free_inputs(self.model)]
        if not inputs:
            raise ModelError(f"{self.path}: the model has no input")
        if not graph.output:
            raise ModelError(f"{self.path}: the model has no output")
        self._declare(inputs)
        self._walk(graph.node)
        for info in graph.output:
            if info.name in self.extra:
                self.problems.append(f"output {info.name!r}: {self.extra[info.name]}")
        if self.problems:
            lines = "\n".join(f"  {visible(p)}" for p in self.problems)
            raise UnsupportedError(
                f"{self.path}: {len(self.problems)} unsupported node(s), operator set {self.opset}:\n{lines}\n{WAY_OUT}"
            )
        found = {name: (v.shape, v.kind) for name, v in self.values.items() if v is not None}
        # Of an If the other branch may have no sense with these sizes.
        compare(self.plain(), inputs, found, self.path)
        output, ports = self._outputs(list(graph.output))
        return Network(
            graph=self.builder.finish(output),
            path=self.path,
            data=self.data,
            sha256=hashlib.sha256(self.data).hexdigest(),
            inputs=tuple(inputs),
            outputs=ports,
            opset=self.opset,
            operators=dict(Counter(map(_full_name, graph.node))),
            roundings=max((v.roundings for v in self.values.values() if isinstance(v, Constant)), default=0),
            is_double=not any(v is not None and v.kind == "float32" for v in self.values.values()),
            names=self._names(sum(port.size for port in inputs)),
        )

    def _names(self, inputs: int) -> Names:
        try:
            return names_in({entry.key: entry.value for entry in self.model.metadata_props}).checked(inputs)
        except InputError as error:
            raise ModelError(f"{self.path}: {error}") from error

    def plain(self) -> onnx.ModelProto:
        """The model with the nodes that have been walked through: without branches."""
        if len(self.walked) == len(self.model.graph.node) and not self.weights:
            return self.model
        plain = onnx.ModelProto()
        plain.CopyFrom(self.model)
        del plain.graph.node[:]
        plain.graph.node.extend(self.walked)
        plain.graph.initializer.extend(self.weights)
        return plain

    def _array(self, tensor: onnx.TensorProto) -> np.ndarray[Any, Any]:
        try:
            return array_of(tensor, "the weights")
        except SignatureError as error:
            raise ModelError(f"{self.path}: {error}") from error

    def _port(self, info: onnx.ValueInfoProto) -> Port:
        kind = info.type.tensor_type
        where = f"{self.path}: input {info.name!r}"
        if kind.elem_type not in FLOATS:
            known = kind.elem_type in onnx.TensorProto.DataType.values()
            name = onnx.TensorProto.DataType.Name(kind.elem_type) if known else str(kind.elem_type)
            raise UnsupportedError(
                f"{where} has type {name}, expected a float tensor (FLOAT or DOUBLE): convert the model"
            )
        if not kind.HasField("shape"):
            raise UnsupportedError(f"{where} has no shape, expected one")
        refuse_open(info, self.path)
        shape = [1 if is_open(dim) else dim.dim_value for dim in kind.shape.dim]
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
            self.values[port.name] = Symbol(node, port.shape, kind=port.dtype)
            start += port.size

    def _walk(self, nodes: Iterable[onnx.NodeProto]) -> None:
        for node in nodes:
            if _full_name(node) == "If":
                self._branch(node)
            else:
                self.walked.append(node)
                self._node(node)

    def _branch(self, node: onnx.NodeProto) -> None:
        """Go on with the branch of an If that its condition takes, where that is a constant."""
        condition = self.values[node.input[0]]
        self.values.update(dict.fromkeys(filter(None, node.output)))
        if condition is None:
            return  # a consequence of a node that is reported already
        try:
            if not isinstance(condition, Constant) or condition.kind != "bool" or condition.array.size != 1:
                raise LoweringError(
                    "the condition depends on the input: only an If on constants is read (export with fixed sizes, "
                    "in evaluation mode)"
                )
            standard.check(node, ["bool"], self.opset)
            taken = inlined(node, bool(condition.array.item()), self.values.keys())
        except (LoweringError, SignatureError, BranchError) as error:
            self.problems.append(f"{node.name or node.output[0]} (If): {error}")
            return
        self.weights += taken.weights
        for tensor in taken.weights:
            self.values[tensor.name] = Constant(self._array(tensor))
        self._walk(taken.nodes)

    def _node(self, node: onnx.NodeProto) -> None:
        checkpoint()
        inputs = [self.values[name] if name else None for name in node.input]
        lost = any(name and self.values[name] is None for name in node.input)
        for name in filter(None, node.output):
            self.values[name] = None
        label = node.name or next(filter(None, node.output), "?")
        full_name = _full_name(node)
        place = f"{label} ({full_name})"
        for name in node.input:
            if name in self.extra:
                self.problems.append(f"{place}: reads {name!r}: {self.extra[name]}")
        known = supported(full_name)
        if lost and known is not None and known.is_lowered:
            return  # a consequence of a node that is reported already
        try:
            outputs = self._lower(node, inputs, known, label)
        except (LoweringError, SignatureError, ModelError) as error:
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

    def _lower(
        self, node: onnx.NodeProto, inputs: list[Value | None], operator: Operator | None, label: str
    ) -> list[Value]:
        constants = [v for v in inputs if isinstance(v, Constant)]
        is_constant = len(constants) == sum(bool(name) for name in node.input)
        if operator is None or not (operator.is_lowered or is_constant):
            raise LoweringError("the operator is not supported")
        kinds = [None if v is None else v.kind for v in inputs]
        opset = self.opset
        if operator.domain:
            opset = self.others.get(operator.domain, 0)
            if opset not in OTHER_OPSETS[operator.domain]:
                raise LoweringError(f"operator set {opset} of {operator.domain}")
        reading = operator.version(opset).read(node, kinds)
        standard.check(node, kinds, opset)
        context = Context(self.builder, node.op_type, label, opset, inputs, reading, node.output)
        outputs = lowered(operator, context, node.output[0] in self.inside)
        for output in outputs:
            if isinstance(output, Symbol) and output.head is not None and output.head.is_one_number:
                if math.prod(output.shape) != 1:
                    raise LoweringError(f"a label of shape {output.shape}")
            elif isinstance(output, Symbol) and self.builder.size(output.node) != math.prod(output.shape):
                raise LoweringError(f"the lowering gives {self.builder.size(output.node)} entries for {output.shape}")
        if is_constant:
            outputs = [rounded(self._fold(v), constants, operator) for v in outputs]
        return [typed(v, kinds) for v, kinds in zip(outputs, reading.outputs, strict=False)]

    def _fold(self, value: Value) -> Constant:
        """The exact value of a node that does not depend on the input, as a constant."""
        if isinstance(value, Constant):
            return value
        exact = self.builder.constant_value(value.node)
        if exact is None:
            raise LoweringError("a constant that the builder did not fold")
        return Constant.of(exact.reshape(*value.shape)).of_kind(value.kind)

    def _outputs(self, infos: list[onnx.ValueInfoProto]) -> tuple[int, tuple[Port, ...]]:
        symbols: list[Symbol] = []
        for name in (info.name for info in infos):
            value = self.values.get(name)
            if value is None:
                raise ModelError(f"{self.path}: no node computes the output {name!r}")
            labels = isinstance(value, Symbol) and value.head is not None and value.head.labels is not None
            zipped = isinstance(value, Symbol) and value.head is not None and value.head.keys is not None
            if value.kind not in NUMBERS | BOOL and not labels and not zipped:
                raise UnsupportedError(f"{self.path}: output {name!r} has type {value.kind}, expected a float tensor")
            if isinstance(value, Constant):
                node = self.builder.constant(value.coefficients.reshape(-1), name)
                value = Symbol(node, value.shape, kind=value.kind)
            if not math.prod(value.shape):
                raise UnsupportedError(f"{self.path}: output {name!r} has shape {value.shape}, which is empty")
            try:
                symbols.append(scores_of(self.builder, value, name))
            except LoweringError as error:
                raise UnsupportedError(f"{self.path}: output {name!r}: {error}") from error
        self.scores = {info.name: (s.node, s.head is not None) for info, s in zip(infos, symbols, strict=True)}
        ports = tuple(Port(info.name, s.shape, s.kind, s.head) for info, s in zip(infos, symbols, strict=True))
        if len(symbols) == 1:
            return symbols[0].node, ports
        total, start, terms = sum(math.prod(s.shape) for s in symbols), 0, []
        for symbol in symbols:
            size = math.prod(symbol.shape)
            target = np.full(total, -1)
            target[start : start + size] = np.arange(size)
            terms.append((Index(target, size), symbol.node))
            start += size
        return self.builder.affine(terms, None, "outputs"), ports


def _full_name(node: onnx.NodeProto) -> str:
    """The operator with its domain, where that is not ONNX's own."""
    return node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
