"""Native code's words do not reach standard output; everybody else's do."""

import ctypes
import os

import pytest

from verdict.solvers.silence import silence


def test_only_the_block_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    library = ctypes.CDLL(None)
    print("before")
    with silence():
        os.write(1, b"a descriptor\n")
        library.puts(b"C's buffer")
    print("after")
    assert capfd.readouterr().out == "before\nafter\n"


def test_the_descriptor_comes_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), silence():
        raise KeyError
    os.write(1, b"here\n")
    assert capfd.readouterr().out == "here\n"
