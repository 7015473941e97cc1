"""What a certificate may replace, and two runs that write the same one."""

import os
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import pytest

import verdict
from verdict.base import writing
from verdict.base.errors import InputError
from verdict.base.writing import Place, begins, publish, sealed, sealed_place, temporary
from verdict.certificate.places import certificate_place, float32_path, prepare
from verdict.property.language import sets

CENTER = [0.125, 0.875]


def _robust(path, eps="1/16", network="xor"):
    return verdict.robust(network, CENTER, eps, certificate=path)


def _a_model(path):
    path.write_bytes(verdict.load("xor").data)


def _a_query(path):
    path.write_text("(declare-const X_0 Real)\n")


def _a_zip_of_something_else(path):
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", '{"format": "something else"}')


def _a_folder(path):
    path.mkdir()


def _a_pipe(path):
    os.mkfifo(path)


def _a_link_to_a_model(path):
    _a_model(path.with_name("model.onnx"))
    path.symlink_to("model.onnx")


def _a_link_to_a_device(path):
    path.symlink_to("/dev/full")


OTHERS = [_a_model, _a_query, _a_zip_of_something_else, _a_folder, _a_pipe, _a_link_to_a_model, _a_link_to_a_device]


@pytest.mark.skipif(os.name == "nt", reason="pipes, links and devices of POSIX")
@pytest.mark.parametrize("make", OTHERS)
@pytest.mark.parametrize("name", ["c.vcert", "c.vcert.onnx", "c.vcert.vnnlib", "c-float32.vcert"])
def test_nothing_else_is_replaced(tmp_path, make, name):
    make(tmp_path / name)
    before = [(p.name, p.lstat().st_ino) for p in sorted(tmp_path.iterdir())]
    for ask in (
        lambda: prepare(tmp_path / "c.vcert", query=True, network=True, float32=True),
        lambda: publish([(each, part) for each, part in _all_places(tmp_path / "c.vcert")]),
    ):
        with pytest.raises(InputError, match="cannot be written"):
            ask()
        assert [(p.name, p.lstat().st_ino) for p in sorted(tmp_path.iterdir()) if p.suffix != ".part"] == before


def _all_places(path):
    from verdict.certificate.places import network_place, query_place

    for number, place in enumerate([network_place(path), query_place(path), certificate_place(float32_path(path)),
                                    certificate_place(path)]):
        part = path.with_name(f"{number}.part")
        part.write_bytes(b"new")
        yield place, part


def test_a_refusal_costs_no_search(tmp_path, monkeypatch):
    _a_model(tmp_path / "c.vcert")
    monkeypatch.setattr("verdict.search.decide.decide", lambda *words: pytest.fail("it was searched"))
    with pytest.raises(InputError, match="only a certificate is ever replaced"):
        _robust(tmp_path / "c.vcert")


def test_what_belongs_to_the_older_certificate_is_replaced_with_it(tmp_path):
    path = tmp_path / "c.vcert"
    for eps in ("1/16", "1/32"):
        x, y = verdict.variables("xor")
        asked = sets.box(x, [0, "0.6"], [eps, 1])
        made = verdict.prove("xor", y[1] > y[0], asked, certificate=path).certificate
        assert made.accepted
        assert made.query == Path(f"{path}.vnnlib")
        assert verdict.check(path, verdict.load("xor"), made.query).accepted
    # A query that somebody has changed is no longer that of the certificate.
    Path(f"{path}.vnnlib").write_text("; mine\n" + Path(f"{path}.vnnlib").read_text())
    with pytest.raises(InputError, match=r"c.vcert.vnnlib: cannot be written"):
        verdict.prove("xor", y[1] > y[0], asked, certificate=path)


def test_a_query_that_is_left_over_is_replaced(tmp_path):
    """Another certificate without a query has taken the place of the one that it belonged to."""
    path, (x, y) = tmp_path / "c.vcert", verdict.variables("xor")
    asked = sets.box(x, [0, "0.6"], ["1/16", 1])
    assert verdict.prove("xor", y[1] > y[0], asked, certificate=path).certificate.accepted
    assert _robust(path).certificate.query is None
    made = verdict.prove("xor", y[1] > y[0] + Fraction(1, 64), asked, certificate=path).certificate
    assert verdict.check(path, verdict.load("xor"), made.query).accepted
    assert _robust(path).certificate.accepted
    made.query.write_text(made.query.read_text() + "; mine\n")
    with pytest.raises(InputError, match=r"c.vcert.vnnlib: cannot be written"):
        verdict.prove("xor", y[1] > y[0], asked, certificate=path)


