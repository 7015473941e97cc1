"""The unsafe set: the outputs that must not occur, a union of closed polytopes {y : C y <= d}.

Proving a property means showing that no input of the input set reaches any of the polytopes. They are
closed: a tie, an output exactly on the boundary, is unsafe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..base.errors import PropertyError
from ..network.enclosed import PRECISIONS, Enclosed
from ..network.exact import Coefficients, ExactVector, FloatArray
from ..network.maps import Dense
from ..network.maps.namespace import product


@dataclass(frozen=True, eq=False)
class Polytope:
    """{y : matrix y <= offset}; `matrix` is (rows, outputs), `offset` (rows,). `name` says it in words.

    Without rows it holds every output; it then gets the row 0 y <= 1, so that nothing has to treat it apart.
    """

    matrix: Coefficients
    offset: Coefficients
    name: str = ""

    def __post_init__(self) -> None:
        if not self.offset.size:
            object.__setattr__(self, "matrix", Coefficients(np.zeros((1, self.matrix.values.shape[1]))))
            object.__setattr__(self, "offset", Coefficients(np.ones(1)))

    def contains(self, y: ExactVector) -> bool:
        """Exact membership of an output vector."""
        rows = Dense(self.matrix).apply_exact(y)
        return all(
            value <= limit for value, limit in zip(rows.fractions(), self.offset.fractions().ravel(), strict=True)
        )

    def against(self, y: Enclosed) -> bool | None:
        """Whether all vectors of an enclosure are in it (True), none is (False), or neither is known (None)."""
        rows = Dense(self.matrix).apply_exact(y.centre).fractions()
        radius = ExactVector.of(y.radius)
        reach = Dense(self.matrix.map(np.abs)).apply_exact(radius).fractions()
        limits = self.offset.fractions().ravel()
        if all(row + r <= limit for row, r, limit in zip(rows, reach, limits, strict=True)):
            return True
        outside = any(row - r > limit for row, r, limit in zip(rows, reach, limits, strict=True))
        return False if outside else None

    def excluded_by(self, lowest: FloatArray) -> bool:
        """Whether lower bounds of `matrix` @ y, (rows,), rigorous for the float matrix, show that no y is in it.

        One row of C y <= d that cannot hold is enough. This is the test that proofs by bounds rest on.
        """
        # The float offset may be rounded, so stay clear of it; bounds of a rounded matrix are about another polytope.
        return self.matrix.is_dyadic and bool((lowest > np.nextafter(self.offset.values, np.inf)).any())

    def slack(self, y: FloatArray) -> FloatArray:
        """How far each output of a batch (batch, outputs) is outside: max over rows of C y - d, in floats; infinitely,
        where an output is no number, because a function was asked outside its domain."""
        result: FloatArray = (product(y, self.matrix.values.T) - self.offset.values).max(axis=-1)
        result[np.isnan(result)] = np.inf
        return result


@dataclass(frozen=True, eq=False)
class UnsafeSet:
    """A union of polytopes over vectors of `outputs` numbers."""

    polytopes: tuple[Polytope, ...]
    outputs: int

    def containing(self, y: ExactVector) -> Polytope | None:
        """A polytope that contains the output vector, exactly; None where it is safe."""
        return next((p for p in self.polytopes if p.contains(y)), None)

    def reached(self, enclosure: Callable[[int], Enclosed]) -> tuple[Polytope, Enclosed] | None:
        """A polytope that contains a vector of reals, of which there are enclosures of any precision, and the enclosure
        that shows it; None where it is safe, or where it lies so near to a face that none of them tells."""
        for bits in PRECISIONS:
            y = enclosure(bits)
            answers = [p.against(y) for p in self.polytopes]
            if True in answers:
                return self.polytopes[answers.index(True)], y
            if None not in answers:
                return None
        return None

    def slack(self, y: FloatArray) -> FloatArray:
        """Least slack over the polytopes for each output of a batch; at most 0 means unsafe (in floats)."""
        result: FloatArray = np.min([p.slack(y) for p in self.polytopes], axis=0)
        return result


def misclassification(label: int, outputs: int, target: int | None = None) -> UnsafeSet:
    """The outputs where some class (or just `target`) scores at least as high as `label`.

    One polytope {y_label - y_t <= 0} for each rival t. Raises PropertyError for labels out of range.
    """
    for what, value in (("label", label), ("target", target)):
        if value is not None and not 0 <= value < outputs:
            raise PropertyError(f"{what} {value} is out of range: the network has classes 0 to {outputs - 1}")
    if outputs < 2:
        raise PropertyError(
            "the network has one output, expected at least two class scores: say with a formula which of its values "
            "are right (--that 'y[0] > 1/2', that='y[0] > 1/2' in Python)"
        )
    if target == label:
        raise PropertyError(f"the target {target} is the label itself")
    rivals = [t for t in range(outputs) if t != label] if target is None else [target]
    polytopes = []
    for rival in rivals:
        row = np.zeros((1, outputs))
        row[0, label], row[0, rival] = 1.0, -1.0
        polytopes.append(Polytope(Coefficients(row), Coefficients(np.zeros(1)), f"class {rival}"))
    return UnsafeSet(tuple(polytopes), outputs)
