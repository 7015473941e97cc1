"""Every member of a certificate's JSON has one type: anything else in its place is unreadable, in one line."""

import json
import os
from fractions import Fraction
from pathlib import Path

import pytest
from support.mutants import members, packed

from verdict.checker import UnreadableError, check
from verdict.checker.network import integers

ROOT = Path(__file__).parents[2]
MODEL, TIE = ROOT / "models/xor.onnx", ROOT / "tests/certificates/accepted/xor-tie.vcert"
OTHERS = [None, True, 0, -1, 1.5, "", "x", "1/2", [], [None], [[]], ["x"], [1], {}, {"a": 1}]


def _places(value, path=()):
    """The path of every value within a JSON value, itself first."""
    yield path
    if isinstance(value, dict | list):
        for key, inside in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(inside, (*path, key))


def _with(value, path, other):
    if not path:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(copy[path[0]], path[1:], other)
    return copy


@pytest.fixture(scope="module")
def tied(tmp_path_factory):
    """A certificate with a radius, a witness and rational leaves."""
    return members(TIE.read_bytes()), tmp_path_factory.mktemp("json") / "bad.vcert"


def _checked(parts, target, name, value):
    target.write_bytes(packed({**parts, name: json.dumps(value).encode()}))
    try:
        return check(target, MODEL).accepted
    except UnreadableError as error:
        return "two lines" if "\n" in str(error) else None


def test_every_member_with_every_other_type(tied):
    parts, target = tied
    names = [n for n in parts if n.endswith(".json")]
    assert len(names) == 3
    for name in names:
        good = json.loads(parts[name])
        assert _checked(parts, target, name, good)
        for path in _places(good):
            value = good
            for key in path:
                value = value[key]
            for other in OTHERS:
                if type(other) is type(value) or (other is None and value is None):
                    continue
                found = _checked(parts, target, name, _with(good, path, other))
                # What may be left out may be null, and a target may be named; nothing else is taken for what it is not.
                assert not found or other is None or (path[-1] == "target" and found is True), (name, path, other)


def test_a_member_that_nobody_knows_or_that_occurs_twice(tied):
    parts, target = tied
    manifest = json.loads(parts["manifest.json"])
    objects = [path for path in _places(manifest) if isinstance(_at(manifest, path), dict)]
    assert len(objects) > 3
    for path in objects:
        extra = {**_at(manifest, path), "surprise": 1}
        with pytest.raises(UnreadableError, match="surprise"):
            _unread(parts, target, json.dumps(_with(manifest, path, extra) if path else extra).encode())
    text = parts["manifest.json"].decode()
    doubled = text.replace('"claim"', '"claim": {"kind": "unsat"}, "claim"', 1)
    with pytest.raises(UnreadableError, match="twice"):
        _unread(parts, target, doubled.encode())


def _at(value, path):
    for key in path:
        value = value[key]
    return value


def _unread(parts, target, manifest):
    target.write_bytes(packed({**parts, "manifest.json": manifest}))
    check(target, MODEL)


def test_numbers_whose_common_denominator_explodes():
    """Coordinates with denominators of thousands of digits are refused, not computed with."""
    with pytest.raises(UnreadableError, match="common denominator"):
        integers([Fraction(1, 10**3999 + k) for k in range(200)])


def test_pipes_devices_and_folders_are_refused(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for bad in (pipe, "/dev/zero", tmp_path):
        for arguments in ((bad, MODEL), (TIE, bad)):
            with pytest.raises(UnreadableError, match="regular"):
                check(*arguments)
