"""The checker stands alone: nothing of Verdict outside its own package, no pickles, few dependencies."""

import ast
import io
import re
import sys
import tokenize
from pathlib import Path

import verdict.checker

FOLDER = Path(verdict.checker.__file__).parent
BLANK = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
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
            others = ALLOWED | ({"onnxruntime"} if path.name == "second_look.py" else set())
            assert inside or (level == 0 and name.split(".")[0] in others), f"{path.name} imports {name}"


def test_nothing_is_unpickled():
    text = "".join(path.read_text() for path in FOLDER.rglob("*.py"))
    for word in ("pickle", "np.load", "eval("):
        assert word not in text.replace("unpickled", "")


def _lines(path):
    """(all lines, those of code: with something that is neither a comment nor a docstring)."""
    text = path.read_text()
    strings = [node.body[0] for node in ast.walk(ast.parse(text))
               if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node)]
    documented = {n for string in strings for n in range(string.lineno, string.end_lineno + 1)}
    code = (token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type not in BLANK)
    used = {n for token in code for n in range(token.start[0], token.end[0] + 1)}
    return len(text.splitlines()), len(used - documented)


def test_the_kernel_stays_small_and_the_counts_in_the_documentation_true():
    """docs/certificate.md says how many lines an `accepted` rests on; the kernel has fewer than 500 of code."""
    text = (FOLDER.parents[1] / "docs/certificate.md").read_text()
    stated = re.findall(r"^\| `checker/([a-z_0-9./]+)` \| ([0-9]+) \| ([0-9]+) \|", text, re.MULTILINE)
    assert len(stated) > 8
    for name, *counts in stated:
        files = [FOLDER / name] if name.endswith(".py") else sorted((FOLDER / name).glob("*.py"))
        found = [sum(lines) for lines in zip(*map(_lines, files), strict=True)]
        assert all(abs(a - int(b)) <= 0.05 * a + 2 for a, b in zip(found, counts, strict=True)), (name, found)
        assert name != "kernel/" or (found[0] < 750 and found[1] < 500)
