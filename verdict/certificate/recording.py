"""What a search writes down of its proof while it searches, for a certificate.

Whoever asks for a proof says which of the claim's disjuncts each of its polytopes stands for; whoever finds the proof
adds parts, trees of splits over one box, that exclude them. Without a recording nothing is kept and nothing is slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .neurons import NeuronMap
from .proof import Part


@dataclass(eq=False)
class Recording:
    """The parts found so far for the polytopes of one search over one box.

    `disjuncts[i]` are the claim's disjuncts that excluding polytope i on the box excludes.
    """

    neurons: NeuronMap
    disjuncts: list[list[int]]
    parts: list[Part] = field(default_factory=list)

    def of(self, which: Sequence[int]) -> Recording:
        """The recording for some of the polytopes, which adds to the same parts."""
        return Recording(self.neurons, [self.disjuncts[i] for i in which], self.parts)
