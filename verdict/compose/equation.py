"""What is left of an equation, its residual, as one network: of a network's outputs, their derivatives and its inputs.

The residual of u_t + u u_x = 0 at a point is the left side there, with the network for u. Unknowns are the network's
outputs in their order, variables its inputs; `u_xx` and `d(u, x, 2)` are derivatives, and a derivative of any other
term follows the same rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ..base.errors import InputError, PropertyError
from ..network.network import Network
from ..property.language.equation import FUNCTIONS, MOST_ORDER, Term, at, exponent_of, number_of
from .algebra import Algebra, Value, same
from .composer import Composer
from .derivative import By, Chain, Jets

_OPERATORS = {name: name.capitalize() for name in FUNCTIONS}


@dataclass(frozen=True, eq=False)
class Names:
    """What the symbols of an equation are: the outputs and the inputs of a network, in their order."""

    unknowns: Sequence[str]
    variables: Sequence[str]

    def check(self, network: Network) -> None:
        """Raise InputError unless there are as many as the network has."""
        for what, names, size in (
            ("variables", self.variables, network.input_size), ("unknowns", self.unknowns, network.output_size),
        ):
            if len(names) != size:
                side, found = "inputs" if what == "variables" else "outputs", ", ".join(names)
                raise InputError(f"{network.path.name} has {size} {side}, found {len(names)} {what}: {found}")
        twice = [name for name in self.unknowns if name in self.variables]
        if twice:
            raise InputError(f"{twice[0]!r} is both an unknown and a variable")
        if network.head is not None:
            raise InputError(f"{network.path.name} ends with {network.head}, expected a network without it")


def residual_of(network: Network, equation: Term, names: Names) -> Network:
    """The network that takes the variables and gives the equation's left side, over the reals exactly.

    Raises PropertyError for names that are not known, orders above the third and an equation without the network,
    UnsupportedError for functions that have no derivative here.
    """
    names.check(network)
    draft = Composer(network.input_size, dtype="float64")
    algebra = Algebra(draft)
    chain = Chain(algebra)
    written = _Written(chain, Jets(algebra, network.graph, chain), names)
    found = written.value(equation, ())
    if not isinstance(found, str):
        raise PropertyError(f"the equation {equation} does not depend on the network or its inputs")
    return draft.finish(found, f"a residual of {network.path.name}")


class _Written:
    """Terms as values of one number, (1,)."""

    def __init__(self, chain: Chain, jets: Jets, names: Names) -> None:
        self.chain, self.algebra, self.jets, self.names = chain, chain.algebra, jets, names
        self._known: dict[tuple[int, By], Value] = {}

    def value(self, term: Term, by: By) -> Value:
        """The derivative of a term by some variables."""
        key = (id(term), tuple(sorted(by)))
        if key not in self._known:
            self._known[key] = self._made(term, key[1])
        return self._known[key]

    def _made(self, term: Term, by: By) -> Value:
        number = number_of(term)
        if number is not None:
            return same(number, 1) if number and not by else None
        if term.op == "symbol":
            return self._symbol(term, by)
        if term.op == "d":
            return self.value(term.parts[0], (*by, *[self._variable(term)] * int(term.value)))
        if term.op in FUNCTIONS:
            return self.chain.function(_OPERATORS[term.op], self._inner(term.parts[0]), by)
        if term.op == "neg":
            return self.algebra.times(-1, self.value(term.parts[0], by))
        if term.op == "^":
            exponent = exponent_of(term)
            one = same(Fraction(1), 1) if not by else None
            return self.chain.power(self._inner(term.parts[0]), exponent, by) if exponent else one
        return self._two(term, by)

    def _two(self, term: Term, by: By) -> Value:
        left, right = term.parts
        if term.op in "+-":
            sign = 1 if term.op == "+" else -1
            return self.algebra.add(self.value(left, by), self.algebra.times(sign, self.value(right, by)))
        if term.op == "*":
            return self.chain.product(self._inner(left), self._inner(right), by)
        divisor = number_of(right)
        if divisor is not None:
            if not divisor:
                raise PropertyError(f"a division by zero{at(term)}")
            return self.algebra.times(1 / divisor, self.value(left, by))
        inner = self._inner(right)
        return self.chain.product(self._inner(left), lambda v: self.chain.function("Reciprocal", inner, v), by)

    def _inner(self, term: Term) -> _Inner:
        return _Inner(self, term)

    def _symbol(self, term: Term, by: By) -> Value:
        name, _, suffix = term.name.partition("_")
        if name in self.names.variables and not suffix:
            which = self.names.variables.index(name)
            if not by:
                draft = self.algebra.draft
                return draft.part(draft.x, which, which + 1)
            return same(Fraction(1), 1) if by == (which,) else None
        if name not in self.names.unknowns:
            known = ", ".join([*self.names.unknowns, *self.names.variables, "pi"])
            raise PropertyError(f"{term.name!r}{at(term)} is not known, expected one of {known}")
        order = (*by, *self._suffix(term, suffix)) if "_" in term.name else by
        if len(order) > MOST_ORDER:
            what = f"a derivative of order {len(order)} of {name}{at(term)}"
            raise PropertyError(f"{what}, expected at most {MOST_ORDER}")
        return self.jets.output(self.names.unknowns.index(name), order)

    def _suffix(self, term: Term, suffix: str) -> By:
        """The variables that a suffix such as xxt names, one after another."""
        ways: list[tuple[str, By]] = [(suffix, ())]
        found: list[By] = []
        while ways:
            left, by = ways.pop()
            if not left and by:
                found.append(by)
            ways += [
                (left[len(name) :], (*by, i)) for i, name in enumerate(self.names.variables) if left.startswith(name)
            ]
        if len({tuple(sorted(by)) for by in found}) != 1:
            state = "can be read in several ways" if found else "names no variables"
            known = ", ".join(self.names.variables)
            raise PropertyError(f"{term.name!r}{at(term)}: {suffix!r} {state}, expected some of {known}")
        return found[0]

    def _variable(self, term: Term) -> int:
        if term.name not in self.names.variables:
            known = ", ".join(self.names.variables)
            raise PropertyError(f"a derivative by {term.name!r}{at(term)}, expected one of {known}")
        return self.names.variables.index(term.name)


@dataclass(frozen=True, eq=False)
class _Inner:
    """A term as a function of the variables that it is derived by."""

    written: _Written
    term: Term

    def __call__(self, by: By) -> Value:
        return self.written.value(self.term, by)
