"""The checker stands alone: nothing of Verdict outside its own package, no pickles, few dependencies."""

import ast
import sys
from pathlib import Path

import verdict.checker

FOLDER = Path(verdict.checker.__file__).parent
ALLOWED = {"numpy", "onnx", *sys.stdlib_module_names}


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""


def test_nothing_outside_is_imported():
    files = sorted(FOLDER.rglob("*.py"))
    assert len(files) > 10
    for path in files:
        for level, name in _imports(path):
            target = path.parents[level - 1] / name.replace(".", "/") if level else FOLDER
            inside = level > 0 and target.is_relative_to(FOLDER) and (target.with_suffix(".py").exists()
                                                                      or (target / "__init__.py").exists())
            assert inside or (level == 0 and name.split(".")[0] in ALLOWED), f"{path.name} imports {name}"


def test_nothing_is_unpickled():
    text = "".join(path.read_text() for path in FOLDER.rglob("*.py"))
    for word in ("pickle", "np.load", "eval("):
        assert word not in text.replace("unpickled", "")
