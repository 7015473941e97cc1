"""Processes beside this one: all that come from one, the memory that they hold, their end, and a room for their files.

A limit that is to hold whatever happens is held from outside, by a process that only looks on. Importing this costs
nothing.
"""

from __future__ import annotations

import os
import signal
import time


def family(process: int) -> list[int]:
    """A process and all that come from it, where the system tells; else the process alone."""
    found = [process]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children", encoding="ascii") as file:
                    found += map(int, file.read().split())
        except (OSError, ValueError):
            continue
    return found


def resident(process: int) -> int:
    """Bytes of memory that a process holds, 0 where the system does not tell."""
    try:
        with open(f"/proc/{process}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def end(process: int) -> None:
    """End a process and all that come from it, at once."""
    for each in reversed(family(process)):
        try:
            os.kill(each, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        except OSError:
            continue


def is_alive(process: int) -> bool:
    """Whether there is such a process; yes where the system does not tell."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def room(parent: str) -> str | None:
    """A new folder for all temporary files of a process, so that none is left of one that is killed; None where none
    can be made."""
    path = os.path.join(parent, f"verdict-{os.getpid()}-{time.monotonic_ns():x}")
    try:
        os.mkdir(path, 0o700)
    except OSError:
        return None
    return path


def clear(path: str) -> None:
    """Remove such a folder and what is left in it."""
    try:
        os.rmdir(path)
    except OSError:
        import shutil

        shutil.rmtree(path, ignore_errors=True)
