"""What an answer is about, as far as showing it needs: the input, its shape as an image, names of features and classes.

An answer carries what finds this out, and nobody pays for it before somebody looks.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..network.exact import FloatArray
from .claim import Claim


@dataclass(frozen=True, eq=False, repr=False)
class About:
    """The input `x` (size,), flat; `image` its shape (height, width) or (channels, height, width) where it is one.

    `features` and `classes` are names, empty where there are none; `scales` (size,) say by how much each entry moves at
    the radius one, where they differ. `claim` is what a statement says of the question. Of a question about no single
    input `x` is empty.
    """

    x: FloatArray
    image: tuple[int, ...] = ()
    features: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    scales: FloatArray | None = None
    claim: Claim | None = None

    def feature(self, number: int) -> str:
        """What one entry of the input is called."""
        return self.features[number] if self.features else f"x[{number}]"

    def named(self, label: int | None) -> str:
        """A class with its name, where that says more than its number."""
        if label is None:
            return ""
        name = self.classes[label] if label < len(self.classes) else ""
        return f"class {label}" if name in ("", str(label)) else f"class {label} ({name})"

    def moved(self, witness: FloatArray) -> list[tuple[int, float, float]]:
        """The entries that differ at a witness, those that moved farthest first: number, value here, value there.

        Where entries have scales, far is what is far for its scale.
        """
        change = abs(witness - self.x) / (1.0 if self.scales is None else self.scales)
        far = sorted(range(self.x.size), key=lambda i: (-float(change[i]), i))
        return [(i, float(self.x[i]), float(witness[i])) for i in far if witness[i] != self.x[i]]
