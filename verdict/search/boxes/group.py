"""A group of open boxes that are halved until nothing of them is left, beside others that wait.

Hard work on a box costs about as much for a small one as for a large one, so a group that halving does not bring to an
end must not come back as a thousand parts: the boxes that it was are open again, as if nothing had been done.
"""

from __future__ import annotations

from ...network.exact import FloatArray
from .boxes import Boxes
from .open_boxes import OpenBoxes


class Group:
    """What is left of the group's boxes, ordered by `keys`; there is none before it begins."""

    def __init__(self, *keys: str) -> None:
        self.parts, self._keys = OpenBoxes(*keys), keys
        self._boxes = OpenBoxes(*keys)

    def __len__(self) -> int:
        return len(self.parts)

    def begin(self, boxes: Boxes, keys: dict[str, FloatArray]) -> None:
        """Let the group be these boxes."""
        self.parts.add(boxes, keys)
        self._boxes.add(boxes, keys)

    def end(self, waiting: OpenBoxes) -> Boxes | None:
        """Put what is open back to the boxes that wait. Where the group has become more boxes than it was it is these
        again, and they are returned; what was said of their parts does not count."""
        parts, boxes = self.parts, self._boxes
        self.parts, self._boxes = OpenBoxes(*self._keys), OpenBoxes(*self._keys)
        if len(parts) < len(boxes):
            waiting.add(*parts.all())
            return None
        found, keys = boxes.all()
        waiting.add(found, keys)
        return found
