"""`python -m verdict` is the command `verdict`."""

import sys

from verdict.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
