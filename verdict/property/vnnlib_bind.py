"""A query and the networks that it is about: every declaration fits its ONNX model, and all are joined to one network.

The standard (section 5.3.2) demands an error for models too few or too many, and for element types that differ,
unless the query leaves the number format open by the type real.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import HeadError, InputError
from ..network.network import Network, Port
from .vnnlib1 import VnnLib1
from .vnnlib_linear import decimal

if TYPE_CHECKING:
    from .vnnlib2 import Declared, DeclaredNetwork, VnnLib2


def bound(query: VnnLib1 | VnnLib2, models: Network | Mapping[str, Network]) -> Network:
    """The network that a query is about: one model, or one for each name that a query of version 2 declares.

    Raises InputError where the models do not fit the query, ModelError for hidden values that a graph lacks.
    """
    if not isinstance(query, VnnLib1):
        return _joint(query, {query.networks[0].name: models} if isinstance(models, Network) else models)
    if not isinstance(models, Network):
        if len(models) != 1:
            raise InputError(f"{len(models)} networks were given, a VNN-LIB 1 query has exactly one")
        (models,) = models.values()
    if (query.inputs, query.outputs) != (models.input_size, models.output_size):
        for port in models.outputs:
            _refuse_one_number(port, models)
        raise InputError(
            f"{query.path} has {query.inputs} inputs and {query.outputs} outputs, "
            f"{models.path} has {models.input_size} and {models.output_size}"
        )
    return models


def check_ends(query: VnnLib1 | VnnLib2, network: Network) -> None:
    """Raises InputError where an input may be so large that the network's float type has no number for it."""
    kind = min((port.dtype for port in network.inputs), key=lambda dtype: float(np.finfo(dtype).max))
    greatest = Fraction(float(np.finfo(kind).max))
    for case in query.cases:
        for i, (low, high) in enumerate(zip(case.inputs.lower, case.inputs.upper, strict=True)):
            if low < -greatest or high > greatest:
                raise InputError(
                    f"{query.path}: input {i} lies between {decimal(low)} and {decimal(high)}, out of the range of "
                    f"floats ({kind})"
                )


def _joint(query: VnnLib2, models: Mapping[str, Network]) -> Network:
    """The joint network: `models` has one network for each declared one that is not `equal-to` another."""
    from ..network.join import join

    needed = [network.name for network in query.networks if not network.equal_to]
    for name in needed:
        if name not in models:
            raise InputError(f"{query.path}: no model is given for the network {name}: --network {name}=FILE")
    for name in models:
        if name not in needed:
            why = "is equal to another and takes none" if _declares(query, name) else "is not declared"
            raise InputError(f"{query.path}: a model is given for the network {name}, which {why}")
    networks, reads, start = [], [], 0
    for declared in query.networks:
        network = _exposing(models[declared.equal_to or declared.name], declared)
        _check(query, declared, network)
        reads.append([query.joint[i] for i in query.shared[start : start + network.input_size]])
        start += network.input_size
        networks.append(network)
    return join(networks, reads)


def _declares(query: VnnLib2, name: str) -> bool:
    return any(network.name == name for network in query.networks)


def _exposing(network: Network, declared: DeclaredNetwork) -> Network:
    hidden = [variable.onnx for variable in declared.of_kind("hidden")]
    if not hidden:
        return network
    from ..ops.importer.onnx_import import exposed

    return exposed(network.data, hidden, network.path)


def _check(query: VnnLib2, declared: DeclaredNetwork, network: Network) -> None:
    hidden = len(declared.of_kind("hidden"))
    outputs = network.outputs[: len(network.outputs) - hidden]
    for kind, ports in (
        ("input", network.inputs),
        ("output", outputs),
        ("hidden", network.outputs[len(outputs) :]),
    ):
        variables = declared.of_kind(kind)
        where = f"{query.path}: network {declared.name}"
        if len(variables) != len(ports):
            raise InputError(f"{where} declares {len(variables)} {kind}s, {network.path} has {len(ports)}")
        for variable, port in zip(variables, ports, strict=True):
            if _squeezed(variable.shape) != _squeezed(port.shape):
                _refuse_one_number(port, network)
                raise InputError(
                    f"{where} declares {kind} {variable.name} {variable.dimensions}, {network.path} has "
                    f"{port.name} of shape {list(port.shape)}"
                )
            if not query.is_real and variable.type != port.dtype:
                raise InputError(_mismatch(where, kind, variable, port, network))


def _refuse_one_number(port: Port, network: Network) -> None:
    """Raise HeadError for an output of one number that stands for several scores."""
    if port.head is not None and port.head.file_size(port.size) != port.size:
        raise HeadError(
            f"{network.path}: the output {port.name!r} ends with {port.head}, and a query asks for its number: Verdict "
            f"has the {port.size} scores in front of it alone; export the model up to them (docs/your-model.md)"
        )


def _mismatch(where: str, kind: str, variable: Declared, port: Port, network: Network) -> str:
    return (
        f"{where} declares {kind} {variable.name} {variable.type}, {network.path} has {port.name} of type "
        f"{port.dtype}; the types must be the same, or all of the query's must be real"
    )


def _squeezed(shape: tuple[int, ...]) -> list[int]:
    """A shape without its axes of length 1, the batch axis among them."""
    return [length for length in shape if length != 1]
