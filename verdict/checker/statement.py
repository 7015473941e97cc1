"""A certificate's claim in words: everything that it says, so that nobody takes it for a larger one.

What is claimed stands in numbers that few would look up. So the text names them all: the input in short and by its
hash, the norm and the radius, the valid range, and how much of the input can move at all within the two of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .network import Network
from .readers.ball import Ball
from .readers.claim import Claim
from .readers.onnx.view import WHOLE, View

# So many entries of an input are shown at each end, and a longer rational only by its nearest float.
SHOWN, LONGEST = 3, 24
MEASURES = {"linf": "L-infinity", "l1": "L1", "l2": "L2"}


@dataclass(frozen=True)
class Statement:
    """A claim and the files that it is about: `model` and `query` are (path, SHA-256) or None, `ball` is the input set
    of a claim in numbers, `boxes` are the ends of the boxes that it speaks of, `output` says what
    a class is where a head was left out."""

    kind: str = ""
    sentence: str = ""
    model: tuple[str, str] | None = None
    query: tuple[str, str] | None = None
    label: int | None = None
    target: int | None = None
    ball: Ball | None = None
    upper: Fraction | None = None
    output: str = ""
    boxes: Sequence[tuple[Sequence[Fraction], Sequence[Fraction]]] = field(default=(), repr=False)
    view: View = WHOLE
    # What a claim for every float32 evaluation assumes of functions, where there are any.
    ulps: Fraction | None = None

    @classmethod
    def of(cls, claim: Claim, record: Any, model: tuple[str, str], query: tuple[str, str] | None,
           network: Network, view: View = WHOLE) -> Statement:
        """The statement of a claim that was read from this record of the manifest."""
        boxes = {id(d.lower): (d.lower, d.upper) for d in claim.disjuncts}
        return cls(record["kind"], claim.text, model, query, record.get("label"), record.get("target"), claim.ball,
                   claim.upper, _output(network, record.get("label")), tuple(boxes.values()), view)

    @property
    def summary(self) -> str:
        """The claim in one line."""
        return f"{self.sentence} (all of it is {self.size})" if self.size else self.sentence

    @property
    def size(self) -> str:
        """What the input set is where it is less than it looks: "the empty set" or "a single point"; else empty."""
        if not self.kind:
            return ""
        if not self.boxes or (self.ball is not None and not self._reaches(self.ball)):
            return "the empty set"
        (low, high), *others = self.boxes
        return "a single point" if not others and list(low) == list(high) else ""

    @staticmethod
    def _reaches(ball: Ball) -> bool:
        """Whether the valid range has a point in the ball: the one nearest to the centre is in it."""
        nearest = [c if a is None else max(a, c) for c, a in zip(ball.center, ball.low, strict=True)]
        nearest = [c if b is None else min(b, c) for c, b in zip(nearest, ball.high, strict=True)]
        return ball.contains(nearest, ball.radius)

    def lines(self) -> list[tuple[str, str]]:
        """The claim for people: titles and texts."""
        if not self.kind:
            return []
        size = f", which is {self.size}" if self.size else ""
        found = [("claim", self.summary)]
        if self.ball is not None:
            ball = self.ball
            moving = self._moving()
            found += [
                ("input", f"{len(ball.center)} numbers: {_short(ball.center)}; SHA-256 {_hash(ball.center)}"),
                ("set", f"within {_number(ball.radius)} ({MEASURES[ball.norm]}) of it and in the range: {moving} of "
                        f"{len(ball.center)} numbers can move{size}"),
                ("range", _range(ball)),
            ]
            found += [] if self.target is None else [("target", f"class {self.target} alone: the others may win")]
        elif self.size:
            found += [("set", self.size)]
        elif self.boxes:
            inputs = len(self.boxes[0][0])
            found += [("set", f"{len(self.boxes)} boxes of {inputs} inputs" if len(self.boxes) > 1 else
                       f"a box of {inputs} inputs, of which {self._moving()} can move")]
        found += [("output", self.output)] if self.output else []
        found += [(title, f"{file[0]}, SHA-256 {file[1]}")
                  for title, file in (("model", self.model), ("query", self.query)) if file is not None]
        found += [("part", str(self.view))] if self.view != WHOLE else []
        found += [] if self.ulps is None else [("assumes", f"for float32, {assumption(self.ulps)}")]
        return found

    def members(self) -> dict[str, Any]:
        """The claim for programs; all rationals are strings."""
        ball = self.ball
        return {
            "kind": self.kind or None,
            "model": _file(self.model),
            "chosen": self.view.output,
            "shapes": {name: list(shape) for name, shape in self.view.shapes.items()} or None,
            "query": _file(self.query),
            "label": self.label,
            "target": self.target,
            "input": None if ball is None else {
                "size": len(ball.center), "sha256": _hash(ball.center), "values": [str(v) for v in ball.center],
            },
            "norm": None if ball is None else ball.norm,
            "eps": None if ball is None else str(ball.radius),
            "output": self.output or None,
            "upper": None if self.upper is None else str(self.upper),
            "range": None if ball is None else {"low": _end(ball.low), "high": _end(ball.high)},
            "moving": self._moving(),
            "set": self.size or None,
            "assumed_ulp": None if self.ulps is None else str(self.ulps),
        }

    def _moving(self) -> int:
        """How many inputs can move in one of the boxes at least."""
        return sum(any(low[i] < high[i] for low, high in self.boxes) for i in range(len(self.boxes[0][0]))) \
            if self.boxes else 0


def assumption(ulps: Fraction | None) -> str:
    """What is assumed of whoever computes functions, in words."""
    if ulps is None:
        return "nothing of how functions are computed"
    return f"every function computed within {ulps} ulp of its value, or of 1 where that is larger"


def _output(network: Network, label: int | None) -> str:
    """The output that a claim is about, and what its classes are, where scores are not simply compared."""
    if network.head is None:
        return ""
    named = f", class {label} is {network.labels[label]!r}" if network.labels and label is not None else ""
    what = f"behind {network.head}: its exact entries are in the order of the scores"
    if network.is_class:
        what = (f"behind {network.head}: one number, class 1 where the score is above 0, else class 0"
                if not network.labels else "the label of the largest score")
    return f"{', '.join(map(repr, network.names))}, {what}{named}"


def _number(value: Fraction) -> str:
    text = str(value)
    if len(text) <= LONGEST:
        return text
    try:
        return f"about {float(value):.9g}"
    except OverflowError:
        return f"a number of {len(text)} digits"


def _short(values: Sequence[Fraction]) -> str:
    if len(values) <= 2 * SHOWN + 1:
        return ", ".join(map(_number, values))
    return ", ".join([*map(_number, values[:SHOWN]), "...", *map(_number, values[-SHOWN:])])


def _hash(values: Sequence[Fraction]) -> str:
    """The SHA-256 of the rationals as the manifest writes them, one a line."""
    return hashlib.sha256("".join(f"{v}\n" for v in values).encode()).hexdigest()


def _range(ball: Ball) -> str:
    ends = set(zip(ball.low, ball.high, strict=True))
    if ends == {(None, None)}:
        return "unlimited"
    if len(ends) == 1:
        low, high = next(iter(ends))
        return f"[{_limit(low, '-')}, {_limit(high, '')}] for every number"
    lows, highs = [a for a in ball.low if a is not None], [b for b in ball.high if b is not None]
    least = _limit(min(lows) if len(lows) == len(ball.low) else None, "-")
    most = _limit(max(highs) if len(highs) == len(ball.high) else None, "")
    return f"one for each number, from {least} to {most} in all; SHA-256 {_range_hash(ball)}"


def _range_hash(ball: Ball) -> str:
    text = "".join(f"{a} {b}\n" for a, b in zip(ball.low, ball.high, strict=True))
    return hashlib.sha256(text.encode()).hexdigest()


def _limit(value: Fraction | None, sign: str) -> str:
    return f"{sign}infinity" if value is None else _number(value)


def _end(values: Sequence[Fraction | None]) -> Any:
    texts = [None if v is None else str(v) for v in values]
    return texts[0] if len(set(texts)) == 1 else texts


def _file(file: tuple[str, str] | None) -> dict[str, str] | None:
    return None if file is None else {"file": file[0], "sha256": file[1]}
