"""What a search works with, whatever it looks for: threads, a device, and its options."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..base.device import CPU, Device
from ..base.workers import Workers
from .options import DEFAULTS, SearchOptions


@dataclass(frozen=True, eq=False)
class Means:
    """Batches go to `workers`; multipliers, splits and other hints are looked for on `device`."""

    workers: Workers = field(default_factory=lambda: Workers(1))
    device: Device = CPU
    options: SearchOptions = DEFAULTS
