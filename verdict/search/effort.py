"""What a search may take and whom it tells: its clock, its threads, its device, its options, and a listener."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..base.deadline import Deadline
from ..base.device import CPU, Device
from .options import DEFAULTS, SearchOptions


@dataclass(frozen=True, eq=False, repr=False)
class Effort:
    """`report` hears the name of each stage; attacks and better bounds are looked for on `device`."""

    deadline: Deadline
    threads: int = 1
    device: Device = CPU
    report: Callable[[str], object] = lambda stage: None
    options: SearchOptions = DEFAULTS
