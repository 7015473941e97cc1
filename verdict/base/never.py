"""The end of a switch over a closed set of kinds: mypy shows that nothing gets there, and what does is refused.

A switch whose last branch takes "all others" is silently wrong about the kind that is added next year.
"""

from __future__ import annotations

from typing import NoReturn


def assert_never(value: NoReturn) -> NoReturn:
    """Raise TypeError: `value` is of a kind that the switch has no rule for (typing.assert_never, from Python 3.11)."""
    raise TypeError(f"there is no rule for a {type(value).__name__}")
