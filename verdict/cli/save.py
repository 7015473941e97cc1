"""`--save DIR`: the witness as an array that `--input` reads again, and as pictures where it is an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from verdict.answer.results import Witness
from verdict.base.writing import Place, begins
from verdict.cli.inputs import Point, file_name
from verdict.cli.printing import note
from verdict.network.network import Network

# Pictures are enlarged until their longer side has about this many pixels.
SIDE = 256


def places(folder: Path, point: Point) -> dict[str, Place]:
    """Where what is saved about an input goes; each file replaces nothing but one of its kind."""
    name = file_name(point)
    starts = {"witness.npy": b"\x93NUMPY"}
    if point.image is not None:
        starts |= dict.fromkeys(("original.png", "witness.png", "difference.png"), b"\x89PNG\r\n\x1a\n")
    return {
        kind: Place(folder / f"{name}-{kind}", "--save", begins(start), f"a {kind.rpartition('.')[2]} file")
        for kind, start in starts.items()
    }


def save_witness(folder: Path, network: Network, point: Point, witness: Witness) -> list[str]:
    """Write `NAME-witness.npy` in the network's shape and type and, for an image, `NAME-original.png`,
    `NAME-witness.png` and `NAME-difference.png`; returns the paths."""
    values = witness.array() if witness.input is None else witness.input
    array = values
    if len(network.inputs) == 1:
        array = values.astype(network.inputs[0].dtype).reshape(network.inputs[0].shape)
    found = places(folder, point)
    with found["witness.npy"].filled() as part, part.open("wb") as stream:
        np.save(stream, array)
    saved = [found["witness.npy"].path]
    if point.image is not None:
        try:
            import PIL  # noqa: F401
        except ImportError:
            note("note: the pictures need Pillow: pip install pillow")
        else:
            saved += _pictures(found, point, values)
    return [str(path) for path in saved]


def _pictures(found: dict[str, Place], point: Point, witness: npt.NDArray[np.float64]) -> list[Path]:
    shape = point.image or ()
    original = np.asarray(point.values, dtype=np.float64).reshape(shape)
    witness = witness.reshape(shape)
    # One scale for both images: [0, 1] where the values allow it.
    low, high = min(0.0, original.min(), witness.min()), max(1.0, original.max(), witness.max())
    change = witness - original
    # Mid-grey is no change, black and white the largest decrease and increase.
    largest = np.abs(change).max() or 1.0
    pictures = {
        "original": (original - low) / (high - low),
        "witness": (witness - low) / (high - low),
        "difference": (change / largest + 1) / 2,
    }
    paths = []
    for kind, picture in pictures.items():
        place = found[f"{kind}.png"]
        with place.filled() as part:
            _write(part, picture)
        paths.append(place.path)
    return paths


def _write(path: Path, picture: npt.NDArray[Any]) -> None:
    from PIL import Image

    pixels = np.rint(picture * 255).astype(np.uint8)
    if pixels.ndim == 3 and pixels.shape[-1] != 3:
        pixels = pixels.transpose(1, 2, 0)
    zoom = max(1, SIDE // max(pixels.shape[:2]))
    Image.fromarray(np.repeat(np.repeat(pixels, zoom, axis=0), zoom, axis=1)).save(path, format="PNG")
