"""Text from files made safe to show: names that others chose, on one line and without what a terminal obeys."""

from __future__ import annotations


def visible(text: str) -> str:
    """The text on one line: each character that is not printable is shown as its escape, such as backslash x1b. These
    are controls, line ends, and what turns the writing direction or has no width."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def visible_lines(text: str) -> str:
    """The same for a text of several lines, which stay lines."""
    return "\n".join(map(visible, text.split("\n")))
