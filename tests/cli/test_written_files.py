"""Every file that a command writes: complete or not there, and in place of nothing but a file of its own kind."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import onnx
import pytest

import verdict
from verdict import models

SAT = (
    "(vnnlib-version <2.0>)(declare-network f (declare-input X float32 [1,2])(declare-output Y float32 [1,2]))"
    "(assert (and (>= X[0,0] 0.0) (<= X[0,0] 1.0) (>= X[0,1] 0.0) (<= X[0,1] 1.0)))"
    "(assert (or (<= Y[0,0] Y[0,1]) (<= Y[0,1] 1.0)))"
)
XOR = ["xor", "--input", "xor#1"]


def _encode(kind: str) -> Callable[[Path], list[object]]:
    return lambda folder: ["encode", folder / "q.vnnlib", "--network", models.model("xor").path, "--to", kind]


def _query(folder: Path) -> None:
    (folder / "q.vnnlib").write_text(SAT)


def _with(words: Callable[[Path], list[object]], option: str, name: str) -> Callable[[Path], list[object]]:
    return lambda folder: [*words(folder), option, folder / "out" / name]


# What writes, and the files that it makes in the folder `out`.
WRITERS = {
    "smt2": (_with(_encode("smt2"), "-o", "m.smt2"), ["m.smt2"]),
    "vnnlib": (_with(_encode("vnnlib"), "-o", "m.vnnlib"), ["m.vnnlib"]),
    "lp": (_with(_encode("lp"), "-o", "m.lp"), ["m-1.lp", "m-2.lp"]),
    "mps": (_with(_encode("mps"), "-o", "m.mps"), ["m-1.mps", "m-2.mps"]),
    "tensors": (
        lambda folder: [
            *("verify", folder / "q.vnnlib", "--network", models.model("xor").path),
            *("--serialise-assignments", folder / "out"),
        ],
        ["X.pb", "Y.pb"],
    ),
    "plot": (_with(lambda _: ["bounds", *XOR, "--eps", "0.1"], "--plot", "b.png"), ["b.png"]),
    "drawing": (_with(lambda _: ["bounds", *XOR, "--eps", "0.1"], "--plot", "b.svg"), ["b.svg"]),
    "page": (_with(lambda _: ["bounds", *XOR, "--eps", "0.1"], "--plot", "b.pdf"), ["b.pdf"]),
    "certificate": (
        _with(lambda _: ["robust", *XOR, "--eps", "0.1"], "--certificate", "c.vcert"),
        ["c.vcert"],
    ),
    "save": (lambda folder: ["maxeps", *XOR, "--save", folder / "out"], ["xor-1-witness.npy"]),
}


def _a_model(path: Path) -> None:
    path.write_bytes(verdict.load("xor").data)


def _a_note(path: Path) -> None:
    path.write_text("not to be lost\n")


def _another_tensor(path: Path) -> None:
    path.write_bytes(onnx.helper.make_tensor("weights", onnx.TensorProto.FLOAT, [1], [1.0]).SerializeToString())


def _a_pipe(path: Path) -> None:
    os.mkfifo(path)


def _a_folder(path: Path) -> None:
    path.mkdir()


def _a_link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/full")


def _state(folder: Path) -> dict[str, object]:
    return {p.name: p.read_bytes() if p.is_file() else os.lstat(p).st_mode for p in folder.iterdir()}


@pytest.fixture(params=WRITERS)
def writer(request, tmp_path):
    if request.param in ("plot", "drawing", "page"):
        pytest.importorskip("matplotlib")
    _query(tmp_path)
    (tmp_path / "out").mkdir()
    words, names = WRITERS[request.param]
    return words(tmp_path), [tmp_path / "out" / name for name in names]


@pytest.mark.parametrize("other", [_a_model, _a_note, _another_tensor, _a_pipe, _a_folder, _a_link_to_a_device])
def test_nothing_else_is_replaced(writer, run, other):
    words, paths = writer
    other(paths[-1])
    before = _state(paths[0].parent)
    result = run(*words)
    assert (result.code, result.out) == (2, "")
    assert str(paths[-1]) in result.err
    assert _state(paths[0].parent) == before


@contextlib.contextmanager
def _room(size: int) -> Iterator[None]:
    """Files end at this size, as on a full disk."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python itself would keep bytecode cut short.
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sys.dont_write_bytecode = kept


def test_files_are_complete_and_a_full_disk_leaves_what_was_there(writer, run):
    words, paths = writer
    for there in (False, True):
        before = _state(paths[0].parent)
        with _room(4):
            result = run(*words)
        # The answer is there, but where the file is the answer; a missing certificate is a part of it.
        assert result.out != "" or words[0] == "encode"
        assert result.code == (0 if "--certificate" in words else 2)
        assert "Traceback" not in result.err
        assert _state(paths[0].parent) == before
        if not there:
            assert not run(*words).err.startswith("error")
            assert sorted(paths[0].parent.iterdir()) == sorted(paths)
            assert all(p.stat().st_size > 100 for p in paths if p.suffix != ".pb")
    # A file of its own kind may be replaced.
    assert words[0] == "maxeps" or not run(*words).err.startswith("error")


def test_a_probe_of_a_folder_touches_no_file(tmp_path, run):
    _query(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    for name in (".verdict", ".verdict-probe"):
        _a_note(out / name)
    run(*WRITERS["tensors"][0](tmp_path))
    run(*WRITERS["save"][0](tmp_path))
    assert all((out / name).read_text() == "not to be lost\n" for name in (".verdict", ".verdict-probe"))
