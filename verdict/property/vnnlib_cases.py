"""From nested and/or to cases, distributing only what has to be: a case is a box times a union.

A formula is kept as a list of terms "box and (polytope or polytope or ...)". The conjunction of a disjunction
over inputs with one over outputs then stays boxes times one shared union; other conjunctions are multiplied
out, and what contradicts itself or is implied is dropped on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from ..base.deadline import checkpoint
from ..base.errors import PropertyError
from .vnnlib_linear import Linear, Rows

# row <= value, strictly or not, and where the file says so.
Bound = tuple[Fraction, bool, int]
# A conjunction: the tightest bound on each row, by the row's key.
Conjunction = dict[int, Bound]
Union = tuple[Conjunction, ...]
# A conjunction on single inputs, and a union over everything else.
Term = tuple[Conjunction, Union]

EVERYTHING: Union = ({},)

# A file that needs more than this is refused, rather than left to fill the memory. One unit is one bound
# looked at; keeping a new conjunction or term counts for many, so that some hundred thousand are the most.
MAX_WORK = 10_000_000
# Between two looks at the clock.
STEP = 2**13
_KEEP = 50


class Expansion:
    """What the groups of one file share: the rows, the work done, the contradictions met."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.work = 0
        self.empty_boxes = 0
        # The two bounds of the last contradiction, `(key, bound, opposite bound)`.
        self.clash: tuple[int, Bound, Bound] | None = None
        self.outputs_clash = False

        self._next = STEP
        self._counted = 0

    def count(self) -> int:
        """How many comparisons without a line there were so far, from 1."""
        self._counted += 1
        return self._counted

    def spend(self, work: int) -> None:
        self.work += work
        if self.work > self._next:
            self._next = self.work + STEP
            checkpoint()
        if self.work > MAX_WORK:
            raise PropertyError("the property expands to too many cases, expected fewer nested and/or")

    def tighter(self, conjunction: Conjunction, key: int, bound: Bound) -> bool | None:
        """Whether a bound adds something to a conjunction; None where it contradicts it."""
        value, strict, _ = bound
        known = conjunction.get(key)
        if known is not None and (known[0] < value or (known[0] == value and known[1] >= strict)):
            return False
        opposite = conjunction.get(key ^ 1)
        if opposite is not None:
            # The sign of value + opposite, without the common factors that Fraction would look for.
            other = opposite[0]
            width = value.numerator * other.denominator + other.numerator * value.denominator
            if width < 0 or (width == 0 and (strict or opposite[1])):
                if self.rows.input[key >> 1] >= 0:
                    self.empty_boxes += 1
                    self.clash = (key, bound, opposite)
                else:
                    self.outputs_clash = True
                return None
        return True

    def meet(self, a: Conjunction, b: Conjunction) -> Conjunction | None:
        """a and b: None where they contradict each other; `a` itself where it implies b."""
        base, added = (b, a) if len(b) > len(a) else (a, b)
        self.spend(1 + len(added))
        result = base
        for key, bound in added.items():
            change = self.tighter(base, key, bound)
            if change is None:
                return None
            if change:
                if result is base:
                    self.spend(_KEEP + len(base) // 4)
                    result = dict(base)
                result[key] = bound
        return result

    def product(self, first: list[Term], second: list[Term]) -> list[Term]:
        """The terms of "some term of `first` and some term of `second`"."""
        unions = UnionProducts(self)
        result: list[Term] = []
        for box, union in first:
            found: list[Term] = []
            for other_box, other_union in second:
                both = self.meet(box, other_box)
                joined = None if both is None else unions.product(union, other_union)
                if both is None or not joined:
                    continue
                if both is box and joined is union:
                    # This term implies the other one, hence all of `second`.
                    found = [(box, union)]
                    break
                found.append((both, joined))
            self.spend(_KEEP * len(found))
            result += found
        return self.merged(result)

    def merged(self, terms: list[Term]) -> list[Term]:
        """Terms with equal boxes as one term, so that each box is searched once."""
        if len(terms) < 2:
            return terms
        groups: dict[frozenset[tuple[int, int, int, bool]], list[Term]] = {}
        for box, union in terms:
            self.spend(1 + len(box))
            key = frozenset((k, v.numerator, v.denominator, s) for k, (v, s, _) in box.items())
            groups.setdefault(key, []).append((box, union))
        return [group[0] if len(group) == 1 else _with_one_box(group) for group in groups.values()]


def _with_one_box(terms: list[Term]) -> Term:
    if any(union is EVERYTHING for _, union in terms):
        return terms[0][0], EVERYTHING
    return terms[0][0], tuple(conjunction for _, union in terms for conjunction in union)


class UnionProducts:
    """Conjunctions of two unions, each pair computed once: thousands of boxes may share one union."""

    def __init__(self, expansion: Expansion) -> None:
        self._expansion = expansion
        # By identity; the operands are kept, so that no identity is used twice.
        self._known: dict[tuple[int, int], tuple[Union, Union, Union]] = {}

    def product(self, first: Union, second: Union) -> Union:
        """One of `first` and one of `second`, as a union; `first` itself where it implies `second`."""
        if first is EVERYTHING or second is EVERYTHING:
            return second if first is EVERYTHING else first
        known = self._known.get((id(first), id(second)))
        if known is not None:
            return known[2]
        result = self._products(first, second)
        unchanged = len(result) == len(first) and all(a is b for a, b in zip(result, first, strict=True))
        union = first if unchanged else tuple(result)
        self._known[id(first), id(second)] = (first, second, union)
        return union

    def _products(self, first: Union, second: Union) -> list[Conjunction]:
        """All pairs, without those inside another: of (a or b) and (a or c), a and bc remain."""
        meet = self._expansion.meet
        # Conjunctions with the member of `second` they were made of; None for those that are whole.
        made: list[tuple[int | None, Conjunction]] = []
        # Members of `second` that lie inside the result, so that no part of them is needed.
        covered: set[int] = set()
        for a in first:
            found: list[tuple[int | None, Conjunction]] = []
            for j, b in enumerate(second):
                both = meet(a, b)
                if both is a:
                    found = [] if j in covered else [(None, a)]
                    if meet(b, a) is b:
                        covered.add(j)
                    break
                if both is b:
                    covered.add(j)
                    found.append((None, b))
                elif both is not None and j not in covered:
                    found.append((j, both))
            made += found
        return [conjunction for j, conjunction in made if j is None or j not in covered]


class AndGroup:
    """A conjunction being read: single bounds tighten it in place, disjunctions wait as factors."""

    is_and = True

    def __init__(self, expansion: Expansion) -> None:
        self.expansion = expansion
        self._box: Conjunction = {}
        self._rest: Conjunction = {}
        self._factors: list[list[Term]] = []
        self._false = False
        self.clash: tuple[int, Bound, Bound] | None = None

    def add(self, key: int, bound: Bound) -> None:
        """And with a single bound."""
        of_box = self.expansion.rows.input[key >> 1] >= 0
        target = self._box if of_box else self._rest
        change = self.expansion.tighter(target, key, bound)
        if change:
            target[key] = bound
        elif change is None:
            self._false = True
            if of_box and self.clash is None:
                self.clash = self.expansion.clash

    def add_truth(self, truth: bool) -> None:
        if not truth:
            self._false = self.expansion.outputs_clash = True

    def add_terms(self, terms: list[Term]) -> None:
        """And with a disjunction of terms."""
        if not terms:
            self._false = True
        elif len(terms) > 1 or len(terms[0][1]) > 1:
            self._factors.append(terms)
        else:
            box, (rest,) = terms[0]
            self.expansion.spend(len(box) + len(rest))
            for part in (box, rest):
                for key, bound in part.items():
                    self.add(key, bound)

    def terms(self) -> Iterator[Term]:
        """The terms, one at a time: at the top there may be many, each with a large box."""
        if self._false:
            return
        product: list[Term] = [({}, EVERYTHING)]
        if len(self._factors) == 1:
            product = self._factors[0]
        else:
            # What contradicts the common bounds goes first: it would only be multiplied out in vain.
            factors = [[t for t in factor if self._possible(t[0])] for factor in self._factors]
            for factor in sorted(factors, key=len):
                product = self.expansion.product(product, factor)
        common: Union = (self._rest,) if self._rest else EVERYTHING
        unions = UnionProducts(self.expansion)
        for box, union in product:
            both = self.expansion.meet(self._box, box)
            joined = unions.product(common, union)
            if both is not None and joined:
                yield both, joined

    def _possible(self, box: Conjunction) -> bool:
        self.expansion.spend(len(box))
        return all(self.expansion.tighter(self._box, key, bound) is not None for key, bound in box.items())


class OrGroup:
    """A disjunction being read: a list of terms."""

    is_and = False

    def __init__(self, expansion: Expansion) -> None:
        self._expansion = expansion
        self._terms: list[Term] = []

    def add(self, key: int, bound: Bound) -> None:
        """Or a single bound."""
        if self._expansion.rows.input[key >> 1] >= 0:
            self._terms.append(({key: bound}, EVERYTHING))
        else:
            self._terms.append(({}, ({key: bound},)))

    def add_truth(self, truth: bool) -> None:
        if truth:
            self._terms.append(({}, EVERYTHING))
        else:
            self._expansion.outputs_clash = True

    def add_terms(self, terms: Iterable[Term]) -> None:
        self._terms += terms

    def terms(self) -> list[Term]:
        return self._expansion.merged(self._terms)


Group = AndGroup | OrGroup


def compare_with_zero(rows: Rows, group: Group, left: Linear, relation: str, position: int) -> None:
    """Put `left relation 0` into a group; the relation is <=, >=, < or >."""
    upper, strict = relation[0] == "<", len(relation) == 1
    if not left.coefficients:
        value = left.constant if upper else -left.constant
        group.add_truth(value < 0 or (value == 0 and not strict))
        return
    key, factor = rows.normal(left.coefficients)
    limit = -left.constant * factor
    group.add(key if upper else key ^ 1, (limit if upper else -limit, strict, position))
