"""What is read without the parser is read as the parser reads it, and everything else is left to the parser."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from verdict.base.errors import VerdictError
from verdict.cli.declared import Group, Option, declared, grouped
from verdict.cli.main import COMMANDS
from verdict.cli.parser import parse
from verdict.cli.words import plain

ROBUST = ["robust", "digits-mlp", "--input", "digits#0:3"]
PLAIN = [
    # One of --eps, --patch and --pixels is missing, which is for the command to say.
    [*ROBUST],
    [*ROBUST, "--eps", "0.03"],
    [*ROBUST, "--eps=3/100", "--range", "0", "1", "--label", "3", "--json"],
    ["verify", "q.vnnlib", "--network", "N=m.onnx", "--timeout", "5.5", "--threads", "1", "--verbose"],
    ["verify", "--network=N=m.onnx", "--network", "M=n.onnx", "q.vnnlib", "--assignments", "out"],
    ["verify", "", "--network", ""],
    ["check", "a.vcert", "--network", "m.onnx", "--jobs", "256", "--exact=python"],
    ["supports", "vnnlib-versions"],
    ["models"],
]
FOR_THE_PARSER = [
    # --input is missing.
    ROBUST[:2],
    [*ROBUST, "--eps", "0.03", "--eps", "0.04"],
    [*ROBUST, "--eps", "-1"],
    [*ROBUST, "--eps", "1", "--threads", "1.0"],
    [*ROBUST, "--eps", "1", "--threads", "١"],
    [*ROBUST, "--eps", "1", "--range", "0"],
    [*ROBUST, "--eps", "1", "--json=true"],
    [*ROBUST, "--eps", "1", "another"],
    ["verify", "q.vnnlib", "--network", "m.onnx", "--timeout", "1e3"],
    ["verify", "q.vnnlib", "--network", "m.onnx", "--timeout", "inf"],
    ["verify", "q.vnnlib", "--net", "m.onnx"],
    ["verify", "--", "q.vnnlib", "--network", "m.onnx"],
    ["verify", "--help"],
    ["check", "a.vcert", "--network", "m.onnx", "--jobs", "257"],
    ["check", "a.vcert", "--network", "m.onnx", "--jobs", "0"],
    ["supports", "--vnnlib-versions"],
]


def parsed(words: Sequence[str]) -> dict[str, Any]:
    """What the parser gives to the command that the words name."""
    found: dict[str, Any] = {}

    @functools.wraps(COMMANDS[words[0]])
    def note(**given: Any) -> int:
        for name, value in given.items():
            found.update(vars(value) if isinstance(value, Group) else {name: value})
        return 0

    assert parse({**COMMANDS, words[0]: note}, words) == 0
    return found


@pytest.mark.parametrize("words", PLAIN, ids=" ".join)
def test_plain_words_are_read_as_the_parser_reads_them(words: list[str]) -> None:
    given = plain(COMMANDS[words[0]], words[1:])
    assert given is not None
    # The parser also gives what was left out; what belongs to nobody but `limits` does not come to the command.
    ours = {key: value for key, value in given.items() if key not in ("memory", "statement")}
    assert {key: value for key, value in parsed(words).items() if key in given} == ours
    assert all(type(value) is type(given[key]) for key, value in parsed(words).items() if key in given)


@pytest.mark.parametrize("words", FOR_THE_PARSER, ids=" ".join)
def test_everything_else_is_left_to_the_parser(words: list[str]) -> None:
    assert plain(COMMANDS[words[0]], words[1:]) is None


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_a_help_page(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(COMMANDS, [name, "--help"]) in (0, None)
    assert f"verdict {name}" in capsys.readouterr().out


def test_words_that_make_no_sense_are_one_clear_error() -> None:
    with pytest.raises(VerdictError, match=r"--jobs.*see verdict check --help"):
        parse(COMMANDS, ["check", "a.vcert", "--network", "m.onnx", "--jobs", "257"])


@dataclass(frozen=True)
class Size(Group):
    width: Annotated[int, Option("--width", help="")] = 2
    height: Annotated[int, Option("--height", help="")] = 3


def test_a_group_is_declared_as_its_options_are_and_comes_as_one() -> None:
    def command(
        name: Annotated[str, Option("--name", help="")],
        size: Size,
        last: Annotated[bool, Option("--last", help="")] = False,
    ) -> int:
        return 0

    assert [parameter.name for parameter, _, _ in declared(command)] == ["name", "width", "height", "last"]
    given = plain(command, ["--height", "7", "--name", "a", "--last"])
    assert given == {"height": 7, "name": "a", "last": True}
    assert grouped(command, given) == {"name": "a", "size": Size(2, 7), "last": True}
