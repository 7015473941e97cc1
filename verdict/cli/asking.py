"""Every question of a command is asked here, and its answer kept where `--statement` wants it written down."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verdict.base.errors import InputError
from verdict.base.writing import Place, begins

if TYPE_CHECKING:
    from verdict.ask.options import Options
    from verdict.ask.question import Question

# The answers of the command that runs, None where nobody wants them.
_kept: list[Any] | None = None


def ask(
    question: Question, options: Options | None = None, on_progress: Callable[[Any], object] | None = None
) -> Any:
    """The answer to a question (`verdict.ask`)."""
    from verdict.ask.answering import ask as answered

    answer = answered(question, options, on_progress)
    if _kept is not None:
        _kept.append(answer)
    return answer


@contextlib.contextmanager
def stated(path: str) -> Iterator[None]:
    """Write the statements of all that is answered inside to a file, .md or .json.

    A file that cannot be written there is refused before anything is asked. Raises InputError.
    """
    from verdict.answer.statement import MARKS, statement

    global _kept
    form = Path(path).suffix.lower()
    if form not in MARKS:
        raise InputError(f"--statement {path}: expected a name that ends in .md or .json")
    place = Place(Path(path), "--statement", begins(MARKS[form].encode()), "a statement that Verdict has written")
    place.check()
    kept: list[Any] = []
    _kept = kept
    try:
        yield
    finally:
        _kept = None
    if not kept:  # no answer came in time, which is said already
        return
    made = [statement(answer) for answer in kept]
    if form == ".md":
        text = "\n---\n\n".join([f"{MARKS[form]}\n\n{made[0].markdown()}", *(each.markdown() for each in made[1:])])
    else:
        first = made[0].to_dict() if len(made) == 1 else {
            "form": "verdict-statement", "version": made[0].to_dict()["version"],
            "statements": [each.to_dict() for each in made],
        }
        text = json.dumps(first, indent=2, allow_nan=False) + "\n"
    place.write(text.encode())
