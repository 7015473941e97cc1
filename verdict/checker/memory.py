"""Which leaves have been excluded before, by all that their exclusion rests on.

A prover mends the few leaves that a check finds open and has the new file checked. A leaf that bounds its hidden
neurons itself is excluded by its box, splits and multipliers alone, wherever it stands, so the same leaf is not looked
at twice. A memory belongs to one network, one claim and one tier.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import numpy as np

from .kernel.tree import LINES
from .readers.multipliers import Domains


class Memory:
    """The names of the leaves that have been excluded."""

    def __init__(self) -> None:
        self._names: set[bytes] = set()
        # Whether the network was compared with another evaluator.
        self.looked = False

    def unknown(self, domains: Domains, wanted: Any, about: tuple[int, ...]) -> tuple[Any, dict[int, bytes]]:
        """Those of the `wanted` domains that are not known to be excluded from what `about` tells, and their names."""
        leaves, names = domains.leaves, {}
        shared = repr(about).encode() + (b"" if domains.chords is None else domains.chords.tobytes())
        arrays = [leaves.low, leaves.high, *leaves.cuts, domains.below, domains.shift, domains.weights]
        for j in wanted.tolist():
            hashed = sha256(shared)
            for values in arrays:
                hashed.update(b"-" if values is None else np.ascontiguousarray(values[j]).tobytes())
            if leaves.kind[j] != LINES or hashed.digest() not in self._names:
                names[j] = hashed.digest()
        return np.array(list(names), int), names

    def keep(self, names: Iterable[bytes]) -> None:
        """Remember leaves that are excluded."""
        self._names.update(names)


class NoMemory(Memory):
    """Of one check alone: nobody asks again, and names of a million leaves take time and room."""

    def unknown(self, domains: Domains, wanted: Any, about: tuple[int, ...]) -> tuple[Any, dict[int, bytes]]:
        return wanted, {}

    def keep(self, names: Iterable[bytes]) -> None:
        pass
