"""`verdict` with one way of its searches alone: `python -m benchmarks.one_way WAY verify ...`.

What `auto` is measured against: of the ways that branch and bound could take in turn (docs/search.md) only the one
named is left, whatever the counts of inputs and neurons. It is a process of its own, since the options are changed for
all of it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

# What is never too few or too many.
ANY = 10**9
# The options that stand against a way.
OPEN = {"boxes": {"most_inputs": ANY, "few_relus": -1}, "zoom": {"most_inputs": ANY, "few_relus": -1},
        "relus": {"most_inputs": -1}, "anew": {"most_inputs": -1}, "planes": {"most_inputs": -1}}


def main(words: Sequence[str]) -> int:
    """The exit code of the command `words[1:]`."""
    from verdict.base.blas import for_this_process

    for_this_process()
    from verdict.cli.main import main as command
    from verdict.search import options

    for name, value in {"only": words[0], **OPEN[words[0]]}.items():
        object.__setattr__(options.DEFAULTS, name, value)
    return command(words[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
