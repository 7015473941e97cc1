"""What the gate reads of a search for a number: its interval, and what each end rests on.

The searches stand above the gate and hand themselves over; these protocols are all that the gate knows of them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

from ..base.deadline import Deadline
from ..network.network import Network
from ..property import Box
from .credit import Credits
from .results import Trust, Witness


class Found(Protocol):
    """An interval, the time that it took, and notes on why it is no shorter."""

    @property
    def network(self) -> Network: ...
    @property
    def lower(self) -> Fraction: ...
    @property
    def deadline(self) -> Deadline: ...
    @property
    def stages(self) -> dict[str, float]: ...
    @property
    def notes(self) -> list[str]: ...


class FoundRadius(Found, Protocol):
    """A radius: `proved` is its lower end where nothing unsafe is left, `closest` the witness of the upper end."""

    @property
    def upper(self) -> Fraction | None: ...
    @property
    def closest(self) -> Witness | None: ...
    @property
    def proved(self) -> Fraction: ...
    @property
    def lower_trust(self) -> Trust: ...
    @property
    def is_safe(self) -> bool: ...
    @property
    def is_safe_everywhere(self) -> bool: ...
    @property
    def ways(self) -> Credits: ...
    def deployed_witness(self) -> Witness | None: ...


class FoundLargest(Found, Protocol):
    """A largest value over `box`: `witness` attains the lower end, `trust` is the upper end's."""

    @property
    def upper(self) -> Fraction: ...
    @property
    def witness(self) -> Witness: ...
    @property
    def trust(self) -> Trust: ...
    @property
    def box(self) -> Box: ...


class FoundWeights(Found, Protocol):
    """A radius of weights: `closest` is the witness of the upper end, `trust` the lower end's."""

    @property
    def upper(self) -> Fraction | None: ...
    @property
    def closest(self) -> Witness | None: ...
    @property
    def trust(self) -> Trust: ...
