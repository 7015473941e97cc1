"""The rule that everything rests on, once, over any arithmetic: a lower bound of a row vector of a node.

Going back through the graph, every step adds zero, written as mu . (M v + b - z), and takes the least that the rest
can be; so any multipliers mu give a lower bound (Wong & Kolter 1711.00851; docs/certificate.md, "The rule"). A `Sum` is
the arithmetic: it keeps the bound and charges it with whatever it cannot represent.
"""

from __future__ import annotations

from typing import Any

from ..arithmetic.interface import Sum
from ..clock import Ask, nobody
from ..network import Affine, Network, Pointwise, Product, no_rule


def rule(network: Network, number: int, rows: Any, total: Sum, ask: Ask = nobody,
         before: tuple[int, Any] | None = None) -> None:
    """Add to `total` a lower bound of `rows` @ node `number`; `ask` is called at every node and may end it.

    `before` are a node that this one depends on and rows of it, which are added to the others.
    """
    pending = {number: rows} if before is None else {number: rows, before[0]: before[1]}
    for current in reversed(network.needed(number)):
        if current not in pending:
            continue
        ask()
        nu, node = pending.pop(current), network.nodes[current]
        if node is None:
            total.least(nu)
            continue
        if isinstance(node, Pointwise):
            sent = [(node.source, total.pointwise(nu, current))]
        elif isinstance(node, Product):
            sent = list(zip(node.sources, total.product(nu, current), strict=True))
        elif isinstance(node, Affine):
            mu = total.affine(nu, current)
            sent = [(source, total.back(mu, linear)) for linear, source in node.terms]
        else:
            raise no_rule(node)
        for source, found in sent:
            pending[source] = total.join(pending[source], found) if source in pending else found
