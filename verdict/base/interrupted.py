"""Ctrl-C in a notebook ends the loop, not a row.

A search that is interrupted keeps what it has reached and answers. In a loop over many inputs the next question would
start then, and the user would have to interrupt each. So the cell of the notebook, or the line of IPython, in which a
search was interrupted is remembered, and a further question in the same one is interrupted before it starts. Scripts
and the command line are left as they are: there nobody knows where a loop ends.
"""

from __future__ import annotations

import sys

_cell: int | None = None
_count = 0


def _current() -> int | None:
    """The number of the cell that runs, None outside of IPython."""
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    return None if shell is None else int(shell.execution_count)


def remember() -> None:
    """A search has just been interrupted by the user, and keeps what it has: their Ctrl-C has been heard."""
    global _cell, _count
    _cell, _count = _current(), _count + 1


def count() -> int:
    """How often the user has interrupted a search in this process."""
    return _count


def refuse_in_this_cell() -> None:
    """Raise KeyboardInterrupt if the user has interrupted a search in the cell that runs."""
    if _cell is not None and _cell == _current():
        raise KeyboardInterrupt("a search in this cell was interrupted; what it has reached is kept")
