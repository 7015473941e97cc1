"""`run` calls the command in this process; `process` starts the real one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cli_process import Outcome, finish, start

from verdict.cli.main import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    def call(*words: object) -> Outcome:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def process() -> Callable[..., Outcome]:
    return lambda *words: finish(start(*words))
