"""The rule that everything rests on, once, over any arithmetic: a lower bound of a row vector of a node.

Going back through the graph, every step adds zero, written as mu . (M v + b - z), and takes the least that the rest
can be; so any multipliers mu give a lower bound (Wong & Kolter 1711.00851; docs/certificate.md, "The rule"). A `Sum` is
the arithmetic: it keeps the bound and charges it with whatever it cannot represent.
"""

from __future__ import annotations

from typing import Any, Protocol

from ..network import Network, Relu


class Sum(Protocol):
    """The bound g of some rows on some domains, so far. What coefficients are is its own affair."""

    def affine(self, nu: Any, number: int) -> Any:
        """Add nu . b of affine node `number`, less all that is lost there; the multipliers as `back` takes them."""

    def back(self, mu: Any, linear: Any) -> Any:
        """M^T mu."""

    def relu(self, nu: Any, number: int) -> Any:
        """The multipliers mu in front of ReLU node `number`; add the least of nu max(z, 0) - mu z on the bounds."""

    def join(self, one: Any, other: Any) -> Any:
        """The sum of what two readers of a node have sent."""

    def least(self, nu: Any) -> None:
        """Add the least of nu . x over the inputs."""


def rule(network: Network, number: int, rows: Any, total: Sum) -> None:
    """Add to `total` a lower bound of `rows` @ node `number`."""
    pending = {number: rows}
    for current in reversed(network.needed(number)):
        if current not in pending:
            continue
        nu, node = pending.pop(current), network.nodes[current]
        if node is None:
            total.least(nu)
            continue
        if isinstance(node, Relu):
            sent = [(node.source, total.relu(nu, current))]
        else:
            mu = total.affine(nu, current)
            sent = [(source, total.back(mu, linear)) for linear, source in node.terms]
        for source, found in sent:
            pending[source] = total.join(pending[source], found) if source in pending else found
