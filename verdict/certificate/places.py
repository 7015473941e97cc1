"""Where a certificate and what is kept beside it are written, and what they may replace there.

A certificate replaces nothing but another one. The network FILE.onnx and the query FILE.vnnlib beside it replace only
those of the certificate that goes with them, told by the hashes that it holds.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..base.writing import Place, is_sealed_model, same, sealed_place

# Bytes of a manifest, and of a file beside a certificate, that are looked at.
MOST_MANIFEST, MOST_BESIDE = 2**26, 2**31
PACKED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED


def prepare(path: str | Path, *, query: bool = False, network: bool = False, float32: bool = False) -> Path:
    """The path, if a certificate can be written there, and with it what may have to stand beside it: the query, the
    network, the certificate for float32. Raises InputError, so that an impossible one does not cost a search."""
    path = Path(path)
    certificate_place(path).check()
    if query:
        query_place(path).check()
    if network:
        network_place(path).check()
    if float32:
        certificate_place(float32_path(path)).check()
    return path


def float32_path(path: Path) -> Path:
    """Where the certificate for float32 is written: `NAME-float32.vcert` for `NAME.vcert`."""
    return path.with_name(f"{path.stem}-float32{path.suffix}")


def certificate_place(path: Path) -> Place:
    return Place(path, "certificate", lambda there: manifest(there) is not None, "a certificate")


def query_place(path: Path, data: bytes | None = None) -> Place:
    """Where the query is kept that a certificate is about; `data` is what will be written there.

    One that Verdict has made, and nobody changed, may be left from a certificate that another one has replaced.
    """
    place = _beside(path, ".vnnlib", "property", "the query", data)
    made = sealed_place(place.path)
    return replace(place, replaces=lambda there: place.replaces(there) or made.replaces(there))


def network_place(path: Path, data: bytes | None = None) -> Place:
    """Where the network is kept, if it is no file as it is; as for the query one that Verdict made may lie there."""
    place = _beside(path, ".onnx", "model", "the network", data)
    return replace(place, replaces=lambda there: place.replaces(there) or is_sealed_model(there))


def _beside(path: Path, suffix: str, member: str, what: str, data: bytes | None) -> Place:
    def replaces(there: Path) -> bool:
        if data is not None and same(data)(there):
            return True
        found = manifest(certificate_place(path).target)
        if found is None or there.stat().st_size > MOST_BESIDE:
            return False
        digest = hashlib.sha256()
        with there.open("rb") as stream:
            while piece := stream.read(2**20):
                digest.update(piece)
        return bool(found.get(member) == digest.hexdigest())

    return Place(path.with_name(path.name + suffix), "certificate:", replaces, f"{what} of the certificate beside it")


def is_file(path: Path, data: bytes) -> bool:
    """Whether a path holds these very bytes."""
    try:
        return path.is_file() and same(data)(path)
    except (OSError, ValueError):
        return False


def manifest(path: Path) -> dict[str, Any] | None:
    """The manifest of the certificate in a file; None if there is no certificate in it, or no file."""
    try:
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo("manifest.json")
            if member.file_size > MOST_MANIFEST or member.compress_type not in PACKED:
                return None
            found = json.loads(archive.read(member))
    except (OSError, EOFError, KeyError, ValueError, RuntimeError, RecursionError, struct.error, zipfile.BadZipFile,
            zlib.error):
        return None
    return found if isinstance(found, dict) and found.get("format") == "vcert" else None
