"""How many random cases a test takes: a few in plain runs, more where VERDICT_LONG is set."""

from __future__ import annotations

import os

IS_LONG = "VERDICT_LONG" in os.environ


def seeds(few: int, many: int) -> range:
    """The seeds of a test: the first `few` of `many`, all of them with VERDICT_LONG."""
    return range(many if IS_LONG else few)
