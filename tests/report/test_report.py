"""The report: one page that stands alone, in a real browser where this machine has one."""

from __future__ import annotations

import json
import re
import shlex
from fractions import Fraction
from pathlib import Path

import pytest
from support import browser

import verdict
from verdict.cli.main import main
from verdict.models import data
from verdict.report import charts, groups
from verdict.report import page as made
from verdict.store.store import Store

HOSTILE = "</script><img src=x onerror=\"document.title='broken'\">&amp;{{7*7}}\u202e"
SAID = {"range": (0, 1), "progress": False}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("report")
    X, y = data("digits").load()
    paths = (folder / "plain.db", folder / "robust.db")
    for model, path in zip(("digits-mlp", "digits-mlp-robust"), paths, strict=True):
        verdict.certify(model, X[:3], y[:3], eps=["0.02", "0.13"], timeout=10, store=path, certificate=True, **SAID)
        verdict.radii(model, X[3:4], y[3:4], timeout=10, store=path, **SAID)
    with Store(paths[0]) as store:
        # What a file may be called, and a case that has no answer.
        first = next(iter(store))
        asked = {**first.asked, "question": {**first.question, "domain": {"eps": "9"}}}
        failed = first.copied(
            key="f" * 64, name=HOSTILE, status="crashed", reason=HOSTILE, record=None, about=None, asked=asked,
            place=99, truth=None, predicted=None,
        )
        store.add([failed])
    return paths


