"""What users read of every public name: it is there, and says shapes, units, errors and sources where they apply.

A docstring may say "as in `verdict.robust`" instead of saying it again: then what that one says counts, and so on.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

import verdict
from verdict.sklearn import RadiusScorer

REFERENCE = re.compile(r"\b(?:as|as\s+in|as\s+of|those\s+of)\s+`(?:verdict\.)?(\w+)`", re.IGNORECASE)
ERRORS = [name for name in verdict.__all__ if name.endswith("Error")]
# Which words a docstring has, where a function has one of these parameters.
RULES = {
    "shapes": ({"x", "X"}, r"\bshape|\bflat\b"),
    "units": ({"eps", "step", "theta", "delta"}, r"\bunits?\b|\beach entry\b"),
    "seconds": ({"timeout", "timeout_all", "options"}, r"\bseconds\b"),
    "the box that region gives": ({"inputs"}, r"`region`"),
}


def _found(name: str) -> Any:
    # The package of that name, which can be called.
    return importlib.import_module("verdict.ask.answering").ask if name == "ask" else getattr(verdict, name)


FUNCTIONS: dict[str, Callable[..., Any]] = {n: f for n in verdict.__all__ if inspect.isfunction(f := _found(n))}
CLASSES = {n: c for n in verdict.__all__ if inspect.isclass(c := _found(n))} | {"RadiusScorer": RadiusScorer}


def said(name: str, seen: frozenset[str] = frozenset()) -> str:
    """A function's docstring, and those that it refers to."""
    text = inspect.getdoc(FUNCTIONS[name]) or ""
    others = {other for other in REFERENCE.findall(text) if other in FUNCTIONS} - seen - {name}
    return "\n".join([text, *(said(other, seen | {name} | others) for other in sorted(others))])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_applies_to_it(name: str):
    text, parameters = said(name), set(inspect.signature(FUNCTIONS[name]).parameters)
    missing = [what for what, (about, words) in RULES.items() if about & parameters and not re.search(words, text)]
    if not any(re.search(rf"Raises[^.]*\b{error}\b", text) for error in ERRORS):
        missing.append("the errors that it raises, by name")
    # Whoever looks for a proof says by whose method, in a paper or a page of the documentation.
    if parameters & {"timeout", "options"} and not re.search(r"Source:.*(\d{4}\.\d{4,5}|docs/\w+\.md)", text):
        missing.append("a source")
    assert missing == []


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_and_all_that_it_offers_is_explained(name: str):
    kind, silent = CLASSES[name], []
    assert inspect.getdoc(kind)
    offered = {member: value for base in kind.__mro__ for member, value in vars(base).items()}
    for member, value in offered.items():
        made = value.fget if isinstance(value, property) else getattr(value, "__func__", getattr(value, "func", value))
        if not member.startswith("_") and inspect.isfunction(made) and made.__module__.startswith("verdict"):
            doc = inspect.getdoc(made) or ""
            if not doc.rstrip().endswith((".", ":")):
                silent.append(member)
    assert silent == []


def test_every_function_has_an_example():
    """Of functions about files alone, which an example would have to make, the page that has one."""
    without = {name for name in FUNCTIONS if ">>>" not in (inspect.getdoc(FUNCTIONS[name]) or "")}
    assert all(re.search(r"docs/\w+\.md", inspect.getdoc(FUNCTIONS[name]) or "") for name in without), without
