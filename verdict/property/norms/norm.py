"""A norm: all that Verdict asks of one, in one class, and the list of those that are known.

Bounds need its dual, which is the support function of its unit ball; encoders linear rows; attacks a direction; the
gate an exact length. Everything else about balls is the same for all norms (`norm_ball`, `bounds.ball`). A new norm is
one class in one file, entered by `register`. Norms here depend on the absolute values of coordinates alone and grow
with each, so that the ball goes equally far both ways along every axis and a clipped point of it stays inside.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from ...base.errors import InputError
from ...network.exact import FloatArray
from ...network.maps.namespace import namespace
from ..rows import RadiusRow

if TYPE_CHECKING:
    from ..formula import Formula


class Cuts:
    """The linear constraints of all balls of a norm around one centre: rows, in coordinates x_i as columns i, auxiliary
    numbers >= 0 in the columns behind, and the radius. Here all that is to be said is said at once."""

    def __init__(self, rows: Sequence[RadiusRow]) -> None:
        self._rows = list(rows)

    def rows(self) -> list[RadiusRow]:
        """The constraints, each of which contains every ball."""
        return self._rows

    def cut_off(self, x: Sequence[Fraction], radius: Fraction) -> bool:
        """Add rows that exclude a point; False where it lies in the ball of this radius, or too near to it to tell."""
        return False


class Norm(ABC):
    """One norm. Exact numbers are Fractions; arrays are those of any array library, their last axis the coordinates."""

    name: ClassVar[str]
    """What it is called: `norm="l1"`, `--norm l1`."""
    title: ClassVar[str]
    """The same for people: L1."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other names that people give it, in lower case."""
    is_box: ClassVar[bool] = False
    """Whether its balls are boxes."""
    is_polyhedral: ClassVar[bool] = True
    """Whether finitely many rows say all about its balls."""
    is_certified: ClassVar[bool] = False
    """Whether the independent checker reads claims about its balls."""

    @abstractmethod
    def length(self, steps: Sequence[Fraction]) -> Fraction:
        """The norm of a vector, or a rational above it by less than 2**-80 of it."""

    def reaches(self, steps: Sequence[Fraction], radius: Fraction) -> bool:
        """Whether the norm of a vector is at most `radius`, exactly. To be said anew where `length` is rounded."""
        return self.length(steps) <= radius

    @abstractmethod
    def dual(self, slope: Sequence[Fraction]) -> Fraction:
        """The dual norm, the greatest slope . x on the unit ball, or a rational above it by less than 2**-80 of it."""

    def reach(self, size: int) -> list[Fraction]:
        """How far the unit ball goes along each of `size` axes, the dual norm of its unit vector: one, as in every
        norm l_p. To be said anew where it is another number."""
        return [Fraction(1)] * size

    @abstractmethod
    def lengths(self, steps: Any) -> Any:
        """The norm of vectors (..., size), up to rounding: (...)."""

    @abstractmethod
    def duals(self, slope: Any) -> Any:
        """The dual norm of vectors (..., size), (...), in at most size + 4 roundings: proofs charge so many. No square
        may overflow, and what underflows has to be nothing beside the largest entry."""

    @abstractmethod
    def steepest(self, slope: Any) -> Any:
        """Where slope . x is about greatest on the unit ball, (..., size), with the signs of the slope: a hint."""

    def share(self, slope: Any, size: Any, room: Any, eps: float) -> Any:
        """The part of each slope (..., size) that is left to the ball of radius `eps`, the rest being left to the box
        that lets the coordinates move by `room` against the slope; `size` is |slope|.

        Any part is sound. The best has the least value of slope . x on both together; here it is all or nothing.
        """
        xp = namespace(slope)
        is_near = self.duals(slope) * eps <= xp.sum(size * room, axis=-1)
        return xp.where(is_near[..., None], slope, 0)

    def step(self, size: Any, room: Any, eps: float) -> Any:
        """How far each coordinate goes against the slope to the least value on ball and box together, (..., size), as
        in `share`: a hint within both."""
        xp = namespace(size)
        return xp.minimum(room, eps * xp.abs(self.steepest(size)))

    def spread(self, size: Any, room: Any, eps: float) -> Any:
        """As `step`, but near the least value: shared among coordinates that are about as steep. Where the least value
        is at a corner, gradient steps that look at one corner after the other do not find what balances them."""
        return self.step(size, room, eps)

    def auxiliary(self, size: int) -> int:
        """Of how many auxiliary numbers its rows speak."""
        return size

    @abstractmethod
    def cuts(self, center: Sequence[Fraction]) -> Cuts:
        """The linear constraints of its balls around a centre."""

    def formula(self, center: Sequence[Fraction], radius: Fraction) -> Formula | None:
        """What says exactly that the inputs lie in a ball; None where the rows do."""
        return None

    def nearest(self, rows: FloatArray, ends: FloatArray) -> tuple[FloatArray | None, FloatArray]:
        """The point (n,) nearest to 0 with `rows` @ x >= `ends`, None where none is found, and multipliers u >= 0
        (rows,), with u . ends - |rows^T u| in the dual norm as the distance, or above any where there is no point."""
        from .nearest import by_rows

        count = rows.shape[1]
        return by_rows(self.cuts([Fraction(0)] * count).rows(), self.auxiliary(count), rows, ends)


    def nearest_within(
        self, rows: FloatArray, ends: FloatArray, low: FloatArray, high: FloatArray
    ) -> tuple[FloatArray | None, FloatArray]:
        """The same within the box [low, high], which holds 0; the multipliers are those of the rows."""
        from .nearest import walls

        more, limits = walls(low, high)
        point, weights = self.nearest(np.concatenate([rows, more]), np.concatenate([ends, limits]))
        return point, weights[: len(ends)]

    def deepest(
        self, rows: FloatArray, ends: FloatArray, lengths: FloatArray, low: FloatArray, high: FloatArray
    ) -> FloatArray | None:
        """The point x (n,) of the unit ball and the box [low, high] with `rows` @ x >= `ends` + t `lengths` for the
        greatest t, where one program says it."""
        return None


_NORMS: dict[str, Norm] = {}
Class = TypeVar("Class", bound=Callable[[], Norm])


def register(cls: Class) -> Class:
    """A class decorator: from now on `norm=` and `--norm` know this norm."""
    norm = cls()
    _NORMS[norm.name] = norm
    return cls


def forget(name: str) -> None:
    """Undo a registration."""
    del _NORMS[name]


def names() -> list[str]:
    """The names of all norms, that of the box first."""
    return [norm.name for norm in sorted(_NORMS.values(), key=lambda norm: (not norm.is_box, norm.name))]


def norm_of(name: object) -> Norm:
    """The norm of that name, or of another name that people give it, such as inf. Raises InputError."""
    if isinstance(name, Norm):
        return name
    word = str(name).lower()
    for norm in _NORMS.values():
        if word in (norm.name, *norm.aliases):
            return norm
    raise InputError(f"norm {str(name)!r} is not supported, expected one of {', '.join(names())}")
