"""The vocabulary as text, for the command line: `"near(0.02) & box(0, 1)"`, `"top(3)"`, `"y[0] - y[1] > 1/2"`.

Python's parser reads the text and this file evaluates it: numbers, the names below, indexing, arithmetic, comparisons,
& | ~ and calls of the vocabulary, nothing else. Decimals are taken from the text, so 0.1 is one tenth.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from ...base.errors import PropertyError, VerdictError
from ...base.number import exact
from ..formula import Formula

_ARITHMETIC: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.MatMult: operator.matmul,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.RShift: operator.rshift,
}
_RELATIONS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.LtE: operator.le,
    ast.Lt: operator.lt,
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
LONGEST = 100_000
# The words about one class, which is the label unless `of=` names another.
CLASS_WORDS = frozenset({"stays", "margin", "top", "beats"})


def read_formula(text: str, names: Mapping[str, Any], what: str) -> Formula:
    """The formula that `text` says with these names. Raises PropertyError with the place in the text."""
    if len(text) > LONGEST:
        raise PropertyError(f"{what}: more than {LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
        result = _Reader(text.strip(), names).value(tree.body)
    except SyntaxError as error:
        raise PropertyError(f"{what}: column {error.offset}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise PropertyError(f"{what}: cannot be read: {error}") from None
    except VerdictError as error:
        raise PropertyError(f"{what}: {error}") from None
    if not isinstance(result, Formula):
        raise PropertyError(f"{what}: {text.strip()[:60]!r} is no formula, expected such as y[0] > y[1] or stays(3)")
    return result


def asks_for_label(text: str) -> bool:
    """Whether a formula speaks of the class in question: by `label`, or by a word about a class that names no other."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False  # reading it will say what is wrong
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    about = any(
        isinstance(call.func, ast.Name) and call.func.id in CLASS_WORDS and all(k.arg != "of" for k in call.keywords)
        for call in calls
    )
    return about or any(isinstance(node, ast.Name) and node.id == "label" for node in ast.walk(tree))


class _Reader:
    def __init__(self, text: str, names: Mapping[str, Any]) -> None:
        self.text, self.names = text, names

    def value(self, node: ast.expr) -> Any:
        """The value of a node, whose kind decides which method reads it."""
        method = getattr(self, f"_{type(node).__name__}", None)
        if method is None:
            raise self._error(node, "is not part of the vocabulary")
        return method(node)

    def _error(self, node: ast.expr, why: str) -> PropertyError:
        shown = ast.get_source_segment(self.text, node) or ""
        return PropertyError(f"column {node.col_offset + 1}: {shown[:60]!r} {why}")

    def _Constant(self, node: ast.Constant) -> Any:  # noqa: N802 - named after the nodes
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self._error(node, "is no number")
        # From the text, not from the float that Python has made of it.
        text = ast.get_source_segment(self.text, node) or str(node.value)
        return exact(text, f"column {node.col_offset + 1}")

    def _Name(self, node: ast.Name) -> Any:  # noqa: N802
        if node.id not in self.names:
            raise self._error(node, f"is not known; there are {', '.join(sorted(self.names))}")
        return self.names[node.id]

    def _UnaryOp(self, node: ast.UnaryOp) -> Any:  # noqa: N802
        value = self.value(node.operand)
        if isinstance(node.op, ast.USub):
            return -value
        if isinstance(node.op, ast.Invert) and isinstance(value, Formula):
            return ~value
        raise self._error(node, "is not part of the vocabulary: not is written ~(...)")

    def _BinOp(self, node: ast.BinOp) -> Any:  # noqa: N802
        operation = _ARITHMETIC.get(type(node.op))
        if operation is None:
            raise self._error(node, "has an operator that is not part of the vocabulary")
        return self._apply(node, operation, self.value(node.left), self.value(node.right))

    def _Compare(self, node: ast.Compare) -> Any:  # noqa: N802
        if len(node.ops) != 1 or type(node.ops[0]) not in _RELATIONS:
            raise self._error(node, "is not one comparison: join several with & and brackets")
        left, right = self.value(node.left), self.value(node.comparators[0])
        return self._apply(node, _RELATIONS[type(node.ops[0])], left, right)

    def _Call(self, node: ast.Call) -> Any:  # noqa: N802
        function = self.value(node.func)
        if not callable(function) or isinstance(node.func, ast.Call):
            raise self._error(node.func, "cannot be called")
        named = {k.arg: self.value(k.value) for k in node.keywords if k.arg is not None}
        return self._apply(node, lambda *a: function(*a, **named), *(self.value(a) for a in node.args))

    def _Subscript(self, node: ast.Subscript) -> Any:  # noqa: N802
        return self._apply(node, operator.getitem, self.value(node.value), self._index(node.slice))

    def _index(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Slice):
            ends = (node.lower, node.upper, node.step)
            return slice(*(None if end is None else self._whole(end) for end in ends))
        if isinstance(node, ast.List | ast.Tuple):
            return [self._whole(part) for part in node.elts]
        return self._whole(node)

    def _whole(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value  # the name of a feature or class
        value = self.value(node)
        if not isinstance(value, Fraction) or value.denominator != 1:
            raise self._error(node, "is no index")
        return int(value)

    def _List(self, node: ast.List) -> list[Any]:  # noqa: N802
        return [self.value(part) for part in node.elts]

    _Tuple = _List

    def _apply(self, node: ast.expr, function: Callable[..., Any], *values: Any) -> Any:
        try:
            return function(*values)
        except (TypeError, AttributeError, IndexError, ZeroDivisionError) as error:
            raise self._error(node, f"makes no sense: {error}") from None
