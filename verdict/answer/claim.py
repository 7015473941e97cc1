"""What a question claims, in words: the parts of a certification statement that do not depend on the answer."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ..base.visible import visible


@dataclass(frozen=True)
class Submitted:
    """A model by the name of its file, the hash of its bytes, and the output asked about, if it has several.

    `origin` is what it was converted from, where that is known.
    """

    name: str
    sha256: str
    output: str = ""
    origin: str = ""

    def __str__(self) -> str:
        made = f", made from {visible(self.origin)}" if self.origin else ""
        output = f", output {visible(self.output)}" if self.output else ""
        return f"{visible(self.name)} (SHA-256 {self.sha256}{made}{output})"


@dataclass(frozen=True)
class Claim:
    """The property, "agreement, that no output ...", and the `inputs` that it is about.

    Where the property is that a class stays, `keeps` is true, and the class comes with the answer: `property` is then
    what `what` has instead, or empty, `target` the only rival, if one was asked for, and `given` the condition.
    `threshold` is the number that was asked about, None where the answer is one, or where there is none (`measure` is
    empty then).
    """

    models: tuple[Submitted, ...]
    property: str
    inputs: str
    measure: str = ""
    threshold: Fraction | None = None
    keeps: bool = False
    place: str = ""
    given: str = ""
    target: int | None = None
    what: str = "every input"
