"""The documentation: links lead somewhere, examples print what they say, code is the tests' own, the site is built.

`VERDICT_WRITE=1 pytest tests/test_docs.py` writes the code of docs/extending.md anew.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import os
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from support import browser

import verdict
from verdict.cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
GENERATED = ("reference", "project")
PAGES = sorted(
    [*DOCS.glob("*.md"), *ROOT.glob("*.md"), ROOT / "models" / "README.md"], key=lambda path: path.as_posix()
)
LINK = re.compile(r"\]\(([^)\s]+)\)|<(?:img|a)[^>]*?(?:src|href)=\"([^\"]+)\"")


def _prose(text: str) -> str:
    """A page without its code."""
    return re.sub(r"```.*?```|`[^`\n]*`|^    .*?$", "", text, flags=re.DOTALL | re.MULTILINE)


def _anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MyST make them."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    slugs = set()
    for title in re.findall(r"^#+ +(.*?)\s*$", text, flags=re.MULTILINE):
        slugs.add(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-"))
    return slugs


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for match in LINK.finditer(_prose(page.read_text(encoding="utf-8"))):
        link = match[1] or match[2]
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        assert target.is_relative_to(ROOT), f"{page.name}: {link}"
        assert not anchor or anchor in _anchors(target), f"{page.name}: {link}"


def test_every_page_is_on_the_site() -> None:
    listed = set(re.findall(r"^([\w/-]+)$", (DOCS / "index.md").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert {path.stem for path in DOCS.glob("*.md")} - {"index"} == {n for n in listed if "/" not in n}


# --- examples ---


def _shown(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each `$ verdict ...` of a page with the lines under it."""
    for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, flags=re.MULTILINE):
        command, lines = "", []
        for line in textwrap.dedent(block).splitlines():
            if line.startswith("$ "):
                if command:
                    yield command, lines
                command, lines = line[2:], []
            elif command and line.strip():
                lines.append(line)
        if command:
            yield command, lines


def _same(said: str, found: str) -> bool:
    """Whether two lines say the same: seconds and stages depend on the machine, the last digits on how far it came."""
    if said.split()[:1] == ["search"]:
        return found.split()[:1] == ["search"]
    number = r"\d+(?:\.\d+)?(?:e-?\d+)?"
    said, found = (re.sub(rf"{number} s\b|gap {number}", "~", line) for line in (said, found))
    if re.split(number, said) != re.split(number, found):
        return False
    pairs = zip(re.findall(number, said), re.findall(number, found), strict=True)
    return all(abs(float(a) - float(b)) <= 1e-5 * abs(float(a)) for a, b in pairs)


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_commands_print_what_is_shown(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = list(_shown((ROOT / page).read_text(encoding="utf-8")))
    assert len(shown) >= 2
    for command, lines in shown:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            main(shlex.split(command)[1:])
        found = [line for line in out.getvalue().splitlines() if line.strip()]
        for said, really in zip(lines, found, strict=False):
            assert _same(said, really), f"{page}: {command}\n{said}\n{really}"
        assert len(found) >= len(lines), f"{page}: {command}"


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md", "docs/batches.md"])
def test_python_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    for block in blocks:
        if "sklearn" in block:
            pytest.importorskip("skl2onnx")
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(block, page, "exec"), {})


# --- code that is the tests' own ---

_FROM = re.compile(r"<!-- from (\S+): (\w+) -->\n\n?(?:```python\n.*?```\n)?", re.DOTALL)


def _code(path: str, name: str) -> str:
    """The text of a string, a class or a function in a test."""
    text = (ROOT / path).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            assert isinstance(node.value, ast.Constant)
            return str(node.value.value).strip("\n")
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return textwrap.dedent("\n".join(text.splitlines()[first - 1 : node.end_lineno]))
    raise AssertionError(f"{path} has no {name}")


def test_how_to_add_something_is_what_the_tests_add() -> None:
    page = DOCS / "extending.md"
    text = page.read_text(encoding="utf-8")
    wanted = _FROM.sub(lambda m: f"<!-- from {m[1]}: {m[2]} -->\n\n```python\n{_code(m[1], m[2])}\n```\n", text)
    assert len(_FROM.findall(text)) == 8
    if os.environ.get("VERDICT_WRITE"):
        page.write_text(wanted, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == wanted


# --- the reference and the site ---


def test_the_reference_has_every_name_and_every_command() -> None:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    api, commands = reference.api(), reference.commands()
    for name in set(verdict.__all__) - {"__version__"}:
        assert f"\n### {name}\n" in api
    assert "verdict.maxeps(\n    network" in api
    for name in COMMANDS:
        assert f"\n## verdict {name}\n" in commands


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    """Strictly: a reference without a target, a page in no table and a heading out of order are warnings of Sphinx."""
    from sphinx.cmd import build

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        code = build.main(["-q", "-W", "--keep-going", "-d", str(tmp_path / "d"), str(DOCS), str(tmp_path / "site")])
    assert code == 0, said.getvalue()[-2000:]
    site = tmp_path / "site"
    assert "maxeps" in (site / "reference" / "api.html").read_text(encoding="utf-8")
    _links_of_the_site_lead_somewhere(site)
    _pages_open_in_a_browser(site, "index.html", "course.html", "reference/api.html")


def _links_of_the_site_lead_somewhere(site: Path) -> None:
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    anchors = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages.items()}
    for page, text in pages.items():
        for link in re.findall(r'(?:href|src)="([^"]+)"', text):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.exists(), f"{page.name}: {link}"
            assert not parts.fragment or target not in anchors or parts.fragment in anchors[target], f"{page}: {link}"


def _pages_open_in_a_browser(site: Path, *names: str) -> None:
    """Where this machine has one: with nothing on the console, nothing fetched from elsewhere, and every picture."""
    path = browser.found()
    if path is None:
        return
    with browser.browser(path) as shown:
        for name in names:
            shown.open(site / name)
            assert shown.run("document.querySelector('h1').textContent.length") > 0
            assert shown.run("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        asked = [said["request"]["url"] for said in shown.named("Network.requestWillBeSent")]
        assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
        assert shown.named("Runtime.exceptionThrown", "Log.entryAdded", "Network.loadingFailed") == []
