"""NumPy's BLAS threads are off during a search, and as they were after it."""

import os
import subprocess
import sys

import pytest

from verdict.base import blas

# A process of its own: in this one verdict came before NumPy, or the variables are set.
SCRIPT = """
import os
before = dict(os.environ)
import verdict
verdict.robust
assert dict(os.environ) == before
import numpy as np
try:
    import sklearn, threadpoolctl
    threads = lambda: {(p["filepath"], p["num_threads"]) for p in threadpoolctl.threadpool_info()}
except ImportError:
    threads = set
from verdict.base import blas
control = blas.openblas()
assert control is not None
get, put = control
put(2)
seen = []
network = verdict.load("xor")
others = threads()
verdict.robust(network, np.array([0, 1]), "0.1", on_progress=lambda stage: seen.append(get()))
assert seen and set(seen) == {1}, seen
assert get() == 2
# OpenMP and every other library's threads are as they were, whatever the search has loaded beside them.
assert others <= threads(), (others, threads())
with blas.one_thread():
    with blas.one_thread():
        assert get() == 1
    assert get() == 1
assert get() == 2
try:
    verdict.robust(network, np.array([0, 1]), -1)
except verdict.InputError:
    pass
assert get() == 2
import os
os.environ["OMP_NUM_THREADS"] = "2"
with blas.one_thread():
    assert get() == 2
"""


@pytest.mark.skipif(blas.openblas() is None, reason="NumPy has no OpenBLAS of its own here")
def test_one_thread_while_a_search_runs():
    environment = {name: value for name, value in os.environ.items() if name not in blas.VARIABLES}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_without_openblas_nothing_happens(monkeypatch):
    for name in blas.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    threads = [4]
    monkeypatch.setattr(blas, "openblas", lambda: (lambda: threads[-1], threads.append))
    with blas.one_thread():
        assert threads == [4, 1]
    assert threads == [4, 1, 4]
    monkeypatch.setattr(blas, "openblas", lambda: None)
    with blas.one_thread():
        assert threads == [4, 1, 4]
    assert threads == [4, 1, 4]
    # A user who says how many is left alone, whatever there is.
    monkeypatch.setattr(blas, "openblas", lambda: pytest.fail("it was looked for"))
    monkeypatch.setenv(blas.VARIABLES[0], "3")
    with blas.one_thread():
        assert os.environ[blas.VARIABLES[0]] == "3"


def test_a_flag_of_a_product_is_no_warning_of_a_command() -> None:
    """What a kernel's dropped lanes have raised is not told; whatever else NumPy warns of is."""
    script = """
import warnings
from verdict.base import blas
blas.for_this_process()
warnings.warn("invalid value encountered in matmul", RuntimeWarning)
warnings.warn("invalid value encountered in divide", RuntimeWarning)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "divide" in done.stderr
    assert "matmul" not in done.stderr
