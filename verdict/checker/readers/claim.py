"""What a certificate claims, as disjuncts to be excluded: from the query's file or the claim's own numbers."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..clock import Ask, nobody
from ..enclosed import enclosed
from ..errors import RejectedError, UnreadableError
from ..network import Network
from .archive import member_of, only
from .ball import NORMS, Ball
from .vnnlib import Disjunct
from .vnnlib2 import read_query

MOST_TEXT = 2**28
# Binary digits of functions at a witness, in turn.
PRECISIONS = (64, 256, 1024)
_RATIONAL = re.compile(r"-?[0-9]{1,4000}(/[1-9][0-9]{0,3999})?")


@dataclass(frozen=True, eq=False)
class Claim:
    """`disjuncts` contain no point. `text` says it in words. With `open_at` only for every radius below it, from the
    centre and limits given; a `witness` must be unsafe and at most `upper` away."""

    text: str
    disjuncts: list[Disjunct]
    ball: Ball | None = None
    is_open: bool = False
    upper: Fraction | None = None


def rational(value: Any) -> Fraction:
    """A rational as the manifest writes it: "p/q" or "p"."""
    if not isinstance(value, str) or not _RATIONAL.fullmatch(value):
        raise UnreadableError(f"{str(value)[:40]!r} is no rational number")
    top, _, bottom = value.partition("/")
    return Fraction(int(top), int(bottom or 1))


def read_claim(record: Any, network: Network, query: bytes | None, ask: Ask = nobody) -> Claim:
    """The claim of a manifest about this network and, for `unsat`, this query."""
    kind = member_of(record, "kind", str)
    outputs = network.size(network.output)
    if kind == "unsat":
        only(record, "kind")
        if query is None:
            raise UnreadableError("the claim is about a property file, and none was given")
        if network.is_class:
            raise UnreadableError(f"a property is about the numbers of the file, which ends with {network.head}")
        claim = Claim("the query has no solution", read_query(_text(query), network, ask))
    elif kind in ("robust", "radius"):
        claim = _robust(record, network, outputs, kind)
    else:
        raise UnreadableError(f"the claim {kind!r} is not known")
    if network.head:
        for d in claim.disjuncts:
            # Other rows with a zero sum may hold behind a Softmax and not in front of it.
            pairs = ((d.matrix != 0).sum(axis=1) == 2) & (d.matrix.sum(axis=1) == 0)
            if not pairs.all() or any(d.offset) or d.matrix[:, outputs:].any():
                raise UnreadableError(f"the network ends with {network.head}: only comparisons of outputs are read")
    return claim


def _text(query: bytes) -> str:
    try:
        if query[:2] == b"\x1f\x8b":
            packed = zlib.decompressobj(31)
            query = packed.decompress(query, MOST_TEXT)
            if packed.unconsumed_tail:
                raise UnreadableError(f"the property unpacks to more than {MOST_TEXT} bytes")
            if packed.unused_data or not packed.eof:
                raise UnreadableError("the property is packed in several pieces, or cut off")
        # Comments may be in any encoding; whatever else is not UTF-8 is an unknown word.
        return query.decode("utf-8-sig", errors="replace")
    except zlib.error as error:
        raise UnreadableError(f"the property is no text: {error}") from error


def _robust(record: Any, network: Network, outputs: int, kind: str) -> Claim:
    more = ["open", "upper"] * (kind == "radius")
    only(record, "kind", "input", "eps", "norm", "label", "target", "low", "high", *more)
    # A class is one of one vector: not of several outputs, of all pixels of a map, or of a batch.
    shapes = network.results
    if len(shapes) != 1 or (network.head is None and sum(side > 1 for side in shapes[0]) > 1):
        raise UnreadableError(f"the claim is about a class, and the outputs have the shapes {list(shapes)}")
    center = tuple(rational(v) for v in member_of(record, "input", list))
    radius = rational(member_of(record, "eps", str))
    label, target = member_of(record, "label", int), member_of(record, "target", int, None)
    low, high = (_ends(record.get(name), len(center)) for name in ("low", "high"))
    rivals = [t for t in range(outputs) if t != label] if target is None else [target]
    if not center or len(center) != network.input_size or radius < 0 or not 0 <= label < outputs or not rivals:
        raise UnreadableError("the claim does not fit the network")
    if any(not 0 <= t < outputs or t == label for t in rivals):
        raise UnreadableError("the claim's target does not fit the network")
    norm = member_of(record, "norm", str, "linf")
    if norm not in NORMS:
        raise UnreadableError(f"the norm {norm!r} is not known")
    ball = Ball(center, radius, low, high, norm)
    lower, upper = ball.ends(radius)
    if any(a > b for a, b in zip(lower, upper, strict=True)):
        raise UnreadableError("the claim's input lies outside its valid range")
    disjuncts = []
    for rival in rivals:
        row = np.full((1, outputs + len(center)), Fraction(0), dtype=object)
        row[0, label], row[0, rival] = Fraction(1), Fraction(-1)
        disjuncts.append(Disjunct(lower, upper, row, (Fraction(0),)))
    what = f"class {label}" + ("" if target is None else f" against {target}")
    where = "" if norm == "linf" else f" in the norm {norm}"
    if kind == "robust":
        return Claim(f"{what} stays for every input within {radius}{where}", disjuncts, ball)
    is_open = record.get("open", False)
    if not isinstance(is_open, bool):
        raise UnreadableError("the manifest's 'open' is neither true nor false")
    end = rational(record["upper"]) if record.get("upper") is not None else None
    reach = f"{'below' if is_open else 'up to'} {radius}" + ("" if end is None else f", and not at {end}")
    return Claim(f"{what} stays for every radius{where} {reach}", disjuncts, ball, is_open, end)


def _ends(value: Any, count: int) -> tuple[Fraction | None, ...]:
    if value is None or isinstance(value, str):
        return (None if value is None else rational(value),) * count
    if not isinstance(value, list) or len(value) != count:
        raise UnreadableError("the valid range does not fit the input")
    return tuple(None if v is None else rational(v) for v in value)


def _outputs(network: Network, point: list[Fraction], ask: Ask) -> Iterator[list[tuple[Fraction, Fraction]]]:
    """Rationals between which the outputs lie, ever closer: what is unsafe for all of them is unsafe."""
    if not network.irrational:
        yield [(y, y) for y in network.evaluate(point, ask)[network.output]]
        return
    for bits in PRECISIONS:
        yield enclosed(network, point, bits, ask)


def _holds(d: Disjunct, point: list[Fraction], ends: list[tuple[Fraction, Fraction]]) -> bool:
    """Whether the point satisfies all rows of a disjunct, whatever the outputs are between their ends."""
    both = [*ends, *((x, x) for x in point)]
    for row, limit in zip(d.matrix.tolist(), d.offset, strict=True):
        if sum(c * both[i][c > 0] for i, c in enumerate(row) if c) > limit:
            return False
    return True


def replay(claim: Claim, network: Network, point: list[Fraction], ask: Ask = nobody) -> None:
    """Check the witness of the upper end in exact arithmetic."""
    ball, end = claim.ball, claim.upper
    if ball is None or end is None or len(point) != network.input_size:
        raise RejectedError("a witness that belongs to no upper end")
    if not ball.contains(point, end):
        raise RejectedError("the witness lies outside the ball of the upper end")
    if any(_holds(d, point, ends) for ends in _outputs(network, point, ask) for d in claim.disjuncts):
        return
    raise RejectedError("the witness of the upper end is not unsafe")
