"""An answer as a small page for notebooks: a table, and its witness as images or as the features that moved.

Everything that comes from files is escaped; pictures are in the page, so it stands alone.
"""

from __future__ import annotations

import base64
import html
import io
from typing import Any

import numpy as np

from ..base.visible import visible
from ..network.exact import FloatArray
from .about import About
from .lines import lines, shown_witness, subject

# Features of a table that are shown, and the height of an image in pixels.
FEATURES, HEIGHT = 12, 112
_CELL = "style='text-align:left;vertical-align:top;padding:1px 12px 1px 0'"


def page(answer: Any) -> str:
    """The answer as HTML."""
    about = subject(answer)
    rows = "".join(f"<tr><th {_CELL}>{_text(title)}</th><td {_CELL}>{_text(said)}</td></tr>"
                   for title, said in lines(answer, about))
    found = f"<table><tbody>{rows}</tbody></table>"
    witness = None if about is None else shown_witness(answer, about)
    if about is None or witness is None:
        return found
    return found + (_images(about, witness) if about.image else _features(about, witness))


def _text(text: str) -> str:
    return html.escape(visible(text))


def _images(about: About, witness: FloatArray) -> str:
    """Original, witness and their difference beside each other."""
    cells = "".join(
        f"<figure style='margin:4px 16px 4px 0;display:inline-block'><img alt='{title}' height='{HEIGHT}' "
        f"style='image-rendering:pixelated' src='data:image/png;base64,{picture}'>"
        f"<figcaption>{title}</figcaption></figure>"
        for title, picture in pictures(about, witness)
    )
    return f"<div>{cells}</div>"


def pictures(about: About, witness: FloatArray | None) -> list[tuple[str, str]]:
    """The input, the witness and their difference as PNG files in base64, each with its title."""
    shapes = [about.x.reshape(about.image)]
    if witness is not None:
        shapes += [value.reshape(about.image) for value in (witness, witness - about.x)]
    low, high = min(0.0, float(shapes[0].min())), max(1.0, float(shapes[0].max()))
    found = [("original", _png(_grey(shapes[0], low, high)))]
    if witness is not None:
        far = max(float(np.abs(shapes[2]).max()), 1e-30)
        found.append(("witness", _png(_grey(shapes[1], low, high))))
        found.append((f"difference, at most {far:.4g}", _png(_signed(shapes[2], far))))
    return found


def _grey(image: FloatArray, low: float, high: float) -> FloatArray:
    """Levels in [0, 1], (height, width) or (height, width, 3)."""
    level = np.clip((image - low) / (high - low), 0, 1)
    if level.ndim == 3:
        level = np.moveaxis(level, 0, -1)
        level = level if level.shape[-1] == 3 else level.mean(axis=-1)
    return level


def _signed(image: FloatArray, far: float) -> FloatArray:
    """Red where the witness is darker, blue where it is brighter, white where nothing moved: (height, width, 3)."""
    amount = (image.mean(axis=0) if image.ndim == 3 else image) / far
    up, down = np.clip(amount, 0, 1), np.clip(-amount, 0, 1)
    return np.stack([1 - up, 1 - np.maximum(up, down), 1 - down], axis=-1)


def _png(levels: FloatArray) -> str:
    from PIL import Image

    picture = io.BytesIO()
    Image.fromarray(np.round(levels * 255).astype(np.uint8)).save(picture, "PNG")
    return base64.b64encode(picture.getvalue()).decode("ascii")


def _features(about: About, witness: FloatArray) -> str:
    """A table of the features that moved, those that moved farthest first."""
    moved = about.moved(witness)
    head = "".join(f"<th {_CELL}>{title}</th>" for title in ("feature", "input", "witness", "change"))
    rows = "".join(
        f"<tr><td {_CELL}>{_text(about.feature(i))}</td><td {_CELL}>{here:.6g}</td><td {_CELL}>{there:.6g}</td>"
        f"<td {_CELL}>{there - here:+.4g}</td></tr>"
        for i, here, there in moved[:FEATURES]
    )
    rest = len(moved) - FEATURES
    more = f"<p>and {rest} more that moved no farther</p>" if rest > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}"
