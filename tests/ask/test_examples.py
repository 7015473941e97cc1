"""The examples in the help of the API run, and say what they print."""

import doctest
import inspect

import pytest

import verdict
from verdict.ask.answering import ask

# What is about a file or a family of one's own has its example in the documentation.
WITHOUT = {"check", "verify", "maxradius", "write_report"}
FUNCTIONS = {
    name: inspect.unwrap(thing) for name in verdict.__all__ if inspect.isfunction(thing := getattr(verdict, name))
} | {"ask": ask}


def test_every_question_has_an_example() -> None:
    assert len(FUNCTIONS) > 15
    assert {name for name, function in FUNCTIONS.items() if ">>>" not in (function.__doc__ or "")} == WITHOUT


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - WITHOUT))
def test_an_example_prints_what_it_says(name: str) -> None:
    found = doctest.DocTestFinder(recurse=False).find(FUNCTIONS[name], name, globs={})
    assert sum(len(test.examples) for test in found) >= 2
    runner = doctest.DocTestRunner(verbose=False)
    for test in found:
        runner.run(test)
    assert runner.failures == 0
