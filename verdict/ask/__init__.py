"""What a user can ask, one file a question; and the values that a question is made of.

`verdict.ask(question, options)` answers any of them: this package can be called, and then does what
`verdict.ask.answering.ask` does. Python allows that of a module whose class says so.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .options import Options
    from .question import Question


class _Callable(ModuleType):
    def __call__(
        self, question: Question, options: Options | None = None, on_progress: Callable[[Any], object] | None = None
    ) -> Any:
        from .answering import ask

        return ask(question, options, on_progress)


sys.modules[__name__].__class__ = _Callable
