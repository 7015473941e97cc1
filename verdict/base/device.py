"""Where arrays live: NumPy on the CPU, or PyTorch on a GPU when asked for.

The bounds, the attack and the linear maps compute on whatever device their arguments are on; a `Device` only moves
arrays there and back. **What a device other than the CPU computes is a hint**: a GPU's libraries promise nothing
about how they add, so every bound that counts is established anew in float64 NumPy, as docs/backends.md shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .arguments import word
from .errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# `torch` is PyTorch on the CPU, for tests and for finding faults without a GPU.
DEVICES = ("cpu", "cuda", "torch")


@dataclass(frozen=True)
class Device:
    """A place for arrays. Get one from `find_device`, or use `CPU`."""

    name: str
    # PyTorch and its own name of the device; NumPy has neither.
    _torch: Any = field(default=None, repr=False, compare=False)
    _place: str = field(default="", repr=False, compare=False)

    @property
    def is_rigorous(self) -> bool:
        """Whether a bound computed here, with its rounding charged, is a proof: in NumPy only."""
        return self._torch is None

    def put(self, values: npt.NDArray[Any]) -> Any:
        """A NumPy array on this device, in the same type: `values` itself on the CPU, else a copy.

        The copy takes no part in automatic differentiation.
        """
        if self._torch is None:
            return values
        # A copy even where memory is shared: arrays here may be read-only or changed later.
        return self._torch.asarray(values.copy(), device=self._place)

    def fetch(self, values: Any) -> npt.NDArray[Any]:
        """An array of this device as a NumPy array."""
        if self._torch is None:
            return values  # type: ignore[no-any-return]
        result: npt.NDArray[np.float64] = values.cpu().numpy()
        return result


CPU = Device("cpu")


def find_device(name: str) -> Device:
    """The device called cpu, cuda or torch. Raises InputError where it is not to be had."""
    if word(name, "device") not in DEVICES:
        raise InputError(f"device {name!r} is not one of cpu, cuda")
    if name == "cpu":
        return CPU
    try:
        import array_api_compat.torch  # noqa: F401
        import torch
    except (ImportError, OSError) as error:
        message = f"--device {name} needs PyTorch: pip install 'verdict-nn[gpu]'"
        raise InputError(message) from error
    if name == "torch":
        return Device(name, torch, "cpu")
    if not torch.cuda.is_available():
        raise InputError("no CUDA device was found (--device cuda)")
    return Device(name, torch, "cuda")
