"""Damaged certificates: from one bit of the file to changes that keep every checksum right."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Members = dict[str, bytes]


def members(data: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Members) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return stream.getvalue()


def array(data: bytes) -> Any:
    return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False).copy()


def stored(values: Any) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values, version=(1, 0), allow_pickle=False)
    return stream.getvalue()


def with_arrays(certificate: Path, target: Path, chosen: Callable[[str], bool], change: Callable[[Any], Any]) -> None:
    """Write the certificate to `target` with other numbers in the members that are chosen by name."""
    parts = members(certificate.read_bytes())
    parts |= {name: stored(np.ascontiguousarray(change(array(parts[name])))) for name in parts if chosen(name)}
    target.write_bytes(packed(parts))


def _file_bit(parts: Members, rng: np.random.Generator) -> bytes:
    data = bytearray(packed(parts))
    data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _member_bit(parts: Members, rng: np.random.Generator) -> bytes:
    """One bit inside a member, the checksum made right again."""
    name = str(rng.choice(sorted(parts)))
    data = bytearray(parts[name])
    if data:
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    return packed({**parts, name: bytes(data)})


def _cut(parts: Members, rng: np.random.Generator) -> bytes:
    data = packed(parts)
    return data[: rng.integers(len(data))]


def _without(parts: Members, rng: np.random.Generator) -> bytes:
    name = str(rng.choice(sorted(parts)))
    return packed({k: v for k, v in parts.items() if k != name})


def _tree(change: Callable[[Any, np.random.Generator], Any]) -> Callable[[Members, np.random.Generator], bytes]:
    def mutate(parts: Members, rng: np.random.Generator) -> bytes:
        return packed({**parts, "tree.npy": stored(change(array(parts["tree.npy"]), rng))})

    return mutate


def _subtree(nodes: Any, start: int) -> int:
    """Where the subtree that starts at `start` ends."""
    open_, at = 1, start
    while open_ and at < len(nodes):
        open_ += 1 if nodes["kind"][at] in (1, 2) else -1
        at += 1
    return at


def _dropped_child(nodes: Any, rng: np.random.Generator) -> Any:
    start = int(rng.integers(len(nodes)))
    return np.delete(nodes, slice(start, _subtree(nodes, start)))


def _siblings(nodes: Any, rng: np.random.Generator) -> Any:
    splits = np.flatnonzero(nodes["kind"] > 0)
    if not len(splits):
        return nodes
    first = int(rng.choice(splits)) + 1
    middle = _subtree(nodes, first)
    end = _subtree(nodes, middle)
    return np.concatenate([nodes[:first], nodes[middle:end], nodes[first:middle], nodes[end:]])


def _leaf_for_split(nodes: Any, rng: np.random.Generator) -> Any:
    """A subtree that is never visited: its root is called a leaf."""
    splits = np.flatnonzero(nodes["kind"] > 0)
    if not len(splits):
        return nodes
    start = int(rng.choice(splits))
    leaf = np.zeros(1, nodes.dtype)
    return np.concatenate([nodes[:start], leaf, nodes[_subtree(nodes, start) :]])


def _threshold(nodes: Any, rng: np.random.Generator) -> Any:
    at = int(rng.integers(len(nodes)))
    nodes["value"][at] = rng.choice([np.nan, np.inf, -np.inf, 1e300, -1.0, rng.standard_normal()])
    return nodes


def _variable(nodes: Any, rng: np.random.Generator) -> Any:
    at = int(rng.integers(len(nodes)))
    nodes["variable"][at] = rng.choice([0, 1, 2, 3, 7, 2**31, 2**32 - 1])
    nodes["kind"][at] = rng.choice([nodes["kind"][at], 0, 1, 2, 3, 255])
    return nodes


def _extra(nodes: Any, rng: np.random.Generator) -> Any:
    at = int(rng.integers(len(nodes) + 1))
    return np.insert(nodes, at, nodes[int(rng.integers(len(nodes)))])


def _numbers(parts: Members, rng: np.random.Generator) -> bytes:
    """NaN, infinities, negative and huge numbers among the multipliers, neurons and sides."""
    names = [n for n in parts if n.endswith(".npy") and n != "tree.npy"]
    if not names:
        return _member_bit(parts, rng)
    name = str(rng.choice(sorted(names)))
    values = array(parts[name])
    if values.size:
        at = tuple(int(rng.integers(n)) for n in values.shape)
        if values.dtype.kind == "f":
            values[at] = rng.choice([np.nan, np.inf, -np.inf, -1.0, 1e30, 0.0])
        else:
            values[at] = rng.integers(np.iinfo(values.dtype).min, np.iinfo(values.dtype).max, endpoint=True)
    return packed({**parts, name: stored(values)})


def _shape(parts: Members, rng: np.random.Generator) -> bytes:
    names = sorted(n for n in parts if n.endswith(".npy"))
    name = str(rng.choice(names))
    values = array(parts[name])
    change = [lambda a: a[:-1], lambda a: a[None], lambda a: np.concatenate([a, a]), lambda a: a[::-1].copy(),
              lambda a: a.astype(np.float16) if a.dtype.kind in "fiu" else a][int(rng.integers(5))]
    with np.errstate(over="ignore"):
        return packed({**parts, name: stored(change(values))})


def _swapped(parts: Members, rng: np.random.Generator) -> bytes:
    """The contents of two members exchanged: multipliers, lemmas of other layers and groups."""
    first, second = (str(n) for n in rng.choice(sorted(parts), 2))
    return packed({**parts, first: parts[second], second: parts[first]})


def _manifest(parts: Members, rng: np.random.Generator) -> bytes:
    manifest = json.loads(parts["manifest.json"])
    part = manifest["parts"][0]
    choice = int(rng.integers(9))
    if choice == 0:
        manifest["model"] = manifest["model"][::-1]
    elif choice == 1:
        part["bounds"] = {"leaf": "root", "root": "both", "both": "leaf"}[part["bounds"]]
    elif choice == 2:
        part["goals"] = part["goals"][1:]
    elif choice == 3:
        part["goals"][0]["disjuncts"] = [int(v) for v in rng.integers(-1, 12, int(rng.integers(0, 4)))]
    elif choice == 4:
        part["lemmas"] = [{"layer": int(rng.integers(-1, 4))} for _ in range(int(rng.integers(0, 4)))]
    elif choice == 5:
        manifest["version"] = int(rng.integers(0, 4))
    elif choice == 6:
        manifest["parts"] = manifest["parts"] * int(rng.integers(0, 3))
    elif choice == 7:
        manifest[str(rng.choice(["claim", "parts", "extra", "property"]))] = [None, 3, "x", [], {}][rng.integers(5)]
    else:
        rng.shuffle(part["goals"])
    return packed({**parts, "manifest.json": json.dumps(manifest).encode()})


KINDS: dict[str, Callable[[Members, np.random.Generator], bytes]] = {
    "a bit of the file": _file_bit,
    "a bit of a member": _member_bit,
    "a truncated file": _cut,
    "a missing member": _without,
    "a dropped child": _tree(_dropped_child),
    "swapped siblings": _tree(_siblings),
    "an unvisited subtree": _tree(_leaf_for_split),
    "a threshold": _tree(_threshold),
    "a variable or kind": _tree(_variable),
    "an extra node": _tree(_extra),
    "a number": _numbers,
    "a shape or type": _shape,
    "exchanged members": _swapped,
    "the manifest": _manifest,
}