def test_a_network_that_is_left_over_is_replaced(tmp_path):
    """The same of a composed one; what somebody has changed, even by a note in its metadata, stays."""
    import onnx

    path, around = tmp_path / "c.vcert", verdict.region("xor", CENTER, "1/64")
    asked = [lambda: verdict.general("xor", around, "1/64", lead="1/8", certificate=path),
             lambda: verdict.imitates("xor", "xor", around, delta="1/8", certificate=path)]
    first = asked[0]().certificate
    assert first.accepted
    assert _robust(path).certificate.accepted
    second = asked[1]().certificate
    assert second.network == first.network
    assert verdict.check(path, second.network, second.query).accepted
    assert _robust(path).certificate.accepted
    changed = onnx.load(second.network)
    changed.metadata_props.add(key="mine", value="a note")
    onnx.save(changed, second.network)
    with pytest.raises(InputError, match=r"c.vcert.onnx: cannot be written"):
        asked[0]()


def test_a_question_without_a_certificate_leaves_no_query(tmp_path):
    x, y = verdict.variables("xor")
    answer = verdict.prove("xor", y[1] > y[0], sets.box(x, 0, 1), certificate=tmp_path / "c.vcert")
    assert answer.status == "violated"
    assert list(tmp_path.iterdir()) == []


def test_a_query_is_replaced_only_as_it_was_written(tmp_path):
    path = tmp_path / "q.vnnlib"
    sealed_place(path).write(sealed("(assert)\n").encode())
    sealed_place(path).write(sealed("(assert) (assert)\n").encode())
    path.write_text(path.read_text() + "; mine\n")
    with pytest.raises(InputError, match="nobody has changed"):
        sealed_place(path).write(b"")


def test_two_runs_at_once_each_with_its_own_bytes(tmp_path):
    """Many runs write two files under the same names: in the end both are those of one run."""
    names = [Place(tmp_path / name, "", begins(b"run"), "a file of a run") for name in ("a", "b")]

    def run(number):
        for _ in range(20):
            with temporary(tmp_path) as first, temporary(tmp_path) as second:
                for part in (first, second):
                    part.write_bytes(b"run %d" % number)
                publish([(names[0], first), (names[1], second)])

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names[0].path.read_bytes() == names[1].path.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_the_lock_of_a_killed_run_is_not_believed_for_ever(tmp_path, monkeypatch):
    place = Place(tmp_path / "a", "", begins(b"run"), "a file of a run")
    with writing._locked(place):
        (lock,) = tmp_path.iterdir()
    lock.touch()
    monkeypatch.setattr(writing, "PATIENCE", 0.2)
    with temporary(tmp_path) as part, pytest.raises(InputError, match="another run is writing it"):
        publish([(place, part)])
    os.utime(lock, (time.time() - 2 * writing.STALE,) * 2)
    with temporary(tmp_path) as part:
        part.write_bytes(b"run")
        publish([(place, part)])
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_the_file_is_what_was_certified_or_the_run_says_so(tmp_path, monkeypatch):
    """Another program takes the name right after the rename: the answer keeps the trust of its search."""
    path = tmp_path / "c.vcert"
    real = os.replace

    def stolen(source, target):
        real(source, target)
        if Path(target) == path.resolve():
            path.unlink()
            path.write_bytes(b"something else")

    monkeypatch.setattr(writing.os, "replace", stolen)
    answer = _robust(path)
    assert answer.status == "robust"
    assert answer.certificate.path is None
    assert str(answer.trust) != "certified"
    assert "another program has replaced it" in answer.certificate.reason


def test_runs_of_the_command_with_one_name(tmp_path):
    """Two processes, two claims, one name: each says certified of its own claim, and the file is one of them."""
    path = tmp_path / "c.vcert"
    words = [sys.executable, "-m", "verdict", "robust", "xor", "--input", "xor#1", "--certificate", str(path), "--json"]
    runs = [subprocess.Popen([*words, "--eps", eps], stdout=subprocess.PIPE, text=True) for eps in ("0.1", "0.2")]
    for child in runs:
        out, _ = child.communicate(timeout=120)
        assert child.returncode == 0
        assert '"trust": "certified"' in out
    report = verdict.check(path, verdict.load("xor"))
    assert report.accepted
    assert any(str(Fraction(eps)) in report.claim for eps in ("0.1", "0.2"))
    assert [p.name for p in tmp_path.iterdir()] == ["c.vcert"]


def test_a_full_disk_leaves_nothing(tmp_path):
    """Files may have four kilobytes: the certificate of a larger one is not half there, and the answer is."""
    if os.name == "nt":
        pytest.skip("limits of POSIX")
    import resource

    words = [sys.executable, "-m", "verdict", "robust", "digits-mlp", "--input", "digits#3", "--eps", "0.029"]

    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

    # Python itself would keep bytecode cut short.
    done = subprocess.run([*words, "--certificate", str(tmp_path / "c.vcert")], capture_output=True, text=True,
                          preexec_fn=small, timeout=120, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stderr
    assert "robust at eps 0.029" in done.stdout
    assert "cannot be written" in done.stdout
    assert list(tmp_path.iterdir()) == []
