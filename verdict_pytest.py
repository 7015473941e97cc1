"""Proofs in pytest: the fixture `verdict_robust` asks whether a model is robust around an input, and fails with the
witness where it is not.

pytest loads this file in every run of everybody who has Verdict installed, so it imports nothing of it before a test
asks for the fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from verdict import Verdict

# Seconds for each question, where the test gives none.
TIMEOUT = 60
# Moved inputs that a message names.
MOVED = 10


@pytest.fixture
def verdict_robust() -> Callable[..., Verdict]:
    """`verdict_robust(model, x, eps, **options)`: fails unless every input within `eps` of `x` keeps its class.

    The arguments and options are those of `verdict.robust`; `timeout` is in seconds, 60 where it is not given. The test
    fails on a witness, which the message shows, and on `unknown`, which it explains; else the answer is returned.
    """
    return robust


def robust(model: Any, x: Any, eps: Any, *, timeout: float | None = TIMEOUT, **options: Any) -> Verdict:
    """The answer where the model is robust; else the test fails with what was found. Arguments as in `verdict.robust`,
    `timeout` in seconds."""
    __tracebackhide__ = True
    import verdict

    answer = verdict.robust(model, x, eps, timeout=timeout, **options)
    if answer.status != "robust":
        pytest.fail(message(answer, x, eps), pytrace=False)
    return answer


def message(answer: Verdict, x: Any, eps: Any) -> str:
    """Why it is not proved: the class and the moved inputs of the witness, or the reason."""
    about = None if answer.about is None else answer.about()
    if answer.witness is None or about is None:
        return f"not proved to be robust within {eps}: {answer.status}: {answer.reason}"
    found = answer.witness.array() if answer.witness.input is None else answer.witness.input
    moved = about.moved(found.reshape(-1))
    lines = [
        f"not robust within {eps}: {about.named(answer.label)} becomes {about.named(answer.target) or 'another'}"
        f" ({answer.witness.unsafe})",
        *(f"  {about.feature(i)}: {here:.6g} -> {there:.6g}" for i, here, there in moved[:MOVED]),
    ]
    if len(moved) > MOVED:
        lines.append(f"  and {len(moved) - MOVED} more that moved no farther")
    if not moved:
        lines.append("  at the input itself")
    return "\n".join([*lines, f"  witness = {found.reshape(-1).tolist()}"])
