"""Whole processes that do next to nothing: what a user waits for before the work begins."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

from benchmarks import ENVIRONMENT
from benchmarks.clock import Clock
from benchmarks.registry import Case, Instance, Options, Outcome, register

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import verdict": ["-c", "import verdict"],
    "verdict --version": ["-m", "verdict", "--version"],
    "verdict robust digits-mlp": ["-m", "verdict", "robust", "digits-mlp", "--input", "digits#3", "--eps", "0.02"],
    "verdict maxeps xor": ["-m", "verdict", "maxeps", "xor", "--input", "xor#0", "--json"],
}


@register
class Start(Case):
    name = "start"
    idea = "whole processes: import verdict, verdict --version, robust that bounds answer, maxeps on xor"

    def instances(self, options: Options) -> Iterable[Instance]:
        for group in options.choose(tuple(COMMANDS)):
            for number in range(options.repeat or 10):
                yield Instance(group, f"{number}", timeout=options.timeout or 30.0)

    def measure(self, instance: Instance) -> Outcome:
        command = [sys.executable, *COMMANDS[instance.group]]
        with Clock() as clock:
            done = subprocess.run(command, capture_output=True, check=False, timeout=instance.timeout, env=ENVIRONMENT)
        status = "ok" if done.returncode == 0 else f"exit {done.returncode}"
        return Outcome(status, clock.seconds, clock.cpu)
