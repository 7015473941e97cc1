"""One registry of benchmark cases: `python -m benchmarks list`, `python -m benchmarks run CASE`.

A case is one file in `benchmarks/cases/`. Cases run in worker processes, so the same case can run with the
present code and with that of another revision, one instance of each in turn.
"""

import os
import tempfile
from pathlib import Path

# What a command started from here is given: the user's environment, with compiled modules, as any installed package has
# them.
ENVIRONMENT = {"PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "verdict-bytecode"), **os.environ}
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)

# Before NumPy: `import verdict` asks BLAS for one thread, as for a user who imports it first.
import verdict  # noqa: E402, F401
