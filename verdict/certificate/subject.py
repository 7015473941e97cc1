"""The file that a certificate is about: the network's own wherever the checker can read it.

Of a file with several outputs, or with axes of no size, the manifest says what is looked at (`view`). What the checker
does not read as it is may still be read with its constants computed; then, as for networks that are no file, another
file is written beside the certificate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..base.errors import UnsupportedError, VerdictError
from ..base.writing import sealed_model
from ..checker.readers.onnx import WHOLE, View
from ..network.network import Network
from .neurons import NeuronMap
from .places import is_file


@dataclass(frozen=True, eq=False)
class Subject:
    """The bytes `data` of an ONNX file, which lie in `path` if `is_there`, and what of it is looked at; `note` says how
    it differs from the network's."""

    path: Path
    data: bytes = field(repr=False)
    is_there: bool
    view: View = WHOLE
    note: str = ""


def subject_of(network: Network) -> tuple[Subject, NeuronMap]:
    """What a certificate about the network is about, and its neurons. Raises UnsupportedError where there can be no
    certificate, with the reason that the file as it is gives."""
    first: UnsupportedError | None = None
    for subject in _subjects(network):
        try:
            neurons = NeuronMap(network, subject.data, subject.view)
            note = f"about a file without what the checker does not read: {first}" if subject.note and first else ""
            return replace(subject, note=note), neurons
        except UnsupportedError as error:
            # A view of the file is only tried, and says less than the network's own bytes.
            first = error if first is None and subject.view == WHOLE else first
    raise first or UnsupportedError(f"{network.path}: no certificate")


def _unpacks_to(path: Path, data: bytes) -> bool:
    """Whether the file is these bytes, compressed."""
    from ..ops.importer.model_file import read_model

    try:
        return path.is_file() and read_model(path) == data
    except (OSError, ValueError, VerdictError):
        return False


def _subjects(network: Network) -> Iterator[Subject]:
    from ..ops.importer.own_file import folded, own_file

    own = own_file(network)
    if own is not None and is_file(network.path, own):
        shapes = {port.name: port.shape for port in network.inputs} if network.is_shaped else {}
        yield Subject(network.path, own, True, View(network.chosen or None, shapes))
    is_there = is_file(network.path, network.data)
    # A user's own model keeps its bytes, and with them its hash; what Verdict has composed says so.
    is_own = is_there or network.in_memory or _unpacks_to(network.path, network.data)
    yield Subject(network.path, network.data if is_own else sealed_model(network.data), is_there)
    try:
        plain = folded(network)
    except VerdictError:
        return
    if plain != network.data:
        yield Subject(network.path, sealed_model(plain), False, note="folded")
