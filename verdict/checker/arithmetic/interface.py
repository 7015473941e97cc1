"""What an arithmetic is to the kernel: numbers that never round in a proof's favour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..clock import Ask
    from ..functions.lines import Around
    from ..kernel.region import Region
    from ..network import Affine


class Arithmetic(Protocol):
    """Numbers of one kind. What they cannot hold raises OutOfRangeError; `ask`, called at every step, may raise too."""

    ask: Ask
    # Whether every float32 evaluation's rounding is charged too.
    any_order: bool

    def interval(self, node: Affine, region: Region) -> tuple[Any, Any]:
        """Float64 bounds (batch, size) of an affine node from those of its sources."""

    def lower(self, region: Region, number: int, rows: Any, lines: dict[int, Around],
              before: tuple[int, Any] | None = None) -> Any:
        """Float64 lower bounds (batch, rows) of `rows` (1 or batch, rows, size) @ node `number`, by the rule; of these
        and of rows of a node `before` it together."""

    def positive(self, region: Region, number: int, rows: Any, lines: dict[int, Around]) -> Any:
        """Which of these rows are above zero on the whole region, (batch, rows)."""


class Sum(Protocol):
    """The bound g of some rows on some domains, so far. What coefficients are is its own affair."""

    def affine(self, nu: Any, number: int) -> Any:
        """Add nu . b of affine node `number`, less all that is lost there; the multipliers as `back` takes them."""

    def back(self, mu: Any, linear: Any) -> Any:
        """M^T mu."""

    def pointwise(self, nu: Any, number: int) -> Any:
        """The multipliers mu in front of Pointwise node `number`; add the least of nu f(z) - mu z on the bounds."""

    def product(self, nu: Any, number: int) -> tuple[Any, Any]:
        """The multipliers in front of both factors of Product node `number`; add the least of nu x y - mu x - kappa y.
        """

    def join(self, one: Any, other: Any) -> Any:
        """The sum of what two readers of a node have sent."""

    def least(self, nu: Any) -> None:
        """Add the least of nu . x over the inputs."""
