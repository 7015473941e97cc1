"""Inputs that take whole numbers only: branch and bound around any question, one for a yes or no, one for a radius.

Where an answer's witness has a fraction where none may be, it is tried rounded, and the inputs are cut at that
coordinate into the whole numbers below and above (Land and Doig 1960). Of radii, the piece with the least lower end
comes first, so the answer is an interval whenever it is stopped; a piece is asked about when its turn comes, and never
where its nearest point is farther than a violation that is known.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from ..answer.replay import confirm, replay_exactly
from ..answer.results import Radius, Trust, Verdict, Witness, is_closed, weakest
from ..base.deadline import TIME_LIMIT, Deadline, last_words, why
from ..base.errors import InputError, TimeLimitError, VerdictError
from ..network.exact import ExactVector
from ..network.network import Network
from ..property import Box, Perturbation
from ..property.language import Formula, all_of, inputs
from .prepared import Prepared

# Pieces that are looked at before the search gives up.
MOST_PIECES = 10_000
NO_CERTIFICATE = "certificates do not branch on whole numbers"


# Part of the inputs: of some of them, by their numbers, the least and the greatest value, None where there is none.
Ends = dict[int, tuple[Fraction | None, Fraction | None]]


class Cuts:
    """How the inputs of a network are cut into pieces at these numbers of inputs. Raises `error` for what is none."""

    def __init__(self, size: int, integers: Sequence[int], error: type[VerdictError] = InputError) -> None:
        self.integers = sorted(set(integers))
        if any(not 0 <= i < size for i in self.integers):
            raise error(f"integer inputs {self.integers}: the network has inputs 0 to {size - 1}")
        self.x = inputs(size)

    def fractional(self, point: Sequence[Fraction]) -> list[int]:
        """The inputs that have a fraction where none may be."""
        return [i for i in self.integers if point[i].denominator != 1]

    def rounded(self, point: Sequence[Fraction]) -> list[Fraction]:
        """The nearest point without."""
        return [Fraction(round(p)) if i in self.integers else p for i, p in enumerate(point)]

    def halves(self, piece: Ends, point: Sequence[Fraction]) -> tuple[Ends, Ends]:
        """Two pieces without this point, split on the integer input that is farthest from whole."""
        i = max(self.fractional(point), key=lambda i: min(point[i] % 1, 1 - point[i] % 1))
        below, (low, high) = Fraction(point[i].numerator // point[i].denominator), piece.get(i, (None, None))
        return piece | {i: (low, below)}, piece | {i: (below + 1, high)}

    def within(self, piece: Ends) -> Formula:
        """A piece as a condition on the inputs."""
        low = all_of(self.x[i] >= end for i, (end, _) in piece.items() if end is not None)
        return low & all_of(self.x[i] <= end for i, (_, end) in piece.items() if end is not None)

    def is_at(self, point: Sequence[Fraction]) -> Formula:
        """The point alone."""
        return all_of(v == p for v, p in zip(self.x, point, strict=True))


def smaller_range(family: Perturbation, piece: Ends) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]] | None:
    """A piece as the valid range of each input, with which every search is quicker than under a condition; None where
    that cannot say it: the centre is not in it, or there is no valid range."""
    sides = family.bounds()
    lower, upper = ([end for end in side if end is not None] for side in sides)
    points = family.center.fractions()
    if len(lower) < len(points) or len(upper) < len(points):
        return None
    for i, (low, high) in piece.items():
        lower[i] = lower[i] if low is None else max(lower[i], low)
        upper[i] = upper[i] if high is None else min(upper[i], high)
    inside = all(a <= x <= b for a, x, b in zip(lower, points, upper, strict=True))
    return (tuple(lower), tuple(upper)) if inside else None


def decide_whole(network: Network, cuts: Cuts, ask: Callable[[Formula], Verdict], deadline: Deadline) -> Verdict:
    """The answer of a yes or no that `ask` gives under a condition on the inputs, among whole numbers."""
    from ..answer.evidence import Evidence
    from ..answer.gate import judge

    def ended(answer: Verdict) -> Verdict:
        return replace(answer, seconds=deadline.elapsed())

    piece, open_, trusts = Ends(), list[Ends](), list[Trust]()
    answer = ask(cuts.within(piece))
    if answer.status == "robust" and answer.reason:  # the input set is empty
        return ended(answer)
    for _ in range(MOST_PIECES):
        if answer.status == "robust" and answer.trust is not None:
            trusts.append(answer.trust)
        elif answer.witness is None or not cuts.fractional(answer.witness.point.fractions()):
            return ended(answer)
        else:
            point = answer.witness.point.fractions()
            whole = ask(cuts.within(piece) & cuts.is_at(cuts.rounded(point)))
            if whole.status == "violated":
                return ended(whole)
            open_ += cuts.halves(piece, point)
        if not open_:
            # That nothing is left between two whole numbers is plain arithmetic.
            evidence = Evidence(proof=weakest(Trust.EXACT, *trusts), stages=answer.stages)
            return judge(network, evidence, answer.label, answer.engine, deadline.elapsed())
        piece = open_.pop()
        # Of a piece without a point, between two whole numbers, everything holds.
        answer = ask(cuts.within(piece))
    reason = f"more than {MOST_PIECES} pieces of the integer inputs"
    return replace(ended(answer), status="unknown", trust=None, witness=None, semantics=(), reason=reason)


@dataclass(order=True)
class _Piece:
    """Part of the inputs, no violation of which is nearer than `lower`; `answer` is what the search said of it, None as
    long as it was not asked."""

    lower: Fraction
    number: int
    ends: Ends = field(compare=False)
    answer: Radius | None = field(compare=False, default=None)


class WholeRadius:
    """The search for a radius: `ask` finds it in a part of the inputs, whole numbers or not."""

    def __init__(self, question: Prepared, cuts: Cuts, ask: Callable[[Ends], Radius], deadline: Deadline) -> None:
        self.question, self.cuts, self.ask, self.deadline = question, cuts, ask, deadline
        self.closest: Witness | None = None
        self.trusts = [Trust.EXACT]
        self._open: list[_Piece] = []
        self._count = 0
        # The least lower end of the pieces that no search could close, and why.
        self._stuck: list[Fraction] = []
        self._causes: list[str] = []

    def run(self) -> Radius:
        """The interval of the radius, and why it is not closed if it is not."""
        first = self.ask({})
        if first.status == "wrong-label":
            return first
        self._answered(_Piece(Fraction(0), 0, {}), first)
        reason = ""
        while self._open and not self._matters_not(self._open[0].lower):
            if self.deadline.passed() or self._count > MOST_PIECES:
                reason = TIME_LIMIT if self.deadline.passed() else f"more than {MOST_PIECES} pieces"
                break
            piece = self._open[0]
            try:
                self._next(piece)
            except (KeyboardInterrupt, TimeLimitError) as end:
                # What was made of the piece so far is part of it, and it stays open.
                reason = why(end) if isinstance(end, KeyboardInterrupt) else TIME_LIMIT
                break
            self._open.remove(piece)
            heapq.heapify(self._open)
        with last_words():
            return self._ended(first, reason)

    def _matters_not(self, lower: Fraction) -> bool:
        """Whether what is no nearer than this cannot bring the upper end down by a gap that counts."""
        upper = None if self.closest is None else self.closest.radius
        return upper is not None and is_closed(lower, upper)

    def _next(self, piece: _Piece) -> None:
        """Ask about a piece, or cut it where it was asked; where nothing is left of it, it is safe."""
        if piece.answer is None:
            self._answered(piece, self.ask(piece.ends))
        else:
            self._branch(piece, piece.answer)

    def _answered(self, piece: _Piece, answer: Radius) -> None:
        self.trusts.append(answer.lower_trust)
        if answer.status != "safe":
            self._keep(max(piece.lower, answer.lower), piece.ends, answer)

    def _keep(self, lower: Fraction, ends: Ends, answer: Radius | None) -> None:
        self._count += 1
        heapq.heappush(self._open, _Piece(lower, self._count, ends, answer))

    def _branch(self, piece: _Piece, answer: Radius) -> None:
        point = None if answer.closest is None else answer.closest.point.fractions()
        if point is None or not self.cuts.fractional(point):
            self._offer(answer.closest)
            self._stuck.append(piece.lower)
            self._causes.append(answer.reason)
            return
        rounded = ExactVector.of(self.cuts.rounded(point))
        radius = self.question.family.radius_of(rounded)
        if radius is not None:
            self._offer(replay_exactly(self.question.network, self.question.unsafe, rounded, radius))
        for half in self.cuts.halves(piece.ends, point):
            nearest = self._nearest(half)
            if nearest is not None:
                self._keep(max(piece.lower, nearest), half, None)

    def _nearest(self, ends: Ends) -> Fraction | None:
        """The radius at which the ball reaches a part of the inputs, None where it never does. Of every norm and all
        scales the nearest point is the centre moved along each axis for itself (`verdict.property.norms.norm`)."""
        point = self.question.family.center.fractions()
        for i, (low, high) in ends.items():
            if low is not None and high is not None and low > high:
                return None
            point[i] = point[i] if low is None else max(point[i], low)
            point[i] = point[i] if high is None else min(point[i], high)
        return self.question.family.radius_of(ExactVector.of(point))

    def _offer(self, witness: Witness | None) -> None:
        if witness is not None and witness.radius is not None:
            best = None if self.closest is None else self.closest.radius
            if best is None or witness.radius < best:
                self.closest = witness

    def _ended(self, first: Radius, reason: str) -> Radius:
        question, closest = self.question, self.closest
        upper = None if closest is None else closest.radius
        limit = question.family.limit
        ends = [*self._stuck, *(piece.lower for piece in self._open), *(e for e in (upper, limit) if e is not None)]
        lower = min(ends) if ends else first.lower
        exact = upper if lower == upper else None
        if upper is None:
            status = "safe" if not self._stuck and not self._open else "interval"
        else:
            status = "exact" if exact is not None else "closed" if self._matters_not(lower) else "interval"
        if status == "interval" and not reason:
            causes = "; ".join(dict.fromkeys(filter(None, self._causes)))
            reason = causes or "the search for the nearest violation among whole numbers ended with pieces left open"
        deployed = None
        if closest is not None:
            point = closest.point.fractions()
            deployed, _ = confirm(question.network, question.unsafe, Box(point, point), [closest.point])
        return replace(
            first,
            # Those of the first part alone.
            ways={} if self._count > 1 else first.ways,
            lower=lower,
            upper=upper,
            exact=exact,
            status=status,
            seconds=self.deadline.elapsed(),
            lower_trust=weakest(*self.trusts),
            upper_trust=None if closest is None else Trust.EXACT if deployed is None else Trust.REPLAYED,
            target=question.rival(closest),
            closest=closest,
            witness=None if deployed is None else replace(deployed, radius=upper),
            reason=reason,
            is_unlimited=status == "safe" and limit is None,
        )
