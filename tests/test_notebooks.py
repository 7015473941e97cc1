"""The course: every notebook runs from clean, and what is stored of it can be read by anyone."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.ipynb"))
by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def _module():
    spec = importlib.util.spec_from_file_location("execute_notebooks", FOLDER / "execute.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _texts(path):
    """Every text that the stored outputs show."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            yield output["output_type"], json.dumps([output.get("text"), output.get("data"), output.get("name")])


@by_name
def test_a_notebook_runs_from_clean_and_shows_its_figures(path):
    notebook = _module().executed(path)
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in shown if output.output_type == "error"]
    assert any("image/png" in output.get("data", {}) for output in shown)


def test_an_error_in_a_notebook_is_an_error(tmp_path):
    import nbformat
    from nbclient.exceptions import CellExecutionError

    broken = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    nbformat.write(broken, tmp_path / "broken.ipynb")
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        _module().executed(tmp_path / "broken.ipynb")


@by_name
def test_what_is_stored_is_a_whole_run_without_paths_or_errors(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    counts = [cell["execution_count"] for cell in cells if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    for kind, text in _texts(path):
        assert kind != "error"
        assert not re.search(r"/tmp/|/home/|/root/|site-packages|stderr", text)


@by_name
def test_a_notebook_is_a_lesson(path):
    """A title with its number, exercises with folded solutions, and the modules that do it for real, which exist."""
    texts = ["".join(c["source"]) for c in json.loads(path.read_text(encoding="utf-8"))["cells"]
             if c["cell_type"] == "markdown"]
    whole = "\n".join(texts)
    assert whole.startswith(f"# {int(path.name[:2])}. ")
    assert 2 <= whole.count("<details><summary>Solution</summary>") == whole.count("</details>") <= 3
    named = re.findall(r"`((?:verdict|encoders|solvers|models)/[\w/.]+)`", whole)
    assert named
    assert all((FOLDER.parent / name).exists() for name in named)


def test_the_course_is_small_and_complete():
    assert sum(path.stat().st_size for path in NOTEBOOKS) < 3_000_000
    assert [int(path.name[:2]) for path in NOTEBOOKS] == list(range(1, len(NOTEBOOKS) + 1))
    page = (FOLDER.parent / "docs" / "course.md").read_text(encoding="utf-8")
    assert all(f"../notebooks/{path.name}" in page for path in NOTEBOOKS)
