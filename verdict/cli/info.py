"""`verdict info`: what Verdict sees in a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verdict.cli.exitcodes import OK
from verdict.cli.options import Json, Model, Shape

if TYPE_CHECKING:
    from verdict.network.network import Network, Port


def command(model: Model, shape: Shape = None, json: Json = False) -> int:
    """Show a model's inputs, outputs, names, operators and layers."""
    import verdict
    from verdict.cli.printing import add_row, console, print_json
    from verdict.ops.importer.shapes import read_shapes

    network = verdict.load(model, shapes=read_shapes(shape))
    facts = _facts(network)
    if json:
        print_json(facts)
        return OK
    from rich.table import Table

    out = console()
    summary = Table.grid(padding=(0, 2))
    add_row(summary, "model", facts["path"])
    add_row(summary, "sha256", facts["sha256"])
    add_row(summary, "opset", str(facts["opset"]))
    for kind in ("inputs", "outputs"):
        for port in facts[kind]:
            add_row(summary, kind[:-1], f"{port['name']}  {port['dtype']} {tuple(port['shape'])}")
    add_row(summary, "operators", ", ".join(f"{name} {n}" for name, n in facts["operators"].items()))
    add_row(summary, "head", facts["head"] or "none: the outputs are scores")
    add_row(summary, network.graph.called, _counted(network.graph.neurons))
    for kind in ("features", "classes"):
        if facts[kind]:
            add_row(summary, kind, ", ".join(facts[kind]))
    if facts["origin"]:
        add_row(summary, "made from", facts["origin"])
    out.print(summary)
    table = Table("node", "kind", "size", "reads", "maps", "name", box=None, pad_edge=False)
    for layer in facts["layers"]:
        reads = ", ".join(map(str, layer["reads"]))
        add_row(
            table,
            str(layer["node"]), layer["kind"], str(layer["size"]), reads, ", ".join(layer["maps"]), layer["name"]
        )
    out.print()
    out.print(table)
    return OK


def _counted(neurons: dict[str, int]) -> str:
    """`9: 5 Sigmoid, 4 Relu`, and the number alone where all are ReLUs."""
    parts = ", ".join(f"{count} {name}" for name, count in neurons.items())
    total = str(sum(neurons.values()))
    return f"{total}: {parts}" if set(neurons) - {"Relu"} else total


def _facts(network: Network) -> dict[str, Any]:
    from verdict.network.graph import kind_of

    graph = network.graph
    affine = graph.affine
    layers = [
        {
            "node": number,
            "kind": kind_of(node),
            "size": node.size,
            "reads": list(node.sources),
            "maps": [type(linear).__name__ for linear, _ in affine[number].terms] if number in affine else [],
            "name": graph.names[number] if number < len(graph.names) else "",
        }
        for number, node in enumerate(graph.nodes)
    ]
    return {
        "path": str(network.path),
        "sha256": network.sha256,
        "opset": network.opset,
        "inputs": [_port(port) for port in network.inputs],
        "outputs": [_port(port) for port in network.outputs],
        "operators": network.operators,
        "head": network.head,
        "relus": graph.neurons.get("Relu", 0),
        "neurons": graph.neurons,
        "features": list(network.features),
        "classes": list(network.classes),
        "origin": network.names.origin or None,
        "layers": layers,
    }


def _port(port: Port) -> dict[str, Any]:
    return {"name": port.name, "shape": list(port.shape), "dtype": port.dtype}
