"""A problem: a network, an input set and an unsafe set. Every engine takes one and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.errors import PropertyError
from ..network.network import Network
from .input_set import InputSet
from .unsafe import UnsafeSet


@dataclass(frozen=True, eq=False)
class Problem:
    """Does any point of `inputs` reach `unsafe`? Raises PropertyError where the sizes do not fit."""

    network: Network
    inputs: InputSet
    unsafe: UnsafeSet

    def __post_init__(self) -> None:
        if self.inputs.size != self.network.input_size:
            raise PropertyError(
                f"the input set has {self.inputs.size} coordinates, the network {self.network.input_size}"
            )
        if self.unsafe.outputs != self.network.output_size:
            raise PropertyError(
                f"the unsafe set is over {self.unsafe.outputs} outputs, the network has "
                f"{self.network.output_size}"
            )
