"""What a query asks, to those who search: a formula, and whether a point satisfies it as it stands.

Searches are about closed linear cases that cover the solutions of the formula. So a witness of a case is looked at once
more: over the reals, and with what ONNX Runtime computes, both without tolerance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Protocol

from ..answer.replay import scores
from ..answer.results import Witness
from ..network.exact import ExactVector
from ..network.network import Network
from ..property.cases import Case
from ..property.formula import Formula


class Asked(Protocol):
    """What was asked: a formula over a network's inputs and outputs, and cases that cover its solutions."""

    @property
    def cases(self) -> tuple[Case, ...]: ...

    @property
    def joint_formula(self) -> Formula: ...

    def holds(self, x: Sequence[Fraction], y: Sequence[Fraction]) -> bool: ...


def accepted(asked: Asked, network: Network, witness: Witness) -> Witness | None:
    """The witness without appended inputs, if it satisfies the formula exactly, over the reals and as deployed."""
    x = witness.point.fractions()
    outputs = witness.outputs.fractions()[: network.output_size]
    if witness.runtime_outputs is None or not asked.holds(x, outputs):
        return None
    # Of a network that ends in Softmax or ArgMax only the order of outputs is asked, see `heads`.
    deployed = scores(network, witness.runtime_outputs, witness.array())
    if not asked.holds(x, [Fraction(float(v)) for v in deployed]):
        return None
    return replace(witness, outputs=ExactVector.of(outputs))
