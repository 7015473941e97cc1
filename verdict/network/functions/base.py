"""What every part asks of a pointwise function f, instead of asking which function it is.

The first group is all that evaluation, bounds, splits of input boxes, Z3 and the rule of a certificate need; most of it
follows from an enclosure, lines and the least bracket, which may be loose but never wrong. The second group belongs to
features that a function declares: a part that works for some functions only names the feature that it needs, and
`Graph.require` refuses all others.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from ...base.errors import UnsupportedError
from ..exact import ExactVector
from ..maps.namespace import namespace, zeros_like_shape
from .expansion import Around, Expansion, from_band


class Feature(enum.Enum):
    """What a function may declare beyond the protocol that all have."""

    # `pieces` are all there is of it: values of rationals are rationals, and floats do not round it.
    PIECEWISE_LINEAR = "piecewise linear"
    # Values of rationals are rationals, and `formula` gives Z3 all there is of it; what is piecewise linear is so too.
    POLYNOMIAL = "piecewise polynomial"
    # Constant between jumps: values of rationals are rationals, and `formula` gives Z3 all there is of it on bounds.
    STAIRS = "piecewise constant"
    # Values of rationals are rationals, and no function is rounded: what is piecewise linear or constant is so.
    RATIONAL = "piecewise linear or constant"
    # Two pieces, 0 up to 0 and z from 0 on: a neuron is off or on, a side leaves nothing to relax, every line through
    # (0, 0) with a slope in [0, 1] lies below.
    ON_OFF = "off or on"


# What has one of these features has the other one too.
IMPLIED = {
    Feature.POLYNOMIAL: frozenset({Feature.PIECEWISE_LINEAR, Feature.STAIRS}),
    Feature.RATIONAL: frozenset({Feature.PIECEWISE_LINEAR, Feature.STAIRS}),
}


class Form(enum.Enum):
    """How cases are written for Z3; `benchmarks relu-form` compares the two."""

    ITE = "ite"
    IMPLICATIONS = "implications"


@dataclass(frozen=True)
class Piece:
    """f(z) = slope z + offset for start <= z <= end; None is infinite."""

    start: Fraction | None
    end: Fraction | None
    slope: Fraction
    offset: Fraction


# Where slopes of an interval are looked at, as shares of its width.
PLACES = (0.0, 0.25, 0.5, 0.75, 1.0)
# Slope and offset of a line below (an offset None is zero), and of one above: arrays (batch, size).
FourLines = tuple[Any, Any | None, Any, Any]


class Function(ABC):
    """A function of one number, applied entry by entry, continuous unless it is declared piecewise constant. Arrays are
    those of any library, (batch, size) where nothing else is said; `low` <= z <= `high` are bounds of the
    pre-activations."""

    name: str
    features: ClassVar[frozenset[Feature]] = frozenset()
    # n where it is z^n, else 0.
    exponent: int = 0

    def has(self, feature: Feature) -> bool:
        """Whether the function declares the feature."""
        return feature in self.features or bool(IMPLIED.get(feature, frozenset()) & self.features)

    def inside(self, low: Any, high: Any) -> Any:
        """Where f is defined on all of [low, high]."""
        return low <= high

    @abstractmethod
    def value(self, z: Any) -> Any:
        """f(z) in the arithmetic of `z`, a hint."""

    @abstractmethod
    def derivative(self, z: Any) -> Any:
        """f'(z), at a kink that of one side; what the gradient is multiplied by."""

    @abstractmethod
    def enclosure(self, low: Any, high: Any) -> tuple[Any, Any]:
        """Ends between which f lies on [low, high], rounded outward."""

    @abstractmethod
    def lines(self, low: Any, high: Any) -> FourLines:
        """The lines that CROWN takes for f on [low, high]. As real functions they hold f exactly as they are returned,
        or up to roundings that are relative to |slope| max |z|."""

    @abstractmethod
    def least(self, nu: Any, mu: Any, low: Any, high: Any) -> Any:
        """min over z in [low, high] of nu f(z) - mu z, elementwise, or less; arrays that broadcast together. Rounding
        that is relative to |nu| max |f| + |mu| max |z| is charged by whoever asks."""

    @abstractmethod
    def bends(self, low: Any, high: Any) -> Any:
        """Where f is not linear on [low, high], so that better bounds or a split may help."""

    @abstractmethod
    def threshold(self, low: Any, high: Any) -> Any:
        """Where to split neurons that bend: z <= t and z >= t, with low < t < high."""

    def cut(self, low: float, high: float, wanted: float) -> float:
        """Where to split a neuron that is wanted to be split at some number inside: low < t <= high."""
        return wanted

    def below(self, at: float) -> float:
        """The upper end of the half z <= `at` of a neuron that is split there: short of a jump whose value the other
        half has."""
        return at

    def band(self, low: Any, high: Any) -> tuple[Any, Any, Any]:
        """(slope, centre, half) with slope z + centre - half <= f(z) <= slope z + centre + half: the slope 0, unless a
        function knows better."""
        least, most = self.enclosure(low, high)
        centre = least / 2 + most / 2
        half = namespace(low).maximum(most - centre, centre - least) * (1 + 2.0**-20)
        return zeros_like_shape(low, low.shape), centre, half

    def expansion(self, around: Around, degree: int) -> Expansion:
        """A polynomial in z - middle of at most that degree, and how far f is from it at most on an interval: that
        of the lines of `band`, unless a function knows better. Float64."""
        return from_band(self.band(around.low, around.high), around)

    def of_models(self, through: Callable[[Function], Any]) -> Any | None:
        """The Taylor model of f made by products of those of other functions, which `through` gives of the same
        argument; None where the expansion is all there is."""
        return None

    def carried(self, error: Any, size: Any, unit: float, smallest: float) -> Any:
        """How far floats, rounding relatively by `unit` and losing `smallest` to underflow, are off behind the function
        if they are off by `error` in front of it, where the pre-activations are of at most this `size`."""
        raise self._unsupported("float32 evaluations")

    def carried_at(self, z: Any, error: Any, unit: float, smallest: float) -> Any:
        """The same where the pre-activations are `z`."""
        return self.carried(error, namespace(z).abs(z), unit, smallest)

    @property
    def leans(self) -> bool:
        """Whether lines of any slope can be found: `offsets` and `touch`."""
        return type(self).offsets is not Function.offsets and type(self).touch is not Function.touch

    def offsets(self, below: Any, above: Any, low: Any, high: Any) -> tuple[Any, Any]:
        """Of lines with these slopes, (batch, size), below and above f on [low, high] those that are closest: as real
        functions they hold f. For functions whose `lines` have offsets."""
        raise self._unsupported("lines of any slope")

    def touch(self, sign: int, slope: Any, low: Any, high: Any) -> Any:
        """About where sign f(z) - slope z is largest on [low, high], in their float type: a hint."""
        raise self._unsupported("lines of any slope")

    def met(self, sign: int, slope: Any, low: Any, high: Any) -> tuple[Any, Any]:
        """That place, and about what f is there, or where it jumps next to it."""
        place = self.touch(sign, slope, low, high)
        return place, self.value(place)

    def slope_range(self, low: Any, high: Any) -> tuple[Any, Any]:
        """The least and the largest slope that lines which hold f closely may have: a hint."""
        xp, slopes = namespace(low), [self.derivative(low + share * (high - low)) for share in PLACES]
        slopes = [xp.where(xp.isfinite(s), s, 0.0) for s in slopes]
        flat, steep = slopes[0], slopes[0]
        for slope in slopes[1:]:
            flat, steep = xp.minimum(flat, slope), xp.maximum(steep, slope)
        return flat, steep

    def exact(self, z: ExactVector) -> ExactVector:
        """f of rationals."""
        raise self._unsupported("exact evaluation")

    def enclosed(self, low: Fraction, high: Fraction, bits: int) -> tuple[Fraction, Fraction]:
        """Rationals between which f lies on [low, high], about 2^-bits wider than they have to be at most."""
        ends = self.exact(ExactVector.of([low, high])).fractions()
        kinks = [p.end for p in self.pieces()[:-1] if p.end is not None and low < p.end < high]
        ends += self.exact(ExactVector.of(kinks)).fractions() if kinks else []
        return min(ends), max(ends)

    def is_zero(self, low: Any, high: Any) -> Any:
        """Where f is 0 on all of [low, high]."""
        least, most = self.enclosure(low, high)
        return (least == 0) & (most == 0)

    def formula(self, y: str, z: str, low: float, high: float, form: Form) -> list[str]:
        """y = f(z) for low <= z <= high as SMT-LIB formulas over the reals."""
        pieces = [p for p in self.pieces() if (p.end is None or p.end >= low) and (p.start is None or p.start <= high)]
        texts = [f"(= {y} (+ (* {rational(p.slope)} {z}) {rational(p.offset)}))" for p in pieces]
        if form is Form.ITE:
            whole = texts[-1]
            for piece, text in zip(pieces[-2::-1], texts[-2::-1], strict=True):
                whole = f"(ite (<= {z} {rational(piece.end)}) {text} {whole})"
            return [whole]
        found = []
        for piece, text in zip(pieces, texts, strict=True):
            ends = [] if piece is pieces[0] else [f"(>= {z} {rational(piece.start)})"]
            ends += [] if piece is pieces[-1] else [f"(<= {z} {rational(piece.end)})"]
            found.append(f"(=> (and {' '.join(ends)}) {text})" if ends else text)
        return found

    # What features promise.

    def pieces(self) -> tuple[Piece, ...]:
        """PIECEWISE_LINEAR: all pieces, from left to right, each ending where the next begins."""
        raise self._unsupported("linear pieces")

    def _unsupported(self, what: str) -> UnsupportedError:
        return UnsupportedError(f"{self.name} has no {what}: it is not declared {Feature.PIECEWISE_LINEAR.value}")


def rational(value: Fraction | None) -> str:
    """A rational as an SMT-LIB term."""
    if value is None:
        raise ValueError("an inner piece without an end")
    magnitude = f"{abs(value.numerator)}.0"
    if value.denominator != 1:
        magnitude = f"(/ {magnitude} {value.denominator}.0)"
    return magnitude if value >= 0 else f"(- {magnitude})"
