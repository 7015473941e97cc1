"""`verdict.ask(question, options)`: the answer to any question, by the file of its kind.

The functions of the API and the commands build the two values and come here. The clock of the options runs over all of
it, what is loaded and read included.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..base import interrupted
from ..base.assumed import assuming
from ..base.blas import one_thread
from ..base.deadline import time_limit
from ..base.errors import InputError
from ..base.memory import GIB, budget
from ..search.options import DEFAULTS, SearchOptions
from .options import Options
from .question import Question
from .run import Run

if TYPE_CHECKING:
    from ..answer.about import About

# Who answers a question of each kind.
_HOMES = {
    "robust": "robust.answer",
    "maxeps": "radius.answer",
    "bounds": "robust.answer_bounds",
    "encode": "encode.answer",
    "verify": "verify.answer",
    "check": "verify.answer_check",
    "prove": "prove.answer",
    "imitates": "pairs.answer_imitates",
    "general": "pairs.answer_general",
    "maxgeneral": "pairs.answer_maxgeneral",
    "maxdelta": "pairs.answer_maxdelta",
    "maxmove": "pairs.answer_maxmove",
    "maxfall": "monotone.answer_maxfall",
    "monotone": "monotone.answer_monotone",
    "maxradius": "families.answer_maxradius",
    "maxweights": "weights.answer",
    "maxpruning": "pruning.answer",
    "residual": "residual.answer",
}


def ask(
    question: Question,
    options: Options | None = None,
    on_progress: Callable[[Any], object] | None = None,
    search: SearchOptions = DEFAULTS,
) -> Any:
    """The answer to a question: what the function of its kind (`verdict.robust`, `verdict.maxeps`, ...) returns.

    `on_progress` receives reports while a search runs, as of that function. On `search`, the numbers that searches are
    tuned by, no answer depends, only how soon it comes. Times in `options` are in seconds. Raises InputError and what
    that function raises.

    >>> import verdict
    >>> question = verdict.Question.of("robust", ["xor"], [0, 1], eps="0.2", range=(0, 1))
    >>> verdict.ask(question, verdict.Options(engine="smt")).status
    'robust'

    Source: that of the question's function; docs/search.md says how engines work.
    """
    options = Options() if options is None else options
    module, function = _HOMES[question.kind].split(".")
    answer = getattr(importlib.import_module(f"{__package__}.{module}"), function)
    interrupted.refuse_in_this_cell()
    if options.assume_ulp is not None and options.certificate is None and question.kind != "check":
        raise InputError(
            "assume_ulp is about a proof for every float32 evaluation, which only a certificate is: expected a "
            "certificate too"
        )
    with one_thread(), time_limit(options.timeout), _room(options.memory), assuming(options.assume_ulp):
        found = answer(question, Run(options, on_progress, search))
    return _about(found, question)


def _about(found: Any, question: Question) -> Any:
    """The answer with what it needs to show itself and to make a statement."""
    from ..answer.results import Largest, Pruning, Radius, Verdict

    is_answer = isinstance(found, Radius | Verdict | Largest | Pruning)
    return replace(found, about=partial(_what, question)) if is_answer else found


def _what(question: Question) -> About:
    from .about import about_of

    return about_of(question)


def ask_with(question: Question, options: Mapping[str, Any]) -> Any:
    """The same with the options as keyword arguments have them, `on_progress` among them."""
    kept = {name: value for name, value in options.items() if name != "on_progress"}
    return ask(question, Options(**kept), options.get("on_progress"))


@contextlib.contextmanager
def _room(gigabytes: float | None) -> Iterator[None]:
    if gigabytes is None:
        yield
        return
    with budget(int(gigabytes * GIB)):
        yield
