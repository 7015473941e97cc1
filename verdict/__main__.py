"""A whole process of the command `verdict`, here and as a script."""

import os
import sys
import time

from verdict.cli import own
from verdict.cli.backstop import CHILD, watched
from verdict.cli.main import main


def run() -> int:
    """Run the command in sys.argv in this process, which is there for it alone; its exit code."""
    started = time.monotonic() - age()
    own.begin()
    code = watched(sys.argv[1:])
    if code is None:
        code = main(started=started)
        CHILD.done(code)
    return code


def age() -> float:
    """Seconds since this process has started: at least what it has worked, exactly where the system tells."""
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, AttributeError):
        return time.process_time()


def script() -> None:
    """The same, and the end of the process."""
    own.end(run())


if __name__ == "__main__":
    script()
