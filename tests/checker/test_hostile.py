"""Files made to break the reader: refused with one error, within bounded memory and time."""

import json
import subprocess
import sys
import time
import zipfile
from fractions import Fraction

import numpy as np
import pytest
from support.certified import robust
from support.mutants import array, members, packed, stored

from verdict.checker import UnreadableError, check


@pytest.fixture
def good(tmp_path):
    found = robust("xor", [Fraction(1, 8), Fraction(7, 8)], Fraction(15, 128), tmp_path, "boxes")
    return found, members(found.path.read_bytes()), tmp_path / "bad.vcert"


def _refused(good, target):
    started = time.monotonic()
    with pytest.raises(UnreadableError) as caught:
        check(target, good[0].model)
    assert time.monotonic() - started < 25
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _with(good, **changes):
    _, parts, target = good
    target.write_bytes(packed({**parts, **{k.replace("__", "."): v for k, v in changes.items()}}))
    return _refused(good, target)


def _header(text, data=b""):
    text = text.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


TREE = "[('kind', '|u1'), ('variable', '<u4'), ('value', '<f8')]"


@pytest.mark.parametrize(
    "tree",
    [
        _header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"cos\nsystem\n(S'true'\ntR."),
        _header(f"{{'descr': {TREE}, 'fortran_order': False, 'shape': (9999999999999999999999,), }}"),
        _header(f"{{'descr': {TREE}, 'fortran_order': False, 'shape': (-1,), }}"),
        _header(f"{{'descr': {TREE}, 'fortran_order': True, 'shape': (1,), }}", bytes(13)),
        _header(f"{{'descr': {TREE}, 'fortran_order': False, 'shape': (1, 1), }}", bytes(13)),
        _header(f"{{'descr': {TREE}, 'fortran_order': False, 'shape': (1), }}".replace("(1)", "(" * 90), bytes(13)),
        _header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", bytes(8)),
        _header("__import__('os').abort()"),
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"",
    ],
)
def test_arrays(good, tree):
    _with(good, tree__npy=tree)


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"format": "vcert", "version": NaN}', b"null", b"1e999",
     b'{"format": "vcert", "version": true}', b'{"format": "vcert", "version": 3}'],
)
def test_manifests(good, text):
    _with(good, manifest__json=text)


@pytest.mark.parametrize("value", [None, 3, "x", [], [None], [3], [[]], {"a": 1}])
@pytest.mark.parametrize("name", ["parts", "claim", "goals", "lemmas", "disjuncts"])
def test_other_things_in_the_manifest(good, name, value):
    """Everywhere where an object or a list is expected; a wrong tree is a rejection, all else unreadable."""
    found, parts, target = good
    manifest = json.loads(parts["manifest.json"])
    part = manifest["parts"][0]
    {"goals": part, "lemmas": part, "disjuncts": part["goals"][0]}.get(name, manifest)[name] = value
    target.write_bytes(packed({**parts, "manifest.json": json.dumps(manifest).encode()}))
    if (name, value) == ("lemmas", []):
        assert check(target, found.model).accepted
    elif (name, value) == ("parts", []):
        assert not check(target, found.model).accepted
    else:
        _refused(good, target)


def test_a_goal_about_one_disjunct_a_million_times(good):
    _found, parts, _target = good
    manifest = json.loads(parts["manifest.json"])
    manifest["parts"][0]["goals"][0]["disjuncts"] = [0] * 10**6
    assert "more disjuncts than the claim" in _with(good, manifest__json=json.dumps(manifest).encode())


def test_an_empty_array_of_absurd_shape(good):
    header = "{{'descr': '<f8', 'fortran_order': False, 'shape': ({}, 0), }}"
    for rows in (10**18, 10**40):
        _with(good, p0__g0__lambda__npy=_header(header.format(rows)))


@pytest.mark.parametrize("value", ["1/0", "0x10", "nan", "1.5", 0.5, None, "1" * 5000, "1/2/3", "", " 1"])
def test_rationals(good, value):
    manifest = json.loads(good[1]["manifest.json"])
    manifest["claim"]["eps"] = value
    _with(good, manifest__json=json.dumps(manifest).encode())


def test_a_zip_bomb(good):
    _, parts, target = good
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
        with archive.open("bomb.npy", "w", force_zip64=True) as stream:
            for _ in range(17):
                stream.write(bytes(2**26))
    assert "unpacks to more than" in _refused(good, target)


def test_a_member_that_lies_about_its_size(good):
    """The directory promises a few bytes, the stream holds many: no more than promised is ever read."""
    _, parts, target = good
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data if name != "tree.npy" else bytes(2**24))
    data = bytearray(target.read_bytes())
    at = data.rfind((2**24).to_bytes(4, "little"))
    data[at : at + 4] = (200).to_bytes(4, "little")
    target.write_bytes(data)
    _refused(good, target)


def test_members_that_nobody_knows_or_twice(good):
    assert "unknown members" in _with(good, surprise__txt=b"x")
    _, parts, target = good
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("tree.npy", parts["tree.npy"])
    assert "twice" in _refused(good, target)


def test_a_tree_as_deep_as_the_file_is_long(good):
    """A path of a million splits of ever smaller boxes is cut off, not followed."""
    found, parts, target = good
    nodes = np.zeros(10**6, array(parts["tree.npy"]).dtype)
    nodes["kind"] = 1
    nodes["value"] = 0.0078125
    target.write_bytes(packed({**parts, "tree.npy": stored(nodes)}))
    started = time.monotonic()
    report = check(target, found.model)
    assert not report.accepted
    assert time.monotonic() - started < 60


def test_memory_is_bounded(good):
    """Checking a hostile file takes hardly more than checking a good one, measured in a process of its own."""
    found, parts, target = good
    nodes = np.zeros(10**7, array(parts["tree.npy"]).dtype)
    nodes["kind"] = np.tile([1, 0], 5 * 10**6)
    target.write_bytes(packed({**parts, "tree.npy": stored(nodes)}))
    code = (
        # getrusage would count what the parent had before the fork.
        "import sys; from verdict.checker import check\n"
        "r = check(sys.argv[1], sys.argv[2])\n"
        "print(r.accepted, open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(target), str(found.model)], capture_output=True, text=True,
                          check=True, timeout=60)
    accepted, peak = done.stdout.split()
    assert accepted == "False"
    assert int(peak) < 600_000, "kilobytes"


def test_files_that_are_not_there(good, tmp_path):
    found, _, _ = good
    for arguments in [(tmp_path / "no", found.model), (found.path, tmp_path / "no"), (tmp_path, found.model),
                      (found.path, tmp_path)]:
        with pytest.raises(UnreadableError):
            check(*arguments)
    with pytest.raises(UnreadableError, match="tier"):
        check(found.path, found.model, tier="quick")
