"""Equations as one writes them: `u_t + u*u_x - 0.01/pi*u_xx`; in Python `d(u, t) + u*d(u, x) - "0.01"/PI*d(u, x, 2)`.

A term is a tree of symbols, numbers, operations and derivatives, which says nothing yet of what a symbol is: which are
the unknowns and which the variables is said where it is asked. Numbers are the rationals that they are written as, and
`pi` is the float64 nearest to the real one, as everywhere where numbers are floats: 884279719003555 / 2^48.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NoReturn

from ...base.errors import PropertyError
from ...base.number import exact

PI_VALUE = Fraction(math.pi)
# What may be applied to a term.
FUNCTIONS = ("sin", "cos", "exp", "log", "sqrt", "tanh", "sigmoid")
# A derivative is of at most this order, a power has at most this exponent, brackets are at most so deep.
MOST_ORDER, MOST_POWER, MOST_DEPTH = 3, 64, 60
_NUMBER = r"\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?"
_TOKEN = re.compile(rf"\s*(?:({_NUMBER})|([A-Za-z][A-Za-z0-9_]*)|(\*\*|[-+*/^(),]))")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")


@dataclass(frozen=True, eq=False)
class Term:
    """An operation and its parts: `number` with a `value`, `symbol` with a `name`, `+ - * / neg ^`, a function's name,
    or `d`, the derivative of the first part by the variable `name`, so many times as `value` says. `place` is where
    it was written, from 1 on, 0 for a term made in Python."""

    op: str
    parts: tuple[Term, ...] = ()
    value: Fraction = Fraction(0)
    name: str = ""
    place: int = field(default=0, compare=False)

    def __add__(self, other: Any) -> Term:
        return Term("+", (self, as_term(other)))

    def __radd__(self, other: Any) -> Term:
        return Term("+", (as_term(other), self))

    def __sub__(self, other: Any) -> Term:
        return Term("-", (self, as_term(other)))

    def __rsub__(self, other: Any) -> Term:
        return Term("-", (as_term(other), self))

    def __mul__(self, other: Any) -> Term:
        return Term("*", (self, as_term(other)))

    def __rmul__(self, other: Any) -> Term:
        return Term("*", (as_term(other), self))

    def __truediv__(self, other: Any) -> Term:
        return Term("/", (self, as_term(other)))

    def __rtruediv__(self, other: Any) -> Term:
        return Term("/", (as_term(other), self))

    def __neg__(self) -> Term:
        return Term("neg", (self,))

    def __pow__(self, exponent: Any) -> Term:
        return Term("^", (self, as_term(exponent)))

    def __bool__(self) -> NoReturn:
        raise PropertyError("a term of an equation has no truth value: the equation is the term that should be zero")

    def __str__(self) -> str:
        """The term as it can be read again."""
        inner = [str(part) for part in self.parts]
        if self.op == "number":
            return str(self.value) if self.value.denominator == 1 else f"({self.value})"
        if self.op == "symbol":
            return self.name
        if self.op == "neg":
            return f"(-{inner[0]})"
        if self.op == "d":
            return f"d({inner[0]}, {self.name}, {self.value})"
        return f"{self.op}({inner[0]})" if self.op in FUNCTIONS else f"({inner[0]} {self.op} {inner[1]})"

    def walk(self) -> Iterator[Term]:
        """This term and all in it."""
        yield self
        for part in self.parts:
            yield from part.walk()


def as_term(value: Any) -> Term:
    """A number as a term, a term as it is. Raises InputError for what is neither."""
    return value if isinstance(value, Term) else Term("number", value=exact(value, "a number of the equation"))


def symbols(names: str) -> list[Term]:
    """Symbols by their names, with commas or spaces between: `u, t, x = symbols("u t x")`. Raises PropertyError."""
    return [Term("symbol", name=checked_name(name, "a symbol")) for name in re.split(r"[\s,]+", names.strip())]


def d(term: Term, variable: Term, times: int = 1) -> Term:
    """The derivative of a term by a variable, so many times. Raises PropertyError."""
    if variable.op != "symbol":
        raise PropertyError(f"a derivative by {variable}, expected one by a variable")
    return Term("d", (as_term(term),), Fraction(times), variable.name)


PI = Term("symbol", name="pi")


def _function(name: str) -> Any:
    def apply(term: Any) -> Term:
        return Term(name, (as_term(term),))

    apply.__name__, apply.__doc__ = name, f"{name} of a term."
    return apply


sin, cos, exp, log, sqrt, tanh, sigmoid = map(_function, FUNCTIONS)


def checked_name(name: str, what: str) -> str:
    """A name of letters and digits. Raises PropertyError."""
    reserved = (*FUNCTIONS, "pi", "d")
    if not _NAME.fullmatch(name) or name in reserved:
        known = ", ".join(reserved)
        raise PropertyError(f"{what} is called {name!r}, expected letters and digits, and none of {known}")
    return name


def read(text: str) -> Term:
    """The term that a text says. Raises PropertyError with the place of what is not understood."""
    return _Reader(text).whole()


def number_of(term: Term) -> Fraction | None:
    """The number that a term without symbols but pi is, None for others. Raises PropertyError for a division by 0."""
    if term.op == "number":
        return term.value
    if term.op == "symbol":
        return PI_VALUE if term.name == "pi" else None
    parts = [number_of(part) for part in term.parts]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or term.op in (*FUNCTIONS, "d"):
        return None
    if term.op == "neg":
        return -known[0]
    if term.op == "^":
        return known[0] ** exponent_of(term)
    a, b = known
    if term.op == "/" and not b:
        raise PropertyError(f"a division by zero{at(term)}")
    return {"+": a + b, "-": a - b, "*": a * b}[term.op] if term.op != "/" else a / b


def exponent_of(term: Term) -> int:
    """The exponent of a power: a whole number from 0 on. Raises PropertyError."""
    exponent = number_of(term.parts[1])
    if exponent is None or exponent.denominator != 1 or not 0 <= exponent <= MOST_POWER:
        raise PropertyError(f"the exponent {term.parts[1]}{at(term)}, expected a whole number from 0 to {MOST_POWER}")
    return int(exponent)


def at(term: Term) -> str:
    """Where a term was written, for messages."""
    return f" at character {term.place}" if term.place else ""


class _Reader:
    """Operator precedence parsing: + and -, * and /, a sign, and powers, which bind most and to the right."""

    def __init__(self, text: str) -> None:
        self.text, self.next, self.depth = text, 0, 0
        self.tokens = list(self._tokens(text))

    def _tokens(self, text: str) -> Iterator[tuple[str, str, int]]:
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                while text[position].isspace():
                    position += 1
                self._refuse(f"{text[position]!r}", position + 1)
            kind = ("number", "name", "sign")[match.lastindex - 1 if match.lastindex else 0]
            yield kind, match[match.lastindex or 0], match.start(match.lastindex or 0) + 1
            position = match.end()

    def _refuse(self, found: str, place: int, expected: str = "numbers, names, + - * / ^ and brackets") -> NoReturn:
        raise PropertyError(f"the equation {self.text!r}: found {found} at character {place}, expected {expected}")

    def _peek(self) -> tuple[str, str, int]:
        return self.tokens[self.next] if self.next < len(self.tokens) else ("end", "the end", len(self.text) + 1)

    def _take(self, *signs: str) -> tuple[str, str, int] | None:
        """The next token, if it is one of these signs."""
        token = self._peek()
        if token[0] != "sign" or token[1] not in signs:
            return None
        self.next += 1
        return token

    def whole(self) -> Term:
        found = self.sum()
        kind, word, place = self._peek()
        if kind != "end":
            self._refuse(repr(word), place, "an operation or the end")
        return found

    def sum(self) -> Term:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise PropertyError(f"the equation is nested more than {MOST_DEPTH} deep")
        left = self.product()
        while token := self._take("+", "-"):
            left = Term(token[1], (left, self.product()), place=token[2])
        self.depth -= 1
        return left

    def product(self) -> Term:
        left = self.signed()
        while token := self._take("*", "/"):
            left = Term(token[1], (left, self.signed()), place=token[2])
        return left

    def signed(self) -> Term:
        negative, place = False, self._peek()[2]
        while token := self._take("-", "+"):
            negative ^= token[1] == "-"
        found = self.power()
        return Term("neg", (found,), place=place) if negative else found

    def power(self) -> Term:
        base = self.atom()
        token = self._take("^", "**")
        if token is None:
            return base
        # 2^-1 and 2^3^2 are read, and then refused or not by their exponents.
        return Term("^", (base, self.signed()), place=token[2])

    def atom(self) -> Term:
        kind, word, place = self._peek()
        self.next += 1
        if kind == "number":
            return Term("number", value=exact(word, "a number of the equation"), place=place)
        if kind == "name":
            return self._named(word, place)
        if word != "(" or kind != "sign":
            self._refuse("the end" if kind == "end" else repr(word), place, "a number, a name or a bracket")
        found = self.sum()
        self._close(")")
        return found

    def _close(self, sign: str) -> None:
        if self._take(sign) is None:
            kind, word, place = self._peek()
            self._refuse(word if kind == "end" else repr(word), place, repr(sign))

    def _named(self, word: str, place: int) -> Term:
        if word not in FUNCTIONS and word != "d":
            return Term("symbol", name=word, place=place)
        self._close("(")
        inner = self.sum()
        if word != "d":
            self._close(")")
            return Term(word, (inner,), place=place)
        self._close(",")
        kind, name, there = self._peek()
        if kind != "name":
            self._refuse(repr(name), there, "the variable of the derivative")
        self.next += 1
        times = Fraction(1)
        if self._take(","):
            kind, count, there = self._peek()
            if kind != "number" or not count.isdigit():
                self._refuse(repr(count), there, "how many times")
            times = Fraction(count)
            self.next += 1
        self._close(")")
        return Term("d", (inner,), times, name, place)


def names_of(text: str, what: str) -> tuple[str, ...]:
    """Names with commas between. Raises PropertyError for one that is none, or twice."""
    found = tuple(checked_name(name.strip(), what) for name in text.split(","))
    if len(set(found)) < len(found):
        raise PropertyError(f"{what}: {text!r} names one twice")
    return found


def number_in(text: str, what: str) -> Fraction:
    """A number as an expression without symbols: 0.5, 1/3, pi/2. Raises PropertyError."""
    value = number_of(read(text))
    if value is None:
        raise PropertyError(f"{what} is {text!r}, expected a number such as 0.5, 1/3 or pi/2")
    return value


Ends = dict[str, tuple[Fraction, Fraction]]


def domain_of(text: str, variables: Sequence[str]) -> Ends:
    """`t:0:1,x:-1:1` as ends by variable. Raises PropertyError."""
    found: Ends = {}
    for part in text.split(","):
        name, *ends = (word.strip() for word in part.split(":"))
        if len(ends) != 2:
            raise PropertyError(f"the domain {text!r}: {part.strip()!r}, expected VARIABLE:LOW:HIGH")
        low, high = (number_in(end, f"an end of {name}") for end in ends)
        found[_known(name, variables, found, "the domain")] = low, high
        if low > high:
            raise PropertyError(f"the domain {text!r}: {name} from {ends[0]} to {ends[1]}, expected low <= high")
    return found


def place_of(text: str, variables: Sequence[str]) -> dict[str, Fraction]:
    """`t=0,x=1` as numbers by variable. Raises PropertyError."""
    found: dict[str, Fraction] = {}
    for part in text.split(","):
        name, equals, number = (word.strip() for word in part.partition("="))
        if not equals:
            raise PropertyError(f"the place {text!r}: {part.strip()!r}, expected VARIABLE=NUMBER")
        found[_known(name, variables, found, "the place")] = number_in(number, name)
    return found


def _known(name: str, variables: Sequence[str], found: Any, what: str) -> str:
    if name not in variables:
        raise PropertyError(f"{what} names {name!r}, expected one of the variables {', '.join(variables)}")
    if name in found:
        raise PropertyError(f"{what} names {name!r} twice")
    return name
