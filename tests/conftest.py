"""Every device that is there: NumPy always, PyTorch where it is installed, a GPU where one is found."""

from __future__ import annotations

import time

import pytest

from verdict.base import blas

# As in a process of Verdict's own, before anything loads NumPy.
blas.for_this_process()

from verdict.base.deadline import Deadline  # noqa: E402
from verdict.base.device import Device, find_device  # noqa: E402
from verdict.base.errors import InputError  # noqa: E402


def _find(name: str) -> Device:
    try:
        return find_device(name)
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["cpu", "torch", "cuda"])
def device(request: pytest.FixtureRequest) -> Device:
    return _find(request.param)


@pytest.fixture
def processor_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time limits count what this process works, so that other work on the machine takes nothing of them."""
    monkeypatch.setattr(Deadline, "clock", staticmethod(time.process_time))


@pytest.fixture(params=["torch", "cuda"])
def other(request: pytest.FixtureRequest) -> Device:
    """A device other than NumPy's."""
    return _find(request.param)
