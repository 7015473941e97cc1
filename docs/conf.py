"""The site: Sphinx reads these Markdown pages as they are, with the reference made of the code beside them.

    pip install '.[docs]'
    sphinx-build -W docs site
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import reference  # noqa: E402

import verdict  # noqa: E402

project, author, release = "Verdict", "The Verdict authors", verdict.__version__
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["img/make.py"]
html_theme, html_title, html_show_copyright = "furo", f"Verdict {release}", False
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
# Code is shown in the language that its fence says; an indented block is what a terminal shows.
highlight_language = "none"
# Pages outside of docs/ that the site has too.
ROOT_PAGES = {"PERFORMANCE.md", "CHANGELOG.md", "CONTRIBUTING.md", "models/README.md"}


def _linked(text: str, folder: Path) -> str:
    """The text of a page that stands in `folder`, with links to pages outside of docs/ led to their copies."""

    def led(match: re.Match[str]) -> str:
        path, anchor = match[1], match[2] or ""
        target = (folder / path).resolve()
        name = target.relative_to(HERE.parent).as_posix() if target.is_relative_to(HERE.parent) else ""
        if name in ROOT_PAGES:
            return f"](/project/{name.replace('/', '-')}{anchor})"
        if target.is_relative_to(HERE):
            return f"](/{target.relative_to(HERE).as_posix()}{anchor})"
        return match[0]

    return re.sub(r"\]\((?!https?:|#|/|mailto:)([^)#\s]+)(#[^)]*)?\)", led, text)


def _generated(app: Any) -> None:
    reference.write(HERE / "reference")
    folder = HERE / "project"
    folder.mkdir(exist_ok=True)
    for name in sorted(ROOT_PAGES):
        source = HERE.parent / name
        text = _linked(source.read_text(encoding="utf-8"), source.parent)
        (folder / name.replace("/", "-")).write_text(text, encoding="utf-8")


def _read(app: Any, name: str, source: list[str]) -> None:
    if not name.startswith(("project/", "reference/")):
        source[0] = _linked(source[0], (HERE / name).parent)


def setup(app: Any) -> None:
    app.connect("builder-inited", _generated)
    app.connect("source-read", _read)
