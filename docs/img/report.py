"""The picture of a report in the README, from a real run: python docs/img/report.py (needs Chromium and Jinja2)."""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))
from support import browser  # noqa: E402

import verdict  # noqa: E402
from verdict.models import data  # noqa: E402

SIZE = {"width": 1100, "height": 1400}


def main() -> None:
    path = browser.found()
    if path is None:
        raise SystemExit("there is no Chromium here")
    X, y = data("digits").load()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for model in ("digits-mlp", "digits-mlp-robust"):
            verdict.radii(model, X[:20], y[:20], range=(0, 1), timeout=20, store=folder / "a.db", workers=2)
        verdict.write_report(folder / "a.db", folder / "a.html", title="Two networks that read digits")
        with browser.browser(path) as page:
            page.call("Emulation.setDeviceMetricsOverride", **SIZE, deviceScaleFactor=1, mobile=False)
            page.open(folder / "a.html")
            page.call("Emulation.setScrollbarsHidden", hidden=True)
            # What there is no room for in a picture.
            page.run("""[...document.querySelectorAll('.charts figure')].slice(2).forEach(f => f.remove());
                for (const id of ['accuracy', 'comparison']) {
                  const table = at(id);
                  for (let e = table.previousElementSibling; ; e = table.previousElementSibling) {
                    const last = e.tagName === 'H2'; e.remove(); if (last) break;
                  }
                  table.remove();
                }
                document.querySelectorAll('#cases tr.case')[3].click()""")
            shot = page.call("Page.captureScreenshot", format="png")
    image = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    image.quantize(64).save(HERE / "report.png", optimize=True)


if __name__ == "__main__":
    main()
