"""Which output of a network is meant, where it has several: the one that can hold class scores, or the one named.

A network with one of its outputs alone is another ONNX file (`one_output.py`), so that bounds, ONNX Runtime and the
independent checker all see one and the same network; a certificate about it has this file beside it. Outputs are never
joined to one vector of classes.
"""

from __future__ import annotations

from dataclasses import replace

from ...base.errors import InputError
from ...network.network import Network, Port


def with_output(network: Network, name: str) -> Network:
    """The network with one of its outputs alone. Raises InputError where it has no such output."""
    if [port.name for port in network.outputs] == [name]:
        return network
    from .one_output import only
    from .onnx_file import model_of
    from .onnx_import import network_of

    made = network_of(only(model_of(network.data, network.path), name, network.path), network.path)
    return replace(made, chosen=name, is_shaped=network.is_shaped, names=network.names)


def for_classes(network: Network) -> Network:
    """The network with the one output that can hold class scores. Raises InputError where there is no such one."""
    if len(network.outputs) > 1:
        return with_output(network, _candidate(network).name)
    _check_vector(network, network.outputs[0])
    return network


def classes(network: Network) -> slice:
    """Where among all outputs, one after another, the class scores stand. Raises InputError as `for_classes`."""
    if len(network.outputs) == 1:
        _check_vector(network, network.outputs[0])
        return slice(0, network.output_size)
    chosen = _candidate(network)
    start = sum(port.size for port in network.outputs[: network.outputs.index(chosen)])
    return slice(start, start + chosen.size)


def _candidate(network: Network) -> Port:
    vectors = [port for port in network.outputs if _is_vector(network, port)]
    several = [port for port in vectors if port.size > 1] or vectors
    # A label says less than the numbers that it is chosen from.
    several = [port for port in several if port.head is None or port.head.labels is None] or several
    if len(several) == 1:
        return several[0]
    found = "none can hold class scores" if not several else f"{len(several)} of them could hold the class scores"
    raise InputError(
        f"{network.path}: the network has the outputs {listed(network)}, and {found}: choose one with --output NAME "
        "(output= in Python)"
    )


def _check_vector(network: Network, port: Port) -> None:
    # Behind a Softmax or ArgMax that covers all entries there is one vector, whatever its shape.
    if network.head is not None or _is_vector(network, port):
        return
    batch = f"a batch of {port.shape[0]}" if _is_batch(network, port) else "no vector of class scores"
    raise InputError(
        f"{network.path}: the output {listed(network)} is {batch}, expected one axis with the classes: export the "
        "model for one input, or ask about the numbers y with --that"
    )


def _is_vector(network: Network, port: Port) -> bool:
    """Whether one axis at most is longer than 1, and it is not that of a batch."""
    return sum(side > 1 for side in port.shape) <= 1 and not _is_batch(network, port)


def _is_batch(network: Network, port: Port) -> bool:
    """Whether the first axis counts inputs: as many as the network takes at once."""
    count = port.shape[0] if len(port.shape) > 1 else 1
    return count > 1 and any(len(given.shape) > 1 and given.shape[0] == count for given in network.inputs)


def listed(network: Network) -> str:
    """The outputs by name, with their shapes."""
    return ", ".join(f"{port.name!r} of shape {port.shape}" for port in network.outputs)
