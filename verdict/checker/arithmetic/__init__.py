"""The numbers that the rule is evaluated in: Python's integers, integers in float64 (for BLAS), and floats."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..network import Network
from .floats import Floats
from .integers import Integers
from .rationals import Rationals

TIERS = ("exact", "rigorous", "python")


def arithmetics(tier: str, network: Network, any_order: bool, box: Any, ball: Any) -> tuple[list[Any], Rationals]:
    """The arithmetics of a tier for most leaves, cheapest first, and the one for leaves that need rationals; `box` and
    `ball` as in `Rationals`."""
    exact = Rationals(network, any_order, box, ball)
    if tier == "python":
        return [exact], exact
    if tier == "rigorous":
        return [Floats(network, kind, any_order) for kind in (np.float32, np.float64)], exact
    return [Integers(network, limbs, any_order) for limbs in (1, 2)], exact
