"""The rule of the certificate in Python's integers and Fractions, one domain at a time: slow, plain, without grids.

It decides leaves with raw multipliers and leaves that need exact rationals, and it is what the fast arithmetic is
tested against (`--exact python`).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from .network import Affine, Network, add, integers

# Multipliers of unstable ReLUs are rounded to this grid, so that numbers stay short; any multipliers are sound.
GRID = 2**90

Choice = Callable[[int, int, Fraction], Fraction]
Ends = tuple[list[Fraction], list[Fraction]]


def rule(network: Network, number: int, rows: list[Fraction], box: Ends, bounds: Callable[[int], Ends],
         choose: Choice, charge: Callable[[int], Any] | None = None) -> tuple[Fraction, list[Fraction]]:
    """(g, nu_0): a lower bound g of `rows` @ node `number` over the box, and the coefficients of the input in it.

    `bounds(i)` are proved bounds of node i on the domain; `choose(r, i, nu)` gives the multiplier in front of entry i
    of ReLU node r whose output has the coefficient nu. `charge(i)` are floats that one unit of each multiplier of
    affine node i costs.
    """
    pending = {number: integers(np.array(rows, dtype=object))}
    bound, slope = Fraction(0), [Fraction(0)] * network.input_size
    for current in reversed(network.needed(number)):
        if current not in pending:
            continue
        top, under = pending.pop(current)
        node = network.nodes[current]
        if node is None:
            slope = [Fraction(int(t), under) for t in top]
        elif isinstance(node, Affine):
            biases, below = integers(node.bias)
            bound += Fraction(int((top * biases).sum()), under * below)
            if charge is not None:
                costs, below = integers(np.broadcast_to(charge(current), (1, node.size))[0])
                bound -= Fraction(int((abs(top) * costs).sum()), under * below)
            for linear, source in node.terms:
                weight, below = linear.integers
                found = linear.backward(top[None], weight)[0], under * below
                pending[source] = add(pending[source], found) if source in pending else found
        else:
            low, high = bounds(node.source)
            mu = np.empty(node.size, dtype=object)
            for i in range(node.size):
                nu = Fraction(int(top[i]), under)
                mu[i] = choose(current, i, nu)
                ends = [low[i], high[i], *([Fraction(0)] if low[i] < 0 < high[i] else [])]
                bound += min(nu * max(z, Fraction(0)) - mu[i] * z for z in ends)
            found = integers(mu)
            pending[node.source] = add(pending[node.source], found) if node.source in pending else found
    bound += sum((c * (a if c > 0 else b) for c, a, b in zip(slope, *box, strict=True)), Fraction(0))
    return bound, slope


def from_lines(lines: dict[int, Any], shifts: dict[int, list[Any]]) -> Choice:
    """Multipliers from the lines of ReLU nodes (`region.Lines` of one domain) and the shifts of their neurons."""
    plain = {r: [getattr(line, name)[0].tolist() for name in ("below", "above")] for r, line in lines.items()}

    def choose(node: int, i: int, nu: Fraction) -> Fraction:
        below, above = (values[i] for values in plain[node])
        shift = Fraction(shifts[node][i])
        if below == above == 1:
            return nu + shift
        if below == above == 0:
            return shift
        return Fraction(int((nu * Fraction(below if nu >= 0 else above) + shift) * GRID), GRID)

    return choose
