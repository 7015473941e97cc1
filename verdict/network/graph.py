"""The network as a small immutable graph: every operator has become Input, Affine, Pointwise or Product.

Bounds, encoders, exact evaluation and certificates each need one rule per kind of node, so there are as few
kinds as possible; importing an ONNX file lowers its operators to these. Every node's value is a flat vector;
tensor shapes live inside the linear maps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, get_args

from ..base.errors import ModelError, UnsupportedError
from ..base.never import assert_never
from .exact import Coefficients
from .functions import RELU, Feature, Function
from .maps import Index, LinearMap
from .maps.namespace import Constant, namespace

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, eq=False)
class Input:
    """The network's input: all input tensors, flattened and put one after another."""

    size: int

    @property
    def sources(self) -> tuple[int, ...]:
        return ()


@dataclass(frozen=True, eq=False)
class Affine:
    """The sum of linear maps of other nodes, plus a bias: sum_j M_j node_j + b.

    `terms` are (map, node number) pairs; `bias` has shape (size,).
    """

    terms: tuple[tuple[LinearMap, int], ...]
    bias: Coefficients

    @property
    def size(self) -> int:
        return self.bias.size

    @property
    def sources(self) -> tuple[int, ...]:
        return tuple(source for _, source in self.terms)

    @property
    def is_move(self) -> bool:
        """Whether the node is nothing but entries of another one."""
        moves = len(self.terms) == 1 and isinstance(self.terms[0][0], Index)
        return moves and self.bias.is_dyadic and not self.bias.values.any()


@dataclass(frozen=True, eq=False)
class Pointwise:
    """`function`, entry by entry, of node number `source`."""

    function: Function
    source: int
    size: int

    @property
    def sources(self) -> tuple[int, ...]:
        return (self.source,)


@dataclass(frozen=True, eq=False)
class Product:
    """Entry by entry the product of nodes number `left` and `right`.

    Of the features of functions (`functions.Feature`) it has one: whatever needs another refuses it by name.
    """

    left: int
    right: int
    size: int
    name: ClassVar[str] = "Product"
    features: ClassVar[frozenset[Feature]] = frozenset({Feature.POLYNOMIAL})

    @property
    def sources(self) -> tuple[int, ...]:
        return (self.left, self.right)

    def has(self, feature: Feature) -> bool:
        """Whether products have the feature."""
        return feature in self.features

    def without(self, what: str) -> UnsupportedError:
        """What to raise where there is no rule for products."""
        return UnsupportedError(f"{what} needs functions of one number; a {self.name} is none")


Node: TypeAlias = Input | Affine | Pointwise | Product
KINDS = get_args(Node)


