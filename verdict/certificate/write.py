"""Writing a certificate: the claim, the hashes of the files it is about, and the proof's parts, in one zip.

The format is described in docs/certificate.md. Arrays are written one at a time, some leaves of a large one at once,
and the clock is asked in between; the file appears under its name only when it is complete.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import zipfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..base.assumed import assumed
from ..base.deadline import checkpoint
from ..base.errors import InputError
from ..base.writing import temporary
from ..checker.readers.archive import MOST_BYTES
from ..checker.readers.onnx import WHOLE, View
from .members import NODE, Group, Member, bounds_members
from .nodes import ANEW
from .proof import Part
from .shelf import Rows
from .subject import Subject

VERSION = 2

Ends = Sequence[Fraction | None] | Fraction | None


def unsat_claim() -> dict[str, Any]:
    """The claim that a VNN-LIB query has no solution."""
    return {"kind": "unsat"}


def robust_claim(
    center: Sequence[Fraction],
    eps: Fraction,
    label: int,
    target: int | None = None,
    ends: tuple[Ends, Ends] = (None, None),
    norm: str = "linf",
) -> dict[str, Any]:
    """The claim that `label` (against `target` alone, if given) wins everywhere within `eps` of `center` in the `norm`
    linf, l1 or l2, each input kept between the `ends`, low and high. Disjunct j is the j-th rival class."""
    return {
        "kind": "robust",
        "input": [str(Fraction(v)) for v in center],
        "eps": str(Fraction(eps)),
        "norm": norm,
        "label": label,
        "target": target,
        "low": _ends(ends[0]),
        "high": _ends(ends[1]),
    }


def radius_claim(robust: dict[str, Any], upper: Fraction | None = None, is_open: bool = False) -> dict[str, Any]:
    """The lower end of a radius is a robust claim at it (`is_open`: at every radius below it); the upper end, if any,
    is proved by a witness."""
    return {**robust, "kind": "radius", "open": is_open, "upper": None if upper is None else str(Fraction(upper))}


def _ends(value: Ends) -> Any:
    if value is None or isinstance(value, Fraction | int):
        return None if value is None else str(Fraction(value))
    return [None if v is None else str(Fraction(v)) for v in value]


def write_certificate(
    path: str | Path,
    claim: dict[str, Any],
    model: Subject | bytes,
    parts: Sequence[Part],
    *,
    query: bytes | None = None,
    witness: Sequence[Fraction] | None = None,
) -> Path:
    """Write the proof of `claim` about the files `model` (or its bytes) and `query` (its bytes). Returns the path.

    It says what is assumed of functions (`base.assumed`).
    Raises InputError if it cannot be written.
    """
    path = Path(path)
    data, view = (model, WHOLE) if isinstance(model, bytes) else (model.data, model.view)
    manifest = {
        "format": "vcert",
        "version": VERSION,
        "splits": "thresholds",
        "producer": "verdict",
        "model": hashlib.sha256(data).hexdigest(),
        "property": None if query is None else hashlib.sha256(query).hexdigest(),
        **_looked_at(view),
        **({} if assumed() is None else {"assumed": {"ulp": str(assumed())}}),
        "claim": claim,
        "parts": [_described(part) for part in parts],
    }
    try:
        with temporary(path.parent) as unfinished:
            with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
                _put_parts(archive, parts)
                if witness is not None:
                    archive.writestr("witness.json", json.dumps({"point": [str(Fraction(v)) for v in witness]}))
                archive.writestr("manifest.json", json.dumps(manifest))
            os.replace(unfinished, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def _looked_at(view: View) -> dict[str, Any]:
    """The members of the manifest for a view, without those that say nothing."""
    shapes = {name: list(shape) for name, shape in view.shapes.items()}
    found = {"output": view.output, "shapes": shapes or None}
    return {name: value for name, value in found.items() if value is not None}


def _put_parts(archive: zipfile.ZipFile, parts: Sequence[Part]) -> None:
    members, nodes = _Members(archive), Rows()
    for p, part in enumerate(parts):
        if part.lines is not None:
            members.put(f"p{p}.lines", np.asarray(part.lines, np.float32))
        for name, values in zip(("groups", "edges"), part.joint or (), strict=False):
            members.put(f"p{p}.{name}", np.asarray(values, np.uint32))
        for number, lemma in enumerate(part.lemmas):
            prefix = f"p{p}.l{number}"
            members.put(f"{prefix}.neuron", np.array(lemma.neurons, np.uint32))
            members.put(f"{prefix}.side", np.array(lemma.sides, np.int8))
            _Trees(members, prefix, nodes).put(prefix, Group(lemma.trees))
        for number, goal in enumerate(part.goals):
            prefix = f"p{p}.g{number}"
            _Trees(members, prefix, nodes).put(prefix, Group([goal.tree]))
    members.stream("tree", Member(NODE, (len(nodes),), nodes.parts(2**18)))


def _described(part: Part) -> dict[str, Any]:
    return {
        "bounds": "leaf" if part.at_leaves else "both" if part.again else "root",
        "lemmas": [{"layer": lemma.layer} for lemma in part.lemmas],
        "goals": [{"disjuncts": [int(d) for d in goal.disjuncts]} for goal in part.goals],
    }


class _Members:
    """The arrays of a certificate on their way into its zip."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive, self._size = archive, 0

    def put(self, name: str, values: Any) -> None:
        self.stream(name, Member.whole(values))

    def stream(self, name: str, member: Member) -> None:
        """Raises InputError where a reader would refuse the whole, and OutOfTime."""
        self._size += math.prod(member.shape) * member.dtype.itemsize
        if self._size > MOST_BYTES:
            raise InputError(f"the proof takes more than {MOST_BYTES} bytes, and no checker reads as many")
        with self.archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
            about = {"descr": np.lib.format.dtype_to_descr(member.dtype), "fortran_order": False, "shape": member.shape}
            np.lib.format.write_array_header_1_0(stream, about)
            for part in member.parts:
                checkpoint()
                stream.write(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)


class _Trees:
    """One group of trees and what hangs in them, whose arrays go to `members` and whose nodes to `nodes`; bounds found
    anew are numbered through."""

    def __init__(self, members: _Members, whole: str, nodes: Rows) -> None:
        self._members, self._whole, self._nodes, self._count = members, whole, nodes, 0

    def put(self, prefix: str, group: Group) -> None:
        for name, member in group.members():
            self._members.stream(f"{prefix}.{name}", member)
        rational = group.rationals()
        if rational:
            self._members.archive.writestr(f"{prefix}.rational.json", json.dumps(rational))
        for found, anew in group.nodes():
            self._nodes.append(found)
            if anew is not None:
                self._anew(group, anew)

    def _anew(self, group: Group, node: int) -> None:
        (bounds, tree), path = group.anew(node), group.path(node)
        own = f"{self._whole}.b{self._count}"
        self._nodes.append(np.array([(ANEW, self._count, 0.0)], NODE))
        self._count += 1
        self._members.put(f"{own}.layers", np.array([bound.layer for bound in bounds], np.uint32))
        for at, bound in enumerate(bounds):
            for name, values in bounds_members(bound, path).items():
                self._members.put(f"{own}.l{at}.{name}", values)
        self.put(own, Group([tree], path))
