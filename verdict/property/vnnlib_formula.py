"""The parser of VNN-LIB 1: one pass over the tokens with a stack of open operators, no recursion, no tree.

Negation is pushed down while reading: an operator knows from those around it whether it stands under an odd
number of `not`, where `and` acts as `or` and `<=` as a strict `>`. An operator inside one of the same effect
adds straight to that one's group, so that depth alone costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from ..base.deadline import checkpoint
from ..base.errors import PropertyError
from . import vnnlib_text as text
from .vnnlib_cases import AndGroup, Expansion, Group, OrGroup, compare_with_zero
from .vnnlib_linear import Linear, Rows, Variable
from .vnnlib_text import Source, shown

_COMPARISONS = ("<=", ">=", "<", ">", "=")
_ARITHMETIC = ("+", "-", "*", "/")
_CONNECTIVES = ("and", "or", "not", "=>")
# The commands of SMT-LIB that change nothing about what is asked, with all that may stand in them.
_WITHOUT_EFFECT = {
    "set-logic": re.compile(r"\(\s*set-logic\s+(ALL|(QF_)?(UF)?[LN]I?RA)\s*\)", re.ASCII),
    "set-info": re.compile(r'\(\s*set-info\s+:[^\s()|"]+(\s+([^\s()|"]+|\|[^|]*\||("[^"]*")+))?\s*\)', re.ASCII),
    "set-option": re.compile(r"\(\s*set-option\s+:(produce-[a-z-]+|print-success)\s+(true|false)\s*\)", re.ASCII),
    "check-sat": re.compile(r"\(\s*check-sat\s*\)", re.ASCII),
    "get-model": re.compile(r"\(\s*get-model\s*\)", re.ASCII),
    "get-value": re.compile(r'\(\s*get-value\s*\(\s*[^\s()|"]+(\s+[^\s()|"]+)*\s*\)\s*\)', re.ASCII),
    "exit": re.compile(r"\(\s*exit\s*\)", re.ASCII),
}
# What may follow the question: what else does would not be part of it, or ask another one.
_BEHIND_CHECK = ("get-model", "get-value", "set-info", "exit")
_NEGATED = {"<=": ">", ">=": "<", "<": ">=", ">": "<="}
_EXACTLY = {"not": 1, "=>": 2, "assert": 1}
_AT_LEAST = {"/": 2} | dict.fromkeys(_COMPARISONS, 2)

# Longer numerators or denominators come from nested products only, and could grow without end.
_MAX_BITS = 20_000


class _Frame:
    """An operator whose closing parenthesis has not come yet; `op` is empty in commands without effect."""

    __slots__ = ("count", "group", "negated", "op", "position", "values")

    def __init__(self, op: str, position: int, negated: bool = False, group: Group | None = None) -> None:
        self.op = op
        self.position = position
        # Whether it stands under an odd number of negations.
        self.negated = negated
        # Where formulas inside go; None where numbers are expected.
        self.group = group
        self.values: list[Linear] = []
        self.count = 0

    def operand_negated(self) -> bool:
        return self.negated != (self.op == "not" or (self.op == "=>" and self.count == 0))


def _such_as(op: str) -> str:
    return {
        "set-logic": "(set-logic QF_LRA)",
        "set-info": "(set-info :status sat)",
        "set-option": "(set-option :produce-models true)",
        "get-value": "(get-value (X_0))",
    }.get(op, f"({op})")


class Parser:
    """Reads a whole file; afterwards `root` holds the conjunction of its assertions.

    Raises PropertyError with file, line, what was found and what was expected.
    """

    def __init__(self, source: Source) -> None:
        self.rows = Rows()
        self.expansion = Expansion(self.rows)
        self.root = AndGroup(self.expansion)
        self._source = source
        self._variables: dict[str, Variable] = {}
        self._differences: dict[tuple[Variable, Variable], int] = {}
        self._stack: list[_Frame] = []
        self._position = 0
        # The command behind which nothing more can be asked: check-sat, then exit.
        self._end = ""
        try:
            self._read()
        except PropertyError as error:
            raise PropertyError(f"{source.path}, line {source.line(self._position)}: {error}") from None

    def sizes(self) -> tuple[int, int]:
        """The numbers of inputs and of outputs; raises PropertyError where declarations are missing."""
        inputs = sum(v >= 0 for v in self._variables.values())
        outputs = len(self._variables) - inputs
        for letter, what, count in (("X", "inputs", inputs), ("Y", "outputs", outputs)):
            missing = next((i for i in range(max(count, 1)) if f"{letter}_{i}" not in self._variables), None)
            if missing is not None:
                raise PropertyError(
                    f"{self._source.path}: found {count} declared {what}, expected {letter}_0, {letter}_1 "
                    f"and so on without a gap: {letter}_{missing} is not declared"
                )
        return inputs, outputs

    def _read(self) -> None:
        for number, match in enumerate(text.TOKEN.finditer(self._source.text)):
            if not number % 256:
                checkpoint()
            kind = match.lastindex
            self._position = match.start()
            if kind == text.COMPARISON:
                self._simple_comparison(match[1], match[2], match[3])
            elif kind == text.CLOSE:
                if not self._stack:
                    raise PropertyError("found ')', expected '(': the parentheses are not balanced")
                self._close(self._stack.pop())
            elif kind == text.OPEN:
                self._open(match[text.OPEN])
            elif kind == text.ATOM:
                self._atom(match[text.ATOM])
            elif kind == text.STRAY:
                raise PropertyError(f"found a stray {match[text.STRAY]}, expected a command or a formula")
            else:
                self._declare(match[text.CONST] or match[text.FUN])
        if self._stack:
            self._position = self._stack[-1].position
            raise PropertyError(
                f"found the end of the file, expected {len(self._stack)} more ')': this '(' is not closed"
            )

    def _declare(self, name: str) -> None:
        if self._stack:
            raise PropertyError("found a declaration, expected a formula or ')'")
        self._refuse_behind_the_end("a declaration")
        if text.VARIABLE.fullmatch(name) is None:
            raise PropertyError(f"found the variable {shown(name)}, expected a name such as X_0 or Y_0")
        if name in self._variables:
            raise PropertyError(f"found a second declaration of {name}, expected one")
        index = int(name[2:])
        self._variables[name] = variable = index if name[0] == "X" else -1 - index
        self.rows.declare(variable)

    def _open(self, op: str) -> None:
        if not self._stack:
            self._stack.append(self._command(op))
        elif self._stack[-1].op == "":
            self._stack.append(_Frame("", self._position))
        else:
            self._stack.append(self._operator(op, self._stack[-1]))

    def _command(self, op: str) -> _Frame:
        if op not in _BEHIND_CHECK or self._end == "exit":
            self._refuse_behind_the_end(shown(op))
        if op == "assert":
            return _Frame(op, self._position, group=self.root)
        pattern = _WITHOUT_EFFECT.get(op)
        if pattern is not None:
            match = pattern.match(self._source.text, self._position)
            if match is None:
                raise PropertyError(f"found a {op} with contents that are not known, expected such as {_such_as(op)}")
            if op in ("check-sat", "exit"):
                self._end = op
            return _Frame("", self._position)
        if op in ("declare-const", "declare-fun"):
            raise PropertyError(f"found a malformed {op}, expected such as (declare-const X_0 Real)")
        raise PropertyError(f"found {shown('(' + op)}, expected a command such as assert or declare-const")

    def _refuse_behind_the_end(self, found: str) -> None:
        if self._end:
            raise PropertyError(f"found {found} behind ({self._end}), expected it before: there it is not asked about")

    def _operator(self, op: str, parent: _Frame) -> _Frame:
        negated, group = parent.operand_negated(), parent.group
        parent.count += 1
        if op in _ARITHMETIC:
            if group is not None:
                raise PropertyError(f"found the number {shown('(' + op)}, expected a formula")
            return _Frame(op, self._position)
        if op not in _CONNECTIVES and op not in _COMPARISONS:
            known = " ".join(_CONNECTIVES + _COMPARISONS + _ARITHMETIC)
            raise PropertyError(f"found {shown('(' + op)}, expected one of the operators {known}")
        if group is None:
            raise PropertyError(f"found the formula {shown('(' + op)}, expected a number")
        if op in _COMPARISONS:
            return _Frame(op, self._position, negated)
        # `not` only turns the sign: what is inside goes to the group outside.
        # And a => b is (or (not a) b).
        inside = group if op == "not" else self._group((op == "and") != negated, group)
        return _Frame(op, self._position, negated, inside)

    def _group(self, is_and: bool, outside: Group) -> Group:
        """A group of that kind for formulas inside `outside`: itself where the kind is the same."""
        if outside.is_and == is_and:
            return outside
        return AndGroup(self.expansion) if is_and else OrGroup(self.expansion)

    def _atom(self, token: str) -> None:
        if not self._stack:
            raise PropertyError(f"found {shown(token)}, expected '(' and a command")
        frame = self._stack[-1]
        if frame.op == "":
            return
        if frame.group is None:
            frame.values.append(self._linear(token))
        elif token in ("true", "false"):
            frame.group.add_truth((token == "true") != frame.operand_negated())
        else:
            raise PropertyError(f"found {shown(token)}, expected a formula")
        frame.count += 1

    def _variable(self, token: str) -> Variable:
        variable = self._variables.get(token)
        if variable is None:
            raise PropertyError(f"found {shown(token)}, which is not declared")
        return variable

    def _linear(self, token: str) -> Linear:
        if token not in self._variables:
            number = self._source.number(token)
            if number is not None:
                return Linear({}, number)
        return Linear({self._variable(token): Fraction(1)}, Fraction(0))

    def _close(self, frame: _Frame) -> None:
        op = frame.op
        if op == "":
            return
        least = _EXACTLY.get(op, _AT_LEAST.get(op, 1))
        if frame.count < least or frame.count > _EXACTLY.get(op, frame.count):
            self._position = frame.position
            how_many = f"{'exactly' if op in _EXACTLY else 'at least'} {least}"
            raise PropertyError(f"found {op!r} with {frame.count} operands, expected {how_many}")
        if op == "assert":
            return
        parent = self._stack[-1]
        if op in _ARITHMETIC:
            parent.values.append(self._calculate(op, frame.values))
        elif parent.group is None or frame.group is parent.group:
            return
        elif frame.group is None:
            self._compare(frame, parent.group)
        else:
            parent.group.add_terms(list(frame.group.terms()))

    def _calculate(self, op: str, values: Sequence[Linear]) -> Linear:
        result, *others = values
        if op == "-" and not others:
            result = result.times(Fraction(-1))
        for value in others:
            self.expansion.spend(1 + min(len(result.coefficients), len(value.coefficients)))
            if op in "+-":
                result = result.plus(value, 1 if op == "+" else -1)
            elif op == "/":
                if value.coefficients or not value.constant:
                    raise PropertyError("found a division by zero or by a variable, expected a number")
                result = result.times(1 / value.constant)
            elif value.coefficients and result.coefficients:
                raise PropertyError("found a product of two variables, expected a linear term")
            else:
                linear, factor = (value, result) if value.coefficients else (result, value)
                result = linear.times(factor.constant)
        self.expansion.spend(len(result.coefficients))
        if result.bits > _MAX_BITS:
            raise PropertyError("found a number of thousands of digits, expected shorter ones")
        return result

    def _simple_comparison(self, op: str, left: str, right: str) -> None:
        """The one form that files consist of: (<= or >=) of a variable and a number or variable."""
        if not self._stack:
            raise PropertyError(f"found the formula {shown('(' + op)}, expected a command such as assert")
        frame = self._stack[-1]
        if frame.group is None:
            raise PropertyError(f"found the formula {shown('(' + op)}, expected a number")
        negated = frame.operand_negated()
        frame.count += 1
        variable = self._variable(left)
        value = Fraction(0)
        if right in self._variables:
            key = self._difference(variable, self._variables[right])
            if key is None:
                frame.group.add_truth(not negated)
                return
        else:
            key = 2 * self.rows.single[variable]
            value = self._linear(right).constant
        if (op == "<=") != negated:
            frame.group.add(key, (value, negated, self._position))
        else:
            frame.group.add(key ^ 1, (-value, negated, self._position))

    def _difference(self, left: Variable, right: Variable) -> int | None:
        """The key of the row left - right; None where both are the same."""
        if left == right:
            return None
        key = self._differences.get((left, right))
        if key is None:
            key, _ = self.rows.normal({left: Fraction(1), right: Fraction(-1)})
            self._differences[left, right] = key
        return key

    def _compare(self, frame: _Frame, outside: Group) -> None:
        """A comparison in full: (<= a b c) says a <= b and b <= c, (= a b) says a <= b and a >= b."""
        relations = ["<=", ">="] if frame.op == "=" else [frame.op]
        if frame.negated:
            relations = [_NEGATED[relation] for relation in relations]
        single = len(relations) == 1 and len(frame.values) == 2
        group = outside if single else self._group(not frame.negated, outside)
        for a, b in pairwise(frame.values):
            self.expansion.spend(len(a.coefficients) + len(b.coefficients))
            difference = Linear(dict(a.coefficients), a.constant).plus(b, -1)
            for relation in relations:
                compare_with_zero(self.rows, group, difference, relation, frame.position)
        if group is not outside:
            outside.add_terms(list(group.terms()))
