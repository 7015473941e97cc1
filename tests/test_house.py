"""The house: imports run downwards only, without circles, and files stay small. Read from the source alone."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]
HOMES = {"verdict": "verdict", "encoders": "verdict.encoders", "solvers": "verdict.solvers", "models": "verdict.models"}
# The floors from the top (docs/architecture.md); packages on one floor may use each other, in no circle.
FLOORS = (
    ("verdict", "__main__"),
    ("cli", "sklearn"),
    ("ask", "report"),
    ("search",),
    ("certificate", "encoders", "compose", "answer", "store"),
    ("property",),
    ("bounds", "ops"),
    ("network", "solvers", "models"),
    ("base",),
    ("checker",),
)
FLOOR = {package: number for number, packages in enumerate(FLOORS) for package in packages}


def _modules() -> dict[str, Path]:
    found = {}
    for folder, home in HOMES.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join([home, *(p for p in parts if p != "__init__")])] = path
    return found


MODULES = _modules()
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def package(module: str) -> str:
    """The package, or the file at the top, that a module belongs to."""
    return module.split(".")[1] if "." in module else "verdict"


def _for_types(tree: ast.Module) -> set[int]:
    """The nodes that only type checkers see."""
    blocks = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    return {id(inner) for block in blocks for inner in ast.walk(block)}


def imports(module: str, types: bool) -> Iterator[str]:
    """The modules of the house that one names in imports, those inside functions included."""
    tree = TREES[module]
    hidden = set() if types else _for_types(tree)
    here = module.split(".") if MODULES[module].name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or id(node) in hidden:
            continue
        base = ".".join(here[: len(here) - node.level + 1]) if node.level else ""
        origin = ".".join(filter(None, [base, node.module or ""]))
        for alias in node.names:
            target = f"{origin}.{alias.name}"
            target = target if target in MODULES else origin
            if target in MODULES and target != module:
                yield target


def test_every_package_has_a_floor() -> None:
    assert {package(module) for module in MODULES} == set(FLOOR)


def test_imports_run_downwards() -> None:
    upwards = [
        f"{module} -> {target}"
        for module in MODULES
        for target in imports(module, types=True)
        if FLOOR[package(target)] < FLOOR[package(module)] and package(target) != package(module)
    ]
    # What `verdict` itself holds is its version and the names that it offers; the command asks for both.
    assert [line for line in upwards if not line.startswith("verdict.cli") or not line.endswith("-> verdict")] == []


def test_no_circle_of_packages() -> None:
    arrows = {
        (package(module), package(target))
        for module in MODULES
        for target in imports(module, types=True)
        if target != "verdict" and package(target) != package(module)
    }
    assert list(nx.simple_cycles(nx.DiGraph(sorted(arrows)))) == []


def test_no_circle_of_files() -> None:
    graph = nx.DiGraph((module, target) for module in MODULES for target in imports(module, types=False))
    # A package names what is in it, and its files may name the package.
    graph.remove_nodes_from([name for name, path in MODULES.items() if path.name == "__init__.py"])
    assert list(nx.simple_cycles(graph)) == []



def functions(module: str) -> Iterator[ast.FunctionDef]:
    """The functions and methods that a module defines, those inside others included."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.FunctionDef):
            yield node


def is_interface(module: str, name: str) -> bool:
    """Whether a function is called with keywords by users: a command, one of the API, a method of the API's classes."""
    from verdict.cli.main import _HOMES as COMMANDS

    if f"{module}.{name}" in {f"verdict.cli.{home}" for home in COMMANDS.values()}:
        return True
    if name.startswith("_"):
        return False
    offered = {n for home in ("verdict", "verdict.checker", "verdict.solvers") for n in exported(home)}
    owner = next((c.name for c in ast.walk(TREES[module]) if isinstance(c, ast.ClassDef)
                  for f in c.body if isinstance(f, ast.FunctionDef) and f.name == name), name)
    return owner in offered


def exported(home: str) -> list[str]:
    """The names in a package's `__all__`."""
    return [str(name) for name in importlib.import_module(home).__all__]


def test_parameters_are_few() -> None:
    """At most six, but for what users call with keywords."""
    many = set()
    for module in MODULES:
        for node in functions(module):
            named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            count = len([a for a in named if a.arg not in ("self", "cls")])
            count += (node.args.vararg is not None) + (node.args.kwarg is not None)
            if count > 6 and not is_interface(module, node.name):
                many.add(f"{module}.{node.name}")
    assert many == set()


