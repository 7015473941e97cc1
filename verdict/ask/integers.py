"""Inputs that take whole numbers only: branch and bound around any question, one for a yes or no, one for a radius.

Where an answer's witness has a fraction where none may be, it is tried rounded, and the inputs are cut at that
coordinate into the whole numbers below and above (Land and Doig 1960). Of radii, the piece with the least lower end
comes first, so the answer is an interval whenever it is stopped.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from ..answer.replay import confirm, replay_exactly
from ..answer.results import Radius, Trust, Verdict, Witness, is_closed, weakest
from ..base.deadline import TIME_LIMIT, Deadline, last_words, why
from ..base.errors import InputError, VerdictError
from ..network.exact import ExactVector
from ..network.network import Network
from ..property import Box
from ..property.language import Formula, all_of, inputs
from .prepared import Prepared

# Pieces that are looked at before the search gives up.
MOST_PIECES = 10_000
NO_CERTIFICATE = "certificates do not branch on whole numbers"


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

    def halves(self, piece: Formula, point: Sequence[Fraction]) -> tuple[Formula, Formula]:
        """Two pieces without this point, split on the integer input that is farthest from whole."""
        i = max(self.fractional(point), key=lambda i: min(point[i] % 1, 1 - point[i] % 1))
        below = point[i].numerator // point[i].denominator
        return piece & (self.x[i] <= below), piece & (self.x[i] >= below + 1)

    def is_at(self, point: Sequence[Fraction]) -> Formula:
        """The point alone."""
        return all_of(v == p for v, p in zip(self.x, point, strict=True))


def decide_whole(network: Network, cuts: Cuts, ask: Callable[[Formula], Verdict], deadline: Deadline) -> Verdict:
    """The answer of a yes or no that `ask` gives under a condition on the inputs, among whole numbers."""
    from ..answer.evidence import Evidence
    from ..answer.gate import judge

    def ended(answer: Verdict) -> Verdict:
        return replace(answer, seconds=deadline.elapsed())

    piece, open_, trusts = all_of([]), list[Formula](), list[Trust]()
    answer = ask(piece)
    if answer.status == "robust" and answer.reason:  # the input set is empty
        return ended(answer)
    for _ in range(MOST_PIECES):
        if answer.status == "robust" and answer.trust is not None:
            trusts.append(answer.trust)
        elif answer.witness is None or not cuts.fractional(answer.witness.point.fractions()):
            return ended(answer)
        else:
            point = answer.witness.point.fractions()
            whole = ask(piece & cuts.is_at(cuts.rounded(point)))
            if whole.status == "violated":
                return ended(whole)
            open_ += cuts.halves(piece, point)
        if not open_:
            # That nothing is left between two whole numbers is plain arithmetic.
            evidence = Evidence(proof=weakest(Trust.EXACT, *trusts), stages=answer.stages)
            return judge(network, evidence, answer.label, answer.engine, deadline.elapsed())
        piece = open_.pop()
        # Of a piece without a point, between two whole numbers, everything holds.
        answer = ask(piece)
    reason = f"more than {MOST_PIECES} pieces of the integer inputs"
    return replace(ended(answer), status="unknown", trust=None, witness=None, semantics=(), reason=reason)


@dataclass(order=True)
class _Piece:
    """Part of the inputs, no violation of which is nearer than `lower`; `answer` is what the search said of it."""

    lower: Fraction
    number: int
    condition: Formula = field(compare=False)
    answer: Radius = field(compare=False)


class WholeRadius:
    """The search for a radius: `ask` finds it under a condition on the inputs, whole or not."""

    def __init__(
        self, question: Prepared, cuts: Cuts, ask: Callable[[Formula], Radius], deadline: Deadline
    ) -> None:
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
        first = self.ask(all_of([]))
        if first.status == "wrong-label":
            return first
        self._keep(first, all_of([]), Fraction(0))
        reason = ""
        while self._open and not self._matters_not(self._open[0].lower):
            if self.deadline.passed() or self._count > MOST_PIECES:
                reason = TIME_LIMIT if self.deadline.passed() else f"more than {MOST_PIECES} pieces"
                break
            piece = self._open[0]
            try:
                self._branch(piece)
            except KeyboardInterrupt as end:
                # Its halves are parts of the piece, which stays open.
                reason = why(end)
                break
            self._open.remove(piece)
            heapq.heapify(self._open)
        with last_words():
            return self._ended(first, reason)

    def _matters_not(self, lower: Fraction) -> bool:
        """Whether what is no nearer than this cannot bring the upper end down by a gap that counts."""
        upper = None if self.closest is None else self.closest.radius
        return upper is not None and is_closed(lower, upper)

    def _look(self, condition: Formula, lower: Fraction) -> None:
        """Ask about a piece; where nothing is left of it, it is safe."""
        self._keep(self.ask(condition), condition, lower)

    def _keep(self, answer: Radius, condition: Formula, lower: Fraction) -> None:
        self.trusts.append(answer.lower_trust)
        if answer.status != "safe":
            self._count += 1
            heapq.heappush(self._open, _Piece(max(lower, answer.lower), self._count, condition, answer))

    def _branch(self, piece: _Piece) -> None:
        closest = piece.answer.closest
        point = None if closest is None else closest.point.fractions()
        if point is None or not self.cuts.fractional(point):
            self._offer(closest)
            self._stuck.append(piece.lower)
            self._causes.append(piece.answer.reason)
            return
        rounded = ExactVector.of(self.cuts.rounded(point))
        radius = self.question.family.radius_of(rounded)
        if radius is not None:
            self._offer(replay_exactly(self.question.network, self.question.unsafe, rounded, radius))
        for half in self.cuts.halves(piece.condition, point):
            self._look(half, piece.lower)

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
