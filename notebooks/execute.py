"""Execute the course's notebooks from clean and store what they show: `python notebooks/execute.py [NAME ...]`.

Each notebook runs in a fresh kernel of this Python, in an empty folder of its own, and ends at the first error. What is
stored beside the code is what a reader sees and nothing else: no times, no paths, no versions, so that a second run of
the same code changes little. `--check` runs them and stores nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# Seconds for one cell; each notebook is meant to take less than a minute.
LIMIT = 300
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def notebooks() -> list[Path]:
    """All notebooks, in the order of the course."""
    return sorted(HERE.glob("[0-9]*.ipynb"))


def executed(path: Path) -> Any:
    """The notebook with the outputs of a run from clean. Raises nbclient's CellExecutionError at the first error."""
    import nbformat
    from nbclient import NotebookClient

    # One BLAS thread, as in a process of Verdict's own: the cores are the searches'.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    notebook = clean(nbformat.read(path, as_version=4))
    with tempfile.TemporaryDirectory() as folder:
        place = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=LIMIT, kernel_name="python3", record_timing=False, resources=place).execute()
    return tidy(notebook)


def clean(notebook: Any) -> Any:
    """The same notebook without outputs, cells named by their places."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for place, cell in enumerate(notebook.cells):
        cell.id = f"cell-{place + 1}"
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def tidy(notebook: Any) -> Any:
    """The same without what only this run and this machine know."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def main() -> int:
    import nbformat

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="beginnings of names, such as 03; all without any")
    parser.add_argument("--check", action="store_true", help="run, and store nothing")
    given = parser.parse_args()
    for path in notebooks():
        if given.names and not any(path.name.startswith(name) for name in given.names):
            continue
        started = time.perf_counter()
        notebook = executed(path)
        if not given.check:
            nbformat.write(notebook, path)
        print(f"{path.name}: {time.perf_counter() - started:.1f} s, {path.stat().st_size // 1024} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
