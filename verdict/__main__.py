"""A whole process of the command `verdict`, here and as a script.

It lives for one question. The garbage collector would look again and again at what the imports have made, and once more
at the end, and find nothing: a fifth of what a short question costs.
"""

import gc
import sys
import time

from verdict.base.blas import for_this_process
from verdict.cli.backstop import CHILD, watched
from verdict.cli.limits import age, starts
from verdict.cli.main import main

# New objects until the first look, and looks at younger ones before the older two generations have theirs.
THRESHOLDS = 50_000, 20, 100


def run() -> int:
    """Run the command in sys.argv, with the garbage collector out of the way; its exit code."""
    starts(time.monotonic() - age())
    for_this_process()
    code = watched(sys.argv[1:])
    if code is not None:
        return code
    gc.set_threshold(*THRESHOLDS)
    code = main()
    CHILD.done(code)
    gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(run())
