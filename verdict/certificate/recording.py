"""What a search writes down of its proof while it searches, for a certificate.

Whoever asks for a proof says which of the claim's disjuncts each of its polytopes stands for; whoever finds the proof
adds parts, trees of splits over one box, that exclude them. `search/recorder.py` listens to a search and adds them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ..property import Box, Polytope
from .proof import Part

if TYPE_CHECKING:
    from .neurons import Disjuncts, NeuronMap


@dataclass(eq=False)
class Recording:
    """The parts found so far for the polytopes of one search over one box.

    `disjuncts[i]` are the claim's disjuncts that excluding polytope i on the box excludes; `claim` knows their rows.
    """

    neurons: NeuronMap
    disjuncts: list[list[int]]
    parts: list[Part] = field(default_factory=list)
    claim: Disjuncts | None = None
    # Whether the proof should hold for every float32 evaluation order too, where that costs little.
    any_order: bool = False
    # Where the claim is about every radius below one: rational multipliers of the unstable ReLUs for a domain (space,
    # signs, polytope) that touches the unsafe set at that radius, or None.
    close_tie: Callable[[Any, Any, Polytope], list[Fraction] | None] | None = None

    @classmethod
    def of_claim(
        cls,
        neurons: NeuronMap,
        claim: Disjuncts,
        box: Box,
        polytopes: Sequence[Polytope],
        parts: list[Part],
        any_order: bool = False,
    ) -> Recording:
        """The recording of a search over `box` for `polytopes`, which adds to `parts` of a proof of the claim."""
        return cls(neurons, [claim.inside(box.lower, box.upper, p) for p in polytopes], parts, claim, any_order)

    def of(self, which: Sequence[int]) -> Recording:
        """The recording for some of the polytopes, which adds to the same parts."""
        return replace(self, disjuncts=[self.disjuncts[i] for i in which])

    def weights(self, number: int, polytope: Polytope, shares: Any) -> Any:
        """Weights for the leaves of a goal about `disjuncts[number]`, polytope `number`'s, from those (n, rows) of the
        polytope's rows; None where the claim's rows are not known."""
        return self.weights_of(self.disjuncts[number], polytope, shares)

    def weights_of(self, disjuncts: Sequence[int], polytope: Polytope, shares: Any) -> Any:
        """As `weights`, for a goal about some of the polytope's disjuncts."""
        if self.claim is None:
            return None
        found = (self.claim.weights(d, polytope, shares) for d in disjuncts)
        return np.concatenate([np.zeros((len(shares), 0)), *found], axis=1)