def test_the_gate_alone_makes_answers() -> None:
    answers = {"Verdict", "Radius", "Largest", "Pruning"}
    made = {
        module
        for module in MODULES
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in answers
    }
    assert made == {"verdict.answer.gate"}


def test_functions_are_short() -> None:
    """At most 60 lines; of what users call with keywords the signature and the docstring, which they read, are not
    counted. A longer one says why in a comment `# long: ...` in its first line."""
    long = []
    for module in MODULES:
        lines = MODULES[module].read_text(encoding="utf-8").splitlines()
        for node in functions(module):
            first = node.body[0] if ast.get_docstring(node) is None or len(node.body) == 1 else node.body[1]
            end, says_why = node.end_lineno or 0, "# long: " in lines[node.lineno - 1]
            if end - node.lineno < 60 or says_why or (end - first.lineno < 60 and is_interface(module, node.name)):
                continue
            long.append(f"{module}.{node.name}")
    assert long == []


def test_no_file_is_long() -> None:
    files = [*MODULES.values(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


@pytest.mark.parametrize("home", HOMES)
def test_every_module_opens_with_its_idea(home: str) -> None:
    names = [name for name, path in MODULES.items() if path.is_relative_to(ROOT / home)]
    assert [name for name in names if not ast.get_docstring(TREES[name])] == []


def test_the_page_names_files_that_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:verdict|encoders|solvers)/[\w/]+\.py)`", text[text.index("## Where is") :])
    assert len(named) >= 30
    assert [name for name in named if ROOT / name not in MODULES.values()] == []


def _words(text: str) -> set[str]:
    """The words of four letters and more, without the ends of plurals."""
    return {word.rstrip("s") for word in re.findall(r"[a-z]{3,}\d?|\w+-\w+", text.lower().replace("`", ""))}


def test_the_page_says_what_the_files_say() -> None:
    """Each idea of the table shares a word with what its files say of themselves, those for every file aside."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text[text.index("## Where is") : text.index("## What comes")]
    rows = re.findall(r"^\| ([^|]+) \| (`[^|]+) \|$", table, re.MULTILINE)
    assert len(rows) >= 30
    modules = {path.relative_to(ROOT).as_posix(): name for name, path in MODULES.items()}
    plain = _words("the and that all any with are what who one has its for from many file said how whatever out")
    for idea, files in rows:
        for file in re.findall(r"`([\w/]+\.py)`", files):
            said = _words(ast.get_docstring(TREES[modules[file]]) or "")
            assert (_words(idea) & said) - plain, (idea, file)


def test_no_two_test_files_share_a_name() -> None:
    # pytest takes the second of them for the first.
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert [name for name in names if names.count(name) > 1] == []


def test_tests_mirror_the_packages() -> None:
    """What is about one package is in the folder of its name; what is about the whole stays at the root, and these
    folders: of how answers are attacked and compared, of kept files, and of what every solver must do."""
    whole = {"attacks", "certificates", "conformance", "differential", "fuzz", "packaging", "support", "benchmarks"}
    folders = {path.name for path in (ROOT / "tests").iterdir() if any(path.glob("*.py"))}
    packages = {name for module in MODULES if (name := package(module))}
    assert folders - whole <= packages
    at_root = {path.name for path in (ROOT / "tests").glob("test_*.py")}
    assert at_root == {"test_docs.py", "test_docstrings.py", "test_house.py", "test_extending.py", "test_notebooks.py"}


# What may lie at the root, beside what git ignores there.
AT_ROOT = {
    "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "PERFORMANCE.md", "README.md", "benchmarks", "docs", "encoders",
    "models", "notebooks", "pyproject.toml", "solvers", "tests", "verdict", "verdict_pytest.py", "vnncomp",
}  # fmt: skip


def test_nothing_lies_about_at_the_root() -> None:
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split()}
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert {name for name in names - AT_ROOT if not any(fnmatch(name, wild) for wild in ignored)} == set()


def test_no_mark_of_a_merge_is_left() -> None:
    texts = [path for kind in ("*.md", "*.py", "*.toml") for path in ROOT.rglob(kind) if ".venv" not in path.parts]
    assert len(texts) > 500
    marks = re.compile(r"^(<{7} |={7}$|>{7} )", re.MULTILINE)
    assert [str(path) for path in texts if marks.search(path.read_text(encoding="utf-8"))] == []
