"""The norms of a ball by the names that people give them."""

from __future__ import annotations

NORMS = ("linf", "l1", "l2")
_NAMES = {
    **dict.fromkeys(("inf", "infinity", "linf", "l-inf", "l_inf", "loo", "l-infinity", "linfinity"), "linf"),
    **dict.fromkeys(("1", "l1", "l_1"), "l1"),
    **dict.fromkeys(("2", "l2", "l_2"), "l2"),
}


def norm_of(name: object) -> str:
    """`linf`, `l1` or `l2` for any of a norm's names, such as inf; another word comes back as it is."""
    return _NAMES.get(str(name).lower(), str(name))
