"""What a claim looks at in a file: one of its outputs, and its inputs in sizes that the file leaves open.

What the output in question does not need is left away before anything is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import UnreadableError


@dataclass(frozen=True)
class View:
    """`output` is the name of the one output that a claim is about, None for all that the file has; `shapes` are those
    of inputs by name, which have to fit what the file says of them."""

    output: str | None = None
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [] if self.output is None else [f"its output {self.output!r} alone"]
        return ", ".join([*parts, *(f"input {name!r} of shape {shape}" for name, shape in self.shapes.items())])

    def narrow(self, graph: Any) -> None:
        """Leave away the other outputs, and the nodes and weights that nothing needs then. Raises UnreadableError."""
        if self.output is None:
            return
        kept = [info for info in graph.output if info.name == self.output]
        if len(kept) != 1:
            raise UnreadableError(f"the file has no output {self.output!r}")
        _replace(graph.output, kept)
        makers = {name: node for node in graph.node for name in node.output if name}
        waiting, needed = [self.output], {self.output}
        while waiting:
            node = makers.get(waiting.pop())
            # A node with a graph of its own is read nowhere, so that it does not matter what that graph needs.
            found = set() if node is None else set(node.input) - needed
            needed |= found
            waiting += found
        _replace(graph.node, [node for node in graph.node if needed.intersection(filter(None, node.output))])
        # An input with a value in the file stays one.
        needed |= {info.name for info in graph.input}
        _replace(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in needed])

    def shape(self, info: Any) -> tuple[int, ...]:
        """The shape of an input: what the view says, else the file, with a first axis of unknown size as 1."""
        dims = [d.dim_value if d.WhichOneof("value") == "dim_value" else None for d in info.type.tensor_type.shape.dim]
        given = self.shapes.get(info.name)
        if given is None:
            return tuple(1 if k == 0 and d is None else d or 0 for k, d in enumerate(dims))
        if len(given) != len(dims) or any(d not in (None, n) for d, n in zip(dims, given, strict=True)):
            raise UnreadableError(f"input {info.name!r} has the axes {dims}, and in the claim the shape {given}")
        return given

    def check(self, shapes: Mapping[str, tuple[int, ...]], graph: Any) -> None:
        """Raise UnreadableError where a shape is about no input, or an axis with a name has two sizes."""
        sizes: dict[str, int] = {}
        for info in graph.input:
            for dim, size in zip(info.type.tensor_type.shape.dim, shapes.get(info.name, ()), strict=False):
                if dim.dim_param and sizes.setdefault(dim.dim_param, size) != size:
                    raise UnreadableError(f"the axis {dim.dim_param!r} has the sizes {sizes[dim.dim_param]} and {size}")
        if not set(self.shapes) <= set(shapes):
            raise UnreadableError(f"shapes of {sorted(self.shapes)}, and the inputs are {sorted(shapes)}")


def _replace(field_: Any, values: list[Any]) -> None:
    """Put copies of these messages in a repeated field."""
    if len(values) < len(field_):
        kept = [type(value).FromString(value.SerializeToString()) for value in values]
        del field_[:]
        field_.extend(kept)


WHOLE = View()
