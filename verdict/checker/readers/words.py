"""The words of a VNN-LIB file, as nested lists: parentheses, comments and quotes, and nothing else.

A comment ends at a line feed or a carriage return; other characters that some readers take for line ends are refused,
because what follows them is an assertion to some and a comment to others.
"""

from __future__ import annotations

import re
from typing import Any

from ..clock import Ask, nobody
from ..errors import UnreadableError

MOST_DEPTH = 200
_TOKEN = re.compile(r"""[ \t\r\n]+|;[^\r\n]*|(?:(\()|(\))|([^ \t\r\n()|";]+|"[^"]*"|\|[^|]*\|)|(.))""", re.DOTALL)
_DOUBTFUL = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")
# Tokens between two looks at the clock.
_OFTEN = 100_000


def parse(text: str, ask: Ask = nobody) -> list[Any]:
    """The commands of a file, as lists of words."""
    if _DOUBTFUL.search(text):
        raise UnreadableError("the property has a line break other than LF, CR and CR LF")
    stack: list[list[Any]] = [[]]
    for number, match in enumerate(_TOKEN.finditer(text)):
        if number % _OFTEN == 0:
            ask()
        kind = match.lastindex
        if kind == 1:
            stack.append([])
            if len(stack) > MOST_DEPTH:
                raise UnreadableError("expressions nested too deeply")
        elif kind == 2:
            done = stack.pop()
            if not stack:
                raise UnreadableError("a closing parenthesis too many")
            stack[-1].append(done)
        elif kind == 3:
            stack[-1].append(match[3])
        elif kind == 4:
            raise UnreadableError(f"a stray {match[4]} in the property")
    if len(stack) != 1:
        raise UnreadableError("a closing parenthesis is missing")
    return stack[0]


def shown(term: Any) -> str:
    """A command or term as an error quotes it, short whatever the file holds."""
    if isinstance(term, str):
        return repr(term[:40])
    words = ["(...)" if isinstance(part, list) else part[:20] for part in term[:4]]
    return repr(f"({' '.join(words)}{' ...' if len(term) > 4 else ''})")
