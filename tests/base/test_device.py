"""Devices: moving arrays there and back, the helpers that hide a library, and what is missing said in one line."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from verdict.base.device import CPU, Device, find_device
from verdict.base.errors import InputError
from verdict.network.maps.namespace import (
    Constant,
    cast,
    float_info,
    namespace,
    negative,
    next_above,
    next_below,
    positive,
    segment_maximum,
    zeros_like_shape,
)

VALUES = np.array([[-2.5, 0.0, 1e-310, 3.0], [np.inf, -np.inf, -1.0, 7.0]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int8, bool])
def test_there_and_back(device: Device, dtype: type) -> None:
    values = np.arange(6).reshape(2, 3).astype(dtype)
    values.setflags(write=False)
    back = device.fetch(device.put(values))
    assert back.dtype == values.dtype
    assert (back == values).all()


def test_elsewhere_is_a_copy_without_gradients(other: Device) -> None:
    values = np.zeros(3)
    there = other.put(values)
    there += 1
    assert (values == 0).all()
    assert not there.requires_grad
    assert not other.is_rigorous


def test_the_cpu_is_numpy_and_costs_nothing() -> None:
    values = np.zeros(3)
    assert find_device("cpu") is CPU
    assert CPU.put(values) is values
    assert CPU.fetch(values) is values
    assert CPU.is_rigorous


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_next_floats(device: Device, dtype: type) -> None:
    values = np.array([-1.0, 0.0, 1.0, 3e38], dtype=dtype)
    there = device.put(values)
    assert (device.fetch(next_above(there)) == np.nextafter(values, dtype(np.inf))).all()
    assert (device.fetch(next_below(there)) == np.nextafter(values, dtype(-np.inf))).all()


def test_parts(device: Device) -> None:
    there = device.put(VALUES)
    assert (device.fetch(positive(there)) == np.maximum(VALUES, 0)).all()
    assert (device.fetch(negative(there)) == np.minimum(VALUES, 0)).all()
    assert np.isnan(device.fetch(positive(device.put(np.array([np.nan]))))).all()


def test_types(device: Device) -> None:
    there = device.put(np.array([1.5, 2.5]))
    for name in ("float32", np.float32, np.dtype("float32"), cast(there, np.float32).dtype):
        assert device.fetch(cast(there, name)).dtype == np.float32
    assert cast(there, there.dtype) is not there
    assert zeros_like_shape(cast(there, "float32"), (2, 0)).dtype == cast(there, "float32").dtype
    assert float_info(there.dtype).eps == 2.0**-52
    assert float_info(cast(there, "float32").dtype).eps == 2.0**-23


def test_segment_maximum(device: Device) -> None:
    starts = np.array([0, 1, 3])
    expected = np.array([[-2.5, 1e-310, 3.0], [np.inf, -1.0, 7.0]])
    assert (device.fetch(segment_maximum(device.put(VALUES), starts)) == expected).all()


def test_positions(device: Device) -> None:
    positions = Constant(np.array([3, 0, -1]))
    there = device.put(VALUES)
    assert (device.fetch(there[..., positions.like(there)]) == VALUES[..., [3, 0, 3]]).all()
    assert positions.like(there) is positions.like(there)
    assert namespace(there) is namespace(positions.like(there))


def test_unknown_name() -> None:
    with pytest.raises(InputError, match="device 'tpu' is not one of cpu, cuda"):
        find_device("tpu")


@pytest.mark.parametrize("missing", ["torch", "array_api_compat"])
def test_missing_extra(missing: str) -> None:
    # In a process of its own, since importing PyTorch only half would stay.
    code = f"""
import sys
sys.modules[{missing!r}] = None
from verdict.base.device import find_device
from verdict.base.errors import InputError
assert find_device("cpu").name == "cpu"
try:
    find_device("cuda")
except InputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "--device cuda needs PyTorch: pip install 'verdict-nn[gpu]'"


def test_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("array_api_compat")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="no CUDA device was found"):
        find_device("cuda")
