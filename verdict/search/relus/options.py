"""The one table of what the searches over splits of neurons can be told: sizes, steps, and when to do what.

The numbers are measured; no answer depends on them, only how soon it comes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReluOptions:
    """For `ReluSplit`, its `Space` and what works in it."""

    batch: int = 256
    """Domains bounded at once by one worker on the CPU."""
    device_batch: int = 4096
    """The same on other devices."""
    root_steps: int = 30
    """Gradient steps at the root."""
    steps: int = 12
    """Gradient steps after each split."""
    trials: int = 4
    """Neurons tried before each split."""
    looked_at: int = 8
    """Minimisers looked at in each batch as candidates for a counterexample."""
    attack_after: int = 500
    """After so many domains the attack is tried again from them, and then after four times as many."""
    few: int = 10
    """With at most so many unstable neurons the search goes on behind a region that touches the unsafe set: a tie is
    often on the edge of one region and inside another."""
    few_rows: int = 16
    """Of polytopes with at most so many rows the best row is chosen anew for every domain."""
    programs: bool = True
    """Whether linear programs are tried before every neuron is split."""
    most_open: int = 2**27
    """Numbers in the open domains (9 bytes for each unstable neuron of a domain), about 1.2 GB."""
    most_reduced: int = 2**25
    """The most numbers that the affine forms of one node may take in a reduced network (256 MiB in float64)."""
    least_widening: float = 1.0
    """Seconds that making room for float32 may take, for a certificate."""
    widening_share: float = 0.15
    """Its share of what the search took, where that is more."""
    ample: float = 8.0
    """How many times what float32 takes from a leaf's own multipliers it has to spare: bounds of hidden neurons are
    looser in float32 too."""