def kind_of(node: Node) -> str:
    """What reports call a node: Input, Affine, or its function's name."""
    return node.function.name if isinstance(node, Pointwise) else type(node).__name__


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in topological order; node 0 is the only `Input`, node `output` the result.

    `names[i]` is the ONNX node that node i came from, for messages and reports. Where a question is about some outputs
    only, `relevant` has the entries that these depend on, a mask (size,) for each node with others; nothing about the
    others can be asked of this graph (`cone.about`). Raises ModelError when the nodes do not fit together.
    """

    nodes: tuple[Node, ...]
    output: int
    names: tuple[str, ...] = field(default=())
    relevant: Mapping[int, Constant] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, node in enumerate(self.nodes):
            # Exactly these: what a subclass computes nobody knows.
            if type(node) not in KINDS:
                kinds = ", ".join(kind.__name__ for kind in KINDS)
                raise ModelError(f"node {number}: a {type(node).__name__}, expected one of {kinds}")
            if isinstance(node, Input) != (number == 0):
                raise ModelError(f"node {number}: the input must be node 0 and nothing else")
            for source in node.sources:
                if not 0 <= source < number:
                    raise ModelError(f"node {number} reads node {source}: not in topological order")
            if isinstance(node, Affine):
                for linear, source in node.terms:
                    if linear.in_size != self.nodes[source].size or linear.out_size != node.size:
                        raise ModelError(
                            f"node {number}: a map {linear.in_size} -> {linear.out_size} between vectors "
                            f"of {self.nodes[source].size} and {node.size}"
                        )
            elif isinstance(node, Pointwise) and node.size != self.nodes[node.source].size:
                name, size = node.function.name, self.nodes[node.source].size
                raise ModelError(f"node {number}: a {name} of {node.size} on {size}")
            elif isinstance(node, Product) and {self.nodes[source].size for source in node.sources} != {node.size}:
                sizes = " and ".join(str(self.nodes[source].size) for source in node.sources)
                raise ModelError(f"node {number}: a Product of {node.size} on {sizes}")
        if not 0 <= self.output < len(self.nodes):
            raise ModelError(f"there is no output node {self.output}")

    @property
    def input_size(self) -> int:
        return self.nodes[0].size

    @property
    def output_size(self) -> int:
        return self.nodes[self.output].size

    @cached_property
    def pointwise(self) -> tuple[int, ...]:
        """Numbers of the Pointwise nodes, in order."""
        return tuple(self.functions)

    @cached_property
    def affine(self) -> dict[int, Affine]:
        """The Affine nodes by their numbers, in order."""
        return self._kinds[0]

    @cached_property
    def functions(self) -> dict[int, Function]:
        """The functions of the Pointwise nodes by their numbers, in order."""
        return self._kinds[1]

    @cached_property
    def products(self) -> dict[int, Product]:
        """The Product nodes by their numbers, in order."""
        return self._kinds[2]

    @cached_property
    def bent(self) -> dict[int, Function | Product]:
        """What is not linear, by the numbers of its nodes, in order: functions and products."""
        found: dict[int, Function | Product] = {**self.functions, **self.products}
        return dict(sorted(found.items()))

    @cached_property
    def in_front(self) -> tuple[int, ...]:
        """Numbers of the nodes whose bounds functions and products depend on, in the order of these: what they read,
        and where that only moves entries of another node to be multiplied, that node."""
        return tuple(dict.fromkeys(self._origin(i, source) for i in self.bent for source in self.nodes[i].sources))

    @cached_property
    def plain(self) -> frozenset[int]:
        """Numbers of nodes whose intervals on a box are what they reach there: each entry is a linear function of other
        inputs than its neighbours' terms, one map behind the inputs and scalings of single entries."""
        apart, found = {0}, {0}
        for number, node in self.affine.items():
            if len(node.terms) > 1:
                continue
            for linear, source in node.terms:
                is_single = linear.fan_in <= 1
                if is_single and linear.fan_out <= 1 and source in apart:
                    apart.add(number)
                if source in apart or (is_single and source in found):
                    found.add(number)
        return frozenset(found)

    def _origin(self, reader: int, number: int) -> int:
        node = self.nodes[number]
        if reader not in self.products or not isinstance(node, Affine) or not node.is_move:
            return number
        return self._origin(reader, node.terms[0][1])

    @cached_property
    def _factors(self) -> frozenset[int]:
        """Of `in_front` what products depend on."""
        return frozenset(self._origin(i, source) for i, node in self.products.items() for source in node.sources)

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """For each node, the most functions and products on one way from the input to it, its own among them."""
        found: list[int] = []
        for number, node in enumerate(self.nodes):
            found.append(max((found[source] for source in node.sources), default=0) + (number in self.bent))
        return tuple(found)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """For each node, how many numbers it depends on, its own among them: the coefficients on a way back."""
        return tuple(sum(self.nodes[i].size for i in self.ancestors(number)) for number in range(len(self.nodes)))

    @cached_property
    def _kinds(self) -> tuple[dict[int, Affine], dict[int, Function], dict[int, Product]]:
        affine: dict[int, Affine] = {}
        functions: dict[int, Function] = {}
        products: dict[int, Product] = {}
        for number, node in enumerate(self.nodes):
            if isinstance(node, Affine):
                affine[number] = node
            elif isinstance(node, Pointwise):
                functions[number] = node.function
            elif isinstance(node, Product):
                products[number] = node
            elif not isinstance(node, Input):
                assert_never(node)
        return affine, functions, products

    @cached_property
    def work(self) -> int:
        """About how many multiplications one vector takes through all linear maps."""
        return sum(linear.work for node in self.affine.values() for linear, _ in node.terms)

    def bends(self, number: int, low: Any, high: Any, entries: Any = slice(None)) -> Any:
        """Which relevant entries of node `number`, between `low` and `high`, a function that reads it bends, or one
        that reads nothing but its value; a product bends whatever can move. Asked about all or some `entries`."""
        readers = {self.functions[i]: i for i in self.consumers[number] if i in self.functions}
        found = low < (high if number in self._factors else low)
        for function, reader in readers.items():
            found = found | function.bends(low, high)
            if reader in self.in_front:
                found = found | self.bends(reader, *function.enclosure(low, high), entries)
        return self.only_relevant(number, found, entries)

    def bent_by(self, number: int, low: Any, high: Any) -> Any:
        """Which relevant entries the function of Pointwise node `number` bends between `low` and `high`."""
        return self.only_relevant(number, self.functions[number].bends(low, high))

    def only_relevant(self, number: int, found: Any, entries: Any = slice(None)) -> Any:
        """What is `found` of all or some `entries` of a node, booleans (..., entries), where these are relevant."""
        return found & self.relevant[number].like(found)[entries] if number in self.relevant else found

    def threshold(self, number: int, low: Any, high: Any) -> Any:
        """Where to split the entries of node `number`, between `low` and `high`: at the threshold of the first function
        that reads it and bends the entry, or else of the first one; 0 where none reads it."""
        readers = [self.functions[i] for i in self.consumers[number] if i in self.functions]
        found = readers[0].threshold(low, high) if readers else 0 * low
        for function in reversed(dict.fromkeys(readers)):
            found = namespace(low).where(function.bends(low, high), function.threshold(low, high), found)
        return found

    def has(self, feature: Feature, behind: int | None = None) -> bool:
        """Whether all functions declare the feature, or all that node `behind` depends on."""
        needed = range(len(self.nodes)) if behind is None else self.ancestors(behind)
        return all(bent.has(feature) for i, bent in self.bent.items() if i in needed)

    def require(self, feature: Feature, what: str, behind: int | None = None) -> None:
        """Raise UnsupportedError unless all functions, or all that node `behind` depends on, declare the feature that
        `what` needs."""
        needed = range(len(self.nodes)) if behind is None else self.ancestors(behind)
        for number, function in self.bent.items():
            if number in needed and not function.has(feature):
                name = self.names[number] if number < len(self.names) and self.names[number] else f"node {number}"
                raise UnsupportedError(
                    f"{name}: {what} needs functions that are {feature.value}; {function.name} is not declared so"
                )

    @cached_property
    def neuron_count(self) -> int:
        """How many neurons there are: entries of Pointwise nodes."""
        return sum(self.neurons.values())

    @cached_property
    def neurons(self) -> dict[str, int]:
        """How many neurons there are of each function, by its name."""
        counts: Counter[str] = Counter()
        for i in self.pointwise:
            counts[kind_of(self.nodes[i])] += self.nodes[i].size
        return dict(counts)

    @property
    def called(self) -> str:
        """What reports call the neurons: ReLUs where there are no others."""
        return "ReLUs" if set(self.neurons) <= {RELU.name} else "neurons"

    @cached_property
    def consumers(self) -> tuple[tuple[int, ...], ...]:
        """For each node, the numbers of the nodes that read it."""
        lists: list[list[int]] = [[] for _ in self.nodes]
        for number, node in enumerate(self.nodes):
            for source in node.sources:
                lists[source].append(number)
        return tuple(tuple(readers) for readers in lists)

    def ancestors(self, number: int) -> tuple[int, ...]:
        """Node `number` and all that it depends on, in topological order."""
        needed = {number}
        for i in range(number, -1, -1):
            if i in needed:
                needed.update(self.nodes[i].sources)
        return tuple(sorted(needed))

    def to_networkx(self) -> nx.DiGraph:
        """The graph as a networkx DiGraph: node attributes `kind`, `size`, `name`; edges along the data."""
        import networkx as nx

        graph = nx.DiGraph()
        for number, node in enumerate(self.nodes):
            name = self.names[number] if number < len(self.names) else ""
            graph.add_node(number, kind=kind_of(node), size=node.size, name=name)
            graph.add_edges_from((source, number) for source in node.sources)
        return graph


def sequential(layers: Sequence[tuple[Coefficients, Coefficients]]) -> Graph:
    """A plain fully connected ReLU network from (weight (out, in), bias (out,)) pairs; no ReLU at the end."""
    from .maps import Dense

    nodes: list[Node] = [Input(layers[0][0].shape[1])]
    for depth, (weight, bias) in enumerate(layers):
        nodes.append(Affine(((Dense(weight), len(nodes) - 1),), bias))
        if depth + 1 < len(layers):
            nodes.append(Pointwise(RELU, len(nodes) - 1, bias.size))
    return Graph(tuple(nodes), len(nodes) - 1)