@pytest.fixture(scope="module")
def page(stores: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    verdict.write_report(stores, path, title=f"Two models {HOSTILE}")
    return path


def test_the_page_stands_alone_and_says_the_numbers(page: Path):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?!data:)[a-z]+:""", text)
    assert "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "")
    assert "<img src=x" not in text
    assert "{{7*7}}" in text
    assert "\u202e" not in text
    rows = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert len(rows) == 15
    assert {row["group"] for row in rows} == {"plain", "robust"}
    shown = [row["shown"] for row in rows if "pictures" in row.get("shown", {})]
    assert any([title.split(",")[0] for title, _ in each["pictures"]] == ["original", "witness", "difference"]
               for each in shown)
    assert all("The submitted model" in each["statement"] for each in shown)
    checks = [row["shown"]["check"] for row in rows if row["certificate"] == "accepted"]
    assert checks
    assert main(shlex.split(checks[0])[1:]) == 0
    assert all(re.fullmatch(r"verdict check \S*digits-mlp(-robust)?\.onnx \S+\.vcert", check) for check in checks)


def test_two_models_are_compared_case_by_case(stores: tuple[Path, Path]):
    rows = {path.stem: list(Store(path)) for path in stores}
    found = groups.groups(rows)
    comparison = groups.compared(found)
    assert comparison is not None
    assert [group.name for group in found] == ["plain", "robust"]
    # Everything but what crashed was asked of both, of different models.
    assert len(comparison.pairs) == 7
    assert sum(sum(numbers) for _, numbers in comparison.table) == 7
    assert "7 cases were asked of both" in comparison.summary
    assert "1 for robust" in comparison.summary
    # One store alone: one group; and in it two engines, or two batches, told apart.
    plain = rows["plain"]
    assert [group.name for group in groups.groups({"a": [r for r in plain if r.kind == "robust"]})] == ["all"]
    assert [g.name for g in groups.groups({"a": plain, "b": []})] == ["maxeps digits-mlp", "robust digits-mlp"]
    other = [row.copied(asked={**row.asked, "options": {"engine": "bab"}}) for row in plain]
    assert [g.name for g in groups.groups({"a": [*plain, *other]})] == ["engine auto", "engine bab"]


def test_a_page_of_very_many_cases_stays_small(stores: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("verdict.report.cases.MOST", 4000)
    with Store(stores[0]) as store:
        text = made.page(groups.groups({"a": list(store)}), {}, "t")
    assert re.search(r"\d cases have no details here", text)


def test_flat_inputs_are_shown_as_images_where_that_is_wanted(tmp_path: Path):
    model = pytest.importorskip("sklearn.linear_model").LogisticRegression()
    X, y = data("digits").load()
    model.fit(X[:200].reshape(200, -1), y[:200])
    verdict.certify(model, X[:1].reshape(1, -1), y[:1], eps="0.5", store=tmp_path / "a.db", **SAID)
    verdict.write_report(tmp_path / "a.db", tmp_path / "a.html")
    assert '"features"' in (tmp_path / "a.html").read_text()
    verdict.write_report(tmp_path / "a.db", tmp_path / "a.html", image=(8, 8))
    assert '"pictures"' in (tmp_path / "a.html").read_text()
    for image in ((8,), (0, 8), (2, 4, 8)):
        with pytest.raises(verdict.InputError, match="image is"):
            verdict.write_report(tmp_path / "a.db", tmp_path / "a.html", image=image)


def test_other_files_are_not_replaced(stores: tuple[Path, Path], page: Path, tmp_path: Path):
    verdict.write_report(stores[0], page.with_name("again.html"))
    verdict.write_report(stores[0], page.with_name("again.html"))
    (tmp_path / "mine.html").write_text("<html>mine")
    with pytest.raises(verdict.InputError, match="another file"):
        verdict.write_report(stores[0], tmp_path / "mine.html")
    Store(tmp_path / "empty.db", create=True).close()
    with pytest.raises(verdict.InputError, match="holds no answers"):
        verdict.write_report(tmp_path / "empty.db", tmp_path / "a.html")


@pytest.mark.parametrize(("low", "high", "expected"), [
    (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0, 0.035, [0, 0.01, 0.02, 0.03]), (2, 2, [2]), (0, 7, [0, 2, 4, 6]),
])
def test_ticks_are_round(low: float, high: float, expected: list[float]):
    assert charts.ticks(low, high) == expected


def test_a_curve_falls_where_a_radius_ends():
    radii = [0.1, 0.3]
    corners = charts.steps(radii, 0.5, lambda eps: sum(r > eps for r in radii) / 2)
    assert corners == [(0.0, 1.0), (0.1, 1.0), (0.1, 0.5), (0.3, 0.5), (0.3, 0.0), (0.5, 0.0)]
    assert Fraction(1, 2) == corners[2][1]


def test_the_page_works_in_a_real_browser(page: Path):
    path = browser.found()
    if path is None:
        pytest.skip(f"there is no browser on this machine: none of {', '.join(browser.NAMES)}, nor VERDICT_BROWSER")
    with browser.browser(path) as shown:
        shown.open(page)
        assert shown.run("document.title") == f"Two models {HOSTILE[:-1]}\\u202e"
        count = "document.querySelectorAll('#cases tbody tr.case').length"
        assert shown.run(count) == 15
        assert shown.run("document.querySelectorAll('.charts svg').length") == 4
        # Sorted by a number, both ways, with what has none at the end.
        column = "[...document.querySelectorAll('#cases th')].findIndex(h => h.textContent === 'seconds')"
        cells = f"[...document.querySelectorAll('#cases tr.case')].map(r => Number(r.cells[{column}].textContent))"
        click = f"document.querySelectorAll('#cases th button')[{column}].click()"
        shown.run(click)
        first = shown.run(cells)
        assert first == sorted(first)
        shown.run(click)
        assert shown.run(cells) == first[::-1]
        # Filtered by a state, and by words.
        shown.run("at('state').value = 'refuted'; at('state').dispatchEvent(new Event('input'))")
        refuted = shown.run(count)
        assert 0 < refuted < 15
        assert shown.run("at('count').textContent") == f"{refuted} of 15"
        shown.run("at('state').value = ''; at('find').value = 'onerror'; at('find').dispatchEvent(new Event('input'))")
        assert shown.run(count) == 1
        # The hostile name is text.
        assert shown.run("document.querySelector('#cases tr.case').innerText").count("<img src=x onerror=") == 1
        shown.run("at('find').value = 'violated'; at('find').dispatchEvent(new Event('input'));"
                  "document.querySelector('#cases tr.case').click()")
        assert shown.run("[...document.querySelectorAll('.detail img')].every(i => i.complete && i.naturalWidth === 8)")
        assert shown.run("document.querySelectorAll('.detail img').length") == 3
        assert "known to break" in shown.run("document.querySelector('.detail pre').textContent")
        # Nothing was fetched, and nothing went wrong.
        asked = [said["request"]["url"] for said in shown.named("Network.requestWillBeSent")]
        assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
        assert [url for url in asked if url.startswith("file")] == [page.as_uri()]
        assert shown.named("Runtime.exceptionThrown", "Log.entryAdded") == []
