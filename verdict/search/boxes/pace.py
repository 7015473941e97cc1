"""Halving boxes or working hard on single ones: whose turn it is, by how many boxes a second each brings to an end.

Halving makes more boxes before it makes fewer, so it is judged by a group that it is given (`group`): how many of its
boxes are gone when all their parts are closed, or when it has taken as long as hard work on them would. The better of
the two has the time, the other a share of it, in which it can show that things have changed.
"""

from __future__ import annotations

HALVING, HARD = False, True


class Pace:
    """What halving and hard work bring to an end; the slower one has the share `least` of the other's time.

    What was found a turn ago weighs `memory` times what is found now. Groups are of `smallest` boxes at first.
    """

    def __init__(self, least: float, memory: float, smallest: int) -> None:
        self._least, self._memory = least, memory
        self.size, self._smallest = smallest, smallest
        self._spent = {HALVING: 0.0, HARD: 0.0}
        # Boxes brought to an end, and the seconds that it took, of late.
        self._ended = {HALVING: 0.0, HARD: 0.0}
        self._seconds = {HALVING: 0.0, HARD: 0.0}
        # The group being halved: how many boxes it was, the seconds on it, and how many it may take.
        self._group, self._on_group, self._most = 0, 0.0, 0.0

    @property
    def has_group(self) -> bool:
        return self._group > 0

    def next(self) -> bool:
        """Whether boxes are halved next or worked on hard; what was never tried comes first."""
        if not self._seconds[HARD]:
            return HARD
        if self.has_group or not self._seconds[HALVING]:
            # What a group has taken says nothing before its end.
            return HARD if self._spent[HARD] < self._least * self._spent[HALVING] else HALVING
        better = HALVING if self._halving_is_better else HARD
        return better if self._spent[not better] >= self._least * self._spent[better] else not better

    def worked(self, closed: int, seconds: float) -> None:
        """Hard work has closed so many boxes."""
        self._spent[HARD] += seconds
        self._note(HARD, closed, seconds)

    def begin(self, boxes: int) -> None:
        """A group of so many boxes is to be halved."""
        # Half a box stands for none.
        each = self._seconds[HARD] / max(self._ended[HARD], 0.5)
        self._group, self._on_group, self._most = boxes, 0.0, boxes * each

    def halved(self, left: int, seconds: float) -> bool:
        """Some parts of the group were halved, and so many are left; whether that is its end."""
        self._spent[HALVING] += seconds
        self._on_group += seconds
        if left and self._on_group < self._most:
            return False
        self._note(HALVING, max(0, self._group - left), self._on_group)
        self.size = 2 * self._group if self._halving_is_better else self._smallest
        self._group = 0
        return True

    @property
    def _halving_is_better(self) -> bool:
        return self._ended[HALVING] * self._seconds[HARD] > self._ended[HARD] * self._seconds[HALVING]

    def _note(self, way: bool, ended: int, seconds: float) -> None:
        self._ended[way] = self._memory * self._ended[way] + ended
        self._seconds[way] = self._memory * self._seconds[way] + seconds
